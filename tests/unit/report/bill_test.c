/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/report/minis.h"

static struct bill *new_bill(uint64_t began_ns)
{
	struct bill *bill = NULL;

	assert_int_equal(bill_new(began_ns, &bill), 0);
	return bill;
}

static void begin(struct bill *bill, uint64_t now_ns)
{
	bill_begin(bill, now_ns);
	bill_rules(bill, &usual_rules);
}

static void an_empty_bill_is_a_bill(void **state)
{
	struct bill *bill = new_bill(SEC);
	const struct bill_report *r;

	(void)state;
	begin(bill, 2 * SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->now, 0);
	assert_int_equal(r->owners.n + r->destinations.n + r->n_advice + r->n_lifetimes, 0);
	assert_int_equal(r->watched_ns, SEC);
	bill_free(bill);
}

static void one_name_is_one_owner_and_its_processes_are_counted(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;

	(void)state;
	begin(bill, 100 * SEC);
	add_minis(bill, 3, 11, EV(CONNECTED), SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->owners.items[0]->processes, 1);
	assert_int_equal(r->owners.items[0]->pid, 11);

	begin(bill, 101 * SEC);
	add_minis(bill, 3, 11, EV(CONNECTED), SEC);
	add_minis(bill, 2, 12, EV(CONNECTED), SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->owners.n, 1);
	assert_int_equal(r->owners.items[0]->now, 5);
	assert_int_equal(r->owners.items[0]->processes, 2);
	assert_int_equal(r->owners.items[0]->pid, 0);
	bill_free(bill);
}

static void a_port_that_connect_chose_is_one_of_many(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;

	(void)state;
	begin(bill, 100 * SEC);
	add_minis(bill, 5, 11, EV(CONNECTED), SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->locals.n, 1);
	assert_int_equal(r->locals.items[0]->key.local_port, 0);
	assert_int_equal(r->peers.items[0]->key.peer_port, 80);
	assert_int_equal(r->destinations.items[0]->now, 5);
	bill_free(bill);
}

static void who_accepted_holds_no_ephemeral_port(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;

	(void)state;
	begin(bill, 100 * SEC);
	add_minis(bill, 5, 11, EV(ACCEPTED), SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->destinations.n, 0);
	assert_int_equal(r->locals.n, 5); /* each on its own port */
	assert_int_equal(r->peers.n, 1);
	assert_int_equal(r->peers.items[0]->key.peer_port, 0);
	bill_free(bill);
}

/* Only this end's port is one that connect() would choose. */
static void of_what_is_older_the_ports_tell_who_connected(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;
	struct bill_rules all = usual_rules;

	(void)state;
	begin(bill, 100 * SEC);
	add_minis(bill, 4, 0, 0, 0);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->older, 4);
	assert_int_equal(r->peers.items[0]->key.role, ROLE_CONNECTED);
	assert_int_equal(r->destinations.items[0]->now, 4);
	assert_string_equal(bill_came_slug(&r->came.items[0]->key), "older");
	assert_int_equal(r->born, 0);

	/* and where both are, nothing tells but how many share an end; and the port is taken */
	all.port_first = 1;
	bill_begin(bill, 101 * SEC);
	bill_rules(bill, &all);
	add_minis(bill, 4, 0, 0, 0);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->peers.items[0]->key.role, ROLE_UNKNOWN);
	assert_int_equal(r->destinations.items[0]->now, 4);
	bill_free(bill);
}

static void an_end_that_many_share_is_told_with_its_port(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;
	struct bill_rules all = usual_rules;

	(void)state;
	all.port_first = 1;
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &all);
	expect_minis(bill, 4);
	add_minis(bill, 4, 0, 0, 0);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->peers.n, 1);
	assert_int_equal(r->peers.items[0]->key.role, ROLE_UNKNOWN);
	assert_int_equal(r->peers.items[0]->key.peer_port, 80);
	assert_int_equal(r->locals.n, 1);
	assert_int_equal(r->locals.items[0]->key.local_port, 0);

	/* one alone: both ends are as good */
	bill_begin(bill, 101 * SEC);
	bill_rules(bill, &all);
	expect_minis(bill, 1);
	add_minis(bill, 1, 0, 0, 0);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->peers.items[0]->key.peer_port, 0);
	assert_int_equal(r->locals.items[0]->key.local_port, 0);
	bill_free(bill);
}

static void births_are_who_is_here_and_who_was(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;

	(void)state;
	begin(bill, 20 * SEC);
	add_minis(bill, 10, 11, EV(CONNECTED), 15 * SEC);
	add_minis(bill, 3, 0, 0, 0);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->born, 10);
	assert_int_equal(r->born_per_s_milli, 1000);

	/* four of them died, four others were born */
	end_minis(bill, 4, 11, MINI_REUSED, 21 * SEC, 6 * SEC);
	begin(bill, 22 * SEC);
	add_minis(bill, 6, 11, EV(CONNECTED), 15 * SEC);
	add_minis(bill, 4, 11, EV(CONNECTED), 21 * SEC);
	add_minis(bill, 3, 0, 0, 0);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->now, 13);
	assert_int_equal(r->born, 14);
	assert_int_equal(r->ended, 4);
	assert_int_equal(r->ended_per_s_milli, 400);
	bill_free(bill);
}

static void who_died_young_was_born_all_the_same(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;

	(void)state;
	end_minis(bill, 50, 11, MINI_REUSED, 19 * SEC, SEC);
	end_minis(bill, 50, 11, MINI_EXPIRED, 19 * SEC, 15 * SEC);
	begin(bill, 20 * SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->now, 0);
	assert_int_equal(r->born, 100);
	assert_int_equal(r->born_per_s_milli, 5000);
	assert_int_equal(r->owners.items[0]->born_per_s_milli, 5000);
	assert_int_equal(r->peers.items[0]->born_per_s_milli, 5000);
	/* and no window reaches them any more */
	begin(bill, 40 * SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->born_per_s_milli, 0);
	assert_int_equal(r->ended_per_s_milli, 0);
	bill_free(bill);
}

