// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include <stdio.h>

#include "core/tuple.h"

static struct tuple v4(uint8_t last, uint16_t local, uint16_t peer)
{
	return (struct tuple){
		.family = 4,
		.local = {.addr = {192, 0, 2, last}, .port = local},
		.peer = {.addr = {198, 51, 100, 7}, .port = peer},
	};
}

static struct tuple v6(uint8_t last, uint16_t local, uint16_t peer)
{
	return (struct tuple){
		.family = 6,
		.local = {.addr = {0x20, 0x01, 0x0d, 0xb8, [15] = last}, .port = local},
		.peer = {.addr = {[15] = 1}, .port = peer},
	};
}

/* Every byte that an endpoint or a tuple says something with, one after the other. */
static size_t n_changes(void)
{
	return 1 + 2 * (16 + 2);
}

static struct tuple changed(struct tuple t, size_t i)
{
	struct endpoint *e = i <= 18 ? &t.local : &t.peer;
	size_t at = i ? (i - 1) % 18 : 0;

	if (!i)
		t.family = t.family == 4 ? 6 : 4;
	else if (at < 16)
		e->addr[at] ^= 0x40;
	else
		e->port ^= at == 16 ? 0x4000 : 1;
	return t;
}

static void a_tuple_equals_its_copy_and_nothing_that_differs_in_a_byte(void **state)
{
	struct tuple t[] = {v4(1, 8080, 40000), v6(1, 8080, 40000)};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tuple copy = t[i];

		assert_true(tuple_equal(&t[i], &copy));
		for (size_t c = 0; c < n_changes(); c++) {
			struct tuple other = changed(t[i], c);

			assert_false(tuple_equal(&t[i], &other));
		}
	}
}

static void padding_does_not_count(void **state)
{
	struct tuple a, b, want = v6(1, 8080, 40000);

	(void)state;
	memset(&a, 0x00, sizeof(a));
	memset(&b, 0xff, sizeof(b));
	a.family = b.family = want.family;
	a.local.port = b.local.port = want.local.port;
	a.peer.port = b.peer.port = want.peer.port;
	memcpy(a.local.addr, want.local.addr, 16);
	memcpy(b.local.addr, want.local.addr, 16);
	memcpy(a.peer.addr, want.peer.addr, 16);
	memcpy(b.peer.addr, want.peer.addr, 16);
	assert_true(tuple_equal(&a, &b));
	assert_true(tuple_hash(&a) == tuple_hash(&b));
}

static void a_mirror_swaps_the_ends_and_twice_is_the_tuple_again(void **state)
{
	struct tuple t[] = {v4(1, 8080, 40000), v6(1, 8080, 40000)};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tuple m = tuple_mirror(&t[i]), back = tuple_mirror(&m);

		assert_true(tuple_mirrors(&t[i], &m));
		assert_true(tuple_mirrors(&m, &t[i]));
		assert_false(tuple_equal(&t[i], &m));
		assert_false(tuple_mirrors(&t[i], &t[i]));
		assert_true(tuple_equal(&t[i], &back));
		assert_int_equal(m.local.port, 40000);
		for (size_t c = 0; c < n_changes(); c++) {
			struct tuple other = changed(m, c);

			assert_false(tuple_mirrors(&t[i], &other));
		}
	}
}

static void a_socket_connected_to_itself_is_its_own_mirror(void **state)
{
	struct tuple t = v4(1, 45000, 45000);

	(void)state;
	t.peer = t.local;
	assert_true(tuple_mirrors(&t, &t));
}

static void equal_tuples_have_equal_hashes_and_every_byte_counts(void **state)
{
	struct tuple t = v6(1, 8080, 40000), copy = t, mirror = tuple_mirror(&t);

	(void)state;
	assert_true(tuple_hash(&t) == tuple_hash(&copy));
	assert_true(tuple_hash(&t) != tuple_hash(&mirror));
	for (size_t c = 0; c < n_changes(); c++) {
		struct tuple other = changed(t, c);

		assert_true(tuple_hash(&t) != tuple_hash(&other));
	}
}

/* A busy server: one address and port here, one client, its ports one after the other. */
static void neighbouring_ports_spread_over_the_low_bits(void **state)
{
	enum { BUCKETS = 1024, PER_BUCKET = 16 };
	unsigned *bucket = calloc(BUCKETS, sizeof(*bucket));

	(void)state;
	for (unsigned port = 0; port < BUCKETS * PER_BUCKET; port++) {
		struct tuple t = v4(1, 8080, (uint16_t)(32768 + port));

		bucket[tuple_hash(&t) % BUCKETS]++;
	}
	for (unsigned i = 0; i < BUCKETS; i++)
		assert_true(bucket[i] < 4 * PER_BUCKET);
	free(bucket);
}

