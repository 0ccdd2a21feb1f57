/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_admin.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "echo_peer.h"
#include "echo_report.h"

/* What he is asked for; with REPAIR comes the connection itself, of which he has no descriptor. */
struct order {
	enum { DESTROY, REPAIR } what;
	struct sockaddr_storage local, peer;
};

static int destroy(struct echo *e)
{
	struct call call = call_begin("destroy", "%s", "SOCK_DESTROY");

	call.result = peer_destroy_own(&e->caller);
	call.end_ns = clock_mono_ns();
	caller_report(&e->caller, &call, "%s", "by an administrator, as ss -K does");
	return (int)call.result;
}

static int obey(struct echo *e, const struct order *order, int fd)
{
	e->caller.local = order->local;
	e->caller.peer = order->peer;
	e->caller.has_local = e->caller.has_peer = true;
	if (order->what == REPAIR)
		return call_set_int(&e->caller, fd, IPPROTO_TCP, TCP_REPAIR, "TCP_REPAIR", 1);
	return destroy(e);
}

/* One message that may carry a descriptor. */
union attachment {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_order(int to, struct order *order, int fd)
{
	struct iovec iov = {order, sizeof(*order)};
	union attachment attachment = {0};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		attachment.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(fd)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&attachment.header), &fd, sizeof(fd));
		message.msg_control = &attachment;
		message.msg_controllen = sizeof(attachment);
	}
	return sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* True while there are orders; *fd_ret is -1 where none came along. */
static bool next_order(int from, struct order *ret, int *fd_ret)
{
	struct iovec iov = {ret, sizeof(*ret)};
	union attachment attachment = {0};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &attachment,
		.msg_controllen = sizeof(attachment),
	};

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != sizeof(*ret))
		return false;
	*fd_ret = -1;
	if (CMSG_FIRSTHDR(&message))
		memcpy(fd_ret, CMSG_DATA(&attachment.header), sizeof(*fd_ret));
	return true;
}

/* Until the other end of the pipe is closed. Nothing of the connection is kept when he answers. */
static void serve_orders(struct echo *e, int to)
{
	struct order order;
	int fd, r;

	while (next_order(to, &order, &fd)) {
		r = obey(e, &order, fd);
		if (fd >= 0)
			close(fd);
		if (send(to, &r, sizeof(r), MSG_NOSIGNAL) < 0)
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

/* What he says that became of it. */
static int have(struct echo *e, struct order order, int fd)
{
	int r = send_order(e->admin, &order, fd), answer;

	if (r)
		return r;
	if (recv(e->admin, &answer, sizeof(answer), 0) != sizeof(answer))
		return errno ? -errno : -EPIPE;
	return answer;
}

int admin_destroy(struct echo *e)
{
	return have(e, (struct order){DESTROY, e->caller.local, e->caller.peer}, -1);
}

int admin_repair(struct echo *e)
{
	return have(e, (struct order){REPAIR, e->caller.local, e->caller.peer}, e->fd);
}
