/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "raw_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <string.h>

#define TCP_HEADER 20
#define HOPS       64
/* An ICMP error quotes the header and what identifies the connection; more is allowed. */
#define QUOTE_MAX  128

/* In the order of struct tcphdr; by hand, because that one has bit-fields. */
struct tcp_header {
	uint16_t from, to;
	uint32_t seq, ack;
	uint8_t offset, flags;
	uint16_t window, checksum, urgent;
};
_Static_assert(sizeof(struct tcp_header) == TCP_HEADER, "as on the wire");

static uint32_t sum_add(uint32_t sum, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	return n % 2 ? sum + (uint32_t)(b[n - 1] << 8) : sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint16_t sum_with_pseudo(const struct raw_ends *e, uint8_t protocol, const void *bytes,
				size_t n)
{
	size_t size = e->family == 4 ? 4 : 16;
	uint32_t sum = sum_add(0, e->here, size);

	sum = sum_add(sum, e->there, size) + protocol + (uint32_t)n;
	return sum_fold(sum_add(sum, bytes, n));
}

/* The IP header before n bytes of payload; its length. */
static size_t put_ip(const struct raw_ends *e, uint8_t protocol, size_t n, uint8_t *buf)
{
	struct iphdr v4 = {.version = 4, .ihl = 5, .ttl = HOPS, .protocol = protocol};
	struct ip6_hdr v6 = {0};

	if (e->family == 4) {
		v4.tot_len = htons((uint16_t)(sizeof(v4) + n));
		memcpy(&v4.saddr, e->here, 4);
		memcpy(&v4.daddr, e->there, 4);
		v4.check = sum_fold(sum_add(0, &v4, sizeof(v4)));
		memcpy(buf, &v4, sizeof(v4));
		return sizeof(v4);
	}
	v6.ip6_flow = htonl(6u << 28);
	v6.ip6_plen = htons((uint16_t)n);
	v6.ip6_nxt = protocol;
	v6.ip6_hlim = HOPS;
	memcpy(&v6.ip6_src, e->here, 16);
	memcpy(&v6.ip6_dst, e->there, 16);
	memcpy(buf, &v6, sizeof(v6));
	return sizeof(v6);
}

size_t raw_build(const struct raw_ends *e, const struct raw_segment *s, uint8_t buf[RAW_PACKET_MAX])
{
	size_t ip = e->family == 4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	size_t room = RAW_PACKET_MAX - ip - TCP_HEADER, len = s->len < room ? s->len : room;
	struct tcp_header tcp = {
		.from = htons(e->here_port),
		.to = htons(e->there_port),
		.seq = htonl(s->seq),
		.ack = htonl(s->ack),
		.offset = TCP_HEADER / 4 << 4,
		.flags = s->flags,
		.window = htons(s->window),
	};

	put_ip(e, IPPROTO_TCP, TCP_HEADER + len, buf);
	memcpy(buf + ip, &tcp, sizeof(tcp));
	if (len)
		memcpy(buf + ip + TCP_HEADER, s->data, len);
	tcp.checksum = sum_with_pseudo(e, IPPROTO_TCP, buf + ip, TCP_HEADER + len);
	memcpy(buf + ip, &tcp, sizeof(tcp));
	return ip + TCP_HEADER + len;
}

size_t raw_build_icmp(const struct raw_ends *e, enum raw_icmp what, const uint8_t *packet, size_t n,
		      uint8_t buf[RAW_PACKET_MAX])
{
	static const uint8_t codes[][2] = {
		[RAW_HOST_UNREACHABLE] = {ICMP_HOST_UNREACH, ICMP6_DST_UNREACH_ADDR},
		[RAW_PORT_UNREACHABLE] = {ICMP_PORT_UNREACH, ICMP6_DST_UNREACH_NOPORT},
		[RAW_PROHIBITED] = {ICMP_PKT_FILTERED, ICMP6_DST_UNREACH_ADMIN},
	};
	bool six = e->family == 6;
	size_t quote = n < QUOTE_MAX ? n : QUOTE_MAX, length = 8 + quote;
	size_t ip = put_ip(e, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP, length, buf);
	uint8_t *icmp = buf + ip;
	uint16_t checksum;

	memset(icmp, 0, 8);
	icmp[0] = six ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH;
	icmp[1] = codes[what][six];
	memcpy(icmp + 8, packet, quote);
	checksum = six ? sum_with_pseudo(e, IPPROTO_ICMPV6, icmp, length)
		       : sum_fold(sum_add(0, icmp, length));
	memcpy(icmp + 2, &checksum, sizeof(checksum));
	return ip + length;
}

/* Where the payload begins, and where the packet ends by its own word. */
static int parse_ip(const uint8_t *packet, size_t n, const struct raw_ends *e, size_t *begin,
		    size_t *end)
{
	const struct ip6_hdr *v6 = (const void *)packet;
	const struct iphdr *v4 = (const void *)packet;

	if (e->family == 4) {
		if (n < sizeof(*v4) || v4->version != 4 || v4->protocol != IPPROTO_TCP ||
		    memcmp(&v4->saddr, e->there, 4) || memcmp(&v4->daddr, e->here, 4))
			return -ENOMSG;
		*begin = v4->ihl * 4u;
		*end = ntohs(v4->tot_len);
		return 0;
	}
	if (n < sizeof(*v6) || packet[0] >> 4 != 6 || v6->ip6_nxt != IPPROTO_TCP ||
	    memcmp(&v6->ip6_src, e->there, 16) || memcmp(&v6->ip6_dst, e->here, 16))
		return -ENOMSG;
	*begin = sizeof(*v6);
	*end = sizeof(*v6) + ntohs(v6->ip6_plen);
	return 0;
}

int raw_parse(const uint8_t *packet, size_t n, struct raw_ends *e, struct raw_segment *ret)
{
	struct tcp_header tcp;
	size_t begin, end, header;

	if (parse_ip(packet, n, e, &begin, &end))
		return -ENOMSG;
	if (end > n || begin + TCP_HEADER > end)
		return -EBADMSG;
	memcpy(&tcp, packet + begin, sizeof(tcp));
	header = tcp.offset / 16u * 4;
	if (header < TCP_HEADER || begin + header > end)
		return -EBADMSG;
	if (ntohs(tcp.to) != e->here_port || (e->there_port && ntohs(tcp.from) != e->there_port))
		return -ENOMSG;
	e->there_port = ntohs(tcp.from);
	*ret = (struct raw_segment){
		.flags = tcp.flags,
		.seq = ntohl(tcp.seq),
		.ack = ntohl(tcp.ack),
		.window = ntohs(tcp.window),
		.data = packet + begin + header,
		.len = end - begin - header,
	};
	return 0;
}
