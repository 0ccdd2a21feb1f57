/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * kern: one accessor per layout that changed between kernels. The only file with
 * CO-RE flavours. They give 0 where nothing can be read. What older kernels have
 * is read by probe: there it is not always a pointer for the verifier.
 */
#ifndef TCPCLOSE_KERN_BPF_H
#define TCPCLOSE_KERN_BPF_H

#include "read.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* v5.10: the cgroup shares a word with net_cls and net_prio, bit 0 tells which
 * (replaced by a plain pointer in commit 8520e224f547 ("bpf, cgroups: Fix cgroup v2
 * fallback on v1/v2 mixed mode") in v5.15). */
struct sock_cgroup_data___v510 {
	u64 val;
};

/* Not there without CONFIG_MPTCP, so not in vmlinux.h. */
struct list_head {
	struct list_head *next;
};

struct mptcp_sock {
	struct list_head conn_list;
};

struct mptcp_subflow_context {
	struct list_head node;
	struct sock *tcp_sock;
};

#pragma clang attribute pop

enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
};

static __always_inline struct cgroup *kern_sock_cgroup(const struct sock *sk)
{
	struct sock_cgroup_data___v510 *old;
	u64 val = 0;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	old = (void *)__builtin_preserve_access_index(&sk->sk_cgrp_data);
	if (!bpf_core_field_exists(old->val))
		return NULL;
	bpf_core_read(&val, sizeof(val), &old->val);
	return val & 1 ? NULL : (struct cgroup *)val;
}

static __always_inline u64 kern_sock_cgroup_id(const struct sock *sk)
{
	const struct cgroup *cgroup;
	const struct kernfs_node *kn;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
		cgroup = READ(sk, sk_cgrp_data.cgroup);
		kn = READ(cgroup, kn);
		return READ(kn, id);
	}
	cgroup = kern_sock_cgroup(sk);
	return cgroup ? BPF_CORE_READ(cgroup, kn, id) : 0;
}

/*
 * What of the current task no helper tells. As a pointer that may be followed it
 * is there since commit 3ca1032ab7ab ("bpf: Implement get_current_task_btf and
 * RET_PTR_TO_BTF_ID") in v5.11, for tracing programs.
 */
static __always_inline void kern_current(__u32 *flags, __s32 *exit_code, __u8 comm[16], bool is_leader)
{
	struct task_struct *task, *leader;

#ifndef READ_BY_PROBE
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		const __u64 *name;

		task = bpf_get_current_task_btf();
		*flags = task->flags;
		*exit_code = task->flags & PF_EXITING ? task->exit_code : 0;
		/* the process's name, as ps shows it, not the thread's */
		leader = task->group_leader;
		name = (const __u64 *)&leader->comm;
		((__u64 *)comm)[0] = name[0];
		((__u64 *)comm)[1] = name[1];
		return;
	}
#endif
	task = (void *)bpf_get_current_task();
	*flags = BPF_CORE_READ(task, flags);
	*exit_code = *flags & PF_EXITING ? BPF_CORE_READ(task, exit_code) : 0;
	if (is_leader) {
		bpf_get_current_comm(comm, 16);
		return;
	}
	leader = BPF_CORE_READ(task, group_leader);
	bpf_core_read(comm, 16, &leader->comm);
}

/*
 * Whoever looks at a task's open file holds it meanwhile. If its owner closes it just
 * then, the looker is the last to let go, and the socket's end is its call's, but none of
 * its doing. Of lookers those are known that run the same file as this tracer. `comm` is
 * the current task's; for most its first bytes tell. One that exits has no file any more:
 * what it lets go of then it has had open.
 */
static __always_inline bool kern_is_looker(const __u8 comm[16])
{
	struct task_struct *task;

	if (*(const __u64 *)comm != looker_name)
		return false;
	task = (void *)bpf_get_current_task();
	return (__u64)BPF_CORE_READ(task, mm, exe_file, f_inode) == looker_exe;
}

/* 0 or 1. */
static __always_inline u64 kern_sock_flag(u64 flags, enum sock_flags flag)
{
	return flags >> flag & 1;
}

/*
 * SK_USER_DATA_PSOCK: a sockmap takes what arrives. A macro, so not in BTF; where
 * it does not exist yet, the bit is one of an aligned pointer's: 0. 0 or 1.
 */
static __always_inline u64 kern_has_psock(const struct sock *sk)
{
	return (u64)READ(sk, sk_user_data) >> 2 & 1;
}

/* MPTCP_SUBFLOWS_MAX in net/mptcp/protocol.h. */
#define KERN_SUBFLOWS_MAX 8

/*
 * The TCP sockets of MPTCP's own one, one after the other: NULL at their end. To begin
 * with `node` is NULL. By probe, and nothing keeps the list as it is meanwhile.
 */
static __always_inline struct sock *kern_next_subflow(const struct sock *msk, struct list_head **node)
{
	struct mptcp_subflow_context *subflow;
	struct list_head *head;

	if (!bpf_core_type_exists(struct mptcp_sock))
		return NULL;
	head = (void *)msk + bpf_core_field_offset(struct mptcp_sock, conn_list);
	*node = BPF_CORE_READ(*node ? *node : head, next);
	if (!*node || *node == head)
		return NULL;
	subflow = (void *)*node - bpf_core_field_offset(struct mptcp_subflow_context, node);
	return BPF_CORE_READ(subflow, tcp_sock);
}

/* 0 or 1. Absent without CONFIG_MPTCP. */
static __always_inline u64 kern_is_mptcp(const struct tcp_sock *tp)
{
	return bpf_core_field_exists(tp->is_mptcp) ? READ(tp, is_mptcp) & 1 : 0;
}

#endif
