/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "demo/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "demo/segment.h"

#define RING_BYTES (4 << 20)

struct capture {
	pcap_t *pcap;
	int fd;
	void (*segment)(void *ctx, const struct segment *s);
	void *ctx;
	struct segment_scales scales;
	bool bare; /* IP without a frame around it */
	uint64_t real_minus_mono_ns;
};

CLEANUP_DEFINE(capture, struct capture *, capture_close)

/* Before it runs. What of this fails says so by pcap_activate(). */
static void configure(pcap_t *pcap)
{
	pcap_set_snaplen(pcap, SEGMENT_SNAPLEN);
	pcap_set_immediate_mode(pcap, 1);
	pcap_set_buffer_size(pcap, RING_BYTES);
	/* If the library can only do microseconds, the precision says so afterwards. */
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
}

static int set_filter(pcap_t *pcap, uint16_t port)
{
	struct bpf_program program;
	char text[32];
	int r;

	snprintf(text, sizeof(text), "tcp port %u", port);
	if (pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN))
		return -EINVAL;
	r = pcap_setfilter(pcap, &program) ? -EIO : 0;
	pcap_freecode(&program);
	return r;
}

static int activate(pcap_t *pcap, uint16_t port, bool *bare_ret)
{
	char unused[PCAP_ERRBUF_SIZE];
	int r;

	configure(pcap);
	r = pcap_activate(pcap); /* > 0 is a warning */
	if (r == PCAP_ERROR_PERM_DENIED)
		return -EPERM;
	if (r < 0)
		return -EIO;
	*bare_ret = pcap_datalink(pcap) == DLT_RAW;
	if (!*bare_ret && pcap_datalink(pcap) != DLT_EN10MB)
		return -ENOTSUP;
	r = set_filter(pcap, port);
	if (r)
		return r;
	/* Loopback sends everything and receives everything: received is enough. */
	if (!*bare_ret && pcap_setdirection(pcap, PCAP_D_IN))
		return -EIO;
	if (pcap_setnonblock(pcap, 1, unused))
		return -EIO;
	return 0;
}

int capture_open(const char *device, uint16_t port, void (*segment)(void *ctx, const struct segment *s), void *ctx,
		 struct capture **ret, char why[CAPTURE_WHY])
{
	CLEANUP(capture) struct capture *c = calloc(1, sizeof(*c));
	char error[PCAP_ERRBUF_SIZE] = "";
	int r;

	if (!c)
		return -ENOMEM;
	c->segment = segment;
	c->ctx = ctx;
	c->pcap = pcap_create(device, error);
	if (!c->pcap) {
		snprintf(why, CAPTURE_WHY, "%s", error);
		return -ENODEV;
	}
	r = activate(c->pcap, port, &c->bare);
	if (r) {
		snprintf(why, CAPTURE_WHY, "%s",
			 r == -ENOTSUP ? "it carries neither Ethernet nor bare IP here" : pcap_geterr(c->pcap));
		return r;
	}
	c->fd = pcap_get_selectable_fd(c->pcap);
	*ret = TAKE(c);
	return 0;
}

int capture_fd(const struct capture *capture)
{
	return capture->fd;
}

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct capture *c = (struct capture *)user;
	bool nano = pcap_get_tstamp_precision(c->pcap) == PCAP_TSTAMP_PRECISION_NANO;
	struct segment s;
	int scale;

	/* The filter lets through what is no segment only if it is broken: nothing to tell. */
	if ((c->bare ? segment_decode_bare : segment_decode)(bytes, header->caplen, header->len, &s,
							     &scale))
		return;
	segment_scale(&c->scales, &s, scale);
	s.mono_ns = (uint64_t)header->ts.tv_sec * 1000000000 +
		    (uint64_t)header->ts.tv_usec * (nano ? 1 : 1000) - c->real_minus_mono_ns;
	c->segment(c->ctx, &s);
}

int capture_drain(struct capture *capture)
{
	int n;

	/* Each time anew: the wall clock may be set while we run. */
	capture->real_minus_mono_ns = clock_wall_minus_mono_ns();
	do {
		n = pcap_dispatch(capture->pcap, -1, on_packet, (u_char *)capture);
	} while (n > 0);
	return n < 0 ? -EIO : 0;
}

uint64_t capture_dropped(const struct capture *capture)
{
	struct pcap_stat stat = { 0 };

	return pcap_stats(capture->pcap, &stat) ? 0 : stat.ps_drop;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	free(capture);
}
