// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* snap: the sockets that are there when asked, and who holds them. Process context of the asker. */
#define READ_BY_PROBE
#include "minisock.bpf.h"

/* Since when the peer has not acknowledged anything. Its FIN is an acknowledgement, too. Beyond 2^32 jiffies it is too little. */
static __always_inline __u32 ack_age(const struct tcp_sock *tp)
{
	__u32 at = READ(tp, rcv_tstamp);

	return at ? (__u32)bpf_jiffies64() - at : 0;
}

/* What a task's open file leads to is no pointer for the verifier: all is read by probe. */
static __always_inline void fill_snapshot(struct wire_held *rec, const struct tcp_sock *tp)
{
	fill_event(&rec->ev, WIRE_SNAPSHOT, WIRE_HELD, sizeof(*rec), HOOK_STATE, (__u64)tp);
	fill_event_sock(&rec->ev, tp, read_sock_flags(tp));
	__builtin_memset(&rec->task, 0, sizeof(rec->task));
	fill_sock(&rec->sock, tp);
	rec->ack_age_jiffies = ack_age(tp);
	rec->pad = 0;
	rec->ev.old_state = rec->ev.new_state = rec->sock.state;
}

/* Set by user space to see one socket of its own, without filters; 0 = everybody's, filtered. */
__u64 snap_cookie = 0;

/* It is this tracer itself: only it has the socket with that cookie. */
static __always_inline void know_looker(struct task_struct *task)
{
	struct task_struct *leader = READ(task, group_leader);

	looker_exe = (__u64)BPF_CORE_READ(task, mm, exe_file, f_inode);
	bpf_core_read(&looker_name, sizeof(looker_name), &leader->comm);
}

static __always_inline bool task_wanted(struct task_struct *task, const struct tcp_sock *tp)
{
	const struct sock *sk = (const void *)tp;
	__u32 pid = READ(task, tgid);

	if (snap_cookie) {
		if (READ(sk, __sk_common.skc_cookie.counter) != snap_cookie)
			return false;
		know_looker(task);
		return true;
	}
	if (!sock_wanted(tp))
		return false;
	/* of many that hold it, one that is asked for is enough */
	if (config.filter.n_pids && pid_wanted(pid))
		claim_for((__u64)tp, pid);
	return true;
}

/* Not the task that asks: one whose files are looked through. */
static __always_inline void fill_holder(struct wire_task *out, struct task_struct *task, __u32 fd)
{
	struct task_struct *leader = READ(task, group_leader);

	out->pid = READ(task, tgid);
	out->tid = READ(task, pid);
	out->uid = BPF_CORE_READ(task, cred, uid.val);
	out->exit_code = READ(task, exit_code);
	bpf_core_read(&out->comm, sizeof(out->comm), &leader->comm);
	out->flags = task_flags(READ(task, flags)) | WIRE_TASK_MEANT | WIRE_TASK_HAS_FD;
	out->fd = fd;
}

static __always_inline void tell_holder(struct bpf_iter__task_file *ctx, struct task_struct *task, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_of(sk, HOOK_STATE);
	struct wire_held rec;

	if (!tp || READ(sk, sk_type) != SOCK_STREAM || !task_wanted(task, tp))
		return;
	fill_snapshot(&rec, tp);
	fill_holder(&rec.task, task, ctx->fd);
	bpf_seq_write(ctx->meta->seq, &rec, sizeof(rec));
}

/* A raw socket may bear that number, too. */
static __always_inline bool is_mptcp_sock(const struct sock *sk)
{
	__u16 family = READ(sk, __sk_common.skc_family);

	return READ(sk, sk_protocol) == IPPROTO_MPTCP && READ(sk, sk_type) == SOCK_STREAM &&
	       (family == AF_INET || family == AF_INET6);
}

/*
 * Every open file of every task, in all network namespaces. No socket lock is
 * held: a torn read is possible and is corrected by the socket's next event.
 * Who holds MPTCP's own socket holds its subflows.
 */
SEC("?iter/task_file")
int iter__task_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct list_head *node = NULL;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = READ(file, private_data);
	sk = READ(socket, sk);
	if (!sk)
		return 0;
	if (!is_mptcp_sock(sk)) {
		tell_holder(ctx, task, sk);
		return 0;
	}
	for (int i = 0; i < KERN_SUBFLOWS_MAX; i++) {
		struct sock *subflow = kern_next_subflow(sk, &node);

		if (!subflow)
			break;
		tell_holder(ctx, task, subflow);
	}
	return 0;
}
