// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* snap: the sockets that are there when asked, and who holds them. Process context of the asker. */
#include "sock.bpf.h"

static __always_inline void fill_snapshot(struct wire_full *rec, const struct sock *sk)
{
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_event(&rec->ev, WIRE_SNAPSHOT, WIRE_FULL, sizeof(*rec), HOOK_STATE, (__u64)sk);
	fill_event_sock(&rec->ev, sk);
	fill_sock(&rec->sock, sk);
	rec->ev.old_state = rec->ev.new_state = rec->sock.state;
}

/* Set by user space to see one socket, without filters; 0 = everybody's, filtered. */
__u64 snap_cookie = 0;

static __always_inline bool task_wanted(struct task_struct *task, const struct sock *sk)
{
	__u32 pid = BPF_CORE_READ(task, tgid);

	if (snap_cookie)
		return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) == snap_cookie;
	if (!sock_wanted(sk))
		return false;
	/* of many that hold it, one that is asked for is enough */
	if (config.filter.n_pids && pid_wanted(pid))
		claim_for(sk, pid);
	return true;
}

/*
 * Every open file of every task, in all network namespaces. No socket lock is
 * held: a torn read is possible and is corrected by the socket's next event.
 */
SEC("?iter/task_file")
int iter__task_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct wire_full rec;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || !is_tcp(sk) || BPF_CORE_READ(sk, sk_type) != SOCK_STREAM)
		return 0;
	if (!task_wanted(task, sk))
		return 0;
	fill_snapshot(&rec, sk);
	fill_task_of(&rec.task, task);
	rec.task.flags |= WIRE_TASK_MEANT;
	bpf_seq_write(ctx->meta->seq, &rec, sizeof(rec));
	return 0;
}

static __always_inline bool is_pending(const struct timer_list *timer)
{
	return BPF_CORE_READ(timer, entry.pprev);
}

/*
 * A mini-socket that is there, and whose timer has not been taken off: of one that
 * is on its way out, that has been traced already. Whose it was is not known: who
 * asks for a process or a cgroup does not ask for it.
 */
static __always_inline int send_found(struct seq_file *seq, const struct inet_timewait_sock *tw)
{
	/* what is read are slots of one size */
	union {
		struct wire_full slot;
		struct wire_mini mini;
	} rec;
	long left;

	if (config.filter.n_pids || config.filter.cgroup_id)
		return 0;
	if (!is_pending(&tw->tw_timer) || !mini_wanted(tw))
		return 0;
	__builtin_memset(&rec, 0, sizeof(rec));
	fill_event(&rec.mini.ev, WIRE_MINI_FOUND, WIRE_MINI, sizeof(rec.mini), HOOK_MINI_BORN, (__u64)tw);
	fill_mini(&rec.mini, tw);
	left = BPF_CORE_READ(tw, tw_timer.expires) - bpf_jiffies64();
	rec.mini.timeout_jiffies = left > 0 ? left : 1;
	bpf_seq_write(seq, &rec, sizeof(rec));
	return 0;
}

/*
 * Every TCP socket of the asker's network namespace: here are the orphans too, and
 * the mini-sockets. What is shown is referenced, or its bucket is locked (before
 * v5.15): it does not go away under us.
 */
SEC("?iter/tcp")
int iter__tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct wire_full rec;
	__u8 state;

	if (!skc)
		return 0;
	state = BPF_CORE_READ(skc, skc_state);
	if (state == ST_TIME_WAIT)
		return send_found(ctx->meta->seq, (const void *)skc);
	if (state == ST_NEW_SYN_RECV || state == ST_LISTEN)
		return 0;
	if (!sock_wanted((const void *)skc))
		return 0;
	fill_snapshot(&rec, (const void *)skc);
	bpf_seq_write(ctx->meta->seq, &rec, sizeof(rec));
	return 0;
}
