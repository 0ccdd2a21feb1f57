/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * floor TRACEPOINT ...: an empty program on each, until a signal: what any tracer
 * that sits there costs at least. Two instructions, so no compiler is needed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int attach(const char *tracepoint)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int type = libbpf_find_vmlinux_btf_id(tracepoint, BPF_TRACE_RAW_TP);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_RAW_TP);
	int fd;

	if (type < 0)
		return type;
	options.attach_btf_id = (__u32)type;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "floor", "GPL", nothing, 2, &options);
	/* Detached when its descriptors go, at the latest with this process. */
	if (fd < 0 || bpf_raw_tracepoint_open(NULL, fd) < 0)
		return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	sigset_t end;
	int signal_taken;

	if (argc < 2) {
		fputs("usage: floor TRACEPOINT ...\n", stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		int r = attach(argv[i]);

		if (!r)
			continue;
		fprintf(stderr, "floor: %s: %s\n", argv[i], strerror(-r));
		return 1;
	}
	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	fputs("attached\n", stderr);
	return sigwait(&end, &signal_taken) ? 1 : 0;
}
