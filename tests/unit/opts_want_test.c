// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Which verdicts the command line asks for: exact, where the kernel's filter is generous. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "opts.h"

#define CAUSE_BIT(id) (UINT64_C(1) << CAUSE_##id)

/* 192.0.2.1:4000 -> 192.0.2.2:80, refused; of curl (100), which connected. */
static struct verdict some_verdict(void)
{
	return (struct verdict){
		.tuple = { .family = 4,
			   .local = { .addr = { 192, 0, 2, 1 }, .port = 4000 },
			   .peer = { .addr = { 192, 0, 2, 2 }, .port = 80 } },
		.owner = { .source = OWNER_CONNECT, .pid = 100, .tid = 101, .comm = "curl" },
		.cause = CAUSE_REFUSED,
		.how = HOW_RST,
	};
}

static bool wanted(const struct config *c)
{
	struct verdict v = some_verdict();

	return opts_want(c, &v);
}

static void who_asks_for_nothing_wants_everything(void **state)
{
	struct config c = { 0 };

	(void)state;
	for (int cause = 0; cause < CAUSE_MAX; cause++) {
		for (int how = 0; how < HOW_MAX; how++) {
			struct verdict v = { .cause = (enum cause)cause, .how = (enum how)how };

			assert_true(opts_want(&c, &v));
		}
	}
}

static void a_set_of_causes_wants_these_only(void **state)
{
	struct config c = { .causes = CAUSE_BIT(REFUSED) | CAUSE_BIT(UNKNOWN) };

	(void)state;
	for (int cause = 0; cause < CAUSE_MAX; cause++) {
		struct verdict v = { .cause = (enum cause)cause };

		assert_int_equal(opts_want(&c, &v), cause == CAUSE_REFUSED || cause == CAUSE_UNKNOWN);
	}
	/* bit 0 and the highest */
	for (int cause = 0; cause < CAUSE_MAX; cause++) {
		struct verdict v = { .cause = (enum cause)cause };

		c.causes = UINT64_C(1) << cause;
		assert_true(opts_want(&c, &v));
		c.causes = ~c.causes;
		assert_false(opts_want(&c, &v));
	}
}

static void a_set_of_hows_wants_these_only(void **state)
{
	struct config c = { .hows = 1 << HOW_FIN | 1 << HOW_SILENT };

	(void)state;
	for (int how = 0; how < HOW_MAX; how++) {
		struct verdict v = { .how = (enum how)how };

		assert_int_equal(opts_want(&c, &v), how == HOW_FIN || how == HOW_SILENT);
	}
}

static void a_port_of_either_side_is_on_either_side(void **state)
{
	struct config c = { .filter = { .n_ports = 2, .ports = { 443, 80 } } };

	(void)state;
	assert_true(wanted(&c));
	c.filter.ports[1] = 4000;
	assert_true(wanted(&c));
	c.filter.ports[1] = 81;
	assert_false(wanted(&c));
	/* what stands behind the list's end is not in it */
	c.filter.ports[2] = 80;
	assert_false(wanted(&c));
}

static void a_port_of_one_side_is_on_that_side(void **state)
{
	struct config local = { .filter = { .n_local_ports = 1, .local_ports = { 80 } } };
	struct config remote = { .filter = { .n_remote_ports = 1, .remote_ports = { 4000 } } };

	(void)state;
	assert_false(wanted(&local));
	assert_false(wanted(&remote));
	local.filter.local_ports[0] = 4000;
	remote.filter.remote_ports[0] = 80;
	assert_true(wanted(&local));
	assert_true(wanted(&remote));
}

static void a_port_that_was_never_known_is_no_port_that_is_asked_for(void **state)
{
	struct config c = { .filter = { .n_local_ports = 1, .local_ports = { 4000 } } };
	struct verdict v = some_verdict();

	(void)state;
	v.tuple.local.port = 0;
	assert_false(opts_want(&c, &v));
	c = (struct config){ .filter = { .n_ports = 1, .ports = { 80 } } };
	assert_true(opts_want(&c, &v));
}

static void a_process_is_the_owner_by_its_process_id(void **state)
{
	struct config c = { .filter = { .n_pids = 2, .pids = { 7, 100 } } };
	struct verdict v = some_verdict();

	(void)state;
	assert_true(wanted(&c));
	c.filter.pids[1] = 101; /* a thread's */
	assert_false(wanted(&c));
	c.filter.pids[1] = 100;
	v.owner = (struct owner){ .source = OWNER_UNKNOWN, .pid = 100 };
	assert_false(opts_want(&c, &v));
}

