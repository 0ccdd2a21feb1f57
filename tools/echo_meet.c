/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_meet.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "echo_step.h"

/* Both have woken up and are spinning by then. */
#define SPIN_NS UINT64_C(2000000)
/* For the proposal to come back. */
#define AGREE_NS UINT64_C(10000000)

/* The server takes the first CPU that it may run on, the client the last. */
static int take_cpu(enum side role)
{
	cpu_set_t allowed, mine;
	int chosen = -1;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && (chosen < 0 || role == SIDE_CLIENT))
			chosen = cpu;
	if (chosen < 0)
		return -ENOENT;
	CPU_ZERO(&mine);
	CPU_SET(chosen, &mine);
	return sched_setaffinity(0, sizeof(mine), &mine) ? -errno : 0;
}

static int parse_instant(const char *text, uint64_t latest, uint64_t *ret)
{
	uint64_t instant = 0;
	char *end;

	errno = 0;
	instant = strtoull(text, &end, 10);
	if (errno || end == text || *end || instant > latest)
		return -EPROTO;
	*ret = instant;
	return 0;
}

static int agree(struct echo *e, uint64_t *ret)
{
	uint64_t latest = clock_mono_ns() + e->options->delay_ns + AGREE_NS + ECHO_GRACE_NS;
	char text[32] = "";
	ssize_t n = 0;

	if (e->options->role == SIDE_CLIENT) {
		/* Of one length, so that every run moves as many bytes. */
		snprintf(text, sizeof(text), "%020" PRIu64,
			 clock_mono_ns() + e->options->delay_ns + AGREE_NS);
		n = call_write(&e->caller, e->fd, text, strlen(text));
		if (n < 0)
			return (int)n;
	}
	memset(text, 0, sizeof(text));
	n = call_read(&e->caller, e->fd, text, sizeof(text) - 1);
	if (n > 0 && e->options->role == SIDE_SERVER)
		n = call_write(&e->caller, e->fd, text, (size_t)n);
	if (n < 0)
		return (int)n;
	return parse_instant(text, latest, ret);
}

int meet_and_close(struct echo *e)
{
	uint64_t instant = 0;
	int r;

	r = agree(e, &instant);
	if (!r)
		r = take_cpu(e->options->role);
	if (r)
		return r;
	caller_say(&e->caller, "both sides close at the same instant");
	step_until(instant - SPIN_NS);
	while (clock_mono_ns() < instant && !echo_expired())
		;
	return step_close(e);
}
