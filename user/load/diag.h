/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * diag: what no descriptor shows, by sock_diag(7): orphans, what is in flight
 * between two processes, children that nobody has accepted, mini-sockets. An
 * iterator over TCP sockets would give addresses too, but since v5.15 (commit
 * 04c7820b776f, "bpf: tcp: Bpf iter batching and lock_sock") it takes a reference
 * on whatever stands in the table, also on a request socket that has none yet: seen
 * to end in a use after free in accept(). sock_diag takes none that is not there.
 */
#ifndef TCPCLOSE_LOAD_DIAG_H
#define TCPCLOSE_LOAD_DIAG_H

#include "load/look.h"

struct wire_filter;

/*
 * In every network namespace that can be entered, as records without an address
 * (ev.sk is 0). `hz` turns times into jiffies, 0 = not known. Mini-sockets are not
 * asked for where the filter wants a process or a cgroup: whose they were is not
 * known. 0, also where look->passed_over is set, or negative errno.
 */
int diag_minis(struct look *look, const struct wire_filter *filter, uint32_t hz);
int diag_sockets(struct look *look, const struct wire_filter *filter, uint32_t hz);

#endif
