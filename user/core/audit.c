/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "core/audit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/index.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/span.h"

struct window {
	bool set;
	uint64_t from_ns, until_ns;
};

/*
 * Who waits for close() in CLOSE_WAIT is open, too, since commit a46d0ea5c942 ("tcp:
 * count CLOSE-WAIT sockets for TCP_MIB_CURRESTAB") in v6.10, which older series have
 * got as well. A kernel cannot be asked, so both are kept, and the truth is one of them.
 */
enum open_way { OPEN_ESTABLISHED, OPEN_WAITING_TOO, OPEN_MAX };

struct account {
	struct index_link by_netns;
	struct list all;
	uint32_t netns;
	uint64_t in_flight;
	struct audit_range range[COUNTER_MAX];
	struct audit_range open[OPEN_MAX];
};

struct audit {
	struct window began, ended;
	struct index by_netns;
	struct pool accounts;
	struct list all;
	bool overflowed;
};

const char *audit_result_slug(enum audit_result result)
{
	static const char *const slugs[AUDIT_RESULT_MAX] = {
		[AUDIT_EXACT] = "exact", [AUDIT_WITHIN] = "within", [AUDIT_GAP] = "gap",
		[AUDIT_BLIND] = "blind", [AUDIT_UNREAD] = "unread",
	};

	return slugs[result];
}

int audit_new(struct audit **ret)
{
	struct audit *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	pool_init(&a->accounts, sizeof(struct account), AUDIT_NAMESPACES);
	list_init(&a->all);
	if (index_init(&a->by_netns)) {
		audit_free(a);
		return -ENOMEM;
	}
	*ret = a;
	return 0;
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	pool_destroy(&a->accounts);
	index_destroy(&a->by_netns);
	free(a);
}

void audit_began(struct audit *a, uint64_t from_ns, uint64_t until_ns)
{
	a->began = (struct window){true, from_ns, until_ns};
}

void audit_ended(struct audit *a, uint64_t from_ns, uint64_t until_ns)
{
	a->ended = (struct window){true, from_ns, until_ns};
}

static struct account *find(const struct audit *a, uint32_t netns)
{
	struct index_link *link = index_first(&a->by_netns, index_mix(netns));

	for (; link; link = index_next(&a->by_netns, link)) {
		struct account *account = container_of(link, struct account, by_netns);

		if (account->netns == netns)
			return account;
	}
	return NULL;
}

static struct account *find_or_make(struct audit *a, uint32_t netns)
{
	struct account *account = find(a, netns);

	if (account)
		return account;
	account = index_room(&a->by_netns) ? pool_take(&a->accounts) : NULL;
	if (!account) {
		a->overflowed = true;
		return NULL;
	}
	account->netns = netns;
	list_append(&a->all, &account->all);
	index_add(&a->by_netns, &account->by_netns, index_mix(netns));
	return account;
}

static bool is_in(const struct window *w, uint64_t at_ns)
{
	return w->set && at_ns >= w->from_ns && at_ns <= w->until_ns;
}

static bool is_outside(const struct audit *a, uint64_t at_ns)
{
	return (a->began.set && at_ns < a->began.from_ns) ||
	       (a->ended.set && at_ns > a->ended.until_ns);
}

static void widen(struct audit_range *range, int by, bool sure)
{
	if (by > 0 || sure)
		range->high += by;
	if (by < 0 || sure)
		range->low += by;
}

/* One more (or, with -1, one less); `sure`: nothing but a reading at that very time leaves it open. */
static void count(struct audit *a, uint32_t netns, enum counter counter, int by, uint64_t at_ns,
		  bool sure)
{
	struct account *account;
	bool near;

	if (is_outside(a, at_ns))
		return;
	account = find_or_make(a, netns);
	if (!account)
		return;
	near = is_in(&a->began, at_ns) || is_in(&a->ended, at_ns);
	account->in_flight += near;
	widen(&account->range[counter], by, sure && !near);
}

static void one(struct audit *a, uint32_t netns, enum counter counter, uint64_t at_ns)
{
	count(a, netns, counter, 1, at_ns, true);
}

static void perhaps(struct audit *a, uint32_t netns, enum counter counter, uint64_t at_ns)
{
	count(a, netns, counter, 1, at_ns, false);
}

