/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "ingest/decode.h"

#include <errno.h>
#include <linux/types.h>
#include <string.h>

#include "wire.h"

static const enum obs_kind kinds[WIRE_KIND_MAX] = {
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
	[WIRE_MINI_FOUND] = OBS_MINI_FOUND,
	[WIRE_MINI_ARMED] = OBS_MINI_ARMED,
	[WIRE_RST_STRAY] = OBS_RST_STRAY,
	[WIRE_OVERFLOW] = OBS_OVERFLOW,
	[WIRE_REQUEST_GONE] = OBS_REQUEST_GONE,
};

static void put_tuple(const struct wire_tuple *w, struct tuple *ret)
{
	ret->family = w->family == 6 ? 6 : 4;
	memcpy(ret->local.addr, w->local, sizeof(ret->local.addr));
	memcpy(ret->peer.addr, w->peer, sizeof(ret->peer.addr));
	ret->local.port = w->local_port;
	ret->peer.port = w->peer_port;
}

static void put_task_flags(uint32_t flags, struct obs_task *task)
{
	task->exiting = flags & WIRE_TASK_EXITING;
	task->kthread = flags & WIRE_TASK_KTHREAD;
	task->meant = flags & WIRE_TASK_MEANT;
	task->has_fd = flags & WIRE_TASK_HAS_FD;
}

static void put_task(const struct wire_task *w, struct obs *o)
{
	struct obs_task *task = &o->task;

	o->has_task = w->pid || w->flags;
	task->pid = w->pid;
	task->tid = w->tid;
	task->uid = w->uid;
	task->exit_code = w->exit_code;
	put_task_flags(w->flags, task);
	task->fd = w->fd;
	memcpy(task->comm, w->comm, sizeof(task->comm));
	task->comm[sizeof(task->comm) - 1] = '\0';
}

/* Never rounds a time that was set down to none. */
static uint32_t jiffies_to_ms(const struct decoder *d, uint32_t jiffies)
{
	uint64_t ms;

	if (!jiffies)
		return 0;
	ms = d->hz ? (uint64_t)jiffies * 1000 / d->hz : 1;
	if (ms > UINT32_MAX)
		return UINT32_MAX;
	return ms ? (uint32_t)ms : 1;
}

/* 0 where it is not known how long a jiffy is. */
static uint64_t jiffies_to_ns(const struct decoder *d, uint32_t jiffies)
{
	return d->hz ? (uint64_t)jiffies * UINT64_C(1000000000) / d->hz : 0;
}

static void put_sock(const struct decoder *d, const struct wire_sock *w, struct obs *o)
{
	struct obs_sock *s = &o->sock;

	o->has_sock = true;
	put_tuple(&w->tuple, &o->tuple);
	s->tuple = o->tuple;
	s->cgroup_id = w->cgroup_id;
	s->bytes_sent = w->bytes_sent;
	s->bytes_acked = w->bytes_acked;
	s->bytes_received = w->bytes_received;
	s->linger_ms = jiffies_to_ms(d, w->linger_jiffies);
	s->uid = w->uid;
	s->err = w->err;
	s->err_soft = w->err_soft;
	s->unread = w->unread;
	s->unsent = w->unsent;
	s->unacked = w->unacked;
	s->snd_wnd = w->snd_wnd;
	s->user_timeout_ms = w->user_timeout_ms;
	s->total_retrans = w->total_retrans;
	s->linger2 = w->linger2;
	s->state = w->state;
	s->retransmits = w->retransmits;
	s->probes_out = w->probes_out;
}

static const char *reason_name(const struct decoder *d, uint32_t reason)
{
	return reason < d->n_reasons ? d->reasons[reason] : NULL;
}

/* What the flags say, in whichever record. */
static void put_flags(uint16_t flags, struct obs *o)
{
	struct obs_sock *s = &o->sock;

	o->understudy = flags & WIRE_UNDERSTUDY;
	o->others = flags & WIRE_OTHERS;
	o->reset_called = flags & WIRE_RESET;
	o->rst_flag_known = flags & WIRE_RST_FLAG_KNOWN;
	o->rst_flag = flags & WIRE_RST_FLAG;
	s->owned = flags & WIRE_OWNED;
	s->dead = flags & WIRE_DEAD;
	s->done = flags & WIRE_DONE;
	s->has_socket = flags & WIRE_HAS_SOCKET;
	s->linger = flags & WIRE_LINGER;
	s->keepalive = flags & WIRE_KEEPALIVE;
	s->repair = flags & WIRE_REPAIR;
	s->mptcp = flags & WIRE_MPTCP;
	s->psock = flags & WIRE_PSOCK;
}

