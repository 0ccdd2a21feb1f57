// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Addresses, names, paths and flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "load/session.h"
#include "parse_asserts.h"

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

static void an_ipv4_mapped_network_is_the_ipv4_one_that_is_on_the_wire(void **state)
{
	(void)state;
	assert_network("::ffff:192.0.2.1", 4, 32, "\xc0\0\2\1", 4);
	assert_network("::ffff:10.0.0.0/104", 4, 8, "\x0a", 1);
	assert_network("::ffff:0.0.0.0/96", 4, 0, "", 0);
	assert_int_equal(cidr("::ffff:0.0.0.0/95").addr_family, 6);
	assert_int_equal(cidr("::192.0.2.1").addr_family, 6);
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
	REFUSES(parse_netns, "", "0", "-1", "+1", " 1", "4294967296", "/nonexistent/netns", "/",
		"/proc/self/stat", "/proc/self/ns/mnt");
}

static void a_cgroup_is_a_directory_that_is_there(void **state)
{
	(void)state;
	REFUSES(parse_cgroup, "", "/nonexistent/cgroup", "/proc/self/stat", "/", "/proc");
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
		cmocka_unit_test(an_address_is_a_network_of_one),
		cmocka_unit_test(a_network_has_a_prefix_behind_a_slash),
		cmocka_unit_test(an_ipv4_mapped_network_is_the_ipv4_one_that_is_on_the_wire),
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
