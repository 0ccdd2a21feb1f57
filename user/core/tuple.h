/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tuple: the two ends of a connection as one socket sees them. */
#ifndef TCPCLOSE_CORE_TUPLE_H
#define TCPCLOSE_CORE_TUPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint {
	uint8_t addr[16]; /* network order; an IPv4 address stands in the first four, the rest zero */
	uint16_t port;    /* host order; 0 = not known (yet) */
};

/*
 * family is what is on the wire: 4 for an AF_INET6 socket that talks to an
 * IPv4-mapped address, so that both ends of one connection compare equal.
 */
struct tuple {
	uint8_t family; /* 4 or 6; 0 = nothing known */
	struct endpoint local;
	struct endpoint peer;
};

/* INET6_ADDRSTRLEN (46), brackets, colon, five digits, NUL */
#define ENDPOINT_STRLEN 56

bool tuple_equal(const struct tuple *a, const struct tuple *b);
/* The same connection seen from the other end? */
bool tuple_mirrors(const struct tuple *a, const struct tuple *b);
struct tuple tuple_mirror(const struct tuple *t);
/* Stable within one run only; equal for equal tuples. */
uint64_t tuple_hash(const struct tuple *t);
/* An address that only ever leads back to its own network namespace. */
bool endpoint_is_loopback(uint8_t family, const struct endpoint *e);
/* "192.0.2.1" or "2001:db8::1" into buf (at least ENDPOINT_STRLEN bytes); returns buf. */
const char *endpoint_address(uint8_t family, const struct endpoint *e, char *buf);
/* The same; returns its length. */
size_t endpoint_address_put(uint8_t family, const struct endpoint *e, char *buf);
/* "192.0.2.1:80" or "[2001:db8::1]:80" into buf (at least ENDPOINT_STRLEN bytes); returns buf. */
const char *endpoint_format(uint8_t family, const struct endpoint *e, char *buf);

#endif
