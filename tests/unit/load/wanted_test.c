/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/types.h>
#include <string.h>

#include "load/wanted.h"
#include "wire.h"

static struct wire_tuple tuple(int family, const char *local, uint16_t local_port, const char *peer,
			       uint16_t peer_port)
{
	struct wire_tuple t = { .family = (__u8)family, .local_port = local_port, .peer_port = peer_port };

	inet_pton(family == 4 ? AF_INET : AF_INET6, local, t.local);
	inet_pton(family == 4 ? AF_INET : AF_INET6, peer, t.peer);
	return t;
}

static void everything_is_wanted_without_a_filter(void **state)
{
	const struct wire_filter f = { 0 };
	struct wire_tuple t = tuple(6, "2001:db8::1", 80, "2001:db8::2", 4711);

	(void)state;
	assert_true(wanted_tuple(&f, &t));
	assert_true(wanted_netns(&f, 1));
}

static void a_port_counts_on_the_side_that_was_asked_for(void **state)
{
	struct wire_tuple t = tuple(4, "192.0.2.1", 80, "192.0.2.2", 4711);
	struct wire_filter f = { .n_ports = 2, .ports = { 1, 4711 } };

	(void)state;
	assert_true(wanted_tuple(&f, &t));
	f = (struct wire_filter){ .n_local_ports = 1, .local_ports = { 4711 } };
	assert_false(wanted_tuple(&f, &t));
	f = (struct wire_filter){ .n_remote_ports = 1, .remote_ports = { 4711 } };
	assert_true(wanted_tuple(&f, &t));
	f.n_local_ports = 1;
	f.local_ports[0] = 81;
	assert_false(wanted_tuple(&f, &t));
}

static void a_network_counts_bit_by_bit_and_on_either_side(void **state)
{
	struct wire_tuple t = tuple(4, "192.0.2.127", 80, "198.51.100.1", 4711);
	struct wire_filter f = { .addr_family = 4, .addr_bits = 25 };

	(void)state;
	inet_pton(AF_INET, "192.0.2.0", f.addr);
	assert_true(wanted_tuple(&f, &t));
	inet_pton(AF_INET, "192.0.2.128", f.addr);
	assert_false(wanted_tuple(&f, &t));
	inet_pton(AF_INET, "198.51.100.0", f.addr);
	assert_true(wanted_tuple(&f, &t));
	f.addr_bits = 32;
	assert_false(wanted_tuple(&f, &t));
	f.addr_bits = 0;
	assert_true(wanted_tuple(&f, &t));
	f.addr_family = 6;
	assert_false(wanted_tuple(&f, &t));
}

static void family_and_namespace_count(void **state)
{
	struct wire_tuple t = tuple(4, "192.0.2.1", 80, "192.0.2.2", 4711);
	struct wire_filter f = { .family = 6, .netns_ino = 5 };

	(void)state;
	assert_false(wanted_tuple(&f, &t));
	f.family = 4;
	assert_true(wanted_tuple(&f, &t));
	assert_true(wanted_netns(&f, 5));
	assert_false(wanted_netns(&f, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_wanted_without_a_filter),
		cmocka_unit_test(a_port_counts_on_the_side_that_was_asked_for),
		cmocka_unit_test(a_network_counts_bit_by_bit_and_on_either_side),
		cmocka_unit_test(family_and_namespace_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
