/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * ends: when the record of a socket's memory going away would say nothing new.
 * Whatever is not sure here is sent.
 */
#ifndef TCPCLOSE_ENDS_BPF_H
#define TCPCLOSE_ENDS_BPF_H

#include "sense.bpf.h"

/*
 * Nothing need be said of a socket's memory going away where its CLOSE says it: an
 * orphan goes in the same breath, and so does one that close() aborts, after its
 * RST. `ends` notes such a CLOSE until then: bit 0 of `what` when nothing more is
 * to come, its time above. An older note than this is of a former life.
 */
#define ENDS_NS 10000000

static __always_inline void note_end(__u64 sk, bool in_call, bool is_all, __u64 mono_ns)
{
	struct at_cpu *at = at_this_cpu();
	struct mark *end;

	if (!at)
		return;
	/* two places by name: what a flag was made of may be no number for the verifier */
	end = in_call ? &at->ends[1] : &at->ends[0];
	end->sk = sk;
	end->what = mono_ns << 1;
	if (is_all)
		end->what |= 1;
}

/* With -p what strangers do at the same address is told too, and must find it gone. */
static __always_inline void note_reset(__u64 sk)
{
	struct at_cpu *at = config.filter.n_pids ? NULL : at_this_cpu();

	if (at && at->ends[1].sk == sk)
		at->ends[1].what |= 1;
}

static __always_inline void forget_end(__u64 sk)
{
	struct at_cpu *at = at_this_cpu();

	if (at && at->ends[1].sk == sk)
		at->ends[1].sk = 0;
}

/* Asked once: the note is gone then. */
static __always_inline bool take_note(struct mark *end, __u64 sk)
{
	if (end->sk != sk)
		return false;
	end->sk = 0;
	return end->what & 1 && bpf_ktime_get_ns() - (end->what >> 1) < ENDS_NS;
}

/*
 * Of a socket that the network ends while a program holds it the destructor tells
 * whose it was. Who connected is known already. A place is one word, so that a CPU
 * that takes it for another socket makes at worst a record more.
 */
#define END_TOLD   1 /* it has ended, and nothing new is to come */
#define END_UNTOLD 2 /* it has ended, and whose it was is still to be told: whatever else says it is not */

static __always_inline __u64 *connect_place(__u64 sk, __u64 *number)
{
	struct at_cpu *at = config.filter.n_pids ? NULL : at_this_cpu();
	__u32 place;

	if (!at)
		return NULL;
	*number = number_of(at, sk);
	place = place_of(*number, CONNECTS_MAX);
	return bpf_map_lookup_elem(&connects, &place);
}

/* Its SYN_SENT was told, with the task. */
static __always_inline void note_connect(__u64 sk)
{
	__u64 number, *place = connect_place(sk, &number);

	if (place)
		*place = sk;
}

/*
 * Its CLOSE was told, and no call made it. An orphan goes with that, and says no more;
 * of what nobody connected, close() will: maybe on a CPU where a former life at this
 * address, whose destructor ran on another, has left its note.
 */
static __always_inline void note_network(__u64 sk, bool is_orphan)
{
	__u64 number = 0, *place = connect_place(sk, &number);

	if (place && *place == sk)
		*place = number | END_TOLD;
	else if (place && !is_orphan)
		*place = number | END_UNTOLD;
}

/* Another life begins at that address, or it ends: how did the network end it? 0: not, or not known. */
static __always_inline __u64 take_connect(__u64 sk)
{
	__u64 number, *place = connect_place(sk, &number), was;

	if (!place)
		return 0;
	was = *place;
	if ((was & ~3ULL) != sk)
		return 0;
	*place = 0;
	return was & 3;
}

static __always_inline bool take_told_end(__u64 sk)
{
	struct at_cpu *at = at_this_cpu();
	__u64 how = take_connect(sk);

	if (how)
		return how == END_TOLD;
	return at && (take_note(&at->ends[0], sk) || take_note(&at->ends[1], sk));
}

#endif
