/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * sense: the ring, the counters, the filters. Records are reserved late, filled
 * whole and sent without waking the reader; user space looks every 40 ms, and is
 * woken when a good part of the ring is full.
 */
#ifndef TCPCLOSE_SENSE_BPF_H
#define TCPCLOSE_SENSE_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "wire.h"

enum hook {
#define HOOK(id, slug, vantages, required, without) HOOK_##id,
#include "hooks.def"
	HOOK_MAX,
};

extern const volatile struct wire_config config;
extern int reader_woken;
extern __u64 lost_records;
extern int states_unseen;
extern __u64 nothing;
extern __u64 looker_name, looker_exe;

struct ring_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
};
extern struct ring_map ring SEC(".maps");

struct counts_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOOK_MAX);
	__type(key, __u32);
	__type(value, struct wire_count);
};
extern struct counts_map counts SEC(".maps");

struct mark {
	__u64 sk;
	__u64 what;
};

/*
 * What was seen on a CPU, for what is seen there next. An ordinary array with an
 * entry for each CPU, on cache lines of its own: unlike one that is per CPU it is
 * looked up without a call. user/load makes as many entries as there can be CPUs,
 * or WIRE_MARKS: marks_at().
 */
struct at_cpu {
	struct mark marks[HOOK_MAX]; /* which event the first program on a hook is or was last run for */
	struct mark reset;	     /* peer.bpf.h: an RST that its socket's CLOSE will tell of */
	__u64 number;		     /* number_of(): an address on its way to be a number */
	struct mark ends[2];	     /* ends.bpf.h: a CLOSE that was told; [1]: in a call */
} __attribute__((aligned(256)));

struct cpus_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct at_cpu);
};
extern struct cpus_map cpus SEC(".maps");

/* ends.bpf.h: sockets whose connect() was told, or that the network has ended (the two lowest bits), each where its address says. */
#define CONNECTS_MAX 4096

struct connects_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CONNECTS_MAX);
	__type(key, __u32);
	__type(value, __u64);
};
extern struct connects_map connects SEC(".maps");

static __always_inline struct at_cpu *at_this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpus, &cpu);
}

/*
 * The verifier does not let a pointer be shifted: it becomes a number by way of
 * memory. Who interrupts here leaves another one's, and that is a wrong one.
 */
static __always_inline __u64 number_of(struct at_cpu *at, __u64 sk)
{
	*(volatile __u64 *)&at->number = sk;
	return *(volatile __u64 *)&at->number;
}

/* Neighbours in a slab are 64 bytes apart at least. */
static __always_inline __u32 place_of(__u64 number, __u32 places)
{
	return (number >> 6 ^ number >> 18) % places;
}

/*
 * The RST that answered a segment which ends a request, per CPU: the kernel drops the
 * request next, in the same softirq.
 */
struct answer {
	struct wire_tuple tuple;
	__u32 netns;
	__u32 reason;
	__u16 flags; /* enum wire_request_flag */
};

struct answers_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct answer);
};
extern struct answers_map answers SEC(".maps");

/*
 * With -p: whose a socket is known to be. The first to claim it stays. Preallocated:
 * a program must not allocate where it may have interrupted an allocator (before v6.1
 * the kernel warns of a kprobe that does, and it may deadlock).
 */
enum claim { CLAIM_OTHERS = 1, CLAIM_WANTED = 2 };

struct claims_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536); /* 1 without -p */
	__type(key, __u64);
	__type(value, __u8);
};
extern struct claims_map claims SEC(".maps");

/* An event that was ours, or may have been, and does not get through. */
static __always_inline void count_lost(__u32 hook)
{
	struct wire_count *count = bpf_map_lookup_elem(&counts, &hook);

	/* of one CPU, but not of one program: who interrupts counts as well */
	if (count)
		__sync_fetch_and_add(&count->lost, 1);
	__sync_fetch_and_add(&lost_records, 1);
}

