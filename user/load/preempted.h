/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* preempted: whether a task may lose its CPU inside a tracing program, by trying. */
#ifndef TCPCLOSE_LOAD_PREEMPTED_H
#define TCPCLOSE_LOAD_PREEMPTED_H

#include <stdbool.h>

struct btf;

/*
 * target: what a program is attached to, by its name in the kernel's BTF
 * (btf_trace_... for a tracepoint, else a function); it must be passed by a
 * socket that listens and is closed. True when a program there was run with
 * preemption on, in a kernel that has preemption. Where that cannot be found out
 * (not privileged, another architecture) false. A kernel that has preemption and
 * was told not to use it (preempt=voluntary) cannot be told from one that does.
 */
bool preempted_in(const struct btf *vmlinux, const char *target);

#endif
