/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* stuck_words: what a socket waits for, and whose turn it is. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "report/stuck.h"

const char *stuck_wait_slug(unsigned i)
{
	static const char *const slugs[] = {
#define WAIT(id, slug, doc) slug,
#include "report/stuck.def"
	};

	return i < STUCK_WAIT_MAX ? slugs[i] : NULL;
}

__attribute__((format(printf, 2, 3)))
static void add(struct stuck_sock *sock, const char *format, ...)
{
	size_t n = strlen(sock->words);
	va_list args;

	va_start(args, format);
	vsnprintf(sock->words + n, sizeof(sock->words) - n, format, args);
	va_end(args);
}

/* "nginx:4711 (fd 7) and 2 more" */
static void add_holders(struct stuck_sock *sock)
{
	const struct stuck_holder *h = &sock->holders[0];

	add(sock, "%s:%" PRIu32 " (fd %" PRIu32 ")", h->comm, h->pid, h->fd);
	if (sock->n_holders > 1)
		add(sock, " and %" PRIu32 " more descriptor%s", sock->n_holders - 1,
		    sock->n_holders == 2 ? "" : "s");
}

static const char *has_or_have(const struct stuck_sock *sock)
{
	return sock->n_holders > 1 ? "have" : "has";
}

static void explain_close_wait(struct stuck_sock *sock)
{
	char bytes[UNITS_STRLEN];

	add(sock, "the peer has closed; ");
	if (sock->n_holders) {
		sock->wait = STUCK_PROGRAM_CLOSE;
		add_holders(sock);
		add(sock, " %s not called close()", has_or_have(sock));
	} else if (sock->seen && !sock->has_socket) {
		sock->wait = STUCK_ACCEPT;
		add(sock, "nobody has called accept(): it waits in the queue of whoever listens on port %u",
		    sock->tuple.local.port);
	} else {
		sock->wait = STUCK_UNSEEN_HOLDER;
		add(sock, "no process was seen to hold it: it may be on its way between two, with io_uring, or "
			  "the kernel's own");
	}
	if (sock->seen && sock->unread_bytes)
		add(sock, "; %s wait to be read", units_bytes(sock->unread_bytes, bytes));
}

/* Our FIN is on its way, or waits behind data. */
static void explain_unacked(struct stuck_sock *sock, const char *begin)
{
	char bytes[UNITS_STRLEN];

	add(sock, "%s", begin);
	if (sock->seen && !sock->window && sock->unsent_bytes) {
		sock->wait = STUCK_PEER_WINDOW;
		add(sock, "the peer does not read: its window is zero, and %s stand before our FIN",
		    units_bytes(sock->unsent_bytes, bytes));
		return;
	}
	sock->wait = STUCK_PEER_ACK;
	if (sock->seen && sock->unacked_bytes + sock->unsent_bytes)
		add(sock, "the peer has not acknowledged %s and our FIN",
		    units_bytes((uint64_t)sock->unacked_bytes + sock->unsent_bytes, bytes));
	else
		add(sock, "the peer has not acknowledged our FIN");
	if (sock->seen && sock->retransmits)
		add(sock, "; sent again %" PRIu32 " time%s", sock->retransmits,
		    sock->retransmits == 1 ? "" : "s");
}

static void explain_fin_wait2(struct stuck_sock *sock)
{
	char bytes[UNITS_STRLEN];

	add(sock, "our FIN is acknowledged, the peer has not closed; ");
	if (sock->seen && sock->has_socket && !sock->n_holders) {
		sock->wait = STUCK_UNSEEN_HOLDER;
		add(sock, "no process was seen to hold it, and yet it is held");
		return;
	}
	if (!sock->n_holders) {
		sock->wait = STUCK_PEER_FIN_ORPHAN;
		add(sock, "nobody holds it here%s: the kernel lets go of it after tcp_fin_timeout",
		    sock->mini ? ", a mini-socket is all that is left" : "");
		return;
	}
	sock->wait = STUCK_PEER_FIN;
	add_holders(sock);
	add(sock, " %s shut down writing and still hold%s it", has_or_have(sock),
	    sock->n_holders > 1 ? "" : "s");
	if (sock->unread_bytes)
		add(sock, "; %s wait to be read", units_bytes(sock->unread_bytes, bytes));
}

void stuck_explain(struct stuck_sock *sock)
{
	sock->words[0] = '\0';
	if (sock->state == ST_CLOSE_WAIT)
		explain_close_wait(sock);
	else if (sock->state == ST_FIN_WAIT2)
		explain_fin_wait2(sock);
	else if (sock->state == ST_LAST_ACK)
		explain_unacked(sock, "both have closed, the peer first; ");
	else if (sock->state == ST_CLOSING)
		explain_unacked(sock, "both closed at once; ");
	else
		explain_unacked(sock, "we have closed; ");
}