static void put_event(const struct decoder *d, const struct wire_event *ev, struct obs *o)
{
	o->kind = kinds[ev->kind];
	o->mono_ns = ev->mono_ns;
	o->sk = ev->sk;
	o->cpu = ev->cpu;
	o->old_state = ev->old_state;
	o->new_state = ev->new_state;
	if (o->kind != OBS_RELEASE)
		o->rst_reason = reason_name(d, ev->reason);
	else if (ev->reason != WIRE_NO_REASON)
		o->release_err = (int32_t)ev->reason;
	put_flags(ev->flags, o);
	o->sock.netns_ino = ev->netns_ino;
	o->sock.shutdown = ev->shutdown;
}

/* The small records: IPv4, and the fields that all of them have. */
static void put_spot(const struct decoder *d, const struct wire_spot *w, struct obs *o)
{
	o->kind = kinds[w->kind];
	o->mono_ns = w->mono_ns;
	o->sk = w->sk;
	o->cpu = w->cpu;
	o->old_state = w->old_state;
	o->new_state = w->new_state;
	/* 0xffff is no number of a reason, and no reason has one that high */
	o->rst_reason = reason_name(d, w->reason);
	put_flags(w->flags, o);
	o->sock.netns_ino = w->netns_ino;
	o->sock.shutdown = w->shutdown;
	o->tuple.family = 4;
	memcpy(o->tuple.local.addr, &w->local, sizeof(w->local));
	memcpy(o->tuple.peer.addr, &w->peer, sizeof(w->peer));
	o->tuple.local.port = w->local_port;
	o->tuple.peer.port = w->peer_port;
}

static void put_who(const struct wire_who *w, struct obs *o)
{
	struct obs_task *task = &o->task;

	o->has_task = w->pid || w->flags;
	task->pid = w->pid;
	task->tid = w->tid;
	task->uid = w->uid;
	task->exit_code = w->exit_code;
	put_task_flags(w->flags, task);
	memcpy(task->comm, w->comm, sizeof(w->comm));
	task->comm[sizeof(task->comm) - 1] = '\0';
}
_Static_assert(sizeof(((struct wire_who *)0)->comm) <= sizeof(((struct obs_task *)0)->comm), "a name fits");

static void put_sums(const struct decoder *d, const struct wire_sums *w, struct obs *o)
{
	struct obs_sock *s = &o->sock;

	o->has_sock = true;
	s->tuple = o->tuple;
	s->cgroup_id = w->cgroup_id;
	s->bytes_sent = w->bytes_sent;
	s->bytes_received = w->bytes_received;
	s->linger_ms = jiffies_to_ms(d, w->linger_jiffies);
	s->err = w->err;
	s->err_soft = w->err_soft;
	s->unread = w->unread;
	s->unsent = w->unsent;
	s->unacked = w->unacked;
	s->snd_wnd = w->snd_wnd;
	s->user_timeout_ms = w->user_timeout_ms;
	s->total_retrans = w->total_retrans;
	s->linger2 = w->linger2;
	s->state = o->old_state;
	s->retransmits = w->retransmits;
	s->probes_out = w->probes_out;
}

static const enum mini_caller callers[WIRE_BY_MAX] = {
	[WIRE_BY_UNKNOWN] = MINI_BY_UNKNOWN, [WIRE_BY_REARM] = MINI_BY_REARM,
	[WIRE_BY_RST] = MINI_BY_RST,	     [WIRE_BY_SEGMENT] = MINI_BY_SEGMENT,
	[WIRE_BY_CONNECT] = MINI_BY_CONNECT, [WIRE_BY_ABORT] = MINI_BY_ABORT,
	[WIRE_BY_PURGE] = MINI_BY_PURGE,
};