static void endpoints_are_written_as_people_write_them(void **state)
{
	static const struct {
		uint8_t family;
		struct endpoint e;
		const char *address, *both;
	} rows[] = {
		{4, {{192, 0, 2, 1}, 80}, "192.0.2.1", "192.0.2.1:80"},
		{4, {{0}, 0}, "0.0.0.0", "0.0.0.0:0"},
		{4, {{255, 255, 255, 255}, 65535}, "255.255.255.255", "255.255.255.255:65535"},
		{6, {{[15] = 1}, 443}, "::1", "[::1]:443"},
		{6, {{0}, 10}, "::", "[::]:10"},
		{6, {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x10}, 9}, "2001:db8::10", "[2001:db8::10]:9"},
	};
	char buf[ENDPOINT_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_string_equal(endpoint_address(rows[i].family, &rows[i].e, buf),
				    rows[i].address);
		assert_string_equal(endpoint_format(rows[i].family, &rows[i].e, buf), rows[i].both);
		assert_ptr_equal(endpoint_format(rows[i].family, &rows[i].e, buf), buf);
	}
}

static void the_longest_endpoint_fits_its_buffer(void **state)
{
	/* inet_ntop writes an address that begins so with dots: the longest there is */
	struct endpoint mapped = {.addr = {[10] = 0xff, 0xff, 255, 255, 255, 255}, .port = 65535},
			full;
	char *buf = malloc(ENDPOINT_STRLEN);

	(void)state;
	memset(&full, 0xff, sizeof(full));
	assert_string_equal(endpoint_format(6, &mapped, buf), "[::ffff:255.255.255.255]:65535");
	assert_string_equal(endpoint_format(6, &full, buf),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	free(buf);
}

/* Groups of every length, and zeros wherever they may stand; now and then with an IPv4 address in it. */
static void ipv6_addresses_are_those_of_inet_ntop(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned n = 0; n < 200000; n++) {
		struct endpoint e = { .port = 1 };
		char buf[ENDPOINT_STRLEN], expected[INET6_ADDRSTRLEN];

		for (unsigned i = 0; i < 8; i++) {
			unsigned group = (seed = seed * 1664525 + 1013904223) >> 16 & 0xffff;

			/* by the bits of n: zero or not, and how long */
			group = n >> i & 1 ? group >> (n >> 8 & 15) : 0;
			e.addr[2 * i] = (uint8_t)(group >> 8);
			e.addr[2 * i + 1] = (uint8_t)group;
		}
		if (n % 7 == 0)
			e.addr[10] = e.addr[11] = 0xff;
		assert_non_null(inet_ntop(AF_INET6, e.addr, expected, sizeof(expected)));
		assert_string_equal(endpoint_address(6, &e, buf), expected);
		assert_int_equal(endpoint_address_put(6, &e, buf), strlen(expected));
	}
}

static void every_byte_of_an_ipv4_address_is_written_as_a_number(void **state)
{
	char buf[ENDPOINT_STRLEN], expected[ENDPOINT_STRLEN];

	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		struct endpoint e = { { (uint8_t)byte, (uint8_t)(byte * 7), 0, (uint8_t)(255 - byte) }, (uint16_t)(byte * 257) };

		snprintf(expected, sizeof(expected), "%u.%u.0.%u", e.addr[0], e.addr[1], e.addr[3]);
		assert_string_equal(endpoint_address(4, &e, buf), expected);
		snprintf(expected, sizeof(expected), "%u.%u.0.%u:%u", e.addr[0], e.addr[1], e.addr[3], e.port);
		assert_string_equal(endpoint_format(4, &e, buf), expected);
	}
}

static void loopback_is_127_and_one_address_of_ipv6(void **state)
{
	struct endpoint any = { .addr = { 127, 9, 9, 9 } }, one = { .addr = { [15] = 1 } };
	struct endpoint here = { .addr = { 126, [15] = 1 } };

	(void)state;
	assert_true(endpoint_is_loopback(4, &any));
	assert_false(endpoint_is_loopback(6, &any));
	assert_true(endpoint_is_loopback(6, &one));
	assert_false(endpoint_is_loopback(4, &one));
	assert_false(endpoint_is_loopback(4, &here));
	assert_false(endpoint_is_loopback(6, &here));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv6_addresses_are_those_of_inet_ntop),
		cmocka_unit_test(every_byte_of_an_ipv4_address_is_written_as_a_number),
		cmocka_unit_test(a_tuple_equals_its_copy_and_nothing_that_differs_in_a_byte),
		cmocka_unit_test(padding_does_not_count),
		cmocka_unit_test(a_mirror_swaps_the_ends_and_twice_is_the_tuple_again),
		cmocka_unit_test(a_socket_connected_to_itself_is_its_own_mirror),
		cmocka_unit_test(equal_tuples_have_equal_hashes_and_every_byte_counts),
		cmocka_unit_test(neighbouring_ports_spread_over_the_low_bits),
		cmocka_unit_test(endpoints_are_written_as_people_write_them),
		cmocka_unit_test(the_longest_endpoint_fits_its_buffer),
		cmocka_unit_test(loopback_is_127_and_one_address_of_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