static void a_process_name_is_the_owners_whole_name(void **state)
{
	struct config c = { .comm = "curl" };
	struct verdict v = some_verdict();

	(void)state;
	assert_true(wanted(&c));
	strcpy(c.comm, "cur");
	assert_false(wanted(&c));
	strcpy(c.comm, "curly");
	assert_false(wanted(&c));
	strcpy(c.comm, "curl");
	v.owner.source = OWNER_UNKNOWN;
	assert_false(opts_want(&c, &v));
	/* as long as a name can be */
	strcpy(c.comm, "fifteen--------");
	v = some_verdict();
	strcpy(v.owner.comm, "fifteen--------");
	assert_true(opts_want(&c, &v));
}

static void all_that_is_asked_for_must_be_so_at_once(void **state)
{
	const struct config all = {
		.comm = "curl",
		.causes = CAUSE_BIT(REFUSED),
		.hows = 1 << HOW_RST,
		.filter = { .n_pids = 1, .pids = { 100 }, .n_ports = 1, .ports = { 80 },
			    .n_local_ports = 1, .local_ports = { 4000 },
			    .n_remote_ports = 1, .remote_ports = { 80 } },
	};
	struct config but[7];

	(void)state;
	assert_true(wanted(&all));
	for (int i = 0; i < 7; i++)
		but[i] = all;
	strcpy(but[0].comm, "wget");
	but[1].causes = CAUSE_BIT(UNKNOWN);
	but[2].hows = 1 << HOW_FIN;
	but[3].filter.pids[0] = 7;
	but[4].filter.ports[0] = 7;
	but[5].filter.local_ports[0] = 7;
	but[6].filter.remote_ports[0] = 7;
	for (int i = 0; i < 7; i++)
		assert_false(wanted(&but[i]));
}

/* A filter that asks for what nobody knows of it leaves it out. */
static void of_a_mini_socket_that_is_older_only_its_addresses_can_be_asked_for(void **state)
{
	struct minisocket m = { .tuple = some_verdict().tuple };
	struct config c = { 0 }, bad[] = {
		{ .causes = CAUSE_BIT(ACTIVE_CLOSE) }, { .hows = 1 << HOW_FIN }, { .comm = "curl" },
		{ .filter = { .n_pids = 1, .pids = { 100 } } },
		{ .filter = { .n_ports = 1, .ports = { 81 } } }, { .filter = { .cgroup_id = 1 } },
	};

	(void)state;
	assert_true(opts_want_older(&c, &m));
	c.filter.n_remote_ports = 1;
	c.filter.remote_ports[0] = 80;
	assert_true(opts_want_older(&c, &m));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(opts_want_older(&bad[i], &m));
}

/* --- what the kernel filters, where there is none ------------------------------------ */

static bool wanted_replayed(const struct config *c)
{
	struct verdict v = some_verdict();

	v.netns = 4026531840U;
	return opts_want_replayed(c, &v);
}

static void a_replay_filters_what_a_kernel_would_have(void **state)
{
	struct config c = { 0 };

	(void)state;
	assert_true(wanted_replayed(&c));
	c.filter.family = 6;
	assert_false(wanted_replayed(&c));
	c.filter.family = 4;
	assert_true(wanted_replayed(&c));
	c.filter.netns_ino = 1;
	assert_false(wanted_replayed(&c));
	c.filter.netns_ino = 4026531840U;
	assert_true(wanted_replayed(&c));
	/* and what user space always filters */
	c.causes = CAUSE_BIT(UNKNOWN);
	assert_false(wanted_replayed(&c));
}

