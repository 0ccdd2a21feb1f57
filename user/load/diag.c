/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "load/namespaces.h"
#include "load/wanted.h"
#include "wire.h"

/* The kernel's numbers of the states (include/net/tcp_states.h), and what is no socket any more. */
enum { FIN_WAIT1 = 4, FIN_WAIT2 = 5, TIME_WAIT = 6, CLOSE_WAIT = 8, LAST_ACK = 9, CLOSING = 11 };
#define STATE(state)	   (1U << (state))
#define TIMER_OF_TIME_WAIT 3 /* idiag_timer: whatever idiag_state says, a mini-socket */

/* As many as one answer of the kernel can hold. */
#define RECORDS_MAX 512

struct diag {
	struct look *look;
	const struct wire_filter *filter;
	uint32_t hz, netns_ino, states;
	uint64_t then_ns; /* what time the records carry */
	struct wire_held records[RECORDS_MAX];
	size_t n;
	int given; /* what the looker said to the last of them */
};

static bool is_mapped(const __be32 *addr)
{
	return !addr[0] && !addr[1] && addr[2] == htonl(0xffff);
}

static void put_tuple(const struct inet_diag_msg *msg, struct wire_tuple *ret)
{
	const struct inet_diag_sockid *id = &msg->id;

	ret->local_port = ntohs(id->idiag_sport);
	ret->peer_port = ntohs(id->idiag_dport);
	ret->family = msg->idiag_family == AF_INET6 && !is_mapped(id->idiag_dst) ? 6 : 4;
	if (ret->family == 6) {
		memcpy(ret->local, id->idiag_src, sizeof(ret->local));
		memcpy(ret->peer, id->idiag_dst, sizeof(ret->peer));
	} else {
		int at = msg->idiag_family == AF_INET6 ? 3 : 0;

		memcpy(ret->local, &id->idiag_src[at], sizeof(id->idiag_src[at]));
		memcpy(ret->peer, &id->idiag_dst[at], sizeof(id->idiag_dst[at]));
	}
}

static void put_event(const struct diag *d, const struct inet_diag_msg *msg, struct wire_event *ev)
{
	ev->version = WIRE_VERSION;
	ev->mono_ns = d->then_ns;
	ev->reason = WIRE_NO_REASON;
	ev->netns_ino = d->netns_ino;
	ev->old_state = ev->new_state = msg->idiag_state;
}

static void put_mini(const struct diag *d, const struct inet_diag_msg *msg, struct wire_mini *rec)
{
	put_event(d, msg, &rec->ev);
	rec->ev.kind = WIRE_MINI_FOUND;
	rec->ev.layout = WIRE_MINI;
	rec->ev.size = sizeof(*rec);
	put_tuple(msg, &rec->tuple);
	rec->timeout_jiffies = (uint32_t)((uint64_t)msg->idiag_expires * d->hz / 1000);
}

/* tcp_info grows from kernel to kernel: what this one does not say reads as zero. */
static struct tcp_info tcp_info(const struct nlmsghdr *nlh)
{
	struct tcp_info info = { 0 };
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct inet_diag_msg)) {
		size_t size = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == INET_DIAG_INFO)
			memcpy(&info, mnl_attr_get_payload(attr), size < sizeof(info) ? size : sizeof(info));
	}
	return info;
}

static void put_socket(const struct diag *d, const struct nlmsghdr *nlh,
		       const struct inet_diag_msg *msg, struct wire_held *rec)
{
	struct tcp_info info = tcp_info(nlh);
	struct wire_sock *sock = &rec->sock;

	put_event(d, msg, &rec->ev);
	rec->ev.kind = WIRE_SNAPSHOT;
	rec->ev.flags = msg->idiag_inode ? WIRE_HAS_SOCKET : 0;
	rec->ev.layout = WIRE_HELD;
	rec->ev.size = sizeof(*rec);
	put_tuple(msg, &sock->tuple);
	sock->uid = msg->idiag_uid;
	sock->state = msg->idiag_state;
	sock->unread = msg->idiag_rqueue;
	sock->unsent = info.tcpi_notsent_bytes < msg->idiag_wqueue ? info.tcpi_notsent_bytes : msg->idiag_wqueue;
	sock->unacked = msg->idiag_wqueue - sock->unsent;
	sock->bytes_sent = info.tcpi_bytes_sent;
	sock->bytes_acked = info.tcpi_bytes_acked;
	sock->bytes_received = info.tcpi_bytes_received;
	sock->retransmits = info.tcpi_retransmits;
	sock->probes_out = info.tcpi_probes;
	sock->total_retrans = info.tcpi_total_retrans;
	sock->snd_wnd = info.tcpi_snd_wnd;
	rec->ack_age_jiffies = (uint32_t)((uint64_t)info.tcpi_last_ack_recv * d->hz / 1000);
}

