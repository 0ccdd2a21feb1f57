/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "core/tuple.h"

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

bool endpoint_is_loopback(uint8_t family, const struct endpoint *e)
{
	static const uint8_t one[sizeof(e->addr)] = { [15] = 1 };

	return family == 4 ? e->addr[0] == 127 : !memcmp(e->addr, one, sizeof(one));
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

/* Each byte as it is written in an IPv4 address: dividing takes thrice as long. */
#define UNITS(tens)                                                                                \
	tens "0", tens "1", tens "2", tens "3", tens "4", tens "5", tens "6", tens "7", tens "8", tens "9",
static const char bytes[256][4] = {
	/* clang-format off */
	UNITS("") UNITS("1") UNITS("2") UNITS("3") UNITS("4") UNITS("5") UNITS("6") UNITS("7")
	UNITS("8") UNITS("9") UNITS("10") UNITS("11") UNITS("12") UNITS("13") UNITS("14")
	UNITS("15") UNITS("16") UNITS("17") UNITS("18") UNITS("19") UNITS("20") UNITS("21")
	UNITS("22") UNITS("23") UNITS("24")
	/* clang-format on */
	"250", "251", "252", "253", "254", "255",
};

static char *append_ipv4(char *at, const uint8_t *addr)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		memcpy(at, bytes[addr[i]], sizeof(bytes[0]));
		at += 1 + (addr[i] > 9) + (addr[i] > 99);
	}
	*at = '\0';
	return at;
}

#define GROUPS 8

static unsigned group_at(const uint8_t *addr, unsigned i)
{
	return (unsigned)addr[2 * i] << 8 | addr[2 * i + 1];
}

static char *append_group(char *at, unsigned group)
{
	static const char hex[] = "0123456789abcdef";

	if (group > 0xfff)
		*at++ = hex[group >> 12];
	if (group > 0xff)
		*at++ = hex[group >> 8 & 15];
	if (group > 0xf)
		*at++ = hex[group >> 4 & 15];
	*at++ = hex[group & 15];
	return at;
}

/* The longest run of zero groups, of several the first; returns its length, 0 where none has two. */
static unsigned longest_run(const uint8_t *addr, unsigned *from)
{
	unsigned longest = 1, length = 0;

	for (unsigned i = 0; i < GROUPS; i++) {
		length = group_at(addr, i) ? 0 : length + 1;
		if (length > longest) {
			longest = length;
			*from = i + 1 - length;
		}
	}
	return longest > 1 ? longest : 0;
}

/* As inet_ntop() writes it, which asks printf for each group: six thousand instructions, a whole line has fewer. */
static char *append_ipv6(char *at, const uint8_t *addr)
{
	unsigned from = GROUPS, length = longest_run(addr, &from);

	for (unsigned i = 0; i < GROUPS; i++) {
		if (i - from < length) {
			if (i == from)
				*at++ = ':';
			continue;
		}
		if (i)
			*at++ = ':';
		/* ::192.0.2.1 and ::ffff:192.0.2.1 */
		if (i == 6 && !from && (length == 6 || (length == 5 && group_at(addr, 5) == 0xffff)))
			return append_ipv4(at, addr + 12);
		at = append_group(at, group_at(addr, i));
	}
	if (from + length == GROUPS && length)
		*at++ = ':';
	*at = '\0';
	return at;
}

size_t endpoint_address_put(uint8_t family, const struct endpoint *e, char *buf)
{
	return (size_t)((family == 6 ? append_ipv6(buf, e->addr) : append_ipv4(buf, e->addr)) - buf);
}

const char *endpoint_address(uint8_t family, const struct endpoint *e, char *buf)
{
	endpoint_address_put(family, e, buf);
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
		at = append_ipv6(at, e->addr);
		*at++ = ']';
	} else {
		at = append_ipv4(at, e->addr);
	}
	append_port(at, e->port);
	return buf;
}
