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

static uint64_t endpoint_hash(const struct endpoint *e)
{
	uint64_t words[2];

	memcpy(words, e->addr, sizeof(words));
	return index_mix(words[0] + index_mix(words[1] + e->port));
}

uint64_t tuple_hash(const struct tuple *t)
{
	/* the two ends must not cancel each other out when they are alike */
	return index_mix(endpoint_hash(&t->local) + 3 * endpoint_hash(&t->peer) + t->family);
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