/*
 * An orphan has a CLOSE_WAIT only where nobody has accepted it: a closed one is in LAST_ACK.
 * What has an inode was seen among the tasks' files already, and is known; but there are
 * files that are no task's: in flight between two, in an io_uring, the kernel's own.
 */
static int on_socket(const struct nlmsghdr *nlh, void *ctx)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct diag *d = ctx;
	struct wire_held rec = { 0 };
	bool is_mini;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg) || d->n == RECORDS_MAX)
		return MNL_CB_OK;
	is_mini = msg->idiag_timer == TIMER_OF_TIME_WAIT;
	if (is_mini != ((d->states & STATE(TIME_WAIT)) != 0))
		return MNL_CB_OK;
	if (is_mini)
		put_mini(d, msg, (struct wire_mini *)&rec);
	else
		put_socket(d, nlh, msg, &rec);
	if (wanted_tuple(d->filter, is_mini ? &((struct wire_mini *)&rec)->tuple : &rec.sock.tuple))
		d->records[d->n++] = rec;
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *socket, const struct diag *d, uint8_t family)
{
	char buf[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct inet_diag_req_v2))];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = d->states;
	req->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	return mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

static int receive(struct mnl_socket *socket, struct diag *d, uint64_t since_ns)
{
	char buf[32768];
	ssize_t got = mnl_socket_recvfrom(socket, buf, sizeof(buf));
	int r;

	if (got < 0)
		return -errno;
	d->n = 0;
	d->then_ns = d->states & STATE(TIME_WAIT) ? clock_mono_ns() : since_ns;
	r = mnl_cb_run(buf, (size_t)got, 0, 0, on_socket, d);
	if (r < 0)
		return -errno;
	d->given = look_give(d->look, d->records, d->n);
	return d->given ? d->given : r;
}

/*
 * The kernel writes an answer while it hands out the one before: at some time
 * since_ns or later. A socket's events come after its look, so it carries the
 * earliest time; a mini-socket's birth comes before, so it carries the latest.
 */
static int listen_to(struct mnl_socket *socket, struct diag *d, uint64_t since_ns)
{
	int r;

	do {
		uint64_t began_ns = clock_mono_ns();

		r = receive(socket, d, since_ns);
		since_ns = began_ns;
	} while (r > MNL_CB_STOP);
	return r < 0 ? r : 0;
}

static int ask_in_place(struct diag *d)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct mnl_socket *socket;
	int r = 0;

	d->netns_ino = namespaces_own();
	if (!d->netns_ino)
		return -errno;
	if (!wanted_netns(d->filter, d->netns_ino))
		return 0;
	socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!socket)
		return -errno;
	for (size_t i = 0; i < sizeof(families) && !r; i++) {
		uint64_t asked_ns = clock_mono_ns();

		r = ask(socket, d, families[i]);
		if (!r)
			r = listen_to(socket, d, asked_ns);
	}
	mnl_socket_close(socket);
	return r;
}

/* One namespace that cannot be asked (a kernel without tcp_diag, no descriptor left) says nothing of the others. */
static int look_in_place(void *ctx)
{
	struct diag *d = ctx;
	int r = ask_in_place(d);

	if (d->given)
		return d->given;
	if (r && !d->look->passed_over)
		d->look->passed_over = r;
	return 0;
}

static int look_everywhere(struct look *look, const struct wire_filter *filter, uint32_t hz,
			   uint32_t states)
{
	struct diag *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->look = look;
	d->filter = filter;
	d->hz = hz;
	d->states = states;
	r = namespaces_visit(look_in_place, d);
	free(d);
	return r;
}

int diag_minis(struct look *look, const struct wire_filter *filter, uint32_t hz)
{
	if (filter->n_pids || filter->cgroup_id)
		return 0;
	return look_everywhere(look, filter, hz, STATE(TIME_WAIT) | STATE(FIN_WAIT2));
}

int diag_sockets(struct look *look, const struct wire_filter *filter, uint32_t hz)
{
	return look_everywhere(look, filter, hz,
			       STATE(FIN_WAIT1) | STATE(FIN_WAIT2) | STATE(CLOSE_WAIT) |
				       STATE(LAST_ACK) | STATE(CLOSING));
}
