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