/* The record's address is the mini-socket's, not a full socket's. */
static void put_mini(const struct decoder *d, uint32_t timeout_jiffies, uint8_t caller, uint8_t flags,
		     struct obs *o)
{
	o->mini.addr = o->sk;
	o->sk = 0;
	o->mini.substate = o->new_state;
	if (caller < WIRE_BY_MAX)
		o->mini.caller = (uint8_t)callers[caller];
	o->mini.ts_known = flags & WIRE_MINI_TS_KNOWN;
	o->mini.ts = flags & WIRE_MINI_TS;
	o->mini.timeout_ns = jiffies_to_ns(d, timeout_jiffies);
}

static const enum request_caller request_callers[WIRE_BY_MAX] = {
	[WIRE_BY_TIMER] = REQUEST_BY_TIMER, [WIRE_BY_CHECK] = REQUEST_BY_SEGMENT,
	[WIRE_BY_ICMP] = REQUEST_BY_ICMP,   [WIRE_BY_ABORT] = REQUEST_BY_ABORT,
	[WIRE_BY_NO_LISTENER] = REQUEST_BY_NO_LISTENER,
};

/* The record's address is the request's: there is no socket. */
static void put_request(const struct wire_request *w, struct obs *o)
{
	struct obs_request *r = &o->request;

	put_tuple(&w->tuple, &o->tuple);
	o->sk = 0;
	r->listener = w->listener;
	r->age_ns = w->age_ns;
	if (w->caller < WIRE_BY_MAX)
		r->caller = (uint8_t)request_callers[w->caller];
	r->acked = w->flags & WIRE_REQUEST_ACKED;
	r->listening = w->flags & WIRE_REQUEST_LISTENING;
	r->deferred = w->flags & WIRE_REQUEST_DEFERRED;
	r->queue_full = w->flags & WIRE_REQUEST_QUEUE_FULL;
	r->answered = w->flags & WIRE_REQUEST_ANSWERED;
	r->overflow = w->flags & WIRE_REQUEST_OVERFLOW;
}

static int check(const struct wire_event *ev, size_t size)
{
	if (ev->size < sizeof(*ev) || ev->size > size)
		return -EBADMSG;
	if (ev->version != WIRE_VERSION)
		return -EPROTO;
	if (!ev->kind || ev->kind >= WIRE_KIND_MAX || !kinds[ev->kind])
		return -ENOMSG;
	return 0;
}

union record {
	struct wire_event ev;
	struct wire_by_task by_task;
	struct wire_place place;
	struct wire_brief brief;
	struct wire_alone alone;
	struct wire_full full;
	struct wire_held held;
	struct wire_mini mini;
	struct wire_stray stray;
	struct wire_request request;
	struct wire_spot spot;
	struct wire_spot_who spot_who;
	struct wire_spot_sums spot_sums;
	struct wire_spot_all spot_all;
	struct wire_spot_mini spot_mini;
};

static size_t layout_size(uint8_t layout)
{
	static const uint16_t sizes[] = {
		[WIRE_LEAN] = sizeof(struct wire_event),  [WIRE_TASK] = sizeof(struct wire_by_task),
		[WIRE_PLACE] = sizeof(struct wire_place), [WIRE_BRIEF] = sizeof(struct wire_brief),
		[WIRE_SOCK] = sizeof(struct wire_alone),  [WIRE_FULL] = sizeof(struct wire_full),
		[WIRE_MINI] = sizeof(struct wire_mini),	  [WIRE_HELD] = sizeof(struct wire_held),
		[WIRE_STRAY] = sizeof(struct wire_stray), [WIRE_REQUEST] = sizeof(struct wire_request),
		[WIRE_SPOT] = sizeof(struct wire_spot),
		[WIRE_SPOT_WHO] = sizeof(struct wire_spot_who),
		[WIRE_SPOT_SUMS] = sizeof(struct wire_spot_sums),
		[WIRE_SPOT_ALL] = sizeof(struct wire_spot_all),
		[WIRE_SPOT_MINI] = sizeof(struct wire_spot_mini),
	};

	return layout < sizeof(sizes) / sizeof(sizes[0]) ? sizes[layout] : 0;
}

