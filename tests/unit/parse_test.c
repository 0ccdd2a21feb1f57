// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/verdict.h"
#include "load/session.h"
#include "parse.h"

#define FIELD_MAX 4096
#define CAUSE_BIT(id) (UINT64_C(1) << CAUSE_##id)

static void takes(parse_fn parse, const char *word, void *field)
{
	char why[PARSE_WHY] = "";
	int r = parse(word, field, why);

	if (r)
		fail_msg("'%s' was refused: %s", word, why);
}

/* With a reason, on one line, in the room that there is; the guard behind the room stays as it was. */
static void refuses(parse_fn parse, const char *word)
{
	char why[PARSE_WHY + 8];
	_Alignas(8) char field[FIELD_MAX] = { 0 };

	memset(why, 0x5a, sizeof(why));
	if (parse(word, field, why) != -EINVAL)
		fail_msg("'%s' was taken", word);
	assert_non_null(memchr(why, '\0', PARSE_WHY));
	assert_true(strlen(why) > 3);
	assert_null(strchr(why, '\n'));
	for (size_t i = PARSE_WHY; i < sizeof(why); i++)
		assert_int_equal(why[i], 0x5a);
}

static void refuses_each(parse_fn parse, const char *const *words)
{
	for (; *words; words++)
		refuses(parse, *words);
}

#define REFUSES(parse, ...) refuses_each(parse, (const char *const[]){ __VA_ARGS__, NULL })

/* No list and no number is any of these. */
static void refuses_what_is_no_number(parse_fn parse)
{
	REFUSES(parse, "", " ", "-", "-1", "+1", " 1", "1 ", "1x", "x", "0x10", "1e3", "1\n", "\t1",
		"1.5", "-0", "99999999999999999999", "18446744073709551616", "184467440737095516150",
		"340282366920938463463374607431768211456", "\xd9\xa1", "one");
}

/* "1,2,...,n" */
static char *list_of(unsigned n, char *buf)
{
	char *p = buf;

	for (unsigned i = 1; i <= n; i++)
		p += sprintf(p, "%s%u", i > 1 ? "," : "", i);
	return buf;
}

/* --- numbers --------------------------------------------------------------------------- */

