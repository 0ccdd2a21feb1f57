/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "core/tuple.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "base/index.h"

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

bool tuple_equal(const struct tuple *a, const struct tuple *b)
{
	return a->family == b->family && endpoint_equal(&a->local, &b->local) &&
	       endpoint_equal(&a->peer, &b->peer);
}

bool tuple_mirrors(const struct tuple *a, const struct tuple *b)
{
	return a->family == b->family && endpoint_equal(&a->local, &b->peer) &&
	       endpoint_equal(&a->peer, &b->local);
}

struct tuple tuple_mirror(const struct tuple *t)
{
	return (struct tuple){ .family = t->family, .local = t->peer, .peer = t->local };
}

/* Each part by an odd figure of its own, so that the two ends do not cancel each other out when they are alike. */
uint64_t tuple_hash(const struct tuple *t)
{
	uint64_t local[2], peer[2];
	uint64_t rest = (uint64_t)t->local.port << 32 | (uint64_t)t->peer.port << 8 | t->family;

	memcpy(local, t->local.addr, sizeof(local));
	memcpy(peer, t->peer.addr, sizeof(peer));
	return index_mix(local[0] * UINT64_C(0x9e3779b97f4a7c15) + local[1] * UINT64_C(0xc2b2ae3d27d4eb4f) +
			 peer[0] * UINT64_C(0x165667b19e3779f9) + peer[1] * UINT64_C(0xd6e8feb86659fd93) +
			 rest * UINT64_C(0xa0761d6478bd642f));
}

/* inet_ntop() prints an IPv4 address by printf: too slow for every line. */
static char *append_number(char *at, unsigned n)
{
	if (n >= 100)
		*at++ = (char)('0' + n / 100);
	if (n >= 10)
		*at++ = (char)('0' + n / 10 % 10);
	*at++ = (char)('0' + n % 10);
	return at;
}

static char *append_ipv4(char *at, const uint8_t *addr)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		at = append_number(at, addr[i]);
	}
	*at = '\0';
	return at;
}

const char *endpoint_address(uint8_t family, const struct endpoint *e, char *buf)
{
	if (family != 6)
		append_ipv4(buf, e->addr);
	else if (!inet_ntop(AF_INET6, e->addr, buf, ENDPOINT_STRLEN))
		buf[0] = '\0';
	return buf;
}

static char *append_port(char *at, uint16_t port)
{
	char digits[5];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + port % 10);
	while (port /= 10);
	*at++ = ':';
	while (n)
		*at++ = digits[--n];
	*at = '\0';
	return at;
}

const char *endpoint_format(uint8_t family, const struct endpoint *e, char *buf)
{
	char *at = buf;

	if (family == 6) {
		*at++ = '[';
		endpoint_address(family, e, at);
		at += strlen(at);
		*at++ = ']';
	} else {
		at = append_ipv4(at, e->addr);
	}
	append_port(at, e->port);
	return buf;
}