static void put_spot_parts(const struct decoder *d, const union record *w, struct obs *o)
{
	switch (w->ev.layout) {
	case WIRE_SPOT_WHO:
		put_who(&w->spot_who.who, o);
		break;
	case WIRE_SPOT_SUMS:
		put_sums(d, &w->spot_sums.sums, o);
		break;
	case WIRE_SPOT_ALL:
		put_who(&w->spot_all.who, o);
		put_sums(d, &w->spot_all.sums, o);
		break;
	case WIRE_SPOT_MINI:
		put_mini(d, w->spot_mini.timeout_jiffies, w->spot_mini.caller, w->spot_mini.flags, o);
		break;
	}
}

static void put_parts(const struct decoder *d, const union record *w, struct obs *o)
{
	switch (w->ev.layout) {
	case WIRE_TASK:
		put_task(&w->by_task.task, o);
		break;
	case WIRE_PLACE:
		put_tuple(&w->place.tuple, &o->tuple);
		break;
	case WIRE_BRIEF:
		put_task(&w->brief.task, o);
		put_tuple(&w->brief.tuple, &o->tuple);
		break;
	case WIRE_SOCK:
		put_sock(d, &w->alone.sock, o);
		break;
	case WIRE_FULL:
		put_task(&w->full.task, o);
		put_sock(d, &w->full.sock, o);
		break;
	case WIRE_HELD:
		put_task(&w->held.task, o);
		put_sock(d, &w->held.sock, o);
		o->sock.ack_age_ns = jiffies_to_ns(d, w->held.ack_age_jiffies);
		break;
	case WIRE_MINI:
		put_tuple(&w->mini.tuple, &o->tuple);
		put_mini(d, w->mini.timeout_jiffies, w->mini.caller, w->mini.flags, o);
		break;
	case WIRE_STRAY:
		put_tuple(&w->stray.tuple, &o->tuple);
		break;
	case WIRE_REQUEST:
		put_request(&w->request, o);
		break;
	}
}

/* By blocks: in one piece it becomes an instruction that takes a while to start. */
static void zero(struct obs *o)
{
	const size_t block = 64, rest = sizeof(*o) % block;
	char *at = (char *)o, *end = at + sizeof(*o) - rest;

	for (; at < end; at += block)
		memset(at, 0, block);
	memset(end, 0, rest);
}

static void put(const struct decoder *d, const union record *w, struct obs *ret)
{
	zero(ret);
	if (w->ev.layout >= WIRE_SPOT) {
		put_spot(d, &w->spot, ret);
		put_spot_parts(d, w, ret);
	} else {
		put_event(d, &w->ev, ret);
		put_parts(d, w, ret);
	}
}

/* Seldom: what this has on the stack must not be in everybody's way. */
#define SELDOM __attribute__((noinline)) static

/* A later sensor may send more, an earlier one less: less reads as zero. */
SELDOM void put_padded(const struct decoder *d, const union record *w, struct obs *ret)
{
	union record copy;

	memcpy(&copy, w, w->ev.size);
	memset((char *)&copy + w->ev.size, 0, sizeof(copy) - w->ev.size);
	put(d, &copy, ret);
}

static int decode_aligned(const struct decoder *d, const union record *w, size_t size, struct obs *ret)
{
	size_t wanted;
	int r = check(&w->ev, size);

	if (r)
		return r;
	wanted = layout_size(w->ev.layout);
	if (!wanted)
		return -ENOMSG;
	if (w->ev.size < wanted)
		put_padded(d, w, ret);
	else
		put(d, w, ret);
	return 0;
}

/* Of a ring it is aligned; of a file it need not be. */
SELDOM int decode_copy(const struct decoder *d, const void *record, size_t size, struct obs *ret)
{
	union record copy;

	memcpy(&copy, record, size < sizeof(copy) ? size : sizeof(copy));
	return decode_aligned(d, &copy, size, ret);
}

int decode(const struct decoder *d, const void *record, size_t size, struct obs *ret)
{
	if (size < sizeof(struct wire_event))
		return -EBADMSG;
	if ((uintptr_t)record % _Alignof(union record))
		return decode_copy(d, record, size, ret);
	return decode_aligned(d, record, size, ret);
}
