/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* cgroup: the root of the cgroup2 hierarchy: a program that is attached there sees every socket. */
#ifndef TCPCLOSE_LOAD_CGROUP_H
#define TCPCLOSE_LOAD_CGROUP_H

/*
 * A descriptor of it, to attach to; the caller closes it. It is looked for where this
 * process has it mounted, then where process 1 has (`ip netns exec` hides it), and
 * mounted for this descriptor alone where nobody has. -EXDEV: only a part of the
 * hierarchy is to be had (another cgroup namespace); -ENOENT and other negative errno:
 * nothing is.
 */
int cgroup_open_root(void);

#endif
