/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/preempted.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* x86 keeps a need to reschedule in the count's highest bit, upside down (PREEMPT_NEED_RESCHED). */
#define COUNT_BITS INT32_C(0x7fffffff)

/* Where a program finds its CPU's or its task's preempt_count. */
struct count_place {
	uint32_t variable; /* id in BTF; 0: it is in the current task's thread_info */
	uint32_t offset;   /* bytes */
};

static const struct btf_type *plain(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

/* A member's offset in bits, also where it is in one that has no name; -1: there is none. */
static int64_t find_member(const struct btf *btf, const struct btf_type *t, const char *name)
{
	for (uint16_t i = 0; t && btf_is_composite(t) && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *is = btf__name_by_offset(btf, m->name_off);
		int64_t at = btf_member_bit_offset(t, i), in;

		if (is && !strcmp(is, name))
			return at;
		if (is && *is)
			continue;
		in = find_member(btf, plain(btf, m->type), name);
		if (in >= 0)
			return at + in;
	}
	return -1;
}

static int64_t member_of(const struct btf *btf, const char *type, const char *name)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);

	return id > 0 ? find_member(btf, btf__type_by_id(btf, (__u32)id), name) : -1;
}

/*
 * x86: a variable of its own, in v6.2 to v6.14 a member of pcpu_hot. arm64: in the
 * task, the count in the lower half of 64 bits.
 */
static bool find_count(const struct btf *btf, struct count_place *ret)
{
	int count = btf__find_by_name_kind(btf, "__preempt_count", BTF_KIND_VAR);
	int hot = btf__find_by_name_kind(btf, "pcpu_hot", BTF_KIND_VAR);
	int64_t in_hot = member_of(btf, "pcpu_hot", "preempt_count");
	int64_t info = member_of(btf, "task_struct", "thread_info");
	int64_t in_info = member_of(btf, "thread_info", "preempt_count");

	if (count > 0)
		*ret = (struct count_place){(uint32_t)count, 0};
	else if (hot > 0 && in_hot >= 0)
		*ret = (struct count_place){(uint32_t)hot, (uint32_t)in_hot / 8};
	else if (info >= 0 && in_info >= 0)
		*ret = (struct count_place){0, (uint32_t)(info + in_info) / 8};
	else
		return false;
	return true;
}

/*
 * Says so in the map when the count is 0:
 *   r0 = place.variable ? bpf_this_cpu_ptr(&variable) : bpf_get_current_task_btf()
 *   if (!(*(u32 *)(r0 + offset) & COUNT_BITS)) *(u32 *)map = 1
 */
static int load(enum bpf_attach_type attach, int target, struct count_place place, int map)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach, .attach_btf_id = (__u32)target);
	const struct bpf_insn insns[] = {
		{.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1,
		 .src_reg = place.variable ? BPF_PSEUDO_BTF_ID : 0, .imm = (__s32)place.variable},
		{0},
		{.code = BPF_JMP | BPF_CALL,
		 .imm = place.variable ? BPF_FUNC_this_cpu_ptr : BPF_FUNC_get_current_task_btf},
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_0,
		 .off = (__s16)place.offset},
		{.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_1, .imm = COUNT_BITS},
		{.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_1, .off = 3},
		{.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = map},
		{0},
		{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1, .imm = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "tcpclose_try", "Dual BSD/GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), &opts);
}

/* It passes the place: LISTEN and back, both of its own accord, with nothing locked that keeps its CPU. */
static void listen_once(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CLEANUP(close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* where that fails nothing was found out */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&here, sizeof(here)))
		return;
	(void)listen(fd, 1);
}

static bool was_preemptible(enum bpf_attach_type attach, int target, struct count_place place)
{
	CLEANUP(close) int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tcpclose_try", 4, 4, 1, NULL);
	CLEANUP(close) int prog = map < 0 ? -1 : load(attach, target, place, map);
	CLEANUP(close) int link = prog < 0 ? -1 : bpf_raw_tracepoint_open(NULL, prog);
	uint32_t key = 0, seen = 0;

	if (link < 0)
		return false;
	listen_once();
	return !bpf_map_lookup_elem(map, &key, &seen) && seen;
}

/* CONFIG_PREEMPTION: without it the count may be 0, and says nothing. */
static bool has_preemption(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "preempt_schedule", BTF_KIND_FUNC) > 0;
}

bool preempted_in(const struct btf *vmlinux, const char *target)
{
	int tracepoint = btf__find_by_name_kind(vmlinux, target, BTF_KIND_TYPEDEF);
	int function = btf__find_by_name_kind(vmlinux, target, BTF_KIND_FUNC);
	struct count_place place;

	if (!has_preemption(vmlinux) || !find_count(vmlinux, &place))
		return false;
	if (tracepoint > 0)
		return was_preemptible(BPF_TRACE_RAW_TP, tracepoint, place);
	return function > 0 && was_preemptible(BPF_TRACE_FENTRY, function, place);
}
