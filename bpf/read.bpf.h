/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * read: one spelling for "that field of it", so that one body serves every way to
 * attach. Where the verifier knows what a pointer points to (arguments of tp_btf
 * and fentry programs, and what they lead to) a field is a plain load, which
 * gives 0 where nothing can be read. Elsewhere it takes a helper call, some
 * fifteen times as long: a file whose programs are of that kind says
 * READ_BY_PROBE before it includes anything.
 * One pointer per READ(): what it leads to is read by another one.
 */
#ifndef TCPCLOSE_READ_BPF_H
#define TCPCLOSE_READ_BPF_H

#include "sense.bpf.h"

#ifdef READ_BY_PROBE
#define READ(ptr, field) BPF_CORE_READ(ptr, field)
#define READ_BIT(ptr, field) BPF_CORE_READ_BITFIELD_PROBED(ptr, field)
#else
#define READ(ptr, field) ((ptr)->field)
#define READ_BIT(ptr, field) BPF_CORE_READ_BITFIELD(ptr, field)
#endif

#endif
