/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* echo_step: the steps that scripts are made of. 0 or negative errno, unless said otherwise. */
#ifndef TCPCLOSE_ECHO_STEP_H
#define TCPCLOSE_ECHO_STEP_H

#include "echo_common.h"

/* --delay; ends early when the connection breaks. */
int step_delay(struct echo *e);
int step_close(struct echo *e);
int step_write(struct echo *e);
/* Reads until end of file or an error of the connection, which is no failure. */
int step_read_to_end(struct echo *e);
/* The same, and a server echoes on the way. */
int step_echo_to_end(struct echo *e);
/* Writes until something stays unacknowledged: the wire is cut. */
int step_write_unheard(struct echo *e);
/* Waits until there is something to read, and does not read it. */
int step_await_data(struct echo *e);
/* Waits for the peer's FIN, or whatever else ends its sending. */
int step_await_fin(struct echo *e);
/* Waits until the connection is broken: an RST came or a timer gave up. */
int step_await_break(struct echo *e);
/* Waits for the error that such a break leaves, where poll() reports a hang-up before it. */
int step_await_error(struct echo *e);
/* Waits for the peer's FIN, whatever else there is to report. */
int step_await_end(struct echo *e);
/* Waits until the peer has acknowledged all that was written: nothing is under way. */
int step_await_acked(struct echo *e);
/* Waits until the other end has read all of it, as far as that can be seen. */
int step_await_read(struct echo *e);
/* Waits until no process of this host holds the other end / until it is gone altogether. */
int step_await_orphan(struct echo *e);
int step_await_gone(struct echo *e);
/* Waits until our own end, closed by now, is a mini-socket / until nothing but TIME_WAIT is left of either end. */
int step_await_mini(struct echo *e);
int step_await_over(struct echo *e);
/* From now on SIGTERM and SIGINT wait to be waited for. */
int step_hold_stop(void);
/* Waits for one of them: who started us has seen enough. */
int step_await_stop(struct echo *e);
/* poll() on nothing until that instant of CLOCK_MONOTONIC. */
void step_until(uint64_t mono_ns);

#endif
