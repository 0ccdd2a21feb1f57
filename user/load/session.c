/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/session.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "load/aside.h"
#include "load/catch_up.h"
#include "load/cgroup.h"
#include "load/configure.h"
#include "load/diag.h"
#include "load/examine.h"
#include "load/look.h"
#include "load/misses.h"
#include "load/ring.h"
#include "load/ways.h"
#include "wire.h"

#include "tcpclose.skel.h"

#define LINKS_MAX 64

struct session {
	struct tcpclose_bpf *skel;
	struct examination *found;
	struct ring ring;
	struct ring_at at;
	struct bpf_link *links[LINKS_MAX];
	const struct cell *link_cells[LINKS_MAX];
	size_t n_links;
	session_record_fn take;
	void *ctx;
	struct look *look; /* while one is under way */
	struct buf aside;  /* what is traced while mini-sockets are asked for */
	struct misses base[HOOK_MAX], last[HOOK_MAX]; /* when all was attached; when the first was taken off */
	uint32_t ended;				      /* bits 1 << HOOK_...: `last` is of these */
	bool passed_over; /* a namespace that could not be asked: it was said */
	uint32_t hz;
	const char **reasons;
	size_t n_reasons;
};

/* The understudy of a cell that is on; a cell that the plan takes. */
static void choose_programs(struct session *s)
{
	const struct cell *cells;
	size_t n;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++) {
		struct bpf_program *p =
			bpf_object__find_program_by_name(s->skel->obj, cells[i].program);

		/* all are off until somebody asks */
		if (p && examination_takes(s->found, &cells[i]))
			bpf_program__set_autoload(p, true);
	}
	bpf_program__set_autoload(s->skel->progs.iter__task_file, true);
	bpf_program__set_autoload(s->skel->progs.peek_minisockets, true);
}

static struct bpf_link *attach_cgroup(struct bpf_program *p)
{
	CLEANUP(close) int fd = cgroup_open_root();

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	return bpf_program__attach_cgroup(p, fd);
}

/*
 * A function may stand in BTF and still refuse (inlined, notrace): without a
 * hook that is not required the trace goes on, and is blind to what it shows.
 */
static int attach_failed(struct session *s, const struct cell *cell, int r)
{
	const struct cell *cells;
	size_t n;

	log_error("cannot attach %s: %s", cell->program, strerror(-r));
	if (hook_row(cell->hook)->required && !cell->understudy)
		return r;
	cells = plan_cells(&n);
	for (size_t i = 0; i < n && !cell->understudy; i++)
		if (!strcmp(cells[i].program, cell->program) && examination_takes(s->found, &cells[i]))
			s->found->plan.covered &= ~hook_row(cells[i].hook)->vantages;
	return 0;
}

static int attach_cell(struct session *s, const struct cell *cell)
{
	struct bpf_program *p = bpf_object__find_program_by_name(s->skel->obj, cell->program);
	struct bpf_link *link;

	if (!p || s->n_links == LINKS_MAX)
		return -ENOENT;
	if (examination_shared(s->found, cell))
		return 0;
	link = cell->way == WAY_CGROUP ? attach_cgroup(p) : bpf_program__attach(p);
	if (!link)
		return attach_failed(s, cell, -errno);
	s->link_cells[s->n_links] = cell;
	s->links[s->n_links++] = link;
	return 0;
}

/*
 * An understudy must run after its program. A tracepoint runs programs in the
 * order in which they came; a trampoline (fentry) the newest first
 * (bpf_trampoline_link_prog() adds at the head of its list).
 */
static int attach_turn(const struct cell *cell)
{
	return cell->way == WAY_FENTRY ? UNDERSTUDIES_MAX - cell->understudy : UNDERSTUDIES_MAX;
}

/*
 * In the order of hooks.def: state changes first, so that no later record speaks
 * of a socket whose state changes are not seen yet.
 */
static int attach(struct session *s)
{
	const struct cell *cells;
	size_t n;
	int r = 0;

	cells = plan_cells(&n);
	for (int turn = 0; turn <= UNDERSTUDIES_MAX; turn++)
		for (size_t i = 0; i < n && !r; i++)
			if (attach_turn(&cells[i]) == turn && examination_takes(s->found, &cells[i]))
				r = attach_cell(s, &cells[i]);
	return r;
}

static int on_record(void *ctx, const void *data, size_t size)
{
	struct session *s = ctx;
	const struct wire_event *ev = data;
	int r = s->look && size >= sizeof(*ev) ? look_give_until(s->look, ev->mono_ns) : 0;

	return r ? r : s->take(s->ctx, data, size);
}

static void load_failed(int r)
{
	if (r == -EPERM && !ways_may_lock())
		log_error("the kernel refused to load the programs: before v5.11 they count against RLIMIT_MEMLOCK, and CAP_SYS_RESOURCE to raise it is missing");
	else
		log_error("the kernel refused to load the programs: %s (-v shows what it said)",
			  strerror(-r));
}

