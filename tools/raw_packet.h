/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* raw_packet: the IP packets of the scripted peer, made and read. Pure. */
#ifndef TCPCLOSE_RAW_PACKET_H
#define TCPCLOSE_RAW_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define RAW_FIN 0x01
#define RAW_SYN 0x02
#define RAW_RST 0x04
#define RAW_PSH 0x08
#define RAW_ACK 0x10

/* Both ends, seen from the scripted peer. Addresses in network order, IPv4 in the first four bytes. */
struct raw_ends {
	uint8_t family; /* 4 or 6 */
	uint8_t here[16], there[16];
	uint16_t here_port, there_port; /* there_port 0 = not known yet */
};

struct raw_segment {
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t window;
	const void *data; /* when read: into the packet */
	size_t len;
};

enum raw_icmp { RAW_HOST_UNREACHABLE, RAW_PORT_UNREACHABLE, RAW_PROHIBITED };

/* The longest that raw_build() and raw_build_icmp() make. */
#define RAW_PACKET_MAX 2048

/*
 * Reads a TCP segment from there to here. -ENOMSG: it is something else, or for
 * somebody else; -EBADMSG: it is cut off. Whose port there is not known gets it.
 */
int raw_parse(const uint8_t *packet, size_t n, struct raw_ends *ends, struct raw_segment *ret);
/* A packet from here to there; its length. Data beyond RAW_PACKET_MAX is left out. */
size_t raw_build(const struct raw_ends *ends, const struct raw_segment *segment,
		 uint8_t buf[RAW_PACKET_MAX]);
/* An ICMP error from here about `packet`, which came from there; its length. */
size_t raw_build_icmp(const struct raw_ends *ends, enum raw_icmp what, const uint8_t *packet,
		      size_t n, uint8_t buf[RAW_PACKET_MAX]);

#endif
