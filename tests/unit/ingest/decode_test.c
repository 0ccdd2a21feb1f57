// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/flow.h"
#include "ingest/decode.h"
#include "wire.h"

static const char *reasons[] = { "NOT_SPECIFIED", NULL, "TCP_ABORT_ON_CLOSE" };
static const struct decoder decoder = { .hz = 250, .reasons = reasons, .n_reasons = 3 };

static const size_t sizes[] = {
	[WIRE_LEAN] = sizeof(struct wire_event), [WIRE_BRIEF] = sizeof(struct wire_brief),
	[WIRE_FULL] = sizeof(struct wire_full), [WIRE_MINI] = sizeof(struct wire_mini),
};
#define N_LAYOUTS 5

/* Room for more than any record that is known, so that a longer one can be made. */
union any {
	struct wire_event ev;
	struct wire_brief brief;
	struct wire_full full;
	struct wire_mini mini;
	unsigned char bytes[512];
};

/* xorshift64*: the same numbers in every run */
static uint64_t rnd(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static union any record(enum wire_kind kind, enum wire_layout layout)
{
	union any w = { 0 };

	w.ev.size = (__u16)sizes[layout];
	w.ev.version = WIRE_VERSION;
	w.ev.kind = (__u8)kind;
	w.ev.layout = (__u8)layout;
	w.ev.reason = WIRE_NO_REASON;
	return w;
}

/* Every bit set but those of the head. */
static union any full_of_ones(enum wire_kind kind, enum wire_layout layout)
{
	union any w = record(kind, layout);
	size_t head = offsetof(struct wire_event, hook);

	memset(w.bytes + head, 0xff, sizeof(w) - head);
	return w;
}

/*
 * From a copy on the heap that ends where the record ends, so that a sanitizer
 * or valgrind sees a read beyond it. On failure *ret must be as it was.
 */
static int decode_bytes(const struct decoder *d, const void *bytes, size_t size, struct obs *ret)
{
	unsigned char *exact = malloc(size ? size : 1);
	struct obs before;
	int r;

	assert_non_null(exact);
	memcpy(exact, bytes, size);
	memset(ret, 0x5a, sizeof(*ret));
	memcpy(&before, ret, sizeof(before));
	r = decode(d, exact, size, ret);
	if (r)
		assert_memory_equal(ret, &before, sizeof(before));
	free(exact);
	return r;
}

static int decoded(const union any *w, struct obs *ret)
{
	return decode_bytes(&decoder, w, w->ev.size, ret);
}

/* --- kinds and layouts ------------------------------------------------------------- */

static void every_kind_of_the_wire_becomes_its_kind_of_observation(void **state)
{
	static const enum obs_kind wanted[WIRE_KIND_MAX] = {
		[WIRE_STATE] = OBS_STATE,
		[WIRE_RST_ACTIVE] = OBS_RST_ACTIVE,
		[WIRE_RST_REPLY] = OBS_RST_REPLY,
		[WIRE_RST_RECEIVED] = OBS_RST_RECEIVED,
		[WIRE_MINI_BORN] = OBS_MINI_BORN,
		[WIRE_MINI_EXPIRED] = OBS_MINI_EXPIRED,
		[WIRE_MINI_CANCEL] = OBS_MINI_CANCEL,
		[WIRE_MINI_KILLED] = OBS_MINI_KILLED,
		[WIRE_DESTROY] = OBS_DESTROY,
		[WIRE_RELEASE] = OBS_RELEASE,
		[WIRE_SNAPSHOT] = OBS_SNAPSHOT,
	};
	struct obs o;

	(void)state;
	for (int kind = 1; kind < WIRE_KIND_MAX; kind++) {
		union any w = record((enum wire_kind)kind, WIRE_LEAN);

		assert_int_not_equal(wanted[kind], 0);
		assert_int_equal(decoded(&w, &o), 0);
		assert_int_equal(o.kind, wanted[kind]);
	}
}

static void the_head_is_in_every_layout(void **state)
{
	struct obs o;

	(void)state;
	for (int layout = WIRE_LEAN; layout < N_LAYOUTS; layout++) {
		union any w = record(WIRE_STATE, (enum wire_layout)layout);

		w.ev.cpu = 7;
		w.ev.mono_ns = UINT64_C(0x1122334455667788);
		w.ev.cookie = 99;
		w.ev.old_state = 1;
		w.ev.new_state = 4;
		w.ev.shutdown = 2;
		w.ev.netns_ino = 4026531840U;
		w.ev.reason = 2;
		assert_int_equal(decoded(&w, &o), 0);
		assert_int_equal(o.cpu, 7);
		assert_true(o.mono_ns == UINT64_C(0x1122334455667788));
		assert_true(o.cookie == 99);
		assert_int_equal(o.old_state, 1);
		assert_int_equal(o.new_state, 4);
		assert_int_equal(o.sock.shutdown, 2);
		assert_true(o.sock.netns_ino == 4026531840U);
		assert_string_equal(o.rst_reason, "TCP_ABORT_ON_CLOSE");
	}
}

static void each_flag_is_its_own_boolean_and_no_other(void **state)
{
	static const struct {
		uint16_t flag;
		size_t at;
	} flags[] = {
		{ WIRE_OWNED, offsetof(struct obs, sock.owned) },
		{ WIRE_DEAD, offsetof(struct obs, sock.dead) },
		{ WIRE_DONE, offsetof(struct obs, sock.done) },
		{ WIRE_HAS_SOCKET, offsetof(struct obs, sock.has_socket) },
		{ WIRE_LINGER, offsetof(struct obs, sock.linger) },
		{ WIRE_KEEPALIVE, offsetof(struct obs, sock.keepalive) },
		{ WIRE_REPAIR, offsetof(struct obs, sock.repair) },
		{ WIRE_MPTCP, offsetof(struct obs, sock.mptcp) },
		{ WIRE_UNDERSTUDY, offsetof(struct obs, understudy) },
		{ WIRE_RST_FLAG, offsetof(struct obs, rst_flag) },
		{ WIRE_RST_FLAG_KNOWN, offsetof(struct obs, rst_flag_known) },
	};
	size_t n = sizeof(flags) / sizeof(flags[0]);
	struct obs o;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		union any w = record(WIRE_STATE, WIRE_LEAN);

		w.ev.flags = flags[i].flag;
		assert_int_equal(decoded(&w, &o), 0);
		for (size_t j = 0; j < n; j++)
			assert_int_equal(*((bool *)&o + flags[j].at), i == j);
	}
}