/* Of something that happened since from_ns (0 = not known), and not later than at_ns. */
static void one_since(struct audit *a, uint32_t netns, enum counter counter, uint64_t from_ns, uint64_t at_ns)
{
	count(a, netns, counter, 1, at_ns, from_ns && (!a->began.set || from_ns > a->began.until_ns));
}

static bool is_open(uint8_t state, enum open_way way)
{
	return state == ST_ESTABLISHED || (state == ST_CLOSE_WAIT && way == OPEN_WAITING_TOO);
}

static void count_open(struct audit *a, const struct obs *o)
{
	bool near = is_in(&a->began, o->mono_ns) || is_in(&a->ended, o->mono_ns);
	struct account *account = is_outside(a, o->mono_ns) ? NULL : find_or_make(a, o->sock.netns_ino);

	for (enum open_way way = 0; account && way < OPEN_MAX; way++)
		widen(&account->open[way], is_open(o->new_state, way) - is_open(o->old_state, way), !near);
}

/*
 * A retransmission timer that gives up has run out once more. Not so where the window
 * was closed while somebody still held the socket: that is another way to give up.
 */
static bool is_timers(const struct obs *o, bool making)
{
	const struct obs_sock *s = &o->sock;

	return o->has_sock && s->err == ETIMEDOUT && s->unacked && (making || s->dead || s->snd_wnd);
}

static void count_close(struct audit *a, const struct obs *o)
{
	bool making = o->old_state == ST_SYN_SENT || o->old_state == ST_SYN_RECV;

	if (is_timers(o, making))
		one(a, o->sock.netns_ino, COUNTER_TIMEOUTS, o->mono_ns);
	if (o->old_state == ST_ESTABLISHED || o->old_state == ST_CLOSE_WAIT)
		one(a, o->sock.netns_ino, COUNTER_ESTAB_RESETS, o->mono_ns);
	/* tcp_done() counts; close() and disconnect() do not pass there, and leave no error yet */
	if (making && o->has_sock && o->sock.err)
		one(a, o->sock.netns_ino, COUNTER_ATTEMPT_FAILS, o->mono_ns);
	else if (making && (!o->has_sock || !o->sock.owned))
		perhaps(a, o->sock.netns_ino, COUNTER_ATTEMPT_FAILS, o->mono_ns);
}

static void count_state(struct audit *a, const struct obs *o)
{
	uint32_t netns = o->sock.netns_ino;

	if (o->old_state == ST_CLOSE && o->new_state == ST_SYN_SENT)
		one(a, netns, COUNTER_ACTIVE_OPENS, o->mono_ns);
	/* a child of a listener begins in SYN_RECV; who connects passes there only when SYNs cross */
	if (o->old_state == ST_SYN_RECV)
		one(a, netns, COUNTER_PASSIVE_OPENS, o->mono_ns);
	if (o->old_state == ST_SYN_SENT && o->new_state == ST_SYN_RECV)
		count(a, netns, COUNTER_PASSIVE_OPENS, -1, o->mono_ns, true);
	count_open(a, o);
	if (o->new_state == ST_CLOSE && o->old_state != ST_CLOSE)
		count_close(a, o);
}

/* One that finds no room, or what an ICMP error ends. */
static void count_drop(struct audit *a, const struct obs *o, uint64_t from_ns, bool full)
{
	one_since(a, o->sock.netns_ino, COUNTER_LISTEN_DROPS, from_ns, o->mono_ns);
	if (full)
		one_since(a, o->sock.netns_ino, COUNTER_LISTEN_OVERFLOWS, from_ns, o->mono_ns);
}

/* Why it had not become a socket by then; once at least, at some time of its life. */
static void count_expired(struct audit *a, const struct obs *o)
{
	const struct obs_request *r = &o->request;

	if (!r->listening)
		return;
	one(a, o->sock.netns_ino, COUNTER_TIMEOUTS, o->mono_ns);
	if (r->acked && !r->deferred && r->queue_full)
		count_drop(a, o, r->age_ns ? span_ns(r->age_ns, o->mono_ns) : 0, true);
}

/*
 * A segment that ends a request: the kernel counts that, and one that is an RST or a
 * SYN as a failed attempt, too; not the last one of a handshake that found no room.
 */
