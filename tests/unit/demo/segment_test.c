// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "demo/segment.h"

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

struct frame {
	uint8_t bytes[256];
	size_t n;
};

static void put(struct frame *f, const void *bytes, size_t n)
{
	if (!n)
		return;
	assert_true(f->n + n <= sizeof(f->bytes));
	memcpy(f->bytes + f->n, bytes, n);
	f->n += n;
}

static void put16(struct frame *f, uint16_t v)
{
	put(f, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static void put_ethernet(struct frame *f, uint16_t type)
{
	put(f, (uint8_t[12]){ 0 }, 12);
	put16(f, type);
}

/* 127.0.0.1 -> 127.0.0.2 */
static void put_ipv4(struct frame *f, uint16_t payload)
{
	put_ethernet(f, 0x0800);
	put(f, (uint8_t[]){ 0x45, 0 }, 2);
	put16(f, (uint16_t)(20 + payload));
	put(f, (uint8_t[]){ 0, 1, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2 }, 16);
}

/* ::1 -> ::2 */
static void put_ipv6(struct frame *f, uint16_t payload, uint8_t next)
{
	put_ethernet(f, 0x86dd);
	put(f, (uint8_t[]){ 0x60, 0, 0, 0 }, 4);
	put16(f, payload);
	put(f, (uint8_t[]){ next, 64 }, 2);
	put(f, (uint8_t[16]){ [15] = 1 }, 16);
	put(f, (uint8_t[16]){ [15] = 2 }, 16);
}

static void put_tcp(struct frame *f, uint8_t flags, const uint8_t *options, size_t n)
{
	put16(f, 4242);
	put16(f, 40000);
	put(f, (uint8_t[]){ 0, 0, 1, 0, 0, 0, 2, 0 }, 8);
	put(f, (uint8_t[]){ (uint8_t)((5 + n / 4) << 4), flags }, 2);
	put16(f, 512);
	put(f, (uint8_t[4]){ 0 }, 4);
	put(f, options, n);
}

/* A copy that ends where its bytes end: a sanitizer sees the first byte too many. */
static int decode_part(const struct frame *f, size_t captured, size_t wire, struct segment *s,
		       int *scale)
{
	uint8_t *copy = malloc(captured ? captured : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, f->bytes, captured);
	r = segment_decode(copy, captured, wire, s, scale);
	free(copy);
	return r;
}

static int decode(const struct frame *f, struct segment *s, int *scale)
{
	return decode_part(f, f->n, f->n, s, scale);
}

static struct frame syn_frame(void)
{
	static const uint8_t options[] = { 2, 4, 0xff, 0xd7, 4, 2, 1, 3, 3, 7, 0, 0 };
	struct frame f = { 0 };

	put_ipv4(&f, 20 + sizeof(options));
	put_tcp(&f, SYN, options, sizeof(options));
	return f;
}

static struct frame data_frame(void)
{
	struct frame f = { 0 };

	put_ipv4(&f, 20 + 11);
	put_tcp(&f, ACK | 8, NULL, 0);
	put(&f, "Hi, gopher?", 11);
	return f;
}

static void without_its_frame_it_is_decoded_the_same(void **state)
{
	struct frame f = data_frame();
	struct segment framed, bare;
	int scale;

	(void)state;
	assert_int_equal(decode(&f, &framed, &scale), 0);
	assert_int_equal(segment_decode_bare(f.bytes + 14, f.n - 14, f.n - 14, &bare, &scale), 0);
	assert_memory_equal(&framed, &bare, sizeof(bare));
	assert_int_equal(segment_decode_bare(f.bytes + 14, 0, 0, &bare, &scale), -EBADMSG);
	assert_int_equal(segment_decode_bare((uint8_t[]){ 0x50 }, 1, 1, &bare, &scale), -ENOMSG);
	assert_int_equal(segment_decode_bare(f.bytes + 14, 30, f.n - 14, &bare, &scale), -EBADMSG);
}

static void ipv4_segment_is_decoded(void **state)
{
	struct frame f = data_frame();
	struct segment s;
	int scale = 99;

	(void)state;
	assert_int_equal(decode(&f, &s, &scale), 0);
	assert_int_equal(s.family, 4);
	assert_memory_equal(s.from.addr, ((uint8_t[16]){ 127, 0, 0, 1 }), 16);
	assert_memory_equal(s.to.addr, ((uint8_t[16]){ 127, 0, 0, 2 }), 16);
	assert_int_equal(s.from.port, 4242);
	assert_int_equal(s.to.port, 40000);
	assert_int_equal(s.tcp_flags, ACK | 8);
	assert_int_equal(s.seq, 0x100);
	assert_int_equal(s.ack, 0x200);
	assert_int_equal(s.len, 11);
	assert_int_equal(s.window, 512);
	assert_int_equal(scale, SEGMENT_NO_SCALE);
}

static void ipv6_segment_is_decoded(void **state)
{
	struct frame f = { 0 };
	struct segment s;
	int scale;

	(void)state;
	put_ipv6(&f, 20, 6);
	put_tcp(&f, FIN | ACK, NULL, 0);
	assert_int_equal(decode(&f, &s, &scale), 0);
	assert_int_equal(s.family, 6);
	assert_int_equal(s.from.addr[15], 1);
	assert_int_equal(s.to.addr[15], 2);
	assert_int_equal(s.len, 0);
	assert_int_equal(s.tcp_flags, FIN | ACK);
}

static void ipv6_extension_headers_are_passed_over(void **state)
{
	struct frame f = { 0 };
	struct segment s;
	int scale;

	(void)state;
	put_ipv6(&f, 16 + 8 + 20, 0);
	put(&f, (uint8_t[16]){ 44, 1 }, 16);	/* hop-by-hop of 16 bytes, then a fragment header */
	put(&f, (uint8_t[8]){ 6, 0, 0, 1 }, 8); /* the first fragment */
	put_tcp(&f, ACK, NULL, 0);
	assert_int_equal(decode(&f, &s, &scale), 0);
	assert_int_equal(s.from.port, 4242);
	f.bytes[14 + 40 + 16 + 3] = 8; /* not the first */
	assert_int_equal(decode(&f, &s, &scale), -ENOMSG);
}

static void window_scale_of_a_syn_is_found(void **state)
{
	struct frame f = syn_frame();
	struct segment s;
	int scale;

	(void)state;
	assert_int_equal(decode(&f, &s, &scale), 0);
	assert_int_equal(scale, 7);
	f.bytes[14 + 20 + 20 + 9] = 200; /* RFC 7323: as 14 */
	assert_int_equal(decode(&f, &s, &scale), 0);
	assert_int_equal(scale, 14);
	f.bytes[14 + 20 + 13] = ACK; /* outside of a SYN the option means nothing */
	assert_int_equal(decode(&f, &s, &scale), 0);
	assert_int_equal(scale, SEGMENT_NO_SCALE);
}

static void hostile_options_end_the_search(void **state)
{
	static const uint8_t options[][8] = {
		{ 3, 0, 7 },
		{ 3, 1, 7 },
		{ 3, 9, 7 },
		{ 1, 1, 1, 1, 1, 1, 1, 3 },
		{ 2, 255, 3, 3, 7 },
		{ 0, 3, 3, 7 },
		{ 1, 1, 1, 1, 1, 1, 3, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct frame f = { 0 };
		struct segment s;
		int scale = 99;

		put_ipv4(&f, 28);
		put_tcp(&f, SYN, options[i], 8);
		assert_int_equal(decode(&f, &s, &scale), 0);
		assert_int_equal(scale, SEGMENT_NO_SCALE);
	}
}

static void every_truncation_of_the_headers_is_refused(void **state)
{
	struct frame frames[3] = { syn_frame(), data_frame() };
	size_t headers[] = { 14 + 20 + 32, 14 + 20 + 20, 14 + 40 + 8 + 20 };

	(void)state;
	put_ipv6(&frames[2], 28, 60);
	put(&frames[2], (uint8_t[8]){ 6 }, 8);
	put_tcp(&frames[2], RST, NULL, 0);
	for (size_t i = 0; i < 3; i++)
		for (size_t n = 0; n < headers[i]; n++) {
			struct segment s = { .len = 77 };
			int scale = 99;

			assert_int_equal(decode_part(&frames[i], n, frames[i].n, &s, &scale),
					 -EBADMSG);
			assert_int_equal(s.len, 77);
			assert_int_equal(scale, 99);
		}
}

static void data_that_was_not_captured_still_counts(void **state)
{
	struct frame f = data_frame();
	struct segment s;
	int scale;

	(void)state;
	assert_int_equal(decode_part(&f, 54, f.n, &s, &scale), 0);
	assert_int_equal(s.len, 11);
}

static void padding_behind_the_packet_is_no_data(void **state)
{
	struct frame f = { 0 };
	struct segment s;
	int scale;

	(void)state;
	put_ipv4(&f, 20);
	put_tcp(&f, ACK, NULL, 0);
	put(&f, (uint8_t[6]){ 0 }, 6);
	assert_int_equal(decode(&f, &s, &scale), 0);
	assert_int_equal(s.len, 0);
}

static void segment_too_large_for_its_length_field_takes_the_frame(void **state)
{
	struct frame f = data_frame();
	struct segment s;
	int scale;

	(void)state;
	f.bytes[16] = f.bytes[17] = 0;
	assert_int_equal(decode_part(&f, f.n, 14 + 20 + 20 + 100000, &s, &scale), 0);
	assert_int_equal(s.len, 100000);
}

static void lengths_that_contradict_each_other_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{ 14, 0x44 },		/* a header shorter than a header */
		{ 14, 0x4f },		/* longer than the packet's own total */
		{ 14, 0x65 },		/* version 6 under an IPv4 type */
		{ 16, 0xff },		/* more than the frame */
		{ 17, 10 },		/* less than the header */
		{ 17, 30 },		/* ends within the TCP header */
		{ 14 + 20 + 12, 0x40 }, /* TCP header shorter than one */
		{ 14 + 20 + 12, 0xf0 }, /* longer than what is there */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct frame f = data_frame();
		struct segment s;
		int scale;

		f.bytes[bad[i].at] = bad[i].value;
		assert_int_equal(decode(&f, &s, &scale), -EBADMSG);
	}
}

static void more_captured_than_sent_is_refused(void **state)
{
	struct frame f = data_frame();
	struct segment s;
	int scale;

	(void)state;
	assert_int_equal(decode_part(&f, f.n, f.n - 1, &s, &scale), -EBADMSG);
}

static void what_is_not_tcp_is_passed_over(void **state)
{
	struct frame arp = { 0 }, udp = data_frame(), fragment = data_frame(), udp6 = { 0 },
		     endless = { 0 };
	struct segment s;
	int scale;

	(void)state;
	put_ethernet(&arp, 0x0806);
	put(&arp, (uint8_t[46]){ 0 }, 46);
	udp.bytes[14 + 9] = 17;
	fragment.bytes[14 + 7] = 5;
	put_ipv6(&udp6, 20, 17);
	put(&udp6, (uint8_t[20]){ 0 }, 20);
	put_ipv6(&endless, 160, 0);
	put(&endless, (uint8_t[160]){ 0 }, 160); /* hop-by-hop after hop-by-hop */
	assert_int_equal(decode(&arp, &s, &scale), -ENOMSG);
	assert_int_equal(decode(&udp, &s, &scale), -ENOMSG);
	assert_int_equal(decode(&fragment, &s, &scale), -ENOMSG);
	assert_int_equal(decode(&udp6, &s, &scale), -ENOMSG);
	assert_int_equal(decode(&endless, &s, &scale), -ENOMSG);
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Frames that were good once: random bytes alone would not get past the first checks. */
static void no_corruption_reads_outside_or_promises_more_than_was_sent(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct frame f = i & 1 ? syn_frame() : data_frame();
		size_t captured = next_random(&x) % (f.n + 1),
		       wire = captured + next_random(&x) % 64;
		struct segment s = { 0 };
		int scale;

		if (i % 3 == 0) {
			f.n = 0;
			put_ipv6(&f, 60, 0);
			put(&f, (uint8_t[60]){ 60, 0 }, 60);
			captured = f.n;
			wire = f.n;
		}
		for (int k = 0; k < 4; k++)
			f.bytes[12 + next_random(&x) % (f.n - 12)] = (uint8_t)next_random(&x);
		if (!decode_part(&f, captured, wire, &s, &scale)) {
			assert_true(s.len <= wire);
			assert_in_range(scale + 1, 0, 15);
		}
	}
}

static struct segment seen(bool from_server, uint8_t flags)
{
	struct endpoint server = { .addr = { 127, 0, 0, 1 }, .port = 4242 };
	struct endpoint client = { .addr = { 127, 0, 0, 1 }, .port = 40000 };

	return (struct segment){
		.family = 4,
		.from = from_server ? server : client,
		.to = from_server ? client : server,
		.tcp_flags = flags,
		.window = 512,
	};
}

static uint32_t window_after(struct segment_scales *scales, bool from_server, uint8_t flags,
			     int scale)
{
	struct segment s = seen(from_server, flags);

	segment_scale(scales, &s, scale);
	return s.window;
}

static void windows_are_scaled_once_both_syns_offered_it(void **state)
{
	struct segment_scales scales = { 0 };

	(void)state;
	assert_int_equal(window_after(&scales, false, SYN, 7), 512);
	assert_int_equal(window_after(&scales, true, SYN | ACK, 3), 512);
	assert_int_equal(window_after(&scales, false, ACK, SEGMENT_NO_SCALE), 512 << 7);
	assert_int_equal(window_after(&scales, true, ACK, SEGMENT_NO_SCALE), 512 << 3);
}

static void windows_stay_as_on_the_wire_without_both_offers(void **state)
{
	struct segment_scales scales = { 0 };

	(void)state;
	assert_int_equal(window_after(&scales, false, ACK, SEGMENT_NO_SCALE),
			 512); /* no SYN was seen */
	window_after(&scales, false, SYN, 7);
	assert_int_equal(window_after(&scales, false, ACK, SEGMENT_NO_SCALE), 512);
	window_after(&scales, true, SYN | ACK, SEGMENT_NO_SCALE);
	assert_int_equal(window_after(&scales, false, ACK, SEGMENT_NO_SCALE), 512);
}

static void scales_of_one_connection_do_not_touch_another(void **state)
{
	struct segment_scales scales = { 0 };
	struct segment other = seen(false, ACK);

	(void)state;
	window_after(&scales, false, SYN, 7);
	window_after(&scales, true, SYN | ACK, 7);
	other.from.port = 40001;
	segment_scale(&scales, &other, SEGMENT_NO_SCALE);
	assert_int_equal(other.window, 512);
	other = seen(false, ACK);
	other.family = 6;
	segment_scale(&scales, &other, SEGMENT_NO_SCALE);
	assert_int_equal(other.window, 512);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_segment_is_decoded),
		cmocka_unit_test(without_its_frame_it_is_decoded_the_same),
		cmocka_unit_test(ipv6_segment_is_decoded),
		cmocka_unit_test(ipv6_extension_headers_are_passed_over),
		cmocka_unit_test(window_scale_of_a_syn_is_found),
		cmocka_unit_test(hostile_options_end_the_search),
		cmocka_unit_test(every_truncation_of_the_headers_is_refused),
		cmocka_unit_test(data_that_was_not_captured_still_counts),
		cmocka_unit_test(padding_behind_the_packet_is_no_data),
		cmocka_unit_test(segment_too_large_for_its_length_field_takes_the_frame),
		cmocka_unit_test(lengths_that_contradict_each_other_are_refused),
		cmocka_unit_test(more_captured_than_sent_is_refused),
		cmocka_unit_test(what_is_not_tcp_is_passed_over),
		cmocka_unit_test(no_corruption_reads_outside_or_promises_more_than_was_sent),
		cmocka_unit_test(windows_are_scaled_once_both_syns_offered_it),
		cmocka_unit_test(windows_stay_as_on_the_wire_without_both_offers),
		cmocka_unit_test(scales_of_one_connection_do_not_touch_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
