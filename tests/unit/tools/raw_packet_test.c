// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "raw_packet.h"

static struct raw_ends ends_of(int family)
{
	struct raw_ends e = {.family = (uint8_t)family, .here_port = 4242, .there_port = 40000};

	for (uint8_t i = 0; i < (family == 4 ? 4 : 16); i++) {
		e.here[i] = (uint8_t)(0x10 + i);
		e.there[i] = (uint8_t)(0xa0 + i);
	}
	return e;
}

static struct raw_ends mirror(const struct raw_ends *e)
{
	struct raw_ends m = *e;

	memcpy(m.here, e->there, 16);
	memcpy(m.there, e->here, 16);
	m.here_port = e->there_port;
	m.there_port = e->here_port;
	return m;
}

static const struct raw_segment hello = {
	.flags = RAW_PSH | RAW_ACK,
	.seq = 0xfffffff0,
	.ack = 7,
	.window = 512,
	.data = "hello",
	.len = 5,
};

static void what_one_end_builds_the_other_end_reads(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct raw_ends e = ends_of(family), m = mirror(&e);
		uint8_t packet[RAW_PACKET_MAX];
		struct raw_segment s;
		size_t n = raw_build(&e, &hello, packet);

		assert_int_equal(n, (family == 4 ? 20 : 40) + 20 + 5);
		assert_int_equal(raw_parse(packet, n, &m, &s), 0);
		assert_int_equal(s.flags, hello.flags);
		assert_int_equal(s.seq, hello.seq);
		assert_int_equal(s.ack, 7);
		assert_int_equal(s.window, 512);
		assert_int_equal(s.len, 5);
		assert_memory_equal(s.data, "hello", 5);
	}
}

/* The sum over a header with its checksum in it, and over TCP with its pseudo-header, is all ones. */
static uint16_t sum(const uint8_t *b, size_t n, uint32_t start)
{
	for (size_t i = 0; i < n; i++)
		start += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return (uint16_t)start;
}

static void checksums_are_what_the_kernel_wants(void **state)
{
	uint8_t packet[RAW_PACKET_MAX];
	struct raw_ends e = ends_of(4);
	size_t n = raw_build(&e, &hello, packet);

	(void)state;
	assert_int_equal(sum(packet, 20, 0), 0xffff);
	assert_int_equal(sum(packet + 12, n - 12, 6 + (uint32_t)n - 20), 0xffff);
	n = raw_build_icmp(&e, RAW_PORT_UNREACHABLE, (const uint8_t *)hello.data, 5, packet);
	assert_int_equal(sum(packet + 20, n - 20, 0), 0xffff);
	e = ends_of(6);
	n = raw_build(&e, &hello, packet);
	assert_int_equal(sum(packet + 8, n - 8, 6 + (uint32_t)n - 40), 0xffff);
}

static void an_icmp_error_quotes_what_it_is_about(void **state)
{
	uint8_t about[RAW_PACKET_MAX], packet[RAW_PACKET_MAX];
	struct raw_ends e = ends_of(4), m = mirror(&e);
	size_t n = raw_build(&m, &hello, about), got;

	(void)state;
	got = raw_build_icmp(&e, RAW_HOST_UNREACHABLE, about, n, packet);
	assert_int_equal(got, 20 + 8 + n);
	assert_int_equal(packet[9], 1);
	assert_int_equal(packet[20], 3);
	assert_int_equal(packet[21], 1);
	assert_memory_equal(packet + 28, about, n);
	e = ends_of(6);
	got = raw_build_icmp(&e, RAW_PROHIBITED, about, n, packet);
	assert_int_equal(packet[6], 58);
	assert_int_equal(packet[40], 1);
	assert_int_equal(packet[41], 1);
}

static void what_is_for_somebody_else_is_passed_over(void **state)
{
	struct raw_ends e = ends_of(4), m = mirror(&e), other;
	uint8_t packet[RAW_PACKET_MAX];
	struct raw_segment s;
	size_t n = raw_build(&e, &hello, packet);

	(void)state;
	other = m;
	other.here_port++;
	assert_int_equal(raw_parse(packet, n, &other, &s), -ENOMSG);
	other = m;
	other.there_port++;
	assert_int_equal(raw_parse(packet, n, &other, &s), -ENOMSG);
	other = m;
	other.there[3]++;
	assert_int_equal(raw_parse(packet, n, &other, &s), -ENOMSG);
	other = m;
	other.family = 6;
	assert_int_equal(raw_parse(packet, n, &other, &s), -ENOMSG);
	packet[9] = 17;
	assert_int_equal(raw_parse(packet, n, &m, &s), -ENOMSG);
}

static void a_port_that_is_not_known_is_learned(void **state)
{
	struct raw_ends e = ends_of(6), m = mirror(&e);
	uint8_t packet[RAW_PACKET_MAX];
	struct raw_segment s;
	size_t n = raw_build(&e, &hello, packet);

	(void)state;
	m.there_port = 0;
	assert_int_equal(raw_parse(packet, n, &m, &s), 0);
	assert_int_equal(m.there_port, 4242);
}

/* A copy that ends where its bytes end: a sanitizer sees the first byte too many. */
static void what_is_cut_off_is_not_read_beyond_its_end(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct raw_ends e = ends_of(family), m = mirror(&e);
		uint8_t packet[RAW_PACKET_MAX];
		size_t n = raw_build(&e, &hello, packet);
		struct raw_segment s;

		for (size_t cut = 0; cut < n; cut++) {
			uint8_t *copy = malloc(cut ? cut : 1);

			assert_non_null(copy);
			memcpy(copy, packet, cut);
			assert_true(raw_parse(copy, cut, &m, &s) < 0);
			free(copy);
		}
	}
}

static void a_header_length_that_lies_is_refused(void **state)
{
	struct raw_ends e = ends_of(4), m = mirror(&e);
	uint8_t packet[RAW_PACKET_MAX];
	struct raw_segment s;
	size_t n = raw_build(&e, &hello, packet);

	(void)state;
	packet[32] = 4 << 4;
	assert_int_equal(raw_parse(packet, n, &m, &s), -EBADMSG);
	packet[32] = 15 << 4;
	assert_int_equal(raw_parse(packet, n, &m, &s), -EBADMSG);
}

static void data_beyond_the_longest_packet_is_left_out(void **state)
{
	static const uint8_t zeros[2 * RAW_PACKET_MAX];
	struct raw_segment s = {.flags = RAW_ACK, .data = zeros, .len = sizeof(zeros)};
	uint8_t packet[RAW_PACKET_MAX];
	struct raw_ends e = ends_of(6);

	(void)state;
	assert_int_equal(raw_build(&e, &s, packet), RAW_PACKET_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_end_builds_the_other_end_reads),
		cmocka_unit_test(checksums_are_what_the_kernel_wants),
		cmocka_unit_test(an_icmp_error_quotes_what_it_is_about),
		cmocka_unit_test(what_is_for_somebody_else_is_passed_over),
		cmocka_unit_test(a_port_that_is_not_known_is_learned),
		cmocka_unit_test(what_is_cut_off_is_not_read_beyond_its_end),
		cmocka_unit_test(a_header_length_that_lies_is_refused),
		cmocka_unit_test(data_beyond_the_longest_packet_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
