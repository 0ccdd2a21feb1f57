/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "report/stuck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "report/tally.h"

struct stuck {
	uint64_t began_ns;
	bool (*want)(void *ctx, const struct stuck_sock *sock);
	void *ctx;
	struct tally socks; /* struct stuck_sock */
	struct stuck_report report;
};

int stuck_new(uint64_t began_ns, uint64_t older_ns,
	      bool (*want)(void *ctx, const struct stuck_sock *sock), void *ctx, struct stuck **ret)
{
	struct stuck *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->began_ns = began_ns;
	s->report.older_ns = older_ns;
	s->want = want;
	s->ctx = ctx;
	tally_init(&s->socks, sizeof(struct stuck_sock), sizeof(struct stuck_key), STUCK_SOCKS_MAX);
	*ret = s;
	return 0;
}

void stuck_free(struct stuck *s)
{
	if (!s)
		return;
	tally_reset(&s->socks);
	free(s);
}

void stuck_begin(struct stuck *s, uint64_t now_ns)
{
	tally_reset(&s->socks);
	s->report = (struct stuck_report){ .mono_ns = now_ns, .watched_ns = span_ns(s->began_ns, now_ns),
					   .older_ns = s->report.older_ns };
}

static struct stuck_sock *sock_of(struct stuck *s, const struct tuple *tuple, uint32_t netns, bool mini)
{
	struct stuck_key key = {
		.netns = netns, .local_port = tuple->local.port, .peer_port = tuple->peer.port,
		.family = tuple->family, .mini = mini,
	};

	memcpy(key.local, tuple->local.addr, sizeof(key.local));
	memcpy(key.peer, tuple->peer.addr, sizeof(key.peer));
	return tally_item(&s->socks, &key);
}

static bool is_between(uint8_t state)
{
	return state == ST_CLOSE_WAIT || state == ST_FIN_WAIT1 || state == ST_FIN_WAIT2 ||
	       state == ST_LAST_ACK || state == ST_CLOSING;
}

static bool fin_is_ours(uint8_t state)
{
	return state != ST_CLOSE_WAIT;
}

/* In bytes of data: each FIN takes a sequence number and is none. */
static void take_bytes(struct stuck_sock *sock, const struct obs_sock *o)
{
	uint32_t unsent = o->unsent, unacked = o->unacked;
	/* who has found it need not know more than the state */
	bool fin_came = o->done || o->state == ST_CLOSE_WAIT || o->state == ST_LAST_ACK || o->state == ST_CLOSING;

	if (fin_is_ours(o->state) && unsent)
		unsent--;
	else if (fin_is_ours(o->state) && unacked)
		unacked--;
	sock->unsent_bytes = unsent;
	sock->unacked_bytes = unacked;
	sock->unread_bytes = o->unread > fin_came ? o->unread - fin_came : 0;
}

static void add_holder(struct stuck_sock *sock, const struct obs_task *task)
{
	uint32_t n = sock->n_holders++;

	if (n >= STUCK_HOLDERS_MAX)
		return;
	sock->holders[n].pid = task->pid;
	sock->holders[n].fd = task->fd;
	memcpy(sock->holders[n].comm, task->comm, sizeof(sock->holders[n].comm));
}

void stuck_see(struct stuck *s, const struct obs *obs)
{
	const struct obs_sock *o = &obs->sock;
	struct stuck_sock *sock;

	if (!obs->has_sock || !is_between(o->state))
		return;
	sock = sock_of(s, &o->tuple, o->netns_ino, false);
	if (!sock)
		return;
	if (!sock->seen) {
		sock->seen = true;
		sock->tuple = o->tuple;
		sock->netns = o->netns_ino;
		sock->state = o->state;
		sock->has_socket = o->has_socket;
		sock->dead = o->dead;
		sock->window = o->snd_wnd;
		sock->retransmits = o->retransmits;
		sock->probes = o->probes_out;
		sock->ack_age_ns = o->ack_age_ns;
		take_bytes(sock, o);
	}
	/* the walk over one namespace shows it once more, without a task */
	if (obs->has_task && obs->task.has_fd)
		add_holder(sock, &obs->task);
}

static uint64_t since(const struct stuck *s, uint64_t at_ns)
{
	return span_ns(at_ns, s->report.mono_ns);
}

/*
 * Nobody saw it enter the state. But the peer's FIN (CLOSE_WAIT, CLOSING), or its
 * acknowledgement of ours (FIN_WAIT2), was an acknowledgement too: the last one
 * that came is that one or a later one.
 */
static void take_bound(struct stuck_sock *sock)
{
	bool by_ack = sock->state == ST_CLOSE_WAIT || sock->state == ST_CLOSING ||
		      sock->state == ST_FIN_WAIT2;

	if (sock->at_least && by_ack && sock->ack_age_ns > sock->age_ns)
		sock->age_ns = sock->ack_age_ns;
}

void stuck_flow(struct stuck *s, const struct flow_now *f)
{
	struct stuck_sock *sock;

	if (!is_between(f->state))
		return;
	sock = sock_of(s, f->tuple, f->netns, false);
	if (!sock)
		return;
	sock->conn = f->conn;
	sock->owner = *f->owner;
	if (!sock->seen) {
		sock->tuple = *f->tuple;
		sock->netns = f->netns;
		sock->state = f->state;
	}
	/* the kernel's word on the state is newer than the last event that was read */
	sock->at_least = f->at_least || sock->state != f->state;
	sock->age_ns = sock->state == f->state ? since(s, f->since_ns) : 0;
}

void stuck_mini(struct stuck *s, const struct flow_mini *m)
{
	struct stuck_sock *sock;

	if (m->state != ST_FIN_WAIT2 || m->dying || m->hidden)
		return;
	sock = sock_of(s, &m->tuple, m->netns, true);
	if (!sock)
		return;
	sock->mini = true;
	sock->conn = m->conn;
	sock->tuple = m->tuple;
	sock->netns = m->netns;
	sock->state = ST_FIN_WAIT2;
	sock->owner = m->owner;
	sock->age_ns = since(s, m->born_ns);
	sock->at_least = m->older;
}

static bool is_wanted(const struct stuck *s, const struct stuck_sock *sock)
{
	return !s->want || s->want(s->ctx, sock);
}

static int oldest_first(const void *a, const void *b)
{
	const struct stuck_sock *x = *(struct stuck_sock *const *)a, *y = *(struct stuck_sock *const *)b;

	if (x->age_ns != y->age_ns)
		return x->age_ns < y->age_ns ? 1 : -1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

const struct stuck_report *stuck_done(struct stuck *s, uint64_t lost, bool last)
{
	struct stuck_report *r = &s->report;
	struct stuck_sock **items = (struct stuck_sock **)s->socks.items;

	for (size_t i = 0; i < s->socks.n; i++) {
		struct stuck_sock *sock = items[i];

		sock->at_least |= !sock->conn;
		take_bound(sock);
	}
	tally_sort(&s->socks, oldest_first);
	r->n = r->younger = 0;
	/* those that are not asked for leave by the back: the tally frees what it lists */
	for (size_t i = 0; i < s->socks.n; i++) {
		struct stuck_sock *sock = items[i];

		if (!is_wanted(s, sock))
			continue;
		if (sock->age_ns < r->older_ns) {
			r->younger++;
			continue;
		}
		stuck_explain(sock);
		items[i] = items[r->n];
		items[r->n++] = sock;
	}
	r->items = (const struct stuck_sock *const *)items;
	r->passed = s->socks.passed;
	r->lost = lost;
	r->last = last;
	return r;
}