static void count_request(struct audit *a, const struct obs *o)
{
	uint32_t netns = o->sock.netns_ino;

	if (o->request.caller == REQUEST_BY_UNKNOWN) {
		perhaps(a, netns, COUNTER_EMBRYONIC_RSTS, o->mono_ns);
		perhaps(a, netns, COUNTER_ATTEMPT_FAILS, o->mono_ns);
	}
	if (o->request.caller == REQUEST_BY_TIMER)
		count_expired(a, o);
	if (o->request.caller == REQUEST_BY_ICMP || (o->request.caller == REQUEST_BY_SEGMENT && o->request.overflow))
		count_drop(a, o, o->mono_ns, o->request.overflow);
	if (o->request.caller != REQUEST_BY_SEGMENT)
		return;
	one(a, netns, COUNTER_EMBRYONIC_RSTS, o->mono_ns);
	if (!o->request.overflow)
		one(a, netns, COUNTER_ATTEMPT_FAILS, o->mono_ns);
}

void audit_obs(struct audit *a, const struct obs *o)
{
	if (!a)
		return;
	if (o->kind == OBS_STATE)
		count_state(a, o);
	else if (o->kind == OBS_REQUEST_GONE)
		count_request(a, o);
	else if (o->kind == OBS_RST_ACTIVE || o->kind == OBS_RST_REPLY || o->kind == OBS_RST_STRAY)
		one(a, o->sock.netns_ino, COUNTER_OUT_RSTS, o->mono_ns);
}

/*
 * There are kernels that reset a subflow as close() would with SO_LINGER 0, and others
 * that do it themselves; and what has not gone on to its connection by then was unread.
 */
static void count_subflow(struct audit *a, const struct verdict *v)
{
	perhaps(a, v->netns, COUNTER_ABORT_ON_CLOSE, v->mono_ns);
	if (v->evidence & EV(LINGER_ZERO))
		perhaps(a, v->netns, COUNTER_ABORT_ON_DATA, v->mono_ns);
}

/* What a cause says that the kernel has counted. */
static void count_cause(struct audit *a, const struct verdict *v)
{
	bool replied = v->evidence & EV(RST_REPLY), acted = v->evidence & EV(RST_ACTIVE);

	switch (v->cause) {
	case CAUSE_UNREAD_DATA:
		one(a, v->netns, COUNTER_ABORT_ON_CLOSE, v->mono_ns);
		break;
	case CAUSE_LINGER_ZERO:
		one(a, v->netns, COUNTER_ABORT_ON_DATA, v->mono_ns);
		break;
	case CAUSE_DATA_AFTER_CLOSE:
		/* a mini-socket's answer is counted nowhere but in OutRsts */
		if (replied)
			one(a, v->netns, COUNTER_ABORT_ON_DATA, v->mono_ns);
		break;
	case CAUSE_LINGER2_NEGATIVE:
		if (replied || acted)
			one(a, v->netns, acted ? COUNTER_ABORT_ON_LINGER : COUNTER_ABORT_ON_DATA,
			    v->mono_ns);
		break;
	case CAUSE_SUBFLOW_RESET:
		count_subflow(a, v);
		break;
	case CAUSE_ORPHAN_LIMIT:
		one(a, v->netns, COUNTER_ABORT_ON_MEMORY, v->mono_ns);
		break;
	default:
		break;
	}
}

static void count_unknown(struct audit *a, const struct verdict *v)
{
	static const enum counter any[] = {COUNTER_ABORT_ON_DATA, COUNTER_ABORT_ON_CLOSE,
					   COUNTER_ABORT_ON_LINGER, COUNTER_ABORT_ON_MEMORY};

	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++)
		perhaps(a, v->netns, any[i], v->mono_ns);
}

void audit_verdict(struct audit *a, const struct verdict *v)
{
	if (!a)
		return;
	if (v->evidence & EV(ERR_TIMEOUT))
		one(a, v->netns, COUNTER_ABORT_ON_TIMEOUT, v->mono_ns);
	else if (v->evidence & EV(ERR_SOFT) || v->cause == CAUSE_UNKNOWN)
		perhaps(a, v->netns, COUNTER_ABORT_ON_TIMEOUT, v->mono_ns);
	if (v->evidence & EV(IN_SYN_SENT) && v->evidence & EV(SYN_UNSENT))
		count(a, v->netns, COUNTER_ACTIVE_OPENS, -1, v->mono_ns, true);
	if (v->evidence & EV(MINI_REFUSED))
		one(a, v->netns, COUNTER_TIME_WAIT_OVERFLOW, v->mono_ns);
	count_cause(a, v);
	if (v->cause == CAUSE_UNKNOWN)
		count_unknown(a, v);
}

