/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* ways: which ways to attach a program this kernel and these privileges allow, by trying each once. */
#ifndef TCPCLOSE_LOAD_WAYS_H
#define TCPCLOSE_LOAD_WAYS_H

#include "load/plan.h"

struct btf;

/* Loads and attaches an empty program each way, and takes it off again at once. */
void ways_find(const struct btf *vmlinux, struct ways *ret);
struct privilege {
	const char *name;
	const char *what_for;
	unsigned int capability;
};
/* The capabilities that matter, and whether this process has one in effect. */
const struct privilege *privileges(size_t *n);
bool privilege_held(const struct privilege *privilege);
/*
 * False where nobody may read kernel memory from BPF (lockdown=confidentiality):
 * then nothing can be seen in any way.
 */
bool ways_may_read(void);
/* True when this process may raise RLIMIT_MEMLOCK. */
bool ways_may_lock(void);
/* True when this process may load tracing programs: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN. */
bool ways_privileged(void);

#endif