/* What was loaded is in the kernel: the pages of this program's file that it came from need not stay. */
static void let_go_of_object(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	size_t size;
	uintptr_t bytes = (uintptr_t)tcpclose_bpf__elf_bytes(&size);
	uintptr_t from = (bytes + page - 1) / page * page, to = (bytes + size) / page * page;

	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

static int load(struct session *s, const struct session_config *config)
{
	int r;

	s->skel = tcpclose_bpf__open();
	r = s->skel ? configure(s->skel, s->found, config) : -errno;
	if (r) {
		log_error("cannot prepare the programs: %s", strerror(-r));
		return r;
	}
	choose_programs(s);
	r = tcpclose_bpf__load(s->skel);
	if (r) {
		load_failed(r);
		return r;
	}
	let_go_of_object();
	r = ring_open(bpf_map__fd(s->skel->maps.ring), bpf_map__max_entries(s->skel->maps.ring), &s->ring);
	if (r)
		log_error("cannot map the ring buffer: %s (a smaller --ring may fit)", strerror(-r));
	s->at = (struct ring_at){ s->ring.read, s->ring.written, .patience_ns = SESSION_PATIENCE_NS };
	return r;
}

/*
 * The kernel keeps SO_LINGER's time in jiffies and does not say how long one is.
 * A socket of our own with a time that we know tells.
 */
#define KNOWN_LINGER_S 100

static int keep_jiffies(void *ctx, const void *record, size_t size)
{
	const struct wire_held *held = record;

	if (size == sizeof(*held))
		*(uint32_t *)ctx = held->sock.linger_jiffies;
	return 0;
}

static void find_hz(struct session *s)
{
	struct linger linger = { .l_onoff = 1, .l_linger = KNOWN_LINGER_S };
	CLEANUP(close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint32_t jiffies = 0;
	struct look look = { .take = keep_jiffies, .ctx = &jiffies };
	uint64_t cookie;
	socklen_t size = sizeof(cookie);
	int r;

	/* by cookie: in a pid namespace the kernel does not know us by getpid() */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size))
		return;
	s->skel->bss->snap_cookie = cookie;
	r = look_at(&look, s->skel->progs.iter__task_file);
	s->skel->bss->snap_cookie = 0;
	if (r)
		log_debug("cannot look at sockets of tasks: %s", strerror(-r));
	s->hz = jiffies / KNOWN_LINGER_S;
	/* plain close: a linger of our own would be nothing but confusing in a trace */
	linger.l_onoff = 0;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* Of all hooks as of now; misses before rescues: one in between must not look like one that nobody caught. */
static int count(const struct session *s, struct misses now[HOOK_MAX], uint64_t lost[HOOK_MAX])
{
	misses_count(s->skel->obj, s->found, now);
	for (size_t i = 0; i < s->n_links; i++)
		if (s->links[i] && s->link_cells[i]->way == WAY_KPROBE)
			now[s->link_cells[i]->hook].alone += misses_of_kprobe(bpf_link__fd(s->links[i]));
	return misses_tally(bpf_map__fd(s->skel->maps.counts), now, lost);
}

/*
 * While programs come and go an understudy stands alone: each event looks like a
 * rescue. What is counted is what happened in between.
 */
static void begin_counting(struct session *s)
{
	uint64_t lost[HOOK_MAX] = { 0 };

	count(s, s->base, lost);
}

static void end_counting(struct session *s, uint32_t hooks)
{
	struct misses now[HOOK_MAX] = { 0 };
	uint64_t lost[HOOK_MAX] = { 0 };

	hooks &= ~s->ended;
	if (!hooks || count(s, now, lost))
		return;
	for (int hook = 0; hook < HOOK_MAX; hook++)
		if (hooks & 1U << hook)
			s->last[hook] = now[hook];
	s->ended |= hooks;
}

int session_open(const struct session_config *config, session_record_fn take, void *ctx,
		 struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->take = take;
	s->ctx = ctx;
	r = examine(config->way, &s->found);
	if (!r) {
		s->reasons = facts_reasons(s->found->vmlinux, &s->n_reasons);
		examination_let_go(s->found);
		r = load(s, config);
	}
	if (!r) {
		/* before anything is traced: with many files open it takes a while, and nothing is read meanwhile */
		find_hz(s);
		r = attach(s);
		begin_counting(s);
	}
	if (r) {
		session_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

int session_fd(const struct session *s)
{
	return bpf_map__fd(s->skel->maps.ring);
}

static int consume(void *ctx)
{
	struct session *s = ctx;

	/* before looking: what comes after the look must wake again */
	s->skel->bss->reader_woken = 0;
	return ring_consume(&s->ring, on_record, s);
}

int session_consume(struct session *s)
{
	int r = consume(s);

	return r == -EAGAIN ? SESSION_MORE : r > 0 ? SESSION_UNFINISHED : r;
}

int session_catch_up(struct session *s)
{
	return catch_up(&s->at, consume, s);
}

unsigned long session_position(const struct session *s)
{
	return *s->ring.read;
}

uint64_t session_unread(const struct session *s)
{
	return ring_unread(&s->ring);
}

/* Once: it is looked at again and again. */
static void say_passed_over(struct session *s, const struct look *look)
{
	if (look->passed_over && !s->passed_over)
		log_info("cannot ask every network namespace for its sockets (%s): those there that no process holds are not known",
			 strerror(-look->passed_over));
	s->passed_over |= look->passed_over != 0;
}

int session_snapshot(struct session *s, bool all)
{
	struct look look = { .take = s->take, .ctx = s->ctx, .catch_up = session_catch_up, .session = s };
	int r, unheld = 0;

	s->look = &look;
	r = look_at(&look, s->skel->progs.iter__task_file);
	if (all)
		unheld = diag_sockets(&look, &s->skel->rodata->config.filter, s->hz);
	s->look = NULL;
	say_passed_over(s, &look);
	return r ? r : unheld;
}

/* To ask for a million of them takes longer than a ring lasts, and what is traced meanwhile comes after. */
static int set_aside(struct session *s)
{
	s->skel->bss->reader_woken = 0;
	return aside_read(&s->aside, &s->ring);
}

int session_find_minis(struct session *s)
{
	struct look look = { .take = s->take, .ctx = s->ctx, .catch_up = set_aside, .session = s };
	int r = diag_minis(&look, &s->skel->rodata->config.filter, s->hz);
	int given = aside_give(&s->aside, on_record, s);

	say_passed_over(s, &look);
	return r ? r : given;
}

static void put_answer(const struct wire_peek *w, struct session_peek *p)
{
	p->substate = w->substate;
	p->family = w->tuple.family;
	p->local_port = w->tuple.local_port;
	p->peer_port = w->tuple.peer_port;
	memcpy(p->local, w->tuple.local, sizeof(p->local));
	memcpy(p->peer, w->tuple.peer, sizeof(p->peer));
}

/* As many as one run of the program takes. */
static int peek_some(struct session *s, struct session_peek *peeks, size_t n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct tcpclose_bpf__bss *bss = s->skel->bss;

	for (size_t i = 0; i < n; i++)
		bss->peeks[i] = (struct wire_peek){ .addr = peeks[i].addr };
	bss->n_peeks = (__u32)n;
	if (bpf_prog_test_run_opts(bpf_program__fd(s->skel->progs.peek_minisockets), &opts))
		return -EOPNOTSUPP;
	for (size_t i = 0; i < n; i++)
		put_answer(&bss->peeks[i], &peeks[i]);
	return 0;
}

int session_peek(struct session *s, struct session_peek *peeks, size_t n)
{
	int r = 0;

	for (size_t done = 0; done < n && !r; done += WIRE_PEEK_MAX)
		r = peek_some(s, peeks + done, n - done < WIRE_PEEK_MAX ? n - done : WIRE_PEEK_MAX);
	return r;
}

uint64_t session_lost(const struct session *s)
{
	return __atomic_load_n(&s->skel->bss->lost_records, __ATOMIC_RELAXED);
}

void session_detach_states(struct session *s)
{
	end_counting(s, 1U << HOOK_STATE);
	/* what no change of state will carry any more goes by itself */
	s->skel->bss->states_unseen = 1;
	for (size_t i = 0; i < s->n_links; i++) {
		if (s->link_cells[i]->hook != HOOK_STATE)
			continue;
		bpf_link__destroy(s->links[i]);
		s->links[i] = NULL;
	}
}

void session_detach(struct session *s)
{
	if (s->n_links)
		end_counting(s, (1U << HOOK_MAX) - 1);
	/* destroying no link does nothing */
	for (size_t i = 0; i < s->n_links; i++)
		bpf_link__destroy(s->links[i]);
	s->n_links = 0;
}

int session_losses(const struct session *s, struct session_losses *ret)
{
	struct misses now[HOOK_MAX] = { 0 };
	int r;

	*ret = (struct session_losses){ 0 };
	r = count(s, now, ret->lost);
	for (int hook = 0; hook < HOOK_MAX && !r; hook++) {
		const struct misses *m = s->ended & 1U << hook ? &s->last[hook] : &now[hook];

		ret->missed[hook] = misses_unseen(m, &s->base[hook]);
		ret->rescued[hook] = misses_rescued(m, &s->base[hook]);
	}
	return r;
}

const struct plan *session_plan(const struct session *s)
{
	return &s->found->plan;
}

uint32_t session_hz(const struct session *s)
{
	return s->hz;
}

const char **session_reasons(const struct session *s, size_t *n)
{
	*n = s->n_reasons;
	return s->reasons;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	session_detach(s);
	ring_close(&s->ring);
	tcpclose_bpf__destroy(s->skel);
	examination_free(s->found);
	facts_free_reasons(s->reasons, s->n_reasons);
	free(s);
}
