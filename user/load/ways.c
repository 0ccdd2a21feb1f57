/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/ways.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "load/cgroup.h"

/* Since v5.8; an older libcap-ng has no name for them. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

/* r0 = 0; exit */
static const struct bpf_insn nothing[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
	{ .code = BPF_JMP | BPF_EXIT },
};
/* r0 = 1; exit: a cgroup program that allows */
static const struct bpf_insn allow[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1 },
	{ .code = BPF_JMP | BPF_EXIT },
};

/* r0 = probe_read_kernel(r10 - 8, 8, 0); r0 = 0; exit */
static const struct bpf_insn reads[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10 },
	{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -8 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3 },
	{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
	{ .code = BPF_JMP | BPF_EXIT },
};
#define COUNT(insns) (sizeof(insns) / sizeof((insns)[0]))

static int load(enum bpf_prog_type type, enum bpf_attach_type attach, int btf_id,
		const struct bpf_insn *insns, size_t n)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach,
		    .attach_btf_id = (__u32)(btf_id > 0 ? btf_id : 0));

	if (btf_id < 0)
		return btf_id;
	return bpf_prog_load(type, "tcpclose_try", "Dual BSD/GPL", insns, n, &opts);
}

/* What the kernel says for "this architecture cannot": it has no word in strerror(). */
#define KERNEL_ENOTSUPP 524

static void settle(struct ways *ways, enum way way, const char *step, int r)
{
	ways->usable[way] = r >= 0;
	if (r < 0)
		snprintf(ways->why[way], sizeof(ways->why[way]), "%s: %s", step,
			 r == -KERNEL_ENOTSUPP ? "not supported on this architecture" : strerror(-r));
}

static void try_tracing(struct ways *ways, enum way way, enum bpf_attach_type attach, int btf_id)
{
	CLEANUP(close) int fd = load(BPF_PROG_TYPE_TRACING, attach, btf_id, nothing, COUNT(nothing)), link = -1;

	if (fd < 0) {
		settle(ways, way, "refused at load", btf_id == -ENOENT ? btf_id : fd);
		return;
	}
	link = bpf_raw_tracepoint_open(NULL, fd);
	settle(ways, way, "refused at attach", link);
}

/* No tracefs needed: the kernel offers kprobes as a perf event source. */
static void try_kprobe(struct ways *ways)
{
	CLEANUP(close) int fd = -1;

	if (access("/sys/bus/event_source/devices/kprobe/type", R_OK)) {
		settle(ways, WAY_KPROBE, "no kprobes in this kernel", -ENOENT);
		snprintf(ways->why[WAY_KPROBE], sizeof(ways->why[0]), "no kprobes in this kernel");
		return;
	}
	fd = load(BPF_PROG_TYPE_KPROBE, 0, 0, nothing, COUNT(nothing));
	settle(ways, WAY_KPROBE, "refused at load", fd);
}

static void try_cgroup(struct ways *ways)
{
	CLEANUP(close) int cgroup = cgroup_open_root(), fd = -1, link = -1;

	if (cgroup == -EXDEV) {
		ways->usable[WAY_CGROUP] = false;
		snprintf(ways->why[WAY_CGROUP], sizeof(ways->why[0]),
			 "this cgroup namespace shows only a part of cgroup2: run it in the host's");
		return;
	}
	if (cgroup < 0) {
		settle(ways, WAY_CGROUP, "no cgroup2 can be opened", cgroup);
		return;
	}
	fd = load(BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE, 0, allow, COUNT(allow));
	if (fd < 0) {
		settle(ways, WAY_CGROUP, "refused at load", fd);
		return;
	}
	link = bpf_link_create(fd, cgroup, BPF_CGROUP_INET_SOCK_RELEASE, NULL);
	settle(ways, WAY_CGROUP, "refused at attach", link);
}

void ways_find(const struct btf *vmlinux, struct ways *ret)
{
	*ret = (struct ways){ 0 };
	try_tracing(ret, WAY_TP_BTF, BPF_TRACE_RAW_TP,
		    btf__find_by_name_kind(vmlinux, "btf_trace_inet_sock_set_state", BTF_KIND_TYPEDEF));
	try_tracing(ret, WAY_FENTRY, BPF_TRACE_FENTRY,
		    btf__find_by_name_kind(vmlinux, "tcp_set_state", BTF_KIND_FUNC));
	try_kprobe(ret);
	try_cgroup(ret);
}

static const struct privilege rows[] = {
	{ "CAP_BPF", "load programs (with CAP_PERFMON; or CAP_SYS_ADMIN)", CAP_BPF },
	{ "CAP_PERFMON", "attach them and read kernel memory", CAP_PERFMON },
	{ "CAP_SYS_ADMIN", "instead of the two above; other network namespaces", CAP_SYS_ADMIN },
	{ "CAP_NET_ADMIN", "cgroup/sock_release: who closes what the network ended", CAP_NET_ADMIN },
	{ "CAP_SYSLOG", "addresses of the kernel's code: what ends mini-sockets, and their timers",
	  CAP_SYSLOG },
	{ "CAP_NET_RAW", "the packets in the demo's ladder", CAP_NET_RAW },
};

const struct privilege *privileges(size_t *n)
{
	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

static bool held(unsigned int capability)
{
	capng_clear(CAPNG_SELECT_BOTH);
	/* cannot tell: the kernel will */
	return capng_get_caps_process() || capng_have_capability(CAPNG_EFFECTIVE, capability);
}

bool privilege_held(const struct privilege *privilege)
{
	return held(privilege->capability);
}

bool ways_may_read(void)
{
	CLEANUP(close) int fd = load(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, reads, COUNT(reads));

	/*
	 * Anything but a clear no: the load will tell. (libbpf_probe_bpf_helper() asks the
	 * verifier's log, whose words newer kernels have changed.)
	 */
	return fd != -EINVAL;
}

bool ways_may_lock(void)
{
	return held(CAP_SYS_RESOURCE);
}

bool ways_privileged(void)
{
	return held(CAP_SYS_ADMIN) || (held(CAP_BPF) && held(CAP_PERFMON));
}