/* Between its timer's end and the word that it is gone. */
static void who_is_dying_is_born_once_and_here_no_more(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;

	(void)state;
	begin(bill, 20 * SEC);
	add_minis(bill, 10, 11, EV(CONNECTED), 15 * SEC);
	add_dying(bill, 5, 11, 15 * SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->now, 10);
	assert_int_equal(r->born, 15);
	end_minis(bill, 5, 11, MINI_NEW_SYN, 20 * SEC, 5 * SEC);
	begin(bill, 21 * SEC);
	add_minis(bill, 10, 11, EV(CONNECTED), 15 * SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->born, 15);
	assert_int_equal(r->ended, 5);
	assert_int_equal(r->born_per_s_milli, 1500);
	bill_free(bill);
}

static void lifetimes_are_by_end(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;

	(void)state;
	end_minis(bill, 3, 11, MINI_EXPIRED, 100 * SEC, 60 * SEC);
	end_minis(bill, 1, 11, MINI_EXPIRED, 100 * SEC, 64 * SEC);
	end_minis(bill, 2, 11, MINI_RESET, 100 * SEC, SEC);
	end_minis(bill, 5, 11, MINI_NEVER_CREATED, 100 * SEC, 0);
	begin(bill, 101 * SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->n_lifetimes, 3);
	assert_int_equal(r->lifetimes[0].end, MINI_EXPIRED);
	assert_int_equal(r->lifetimes[0].count, 4);
	assert_int_equal(r->lifetimes[0].min_ns, 60 * SEC);
	assert_int_equal(r->lifetimes[0].mean_ns, 61 * SEC);
	assert_int_equal(r->lifetimes[0].max_ns, 64 * SEC);
	assert_int_equal(r->life_ns, 61 * SEC);
	assert_int_equal(r->refused, 5);
	assert_int_equal(r->ended, 6);
	bill_free(bill);
}

static void open_connections_take_ports_too(void **state)
{
	struct bill *bill = new_bill(0);
	struct tuple tuple = { .family = 4, .local = { .addr = { 192, 0, 2, 1 }, .port = 39000 },
			       .peer = { .addr = { 198, 51, 100, 1 }, .port = 80 } };
	struct flow_now flow = { .tuple = &tuple, .netns = NETNS, .evidence = EV(CONNECTED) };
	const struct bill_report *r;

	(void)state;
	begin(bill, 100 * SEC);
	add_minis(bill, 999, 11, EV(CONNECTED), SEC);
	bill_open(bill, &flow);
	flow.evidence = EV(ACCEPTED);
	bill_open(bill, &flow);
	tuple.local.port = 80;
	flow.evidence = EV(CONNECTED);
	bill_open(bill, &flow);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->destinations.n, 1);
	assert_int_equal(r->destinations.items[0]->open, 1);
	assert_int_equal(r->destinations.items[0]->range, 28232);
	assert_int_equal(r->destinations.items[0]->used_permille, 1000 * 1000 / 28232);
	bill_free(bill);
}

static void a_rate_foretells_how_many_ports_will_be_taken(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;

	(void)state;
	begin(bill, 100 * SEC);
	add_minis(bill, 5000, 11, EV(CONNECTED), 95 * SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->destinations.items[0]->expected, 500 * 60);
	bill_free(bill);
}

/* More deaths within ten seconds than are remembered. */
static void what_finds_no_room_is_said_to_be_lost(void **state)
{
	enum { REMEMBERED = 262144, MORE = 5 };
	struct bill *bill = new_bill(0);

	(void)state;
	end_minis(bill, REMEMBERED + MORE, 11, MINI_RESET, 100 * SEC, SEC);
	for (int look = 0; look < 2; look++) {
		begin(bill, 100 * SEC);
		assert_int_equal(bill_done(bill, 0, 2, false)->lost, 2 + MORE);
	}
	bill_free(bill);
}

/* In a namespace that nobody could be asked about. */
static void without_rules_there_are_no_destinations(void **state)
{
	struct bill *bill = new_bill(0);
	const struct bill_report *r;

	(void)state;
	bill_begin(bill, 100 * SEC);
	add_minis(bill, 5, 11, EV(CONNECTED), SEC);
	r = bill_done(bill, 0, 0, false);
	assert_int_equal(r->now, 5);
	assert_int_equal(r->destinations.n, 0);
	assert_false(r->kernel_counted);
	bill_free(bill);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_bill_is_a_bill),
		cmocka_unit_test(one_name_is_one_owner_and_its_processes_are_counted),
		cmocka_unit_test(a_port_that_connect_chose_is_one_of_many),
		cmocka_unit_test(who_accepted_holds_no_ephemeral_port),
		cmocka_unit_test(of_what_is_older_the_ports_tell_who_connected),
		cmocka_unit_test(an_end_that_many_share_is_told_with_its_port),
		cmocka_unit_test(births_are_who_is_here_and_who_was),
		cmocka_unit_test(who_died_young_was_born_all_the_same),
		cmocka_unit_test(who_is_dying_is_born_once_and_here_no_more),
		cmocka_unit_test(lifetimes_are_by_end),
		cmocka_unit_test(open_connections_take_ports_too),
		cmocka_unit_test(a_rate_foretells_how_many_ports_will_be_taken),
		cmocka_unit_test(what_finds_no_room_is_said_to_be_lost),
		cmocka_unit_test(without_rules_there_are_no_destinations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