static void a_number_is_digits_within_its_limits(void **state)
{
	uint64_t n = 77;

	(void)state;
	assert_int_equal(parse_number("0", 0, 0, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(parse_number("007", 7, 7, &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(parse_number("18446744073709551615", 0, UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(parse_number("18446744073709551616", 0, UINT64_MAX, &n), -EINVAL);
	assert_int_equal(parse_number("18446744073709551620", 0, UINT64_MAX, &n), -EINVAL);
	assert_int_equal(parse_number("5", 6, 9, &n), -EINVAL);
	assert_int_equal(parse_number("10", 6, 9, &n), -EINVAL);
	assert_int_equal(parse_number("", 0, 9, &n), -EINVAL);
	assert_int_equal(parse_number("-1", 0, UINT64_MAX, &n), -EINVAL);
	assert_true(n == UINT64_MAX);
}

static void a_count_is_1_to_4294967295(void **state)
{
	uint64_t n = 0;

	(void)state;
	takes(parse_count, "1", &n);
	assert_int_equal(n, 1);
	takes(parse_count, "4294967295", &n);
	assert_true(n == UINT32_MAX);
	refuses(parse_count, "0");
	refuses(parse_count, "4294967296");
	refuses_what_is_no_number(parse_count);
}

static void a_ring_has_8_to_1048576_kib(void **state)
{
	uint32_t kib[2] = { 0, 77 };

	(void)state;
	takes(parse_ring, "8", kib);
	assert_int_equal(kib[0], 8);
	takes(parse_ring, "1048576", kib);
	assert_int_equal(kib[0], 1048576);
	assert_int_equal(kib[1], 77);
	refuses(parse_ring, "7");
	refuses(parse_ring, "1048577");
	refuses_what_is_no_number(parse_ring);
}

static void flows_are_16_to_16777216(void **state)
{
	uint32_t n[2] = { 0, 77 };

	(void)state;
	takes(parse_flows, "16", n);
	assert_int_equal(n[0], 16);
	takes(parse_flows, "16777216", n);
	assert_int_equal(n[0], 16777216);
	assert_int_equal(n[1], 77);
	refuses(parse_flows, "15");
	refuses(parse_flows, "16777217");
	refuses_what_is_no_number(parse_flows);
}

/* --- times ------------------------------------------------------------------------------- */

static uint64_t seconds(const char *word)
{
	uint64_t ns = 77;

	takes(parse_seconds, word, &ns);
	return ns;
}

static void seconds_have_fractions_down_to_a_nanosecond(void **state)
{
	(void)state;
	assert_true(seconds("10") == UINT64_C(10000000000));
	assert_true(seconds("0.5") == 500000000);
	assert_true(seconds(".25") == 250000000);
	assert_true(seconds("0.05") == 50000000);
	assert_true(seconds("1.000000001") == 1000000001);
	assert_true(seconds("0.999999999") == 999999999);
	assert_true(seconds("0.100000000") == 100000000);
	assert_true(seconds("0010") == UINT64_C(10000000000));
	assert_true(seconds("31536000") == UINT64_C(31536000000000000));
}

static void seconds_are_no_other_words(void **state)
{
	(void)state;
	REFUSES(parse_seconds, "", " ", "-", "-1", "+1", " 1", "1 ", "0x10", "1e3", ".", "1.", "1..5",
		"1.2.3", "1,5", "1.5s", "1.-5", "1.+5", "1. 5", "-1.5", "+.5", "0.0000000001", "10m",
		"31708800", "100000000000000000000", "1000000000000000.5", "inf", "nan");
}

/* --- lists ----------------------------------------------------------------------------------- */

static void process_ids_are_1_to_4194304(void **state)
{
	struct filter f = { 0 };

	(void)state;
	takes(parse_pids, "1,4194304,77", &f);
	assert_int_equal(f.n_pids, 3);
	assert_int_equal(f.pids[0], 1);
	assert_int_equal(f.pids[1], 4194304);
	assert_int_equal(f.pids[2], 77);
	refuses(parse_pids, "0");
	refuses(parse_pids, "4194305");
	refuses_what_is_no_number(parse_pids);
}

static void a_list_has_one_comma_between_two_items_and_none_elsewhere(void **state)
{
	static const parse_fn lists[] = { parse_pids, parse_ports, parse_local_ports, parse_remote_ports };

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		REFUSES(lists[i], ",", "1,", ",1", "1,,2", "1;2", "1 2", "1, 2", "1:2", "1-2");
	REFUSES(parse_causes, "refused,", ",refused", "refused,,refused");
	REFUSES(parse_hows, "fin,", ",fin", "fin,,rst");
}

static void a_list_holds_64_items_and_no_more(void **state)
{
	struct filter f = { 0 };
	char words[512];

	(void)state;
	takes(parse_pids, list_of(64, words), &f);
	assert_int_equal(f.n_pids, 64);
	assert_int_equal(f.pids[63], 64);
	takes(parse_ports, words, &f);
	takes(parse_local_ports, words, &f);
	takes(parse_remote_ports, words, &f);
	assert_int_equal(f.n_ports, 64);
	assert_int_equal(f.n_local_ports, 64);
	assert_int_equal(f.n_remote_ports, 64);
	list_of(65, words);
	refuses(parse_pids, words);
	refuses(parse_ports, words);
	refuses(parse_local_ports, words);
	refuses(parse_remote_ports, words);
}

static void a_list_that_is_given_twice_grows_up_to_64(void **state)
{
	struct filter f = { 0 };
	char why[PARSE_WHY], words[512];

	(void)state;
	takes(parse_ports, "80", &f);
	takes(parse_ports, "443", &f);
	assert_int_equal(f.n_ports, 2);
	assert_int_equal(f.ports[0], 80);
	assert_int_equal(f.ports[1], 443);
	takes(parse_ports, list_of(62, words), &f);
	assert_int_equal(parse_ports("1", &f, why), -EINVAL);
	assert_int_equal(f.n_ports, 64);
}

static void ports_are_1_to_65535_and_each_list_its_own(void **state)
{
	struct filter f = { 0 };

	(void)state;
	takes(parse_ports, "1,65535", &f);
	takes(parse_local_ports, "22", &f);
	takes(parse_remote_ports, "33,44,55", &f);
	assert_int_equal(f.n_ports, 2);
	assert_int_equal(f.ports[1], 65535);
	assert_int_equal(f.n_local_ports, 1);
	assert_int_equal(f.local_ports[0], 22);
	assert_int_equal(f.n_remote_ports, 3);
	assert_int_equal(f.remote_ports[2], 55);
	refuses(parse_ports, "0");
	refuses(parse_ports, "65536");
	refuses(parse_ports, "http");
	refuses_what_is_no_number(parse_ports);
	refuses_what_is_no_number(parse_local_ports);
	refuses_what_is_no_number(parse_remote_ports);
}

static void an_item_that_is_longer_than_any_is_refused_whole(void **state)
{
	char words[300];

	(void)state;
	for (size_t n = 20; n < sizeof(words) - 1; n++) {
		memset(words, '0', n);
		words[n - 1] = '1';
		words[n] = '\0';
		if (n >= 64)
			refuses(parse_ports, words);
		memset(words, 'a', n);
		refuses(parse_causes, words);
		refuses(parse_hows, words);
	}
}

static void causes_are_named_by_slug(void **state)
{
	uint64_t set = 0;

	(void)state;
	for (int i = 0; i < CAUSE_MAX; i++) {
		set = 0;
		takes(parse_causes, cause_row((enum cause)i)->slug, &set);
		assert_true(set == UINT64_C(1) << i);
	}
	set = 0;
	takes(parse_causes, "peer-reset,refused,peer-reset", &set);
	takes(parse_causes, "unknown", &set);
	assert_true(set == (CAUSE_BIT(PEER_RESET) | CAUSE_BIT(REFUSED) | CAUSE_BIT(UNKNOWN)));
	REFUSES(parse_causes, "", "peer", "peer-reset ", "PEER-RESET", "peer_reset", "0", "all");
}

static void hows_are_four(void **state)
{
	uint32_t set[2] = { 0, 77 };

	(void)state;
	takes(parse_hows, "fin,rst,timeout,silent", set);
	assert_int_equal(set[0], 1 << HOW_FIN | 1 << HOW_RST | 1 << HOW_TIMEOUT | 1 << HOW_SILENT);
	assert_int_equal(set[1], 77);
	REFUSES(parse_hows, "", "FIN", "fi", "fin ", "fin;rst", "reset");
}

/* --- addresses --------------------------------------------------------------------------- */

static struct filter cidr(const char *word)
{
	struct filter f = { .n_pids = 77 };

	memset(f.addr, 0x5a, sizeof(f.addr));
	takes(parse_cidr, word, &f);
	assert_int_equal(f.n_pids, 77);
	return f;
}

static void assert_network(const char *word, int family, int bits, const char *first, size_t n)
{
	struct filter f = cidr(word);
	uint8_t addr[16] = { 0 };

	memcpy(addr, first, n);
	assert_int_equal(f.addr_family, family);
	assert_int_equal(f.addr_bits, bits);
	assert_memory_equal(f.addr, addr, sizeof(addr));
}

static void an_address_is_a_network_of_one(void **state)
{
	(void)state;
	assert_network("192.0.2.1", 4, 32, "\xc0\0\2\1", 4);
	assert_network("0.0.0.0", 4, 32, "", 0);
	assert_network("::1", 6, 128, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_network("2001:db8::", 6, 128, "\x20\1\x0d\xb8", 4);
}

static void a_network_has_a_prefix_behind_a_slash(void **state)
{
	(void)state;
	assert_network("10.0.0.0/8", 4, 8, "\x0a", 1);
	assert_network("10.0.0.0/32", 4, 32, "\x0a", 1);
	assert_network("0.0.0.0/0", 4, 0, "", 0);
	assert_network("2001:db8::/32", 6, 32, "\x20\1\x0d\xb8", 4);
	assert_network("::/0", 6, 0, "", 0);
	assert_network("fe80::1/128", 6, 128, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
}

static void an_address_or_network_is_nothing_else(void **state)
{
	(void)state;
	REFUSES(parse_cidr, "", " ", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
		"10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/8x", "10.0.0.0/8/8", "10.0.0.0/8,11.0.0.0/8",
		"10.0.0.0/99999999999999999999", "::/129", "::/", "10.0.0", "10.0.0.256", "10.0.0.0.0",
		"10,0,0,0", " 10.0.0.1", "10.0.0.1 ", "10.0.0.1:80", "0x0a.0.0.1", "localhost",
		"fe80::1%lo", "[::1]", "1::2::3", ":::",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd");
}

/* --- names, paths, flags ----------------------------------------------------------------------- */

static void a_process_name_has_1_to_15_bytes(void **state)
{
	char comm[17] = "";

	(void)state;
	comm[16] = 77;
	takes(parse_comm, "a", comm);
	assert_string_equal(comm, "a");
	takes(parse_comm, "fifteen--------", comm);
	assert_string_equal(comm, "fifteen--------");
	takes(parse_comm, "a b,c", comm);
	assert_string_equal(comm, "a b,c");
	assert_int_equal(comm[16], 77);
	refuses(parse_comm, "");
	refuses(parse_comm, "sixteen---------");
}

static void a_namespace_is_an_inode_or_a_path(void **state)
{
	uint32_t ino[2] = { 0, 77 };
	struct stat st;

	(void)state;
	takes(parse_netns, "4026531840", ino);
	assert_true(ino[0] == 4026531840U);
	takes(parse_netns, "1", ino);
	takes(parse_netns, "4294967295", ino);
	assert_true(ino[0] == UINT32_MAX);
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	takes(parse_netns, "/proc/self/ns/net", ino);
	assert_true(ino[0] == (uint32_t)st.st_ino);
	assert_int_equal(ino[1], 77);
	REFUSES(parse_netns, "", "0", "-1", "+1", " 1", "4294967296", "/nonexistent/netns");
}

static void a_cgroup_is_a_directory_that_is_there(void **state)
{
	(void)state;
	REFUSES(parse_cgroup, "", "/nonexistent/cgroup", "/proc/self/stat");
}

/* As in a path that a script made up: the answer must fit its room. */
static void a_path_of_any_length_is_answered_in_the_room_there_is(void **state)
{
	char path[5000];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	refuses(parse_netns, path);
	refuses(parse_cgroup, path);
	refuses(parse_cidr, path);
	refuses(parse_comm, path);
	refuses(parse_seconds, path);
	refuses(parse_way, path);
	refuses(parse_closer, path);
	refuses(parse_ports, path);
}

static void ways_and_sides_are_whole_words(void **state)
{
	const char *side = NULL;
	enum way way = WAY_MAX;

	(void)state;
	takes(parse_way, "kprobe", &way);
	assert_int_equal(way, WAY_KPROBE);
	takes(parse_way, "auto", &way);
	assert_int_equal(way, WAY_AUTO);
	takes(parse_closer, "server", &side);
	assert_string_equal(side, "server");
	takes(parse_closer, "client", &side);
	assert_string_equal(side, "client");
	REFUSES(parse_way, "", "cgroup", "tp-btf", "FENTRY", "kprobe,fentry", "client ");
	REFUSES(parse_closer, "", "cgroup", "tp-btf", "FENTRY", "kprobe,fentry", "client ");
}

static void a_string_is_anything_but_nothing(void **state)
{
	const char *s = NULL;

	(void)state;
	takes(parse_string, " ", &s);
	assert_string_equal(s, " ");
	refuses(parse_string, "");
}

static void one_family_excludes_the_other(void **state)
{
	char why[PARSE_WHY];
	uint8_t family = 0;

	(void)state;
	takes(parse_flag_family4, "", &family);
	takes(parse_flag_family4, "", &family);
	assert_int_equal(family, 4);
	assert_int_equal(parse_flag_family6("", &family, why), -EINVAL);
	assert_int_equal(family, 4);
	family = 0;
	takes(parse_flag_family6, "", &family);
	assert_int_equal(family, 6);
	assert_int_equal(parse_flag_family4("", &family, why), -EINVAL);
	assert_int_equal(family, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_digits_within_its_limits),
		cmocka_unit_test(a_count_is_1_to_4294967295),
		cmocka_unit_test(a_ring_has_8_to_1048576_kib),
		cmocka_unit_test(flows_are_16_to_16777216),
		cmocka_unit_test(seconds_have_fractions_down_to_a_nanosecond),
		cmocka_unit_test(seconds_are_no_other_words),
		cmocka_unit_test(process_ids_are_1_to_4194304),
		cmocka_unit_test(a_list_has_one_comma_between_two_items_and_none_elsewhere),
		cmocka_unit_test(a_list_holds_64_items_and_no_more),
		cmocka_unit_test(a_list_that_is_given_twice_grows_up_to_64),
		cmocka_unit_test(ports_are_1_to_65535_and_each_list_its_own),
		cmocka_unit_test(an_item_that_is_longer_than_any_is_refused_whole),
		cmocka_unit_test(causes_are_named_by_slug),
		cmocka_unit_test(hows_are_four),
		cmocka_unit_test(an_address_is_a_network_of_one),
		cmocka_unit_test(a_network_has_a_prefix_behind_a_slash),
		cmocka_unit_test(an_address_or_network_is_nothing_else),
		cmocka_unit_test(a_process_name_has_1_to_15_bytes),
		cmocka_unit_test(a_namespace_is_an_inode_or_a_path),
		cmocka_unit_test(a_cgroup_is_a_directory_that_is_there),
		cmocka_unit_test(a_path_of_any_length_is_answered_in_the_room_there_is),
		cmocka_unit_test(ways_and_sides_are_whole_words),
		cmocka_unit_test(a_string_is_anything_but_nothing),
		cmocka_unit_test(one_family_excludes_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
