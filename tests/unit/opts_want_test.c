// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Which verdicts the command line asks for: exact, where the kernel's filter is generous. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
		{ .filter = { .n_ports = 1, .ports = { 81 } } },
	};

	(void)state;
	assert_true(opts_want_older(&c, &m));
	c.filter.n_remote_ports = 1;
	c.filter.remote_ports[0] = 80;
	assert_true(opts_want_older(&c, &m));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(opts_want_older(&bad[i], &m));
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