/*
 * Counted when it is armed; before v5.18 only when its time runs out, and never
 * when it ends before that. More than were born (or, older than the trace, ran
 * out) it cannot be either way.
 */
void audit_mini_born(struct audit *a, uint32_t netns, uint64_t at_ns)
{
	if (a)
		perhaps(a, netns, COUNTER_TIME_WAIT, at_ns);
}

void audit_mini_ended(struct audit *a, const struct minisocket *m)
{
	if (a && m->end == MINI_REUSED)
		one(a, m->netns, COUNTER_TIME_WAIT_RECYCLED, m->mono_ns);
	else if (a && m->end == MINI_UNSEEN)
		perhaps(a, m->netns, COUNTER_TIME_WAIT_RECYCLED, m->mono_ns);
	else if (a && m->end == MINI_EXPIRED && !m->complete)
		perhaps(a, m->netns, COUNTER_TIME_WAIT, m->mono_ns);
}

void audit_forget(struct audit *a, uint32_t netns)
{
	struct account *account = find(a, netns);

	if (!account)
		return;
	index_remove(&a->by_netns, &account->by_netns);
	list_remove(&account->all);
	pool_give(&a->accounts, account);
}

static struct audit_range open_range(const struct account *account)
{
	struct audit_range range = account->open[0];

	for (int way = 1; way < OPEN_MAX; way++) {
		const struct audit_range *other = &account->open[way];

		range.low = other->low < range.low ? other->low : range.low;
		range.high = other->high > range.high ? other->high : range.high;
	}
	return range;
}

struct audit_range audit_range(const struct audit *a, uint32_t netns, enum counter counter)
{
	const struct account *account = find(a, netns);

	if (!account)
		return (struct audit_range){0};
	return counter == COUNTER_CURR_ESTAB ? open_range(account) : account->range[counter];
}

bool audit_namespace(const struct audit *a, size_t i, uint32_t *ret)
{
	for (const struct list *at = a->all.next; at != &a->all; at = at->next)
		if (!i--) {
			*ret = container_of(at, struct account, all)->netns;
			return true;
		}
	return false;
}

uint64_t audit_in_flight(const struct audit *a, uint32_t netns)
{
	const struct account *account = find(a, netns);

	return account ? account->in_flight : 0;
}

bool audit_overflowed(const struct audit *a)
{
	return a->overflowed;
}

enum audit_result audit_compare(struct audit_range range, enum counter counter,
				const struct mibs *delta, uint32_t covered)
{
	const uint32_t requests = counter_row(COUNTER_EMBRYONIC_RSTS)->vantages;
	uint32_t needs = counter_row(counter)->vantages;
	int64_t kernel = (int64_t)delta->value[counter];

	if (!delta->known[counter])
		return AUDIT_UNREAD;
	/* where requests are out of sight: the kernel counts a segment that ends one here and in EmbryonicRsts */
	if (counter == COUNTER_ATTEMPT_FAILS && (covered & requests) != requests)
		range.high += (int64_t)delta->value[COUNTER_EMBRYONIC_RSTS];
	if (kernel == range.low && kernel == range.high)
		return AUDIT_EXACT;
	if (kernel >= range.low && kernel <= range.high)
		return AUDIT_WITHIN;
	if (kernel < range.low)
		return AUDIT_GAP;
	return counter_row(counter)->kind == COUNTER_LEAST || (covered & needs) != needs ? AUDIT_BLIND : AUDIT_GAP;
}

void audit_total_add(struct audit_total *t, uint32_t netns, const struct audit_count *c)
{
	uint64_t low = c->observed.low > 0 ? (uint64_t)c->observed.low : 0;
	uint64_t high = c->observed.high > 0 ? (uint64_t)c->observed.high : 0;

	t->kernel += c->kernel;
	if (c->result == AUDIT_EXACT || c->result == AUDIT_WITHIN) {
		t->accounted += c->kernel;
		return;
	}
	t->accounted += c->kernel < high ? c->kernel : high;
	t->surplus += low > c->kernel ? low - c->kernel : 0;
	if (c->result == AUDIT_BLIND)
		t->hidden += c->kernel - high;
	if (c->result == AUDIT_GAP)
		t->gap_netns = netns;
}
