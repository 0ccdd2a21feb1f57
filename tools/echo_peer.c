/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_peer.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include "base/cleanup.h"

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 diag;
};

union answer {
	struct nlmsghdr header;
	char bytes[4096];
};

static void put_end(const struct sockaddr_storage *from, __be16 *port, __be32 *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

	*port = in->sin_port;
	if (from->ss_family == AF_INET)
		memcpy(address, &in->sin_addr, sizeof(in->sin_addr));
	else
		memcpy(address, &in6->sin6_addr, sizeof(in6->sin6_addr));
}

/* The socket from `from` to `to`. */
static int ask(int fd, const struct caller *c, uint16_t type, const struct sockaddr_storage *from,
	       const struct sockaddr_storage *to)
{
	struct request request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = type,
			    .nlmsg_flags = NLM_F_REQUEST | (type == SOCK_DESTROY ? NLM_F_ACK : 0) },
		.diag = { .sdiag_family = (__u8)c->family,
			  .sdiag_protocol = IPPROTO_TCP,
			  .idiag_states = ~0u },
	};

	request.diag.id.idiag_cookie[0] = request.diag.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	put_end(from, &request.diag.id.idiag_sport, request.diag.id.idiag_src);
	put_end(to, &request.diag.id.idiag_dport, request.diag.id.idiag_dst);
	return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static int parse_answer(const union answer *answer, ssize_t n, struct peer_socket *ret)
{
	const struct nlmsghdr *h = &answer->header;
	const struct nlmsgerr *error = (const struct nlmsgerr *)(answer->bytes + NLMSG_HDRLEN);
	const struct inet_diag_msg *msg =
		(const struct inet_diag_msg *)(answer->bytes + NLMSG_HDRLEN);

	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*error)) || h->nlmsg_len > (size_t)n)
		return -EPROTO;
	if (h->nlmsg_type == NLMSG_ERROR) {
		if (error->error != -ENOENT)
			return error->error ? error->error : -EPROTO;
		*ret = (struct peer_socket){ 0 };
		return 0;
	}
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*msg)))
		return -EPROTO;
	/* Where no connection is left, the listener answers to its port. */
	*ret = (struct peer_socket){
		.exists = msg->idiag_state != TCP_LISTEN,
		.held = msg->idiag_state != TCP_LISTEN && msg->idiag_inode,
		.unread = msg->idiag_rqueue,
		.state = msg->idiag_state != TCP_LISTEN ? msg->idiag_state : 0,
	};
	return 0;
}

static int open_diag(void)
{
	CLEANUP(close) int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct timeval second = { .tv_sec = 1 };

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)))
		return -errno;
	return TAKE_FD(fd);
}

static int look(const struct caller *c, const struct sockaddr_storage *from,
		const struct sockaddr_storage *to, struct peer_socket *ret)
{
	CLEANUP(close) int fd = open_diag();
	union answer answer;
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	r = ask(fd, c, SOCK_DIAG_BY_FAMILY, from, to);
	if (r)
		return r;
	n = recv(fd, &answer, sizeof(answer), 0);
	return n < 0 ? -errno : parse_answer(&answer, n, ret);
}

int peer_look(const struct caller *c, struct peer_socket *ret)
{
	/* Its source is our peer. */
	return look(c, &c->peer, &c->local, ret);
}

int peer_look_own(const struct caller *c, struct peer_socket *ret)
{
	return look(c, &c->local, &c->peer, ret);
}

int peer_destroy_own(const struct caller *c)
{
	CLEANUP(close) int fd = open_diag();
	union answer answer;
	const struct nlmsgerr *error = (const struct nlmsgerr *)(answer.bytes + NLMSG_HDRLEN);
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	r = ask(fd, c, SOCK_DESTROY, &c->local, &c->peer);
	if (r)
		return r;
	n = recv(fd, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*error)) || answer.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return error->error;
}