/* 192.0.2.1 and 192.0.2.2 are the ends. */
static void a_network_fits_either_side_to_the_bit(void **state)
{
	static const struct {
		uint8_t addr[16], family, bits;
		bool wanted;
	} cases[] = {
		{ { 192, 0, 2, 1 }, 4, 32, true },   { { 192, 0, 2, 2 }, 4, 32, true },
		{ { 192, 0, 2, 3 }, 4, 32, false },  { { 192, 0, 2, 3 }, 4, 31, true },
		{ { 192, 0, 2, 4 }, 4, 30, false },  { { 192, 0, 2, 0 }, 4, 30, true },
		{ { 192, 0, 0, 0 }, 4, 16, true },   { { 192, 1, 0, 0 }, 4, 16, false },
		{ { 192, 1, 0, 0 }, 4, 15, true },   { { 0 }, 4, 0, true },
		{ { 64, 0, 0, 0 }, 4, 1, false },    { { 128, 0, 0, 0 }, 4, 1, true },
		{ { 0 }, 6, 0, false },		     { { 192, 0, 2, 1 }, 6, 32, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config c = { .filter = { .addr_family = cases[i].family, .addr_bits = cases[i].bits } };

		memcpy(c.filter.addr, cases[i].addr, 16);
		if (wanted_replayed(&c) != cases[i].wanted)
			fail_msg("case %zu", i);
	}
}

static void all_of_an_ipv6_address_counts(void **state)
{
	struct tuple t = { .family = 6, .local = { .addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } } };
	struct config c = { .filter = { .addr_family = 6, .addr_bits = 128 } };

	(void)state;
	memcpy(c.filter.addr, t.local.addr, 16);
	assert_true(opts_want_tuple(&c, &t));
	c.filter.addr[15] = 3;
	assert_false(opts_want_tuple(&c, &t));
	c.filter.addr_bits = 126;
	assert_true(opts_want_tuple(&c, &t));
	c.filter.addr[7] = 1;
	assert_false(opts_want_tuple(&c, &t));
	c.filter.addr_bits = 63;
	assert_true(opts_want_tuple(&c, &t));
}

/* --- what a tape knows of them --------------------------------------------------------- */

static void what_was_wanted_is_noted_as_it_was_said(void **state)
{
	char *argv[] = { (char *)"tcpclose", (char *)"-P", (char *)"80,443", (char *)"-j", (char *)"--how=rst",
			 (char *)"-4", (char *)"--cause", (char *)"refused", NULL };
	struct config c, again = { 0 };

	(void)state;
	assert_int_equal(opts_parse(CMD_TRACE, 8, argv, &c), 0);
	assert_int_equal(c.n_wants, 3);
	for (int i = 0; i < c.n_wants; i++) {
		char word[64];

		snprintf(word, sizeof(word), "%s=%s", c.wants[i].name, c.wants[i].value);
		assert_int_equal(opts_want_again(word, &again), 0);
	}
	assert_int_equal(again.filter.n_ports, 2);
	assert_int_equal(again.filter.ports[1], 443);
	assert_int_equal(again.hows, c.hows);
	assert_true(again.causes == c.causes);
	/* the kernel has filtered that */
	assert_int_equal(again.filter.family, 0);
}

static void a_tape_can_ask_for_nothing_else(void **state)
{
	static const char *const words[] = {
		"", "=", "port", "port=", "port=0", "port=x", "ports=80", "por=80", "output=x", "tape=x",
		"netns=/proc/self/ns/net", "cgroup=/", "json=", "verbose=", "way=kprobe", "comm=", "cause=no-such-cause",
		"comm=sixteen-letters-", "pid=0", "how=RST",
	};
	struct config c = { 0 }, before = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!opts_want_again(words[i], &c))
			fail_msg("%s", words[i]);
	assert_memory_equal(&c.output, &before.output, sizeof(c.output));
	assert_int_equal(opts_want_again("comm=a=b", &c), 0);
	assert_string_equal(c.comm, "a=b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_mini_socket_that_is_older_only_its_addresses_can_be_asked_for),
		cmocka_unit_test(who_asks_for_nothing_wants_everything),
		cmocka_unit_test(a_set_of_causes_wants_these_only),
		cmocka_unit_test(a_set_of_hows_wants_these_only),
		cmocka_unit_test(a_port_of_either_side_is_on_either_side),
		cmocka_unit_test(a_port_of_one_side_is_on_that_side),
		cmocka_unit_test(a_port_that_was_never_known_is_no_port_that_is_asked_for),
		cmocka_unit_test(a_process_is_the_owner_by_its_process_id),
		cmocka_unit_test(a_process_name_is_the_owners_whole_name),
		cmocka_unit_test(all_that_is_asked_for_must_be_so_at_once),
		cmocka_unit_test(a_replay_filters_what_a_kernel_would_have),
		cmocka_unit_test(a_network_fits_either_side_to_the_bit),
		cmocka_unit_test(all_of_an_ipv6_address_counts),
		cmocka_unit_test(what_was_wanted_is_noted_as_it_was_said),
		cmocka_unit_test(a_tape_can_ask_for_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