static __always_inline void count_rescued(__u32 hook)
{
	struct wire_count *count = bpf_map_lookup_elem(&counts, &hook);

	if (count)
		__sync_fetch_and_add(&count->rescued, 1);
}

/* Room for one record of type `size`, or NULL and counted. */
static __always_inline void *begin(__u32 hook, __u64 size)
{
	void *record = bpf_ringbuf_reserve(&ring, size, 0);

	if (!record)
		count_lost(hook);
	return record;
}

/*
 * reader_woken is cleared by the reader before it looks; a race wakes it once
 * too often or leaves it to its 40 ms. One record in sixteen looks how much waits:
 * the clock is the die. Returns when it was, which is never 0.
 */
static __always_inline __u64 submit(struct wire_event *ev)
{
	__u64 mono_ns = ev->mono_ns;
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!(ev->mono_ns & 15) && !reader_woken &&
	    bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= config.wake_bytes) {
		reader_woken = 1;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(ev, flags);
	return mono_ns;
}

/*
 * The recursion guard skips a program when a softirq interrupts that very
 * program on this CPU. The first program of a hook leaves a mark; its
 * understudy, run right after it for the same event, finds the mark and does
 * nothing, or finds another one and steps in. Whichever of the two is
 * interrupted, the other one runs to its end. In the few instructions where both
 * run for one event, the record carries WIRE_UNDERSTUDY and user space drops
 * the second.
 *
 * Where a task may lose its CPU inside a program (facts TP_BTF_PREEMPTED, FENTRY_PREEMPTED), that
 * program is skipped on this CPU until the task goes on, and so may be its
 * understudy: there a second understudy looks as the first one does. There, too,
 * another task's event may come between two programs of one event, and on another
 * CPU: so a socket's mark is then where its address says.
 */
#define FIRST_UNDERSTUDY  1
#define SECOND_UNDERSTUDY 2

static __always_inline bool has_second_understudy(__u32 hook)
{
	return config.second_understudies & 1U << hook;
}

static __always_inline struct at_cpu *marks_at(__u32 hook, __u64 sk)
{
	struct at_cpu *at = at_this_cpu();
	__u32 place;

	if (!at || !has_second_understudy(hook))
		return at;
	place = place_of(number_of(at, sk), WIRE_MARKS);
	return bpf_map_lookup_elem(&cpus, &place);
}

static __always_inline void leave_mark(__u32 hook, __u64 sk, __u64 what)
{
	struct at_cpu *at = marks_at(hook, sk);

	if (at) {
		at->marks[hook].sk = sk;
		at->marks[hook].what = what;
	}
}

/* False: nobody saw that event, and it is for this understudy. The last one takes the mark away. */
static __always_inline bool find_mark(__u32 hook, __u64 sk, __u64 what, int understudy)
{
	struct at_cpu *at = marks_at(hook, sk);
	bool last = understudy == SECOND_UNDERSTUDY || !has_second_understudy(hook);

	if (!at)
		return true;
	if (at->marks[hook].sk == sk && at->marks[hook].what == what) {
		if (last)
			at->marks[hook].sk = 0;
		return true;
	}
	if (!last)
		leave_mark(hook, sk, what);
	count_rescued(hook);
	return false;
}

/* What every record begins with: all of it, for the ring's memory is not clean. */
static __always_inline void fill_event(struct wire_event *ev, __u8 kind, __u8 layout, __u16 size,
				       __u8 hook, __u64 sk)
{
	ev->size = size;
	ev->version = WIRE_VERSION;
	ev->kind = kind;
	ev->layout = layout;
	ev->hook = hook;
	ev->cpu = bpf_get_smp_processor_id();
	ev->mono_ns = bpf_ktime_get_ns();
	ev->sk = sk;
	ev->unused = 0;
	ev->flags = 0;
	ev->old_state = 0;
	ev->new_state = 0;
	ev->shutdown = 0;
	__builtin_memset(ev->pad, 0, sizeof(ev->pad));
	ev->reason = WIRE_NO_REASON;
	ev->netns_ino = 0;
}

#endif
