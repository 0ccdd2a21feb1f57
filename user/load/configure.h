/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* configure: what the programs are told before they are loaded, and how large their maps are. */
#ifndef TCPCLOSE_LOAD_CONFIGURE_H
#define TCPCLOSE_LOAD_CONFIGURE_H

#include "load/examine.h"
#include "load/session.h"

struct tcpclose_bpf;

/* An opened skeleton that is not loaded yet. Negative errno, not logged. */
int configure(struct tcpclose_bpf *skel, const struct examination *found, const struct session_config *config);

#endif
