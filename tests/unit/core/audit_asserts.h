/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* An audit for each test, what it is told, and what it must say of one namespace; cmocka.h stands before this. */
#ifndef TCPCLOSE_TESTS_AUDIT_ASSERTS_H
#define TCPCLOSE_TESTS_AUDIT_ASSERTS_H

#include "core/audit.h"

#define NETNS 4026531840U
#define ALL_SEEN UINT32_MAX

static inline int make(void **state)
{
	return audit_new((struct audit **)state);
}

static inline int drop(void **state)
{
	audit_free(*state);
	return 0;
}

static inline struct obs state_change(uint8_t old_state, uint8_t new_state, uint64_t at_ns)
{
	return (struct obs){ .kind = OBS_STATE, .old_state = old_state, .new_state = new_state,
			     .mono_ns = at_ns, .sk = 1, .has_sock = true, .sock.netns_ino = NETNS };
}

static inline void change(struct audit *a, uint8_t old_state, uint8_t new_state, uint64_t at_ns)
{
	struct obs o = state_change(old_state, new_state, at_ns);

	audit_obs(a, &o);
}

static inline void assert_range(const struct audit *a, enum counter counter, int64_t low, int64_t high)
{
	struct audit_range range = audit_range(a, NETNS, counter);

	assert_int_equal(range.low, low);
	assert_int_equal(range.high, high);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

#endif