static void a_lean_record_has_neither_task_nor_socket_nor_tuple(void **state)
{
	union any w = full_of_ones(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	assert_int_equal(decode_bytes(&decoder, &w, sizeof(w), &o), 0);
	assert_false(o.has_task);
	assert_false(o.has_sock);
	assert_int_equal(o.tuple.family, 0);
	assert_int_equal(o.task.pid, 0);
	assert_true(o.mini.addr == 0);
	assert_true(o.sk == UINT64_MAX);
}

static void a_brief_record_says_who_and_where(void **state)
{
	union any w = record(WIRE_RELEASE, WIRE_BRIEF);
	struct obs o;

	(void)state;
	w.brief.task = (struct wire_task){ .pid = 10, .tid = 11, .uid = 12, .exit_code = -1,
					   .flags = WIRE_TASK_MEANT | WIRE_TASK_EXITING, .comm = "curl" };
	w.brief.tuple = (struct wire_tuple){ .local = { 10, 0, 0, 1 }, .peer = { 10, 0, 0, 2 },
					     .local_port = 4000, .peer_port = 80, .family = 4 };
	assert_int_equal(decoded(&w, &o), 0);
	assert_true(o.has_task);
	assert_false(o.has_sock);
	assert_int_equal(o.task.pid, 10);
	assert_int_equal(o.task.tid, 11);
	assert_int_equal(o.task.uid, 12);
	assert_int_equal(o.task.exit_code, -1);
	assert_true(o.task.meant && o.task.exiting && !o.task.kthread);
	assert_string_equal(o.task.comm, "curl");
	assert_int_equal(o.tuple.family, 4);
	assert_memory_equal(o.tuple.local.addr, w.brief.tuple.local, 16);
	assert_memory_equal(o.tuple.peer.addr, w.brief.tuple.peer, 16);
	assert_int_equal(o.tuple.local.port, 4000);
	assert_int_equal(o.tuple.peer.port, 80);
}

static void a_full_record_says_all_of_the_socket(void **state)
{
	union any w = record(WIRE_STATE, WIRE_FULL);
	struct wire_sock *s = &w.full.sock;
	struct obs o;

	(void)state;
	*s = (struct wire_sock){
		.tuple = { .local_port = 1, .peer_port = 2, .family = 6 },
		.netns_cookie = 3, .cgroup_id = 4, .bytes_sent = 5, .bytes_acked = 6,
		.bytes_received = 7, .linger_jiffies = 250, .uid = 9, .err = 10, .err_soft = 11,
		.unread = 12, .unsent = 13, .unacked = 14, .snd_wnd = 15, .user_timeout_ms = 16,
		.total_retrans = 17, .linger2 = -1, .state = 19, .retransmits = 20, .probes_out = 21,
	};
	assert_int_equal(decoded(&w, &o), 0);
	assert_true(o.has_sock);
	assert_int_equal(o.tuple.family, 6);
	assert_true(tuple_equal(&o.tuple, &o.sock.tuple));
	assert_int_equal(o.sock.netns_cookie, 3);
	assert_int_equal(o.sock.cgroup_id, 4);
	assert_int_equal(o.sock.bytes_sent, 5);
	assert_int_equal(o.sock.bytes_acked, 6);
	assert_int_equal(o.sock.bytes_received, 7);
	assert_int_equal(o.sock.linger_ms, 1000);
	assert_int_equal(o.sock.uid, 9);
	assert_int_equal(o.sock.err, 10);
	assert_int_equal(o.sock.err_soft, 11);
	assert_int_equal(o.sock.unread, 12);
	assert_int_equal(o.sock.unsent, 13);
	assert_int_equal(o.sock.unacked, 14);
	assert_int_equal(o.sock.snd_wnd, 15);
	assert_int_equal(o.sock.user_timeout_ms, 16);
	assert_int_equal(o.sock.total_retrans, 17);
	assert_int_equal(o.sock.linger2, -1);
	assert_int_equal(o.sock.state, 19);
	assert_int_equal(o.sock.retransmits, 20);
	assert_int_equal(o.sock.probes_out, 21);
}

static void a_minisocket_has_an_address_of_its_own_and_no_socket(void **state)
{
	union any w = record(WIRE_MINI_BORN, WIRE_MINI);
	struct obs o;

	(void)state;
	w.ev.sk = UINT64_C(0xffff888012345678);
	w.ev.new_state = ST_FIN_WAIT2;
	w.mini.tuple = (struct wire_tuple){ .local_port = 80, .peer_port = 4000, .family = 6 };
	assert_int_equal(decoded(&w, &o), 0);
	assert_true(o.sk == 0);
	assert_true(o.mini.addr == UINT64_C(0xffff888012345678));
	assert_int_equal(o.mini.substate, ST_FIN_WAIT2);
	assert_int_equal(o.tuple.family, 6);
	assert_int_equal(o.tuple.local.port, 80);
	assert_false(o.has_sock);
	assert_false(o.has_task);
}

static void whoever_is_not_ipv6_is_ipv4(void **state)
{
	union any w = record(WIRE_DESTROY, WIRE_BRIEF);
	struct obs o;

	(void)state;
	for (int family = 0; family < 256; family++) {
		w.brief.tuple.family = (__u8)family;
		assert_int_equal(decoded(&w, &o), 0);
		assert_int_equal(o.tuple.family, family == 6 ? 6 : 4);
	}
}

static void the_idle_task_is_no_task(void **state)
{
	union any w = record(WIRE_STATE, WIRE_BRIEF);
	struct obs o;

	(void)state;
	memcpy(w.brief.task.comm, "swapper/0", 10);
	assert_int_equal(decoded(&w, &o), 0);
	assert_false(o.has_task);
	w.brief.task.flags = WIRE_TASK_KTHREAD;
	assert_int_equal(decoded(&w, &o), 0);
	assert_true(o.has_task && o.task.kthread && !o.task.meant);
}

static void a_comm_without_an_end_is_ended(void **state)
{
	union any w = record(WIRE_STATE, WIRE_BRIEF);
	struct obs o;

	(void)state;
	memset(w.brief.task.comm, 'x', sizeof(w.brief.task.comm));
	assert_int_equal(decoded(&w, &o), 0);
	assert_string_equal(o.task.comm, "xxxxxxxxxxxxxxx");
}

/* --- sizes --------------------------------------------------------------------------- */

static void a_record_shorter_than_its_head_is_none(void **state)
{
	union any w = record(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	for (size_t size = 0; size < sizeof(w.ev); size++)
		assert_int_equal(decode_bytes(&decoder, &w, size, &o), -EBADMSG);
}

static void a_record_that_says_it_is_longer_than_it_is_is_none(void **state)
{
	struct obs o;

	(void)state;
	for (int layout = WIRE_LEAN; layout < N_LAYOUTS; layout++) {
		union any w = record(WIRE_STATE, (enum wire_layout)layout);

		for (size_t size = sizeof(w.ev); size < w.ev.size; size++)
			assert_int_equal(decode_bytes(&decoder, &w, size, &o), -EBADMSG);
		w.ev.size = UINT16_MAX;
		assert_int_equal(decode_bytes(&decoder, &w, sizeof(w), &o), -EBADMSG);
	}
}

static void a_record_that_says_it_is_shorter_than_its_head_is_none(void **state)
{
	union any w = record(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	for (unsigned size = 0; size < sizeof(w.ev); size++) {
		w.ev.size = (__u16)size;
		assert_int_equal(decode_bytes(&decoder, &w, sizeof(w), &o), -EBADMSG);
	}
}

static void what_lies_behind_the_record_is_not_read(void **state)
{
	struct obs with, without;

	(void)state;
	for (int layout = WIRE_LEAN; layout < N_LAYOUTS; layout++) {
		union any w = full_of_ones(WIRE_STATE, (enum wire_layout)layout);

		/* the ring rounds up to 8 bytes, an iterator's buffer goes on with the next one */
		assert_int_equal(decode_bytes(&decoder, &w, sizeof(w), &with), 0);
		assert_int_equal(decode_bytes(&decoder, &w, sizes[layout], &without), 0);
		assert_memory_equal(&with, &without, sizeof(with));
	}
}

static void what_a_later_sensor_sends_more_is_passed_over(void **state)
{
	struct obs now, later;

	(void)state;
	for (int layout = WIRE_LEAN; layout < N_LAYOUTS; layout++) {
		union any w = full_of_ones(WIRE_STATE, (enum wire_layout)layout);

		assert_int_equal(decoded(&w, &now), 0);
		w.ev.size = sizeof(w);
		assert_int_equal(decoded(&w, &later), 0);
		assert_memory_equal(&now, &later, sizeof(now));
	}
}

static void what_an_earlier_sensor_did_not_send_reads_as_zero(void **state)
{
	union any w = full_of_ones(WIRE_STATE, WIRE_FULL);
	size_t until = offsetof(struct wire_full, sock.snd_wnd);
	struct obs o;

	(void)state;
	w.ev.size = (__u16)until;
	for (int round = 0; round < 2; round++) {
		/* cut off, and then with something else behind it */
		assert_int_equal(decode_bytes(&decoder, &w, round ? sizeof(w) : until, &o), 0);
		assert_true(o.has_sock);
		assert_true(o.sock.unacked == UINT32_MAX);
		assert_int_equal(o.sock.snd_wnd, 0);
		assert_int_equal(o.sock.linger2, 0);
		assert_int_equal(o.sock.state, 0);
		assert_int_equal(o.sock.probes_out, 0);
	}
}

static void every_size_between_head_and_end_is_read_as_far_as_it_goes(void **state)
{
	struct obs o;

	(void)state;
	for (int layout = WIRE_LEAN; layout < N_LAYOUTS; layout++) {
		union any w = full_of_ones(WIRE_STATE, (enum wire_layout)layout);

		for (size_t size = sizeof(w.ev); size <= sizes[layout]; size++) {
			w.ev.size = (__u16)size;
			assert_int_equal(decoded(&w, &o), 0);
		}
	}
}

/* --- what this version does not know -------------------------------------------------- */

static void another_version_is_said_to_be_one(void **state)
{
	union any w = record(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	for (int version = 0; version < 256; version++) {
		w.ev.version = (__u8)version;
		assert_int_equal(decoded(&w, &o), version == WIRE_VERSION ? 0 : -EPROTO);
	}
}

static void an_unknown_kind_is_to_be_passed_over(void **state)
{
	union any w = record(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	for (int kind = 0; kind < 256; kind++) {
		w.ev.kind = (__u8)kind;
		assert_int_equal(decoded(&w, &o), kind && kind < WIRE_KIND_MAX ? 0 : -ENOMSG);
	}
}

static void an_unknown_layout_is_to_be_passed_over(void **state)
{
	union any w = record(WIRE_STATE, WIRE_FULL);
	struct obs o;

	(void)state;
	for (int layout = 0; layout < 256; layout++) {
		w.ev.layout = (__u8)layout;
		assert_int_equal(decoded(&w, &o), layout && layout < N_LAYOUTS ? 0 : -ENOMSG);
	}
}

/* --- reasons and times ------------------------------------------------------------------- */

static const char *reason_of(const struct decoder *d, uint32_t reason)
{
	union any w = record(WIRE_RST_ACTIVE, WIRE_LEAN);
	struct obs o;

	w.ev.reason = reason;
	assert_int_equal(decode_bytes(d, &w, w.ev.size, &o), 0);
	return o.rst_reason;
}

static void a_reason_is_named_by_this_kernels_number(void **state)
{
	(void)state;
	assert_ptr_equal(reason_of(&decoder, 0), reasons[0]);
	assert_ptr_equal(reason_of(&decoder, 2), reasons[2]);
}

static void a_reason_without_a_name_has_none(void **state)
{
	struct decoder none = { .hz = 100 };

	(void)state;
	assert_null(reason_of(&decoder, 1));
	assert_null(reason_of(&decoder, 3));
	assert_null(reason_of(&decoder, INT32_MAX));
	assert_null(reason_of(&decoder, WIRE_NO_REASON));
	assert_null(reason_of(&none, 0));
}

static uint32_t linger_ms(uint32_t hz, uint32_t jiffies)
{
	struct decoder d = { .hz = hz };
	union any w = record(WIRE_STATE, WIRE_FULL);
	struct obs o;

	w.full.sock.linger_jiffies = jiffies;
	assert_int_equal(decode_bytes(&d, &w, w.ev.size, &o), 0);
	return o.sock.linger_ms;
}

static void a_lingering_time_is_told_in_milliseconds(void **state)
{
	static const uint32_t known[] = { 24, 100, 128, 250, 300, 1000, 1024, 1200 };

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_int_equal(linger_ms(known[i], 0), 0);
		assert_int_equal(linger_ms(known[i], 5 * known[i]), 5000);
	}
	assert_int_equal(linger_ms(100, 1), 10);
	assert_int_equal(linger_ms(250, 1), 4);
	assert_int_equal(linger_ms(1000, 1), 1);
	assert_int_equal(linger_ms(300, 1), 3);
}

static void a_lingering_time_that_was_set_is_never_zero_whatever_a_jiffy_is(void **state)
{
	static const uint32_t odd[] = { 0, 1, 1024, 1200, 100000, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_true(linger_ms(odd[i], 1) > 0);
		assert_true(linger_ms(odd[i], UINT32_MAX) > 0);
		assert_int_equal(linger_ms(odd[i], 0), 0);
	}
	assert_int_equal(linger_ms(0, 1000), 1);
}

static void a_lingering_time_beyond_all_is_the_longest(void **state)
{
	(void)state;
	assert_true(linger_ms(100, UINT32_MAX) == UINT32_MAX);
	assert_true(linger_ms(1, UINT32_MAX) == UINT32_MAX);
	assert_true(linger_ms(1000, UINT32_MAX) == UINT32_MAX);
	assert_true(linger_ms(2000, UINT32_MAX) == UINT32_MAX / 2);
}

/* --- for ever ------------------------------------------------------------------------- */

/* Tapes outlive programs: a struct may only grow at its end, and this test by a line. */
static void the_wire_of_version_1_is_laid_out_as_it_was(void **state)
{
	(void)state;
	assert_int_equal(WIRE_VERSION, 1);
	assert_int_equal(sizeof(struct wire_event), 56);
	assert_int_equal(offsetof(struct wire_event, mono_ns), 8);
	assert_int_equal(offsetof(struct wire_event, sk), 16);
	assert_int_equal(offsetof(struct wire_event, cookie), 24);
	assert_int_equal(offsetof(struct wire_event, flags), 32);
	assert_int_equal(offsetof(struct wire_event, reason), 40);
	assert_int_equal(sizeof(struct wire_tuple), 40);
	assert_int_equal(offsetof(struct wire_tuple, family), 36);
	assert_int_equal(sizeof(struct wire_task), 40);
	assert_int_equal(offsetof(struct wire_task, comm), 20);
	assert_int_equal(offsetof(struct wire_brief, task), 56);
	assert_int_equal(offsetof(struct wire_brief, tuple), 96);
	assert_int_equal(offsetof(struct wire_full, sock), 96);
	assert_int_equal(offsetof(struct wire_sock, netns_cookie), 40);
	assert_int_equal(offsetof(struct wire_sock, linger_jiffies), 80);
	assert_int_equal(offsetof(struct wire_sock, state), 124);
	assert_int_equal(offsetof(struct wire_mini, tuple), 56);
}

/* --- whatever comes ---------------------------------------------------------------------- */

static void check_sane(const struct obs *o, uint8_t layout)
{
	assert_in_range(o->kind, OBS_STATE, OBS_KIND_MAX - 1);
	if (o->tuple.family != 0 && o->tuple.family != 4)
		assert_int_equal(o->tuple.family, 6);
	assert_int_equal(o->tuple.family == 0, layout == WIRE_LEAN);
	assert_non_null(memchr(o->task.comm, '\0', sizeof(o->task.comm)));
	if (o->rst_reason)
		assert_true(o->rst_reason == reasons[0] || o->rst_reason == reasons[2]);
	assert_int_equal(o->has_sock, layout == WIRE_FULL);
	assert_true(!o->has_task || layout == WIRE_BRIEF || layout == WIRE_FULL);
	assert_true(layout == WIRE_MINI ? !o->sk : !o->mini.addr);
}

/* Noise under a head that is mostly right: else next to nothing would get past it. */
static size_t noise(uint64_t *seed, union any *w)
{
	uint64_t luck = rnd(seed);

	for (size_t i = 0; i < sizeof(w->bytes); i += 8) {
		uint64_t r = rnd(seed);

		memcpy(w->bytes + i, &r, 8);
	}
	if (luck & 7)
		w->ev.version = WIRE_VERSION;
	if (luck & 0x38)
		w->ev.kind = (__u8)(luck >> 8) % (WIRE_KIND_MAX + 1);
	if (luck & 0x1c0)
		w->ev.layout = (__u8)(luck >> 16) % (N_LAYOUTS + 1);
	if (luck & 0xe00)
		w->ev.size = (__u16)(luck >> 24) % (sizeof(*w) + 16);
	if (luck & 0x7000)
		w->ev.reason = (__u32)(luck >> 40) % 6;
	return luck >> 48 & 1 ? (size_t)(luck >> 49) % (sizeof(*w) + 1) :
	       w->ev.size < sizeof(*w) ? w->ev.size : sizeof(*w);
}

static void no_noise_is_taken_for_more_than_it_is(void **state)
{
	uint64_t seed = 20;
	unsigned accepted = 0;

	(void)state;
	for (int round = 0; round < 1000000; round++) {
		union any w;
		size_t size = noise(&seed, &w);
		struct obs o;
		int r = decode_bytes(&decoder, &w, size, &o);

		if (!r) {
			check_sane(&o, w.ev.layout);
			accepted++;
			continue;
		}
		assert_true(r == -EBADMSG || r == -EPROTO || r == -ENOMSG);
		if (r == -EPROTO)
			assert_int_not_equal(w.ev.version, WIRE_VERSION);
	}
	/* or this would test nothing */
	assert_true(accepted > 200000);
}

static void count_verdict(void *ctx, const struct verdict *v)
{
	assert_in_range(v->cause, 0, CAUSE_MAX - 1);
	assert_in_range(v->how, 0, HOW_MAX - 1);
	assert_in_range(v->n_path, 0, PATH_MAX_STEPS);
	++*(uint64_t *)ctx;
}

/* Few sockets, few states: so that noise meets noise. */
static void make_likely(uint64_t *seed, union any *w)
{
	uint64_t luck = rnd(seed);

	w->ev.sk = luck & 15;
	w->ev.old_state = (__u8)(luck >> 8) % 14;
	w->ev.new_state = (__u8)(luck >> 16) % 14;
	w->ev.netns_ino = 1;
	if (w->ev.layout == WIRE_MINI) {
		memset(&w->mini.tuple, 0, sizeof(w->mini.tuple));
		w->mini.tuple.local_port = (__u16)(luck >> 24 & 3);
	}
	if (w->ev.layout == WIRE_BRIEF) {
		memset(&w->brief.tuple, 0, sizeof(w->brief.tuple));
		w->brief.tuple.local_port = (__u16)(luck >> 24 & 3);
	}
	if (w->ev.layout == WIRE_FULL) {
		memset(&w->full.sock.tuple, 0, sizeof(w->full.sock.tuple));
		w->full.sock.tuple.local_port = (__u16)(luck >> 24 & 3);
		w->full.sock.state = (__u8)(luck >> 32) % 14;
	}
}

/* A damaged tape must not be able to do more than spoil its own verdicts. */
static void noise_that_was_accepted_is_folded_and_judged_without_harm(void **state)
{
	uint64_t seed = 4, verdicts = 0, now = 1000;
	struct flow_config config = { .max_flows = 12, .max_minis = 6, .covered = UINT32_MAX,
				      .closed = count_verdict, .ctx = &verdicts };
	struct flow_table *table;
	struct flow_peek peeks[4];

	(void)state;
	assert_int_equal(flow_table_new(&config, &table), 0);
	for (int round = 0; round < 300000; round++) {
		union any w;
		size_t size = noise(&seed, &w);
		struct obs o;

		make_likely(&seed, &w);
		if (decode(&decoder, &w, size, &o))
			continue;
		now += o.mono_ns % 5000000;
		o.mono_ns = o.mono_ns % 16 ? now : o.mono_ns;
		flow_take(table, &o, NULL);
		flow_tick(table, now);
		if (round % 64 == 0)
			flow_peeks(table, peeks, 4);
		if (round % 1024 == 0)
			flow_gap(table);
	}
	flow_finish(table, now + 1);
	flow_table_free(table);
	assert_true(verdicts > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_the_wire_becomes_its_kind_of_observation),
		cmocka_unit_test(the_head_is_in_every_layout),
		cmocka_unit_test(each_flag_is_its_own_boolean_and_no_other),
		cmocka_unit_test(a_lean_record_has_neither_task_nor_socket_nor_tuple),
		cmocka_unit_test(a_brief_record_says_who_and_where),
		cmocka_unit_test(a_full_record_says_all_of_the_socket),
		cmocka_unit_test(a_minisocket_has_an_address_of_its_own_and_no_socket),
		cmocka_unit_test(whoever_is_not_ipv6_is_ipv4),
		cmocka_unit_test(the_idle_task_is_no_task),
		cmocka_unit_test(a_comm_without_an_end_is_ended),
		cmocka_unit_test(a_record_shorter_than_its_head_is_none),
		cmocka_unit_test(a_record_that_says_it_is_longer_than_it_is_is_none),
		cmocka_unit_test(a_record_that_says_it_is_shorter_than_its_head_is_none),
		cmocka_unit_test(what_lies_behind_the_record_is_not_read),
		cmocka_unit_test(what_a_later_sensor_sends_more_is_passed_over),
		cmocka_unit_test(what_an_earlier_sensor_did_not_send_reads_as_zero),
		cmocka_unit_test(every_size_between_head_and_end_is_read_as_far_as_it_goes),
		cmocka_unit_test(another_version_is_said_to_be_one),
		cmocka_unit_test(an_unknown_kind_is_to_be_passed_over),
		cmocka_unit_test(an_unknown_layout_is_to_be_passed_over),
		cmocka_unit_test(a_reason_is_named_by_this_kernels_number),
		cmocka_unit_test(a_reason_without_a_name_has_none),
		cmocka_unit_test(a_lingering_time_is_told_in_milliseconds),
		cmocka_unit_test(a_lingering_time_that_was_set_is_never_zero_whatever_a_jiffy_is),
		cmocka_unit_test(a_lingering_time_beyond_all_is_the_longest),
		cmocka_unit_test(the_wire_of_version_1_is_laid_out_as_it_was),
		cmocka_unit_test(no_noise_is_taken_for_more_than_it_is),
		cmocka_unit_test(noise_that_was_accepted_is_folded_and_judged_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
