/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* echo_meet: both sides close at one instant of CLOCK_MONOTONIC, so that their FINs cross. */
#ifndef TCPCLOSE_ECHO_MEET_H
#define TCPCLOSE_ECHO_MEET_H

#include "echo_common.h"

/*
 * The FINs cross when each leaves before the other arrives. On loopback a segment
 * arrives while its sender is still inside close(): some microseconds. So the
 * client proposes an instant, both go to different CPUs and spin for it; a slow
 * wire (wire_slow) helps. That is likely to work, not certain; on one CPU it cannot.
 */
int meet_and_close(struct echo *e);

#endif
