/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "demo/segment.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define ETHERNET_BYTES 14
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define IPV6_BYTES 40
#define TCP_BYTES 20
/* More extension headers than anybody sends. */
#define EXTENSIONS_MAX 8
/* RFC 7323: a larger one counts as 14. */
#define SCALE_MAX 14

/* What is left to decode: bytes that are there, and bytes that the headers so far promise. */
struct view {
	const uint8_t *p;
	size_t captured, wire;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* Passes over n bytes, all of which must be there. */
static int skip(struct view *v, size_t n)
{
	if (n > v->captured || n > v->wire)
		return -EBADMSG;
	v->p += n;
	v->captured -= n;
	v->wire -= n;
	return 0;
}

/* A header says how long the rest is; padding behind it is not ours. */
static int limit(struct view *v, size_t n)
{
	if (n > v->wire)
		return -EBADMSG;
	v->wire = n;
	if (v->captured > n)
		v->captured = n;
	return 0;
}

static int decode_ipv4(struct view *v, struct segment *s)
{
	size_t header, total;

	if (v->captured < 20)
		return -EBADMSG;
	header = (size_t)(v->p[0] & 15) * 4;
	total = get16(v->p + 2);
	if (v->p[0] >> 4 != 4 || header < 20)
		return -EBADMSG;
	if (v->p[9] != IPPROTO_TCP || get16(v->p + 6) & 0x1fff)
		return -ENOMSG;
	s->family = 4;
	memcpy(s->from.addr, v->p + 12, 4);
	memcpy(s->to.addr, v->p + 16, 4);
	/* 0: a segment too large to say so, never cut into packets on loopback. */
	if (total && (total < header || limit(v, total)))
		return -EBADMSG;
	return skip(v, header);
}

/* To the TCP header, over what stands before it. */
static int skip_extensions(struct view *v, uint8_t next)
{
	for (int i = 0; i < EXTENSIONS_MAX && next != IPPROTO_TCP; i++) {
		bool fragment = next == IPPROTO_FRAGMENT;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    !fragment)
			return -ENOMSG;
		if (v->captured < 8)
			return -EBADMSG;
		if (fragment && get16(v->p + 2) & 0xfff8)
			return -ENOMSG;
		next = v->p[0];
		if (skip(v, fragment ? 8 : ((size_t)v->p[1] + 1) * 8))
			return -EBADMSG;
	}
	return next == IPPROTO_TCP ? 0 : -ENOMSG;
}

static int decode_ipv6(struct view *v, struct segment *s)
{
	size_t payload;
	uint8_t next;

	if (v->captured < IPV6_BYTES || v->p[0] >> 4 != 6)
		return -EBADMSG;
	payload = get16(v->p + 4);
	next = v->p[6];
	s->family = 6;
	memcpy(s->from.addr, v->p + 8, 16);
	memcpy(s->to.addr, v->p + 24, 16);
	if (skip(v, IPV6_BYTES))
		return -EBADMSG;
	if (payload && limit(v, payload))
		return -EBADMSG;
	return skip_extensions(v, next);
}

static int find_scale(const uint8_t *options, size_t n)
{
	for (size_t i = 0; i < n && options[i] != TCPOPT_EOL;) {
		size_t length = options[i] == TCPOPT_NOP ? 1 : i + 1 < n ? options[i + 1] : 0;

		/* A length that leads nowhere, or out: what stood before was good. */
		if (!length || length > n - i || (options[i] != TCPOPT_NOP && length < 2))
			break;
		if (options[i] == TCPOPT_WINDOW && length == TCPOLEN_WINDOW)
			return options[i + 2] > SCALE_MAX ? SCALE_MAX : options[i + 2];
		i += length;
	}
	return SEGMENT_NO_SCALE;
}

static int decode_tcp(struct view *v, struct segment *s, int *scale_ret)
{
	size_t header;

	if (v->captured < TCP_BYTES)
		return -EBADMSG;
	header = (size_t)(v->p[12] >> 4) * 4;
	if (header < TCP_BYTES || header > v->captured)
		return -EBADMSG;
	s->from.port = get16(v->p);
	s->to.port = get16(v->p + 2);
	s->seq = get32(v->p + 4);
	s->ack = get32(v->p + 8);
	s->tcp_flags = v->p[13];
	s->window = get16(v->p + 14);
	s->len = (uint32_t)(v->wire - header);
	*scale_ret = s->tcp_flags & TH_SYN ? find_scale(v->p + TCP_BYTES, header - TCP_BYTES)
					   : SEGMENT_NO_SCALE;
	return 0;
}

static int decode_ip(struct view *v, bool four, struct segment *ret, int *scale_ret)
{
	struct segment s = { 0 };
	int scale, r;

	r = four ? decode_ipv4(v, &s) : decode_ipv6(v, &s);
	if (!r)
		r = decode_tcp(v, &s, &scale);
	if (r)
		return r;
	*ret = s;
	*scale_ret = scale;
	return 0;
}

int segment_decode(const uint8_t *frame, size_t captured, size_t wire, struct segment *ret,
		   int *scale_ret)
{
	struct view v = { frame, captured, wire };
	uint16_t type;
	int r;

	/* Who says that more was captured than sent has lied about one of them. */
	if (captured < ETHERNET_BYTES || captured > wire)
		return -EBADMSG;
	type = get16(frame + 12);
	if (type != TYPE_IPV4 && type != TYPE_IPV6)
		return -ENOMSG;
	r = skip(&v, ETHERNET_BYTES);
	return r ? r : decode_ip(&v, type == TYPE_IPV4, ret, scale_ret);
}

int segment_decode_bare(const uint8_t *packet, size_t captured, size_t wire, struct segment *ret,
			int *scale_ret)
{
	struct view v = { packet, captured, wire };

	if (!captured || captured > wire)
		return -EBADMSG;
	if (*packet >> 4 != 4 && *packet >> 4 != 6)
		return -ENOMSG;
	return decode_ip(&v, *packet >> 4 == 4, ret, scale_ret);
}

static bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

void segment_scale(struct segment_scales *scales, struct segment *segment, int scale)
{
	bool syn = segment->tcp_flags & TH_SYN;
	int side;

	if (syn && !(segment->tcp_flags & TH_ACK)) {
		*scales = (struct segment_scales){
			.family = segment->family,
			.end = { segment->from, segment->to },
			.scale = { scale, SEGMENT_NO_SCALE },
		};
		return;
	}
	side = !endpoint_same(&segment->from, &scales->end[0]);
	if (segment->family != scales->family ||
	    !endpoint_same(&segment->from, &scales->end[side]) ||
	    !endpoint_same(&segment->to, &scales->end[!side]))
		return;
	if (syn)
		scales->scale[side] = scale;
	else if (scales->scale[0] >= 0 && scales->scale[1] >= 0)
		segment->window <<= scales->scale[side];
}
