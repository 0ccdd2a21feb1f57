/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_request.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/clock.h"
#include "echo_admin.h"
#include "echo_peer.h"
#include "echo_report.h"
#include "echo_step.h"
#include "raw_peer.h"

#define LOOK_NS (UINT64_C(10) * 1000 * 1000)
#define DEFER_S 1

static int listen_for_it(struct echo *e)
{
	int r = step_hold_stop();

	if (!r)
		r = call_bind(&e->caller, e->listener, &e->options->address);
	return r ? r : call_listen(&e->caller, e->listener, 1);
}

int request_ignore(struct echo *e)
{
	int r = listen_for_it(e);

	return r ? r : step_await_stop(e);
}

/* Its handshake is a socket of this host, in SYN_RECV, for as long as it lasts. */
static int await_forgotten(struct echo *e, unsigned n)
{
	struct caller peer = { .family = e->options->family,
			       .local = raw_peer_address(e->options->family, n),
			       .peer = e->options->address };
	struct peer_socket found;
	int r;

	caller_say(&e->caller, "%s", "waits until the handshake is forgotten ...");
	do {
		r = peer_look(&peer, &found);
		if (!r && found.exists)
			step_until(clock_mono_ns() + LOOK_NS);
	} while (!r && found.exists && !echo_expired());
	return r ? r : found.exists ? -ETIME : 0;
}

int request_outlive(struct echo *e)
{
	int r = request_ignore(e);

	return r ? r : await_forgotten(e, 0);
}

int request_outlive_third(struct echo *e)
{
	int r = request_ignore(e);

	return r ? r : await_forgotten(e, 2);
}

int request_defer(struct echo *e)
{
	int r = call_set_int(&e->caller, e->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT,
			     "TCP_DEFER_ACCEPT", DEFER_S);

	return r ? r : request_outlive(e);
}

int request_destroy(struct echo *e)
{
	int r = request_ignore(e);

	if (r)
		return r;
	e->caller.local = e->options->address;
	e->caller.peer = raw_peer_address(e->options->family, 0);
	return admin_destroy(e);
}
