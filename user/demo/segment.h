/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* segment: one captured frame -> struct segment. Pure; the bytes are a stranger's. */
#ifndef TCPCLOSE_DEMO_SEGMENT_H
#define TCPCLOSE_DEMO_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

/* Ethernet, IPv6 with a few extension headers, TCP with all its options. */
#define SEGMENT_SNAPLEN 256
#define SEGMENT_NO_SCALE (-1)

/*
 * Decodes an Ethernet frame of which `captured` bytes are there and `wire` were
 * sent. Fills *ret but for mono_ns and conn; window is as on the wire. *scale_ret
 * gets the window scale option of a SYN, SEGMENT_NO_SCALE when there is none.
 *   -ENOMSG   not TCP over IPv4 or IPv6, or a fragment without the TCP header
 *   -EBADMSG  cut off, or a length in it contradicts another
 */
int segment_decode(const uint8_t *frame, size_t captured, size_t wire, struct segment *ret,
		   int *scale_ret);
/* The same of a packet that has no frame around it. */
int segment_decode_bare(const uint8_t *packet, size_t captured, size_t wire, struct segment *ret,
			int *scale_ret);

/* The scales that the last connection's SYNs offered. All zero to begin with. */
struct segment_scales {
	uint8_t family;
	struct endpoint end[2];
	int scale[2];
};
/* Learns from SYNs; multiplies the window of what follows if both ends offered a scale. */
void segment_scale(struct segment_scales *scales, struct segment *segment, int scale);

#endif
