/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_admin.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "echo_peer.h"
#include "echo_report.h"

struct order {
	struct sockaddr_storage local, peer;
};

static int destroy(struct echo *e, const struct order *order)
{
	struct call call = call_begin("destroy", "%s", "SOCK_DESTROY");

	e->caller.local = order->local;
	e->caller.peer = order->peer;
	e->caller.has_local = e->caller.has_peer = true;
	call.result = peer_destroy_own(&e->caller);
	call.end_ns = mono_now();
	caller_report(&e->caller, &call, "%s", "by an administrator, as ss -K does");
	return (int)call.result;
}

/* Until the other end of the pipe is closed. */
static void serve_orders(struct echo *e, int fd)
{
	struct order order;
	int r;

	while (recv(fd, &order, sizeof(order), 0) == sizeof(order)) {
		r = destroy(e, &order);
		if (send(fd, &r, sizeof(r), MSG_NOSIGNAL) < 0)
			return;
	}
}

int admin_start(struct echo *e)
{
	CLEANUP(close) int ours = -1;
	CLEANUP(close) int his = -1;
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	ours = ends[0];
	his = ends[1];
	child = fork();
	if (child < 0)
		return -errno;
	if (!child) {
		close(TAKE_FD(ours));
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve_orders(e, his);
		_exit(EXIT_SUCCESS);
	}
	e->admin = TAKE_FD(ours);
	return 0;
}

int admin_destroy(struct echo *e)
{
	struct order order = {e->caller.local, e->caller.peer};
	int r;

	if (send(e->admin, &order, sizeof(order), MSG_NOSIGNAL) < 0 ||
	    recv(e->admin, &r, sizeof(r), 0) != sizeof(r))
		return errno ? -errno : -EPIPE;
	return r;
}
