/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_script.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "echo_admin.h"
#include "echo_meet.h"
#include "echo_request.h"
#include "echo_step.h"
#include "echo_wire.h"

#define USER_TIMEOUT_MS 500
/* Fits into the closer's send buffer, but not into the receive buffer of who does not read. */
#define LINGER_BYTES 32768
#define DO(step)                                                                                   \
	do {                                                                                       \
		int r_ = (step);                                                                   \
		if (r_ < 0)                                                                        \
			return r_;                                                                 \
	} while (0)

int script_say(struct echo *e)
{
	size_t left = strlen(e->options->message);
	char bytes[ECHO_MESSAGE_MAX];
	ssize_t n = 1;

	DO(step_write(e));
	/* Not a byte more: what follows belongs to the ending. */
	for (; left && n > 0; left -= n > 0 ? (size_t)n : 0)
		n = call_read(&e->caller, e->fd, bytes, left);
	return n < 0 ? (int)n : 0;
}

int script_echo(struct echo *e)
{
	char bytes[ECHO_MESSAGE_MAX];
	ssize_t n = call_read(&e->caller, e->fd, bytes, sizeof(bytes));

	if (n > 0)
		n = call_write(&e->caller, e->fd, bytes, (size_t)n);
	return n < 0 ? (int)n : 0;
}

static int set_tcp(struct echo *e, int option, const char *name, int value)
{
	return call_set_int(&e->caller, e->fd, IPPROTO_TCP, option, name, value);
}

static int wait_and_close(struct echo *e)
{
	DO(step_delay(e));
	return step_close(e);
}

static int echo_and_close(struct echo *e)
{
	DO(step_echo_to_end(e));
	return step_close(e);
}

static int read_and_close(struct echo *e)
{
	DO(step_read_to_end(e));
	return step_close(e);
}

static int linger_zero(struct echo *e)
{
	DO(step_delay(e));
	DO(call_linger(&e->caller, e->fd, 0));
	return step_close(e);
}

static int linger_drained(struct echo *e)
{
	DO(step_delay(e));
	DO(call_linger(&e->caller, e->fd, e->options->linger_s));
	DO(step_write(e));
	return step_close(e);
}

static int linger_expired(struct echo *e)
{
	ssize_t n;

	DO(step_delay(e));
	DO(call_linger(&e->caller, e->fd, e->options->linger_s));
	n = call_write_zeros(&e->caller, e->fd, LINGER_BYTES);
	return n < 0 ? (int)n : step_close(e);
}

/* The closer lingers in vain because nobody reads; only when it has let go there is a reader. */
static int read_late(struct echo *e)
{
	DO(step_await_orphan(e));
	return read_and_close(e);
}

static int close_unread(struct echo *e)
{
	DO(step_await_data(e));
	return wait_and_close(e);
}

static int write_and_read(struct echo *e)
{
	DO(step_write(e));
	return read_and_close(e);
}

static int half_close(struct echo *e)
{
	DO(step_delay(e));
	DO(call_shutdown(&e->caller, e->fd, SHUT_WR));
	return read_and_close(e);
}

static int go_on_sending(struct echo *e)
{
	DO(step_read_to_end(e));
	DO(step_write(e));
	/* So that the story is the same each time: first the data, then the FIN. */
	DO(step_await_read(e));
	return step_close(e);
}

static int killed(struct echo *e)
{
	DO(step_delay(e));
	call_kill_self(&e->caller);
	return -EINVAL;
}

/* The first write is answered by an RST; the second learns of it. */
static int write_to_closed(struct echo *e)
{
	DO(step_await_fin(e));
	DO(step_write(e));
	DO(step_await_break(e));
	step_write(e);
	return step_close(e);
}

static int linger2_negative(struct echo *e)
{
	DO(set_tcp(e, TCP_LINGER2, "TCP_LINGER2", -1));
	return wait_and_close(e);
}

static int read_and_learn(struct echo *e)
{
	DO(step_read_to_end(e));
	DO(step_await_break(e));
	step_write(e);
	return step_close(e);
}

static int linger2_short(struct echo *e)
{
	DO(set_tcp(e, TCP_LINGER2, "TCP_LINGER2", 1));
	return wait_and_close(e);
}

static int close_too_late(struct echo *e)
{
	DO(step_read_to_end(e));
	DO(step_await_gone(e));
	return step_close(e);
}

static int disconnect(struct echo *e)
{
	DO(step_delay(e));
	DO(call_disconnect(&e->caller, e->fd));
	return step_close(e);
}

static int destroyed(struct echo *e)
{
	DO(step_delay(e));
	DO(admin_destroy(e));
	return read_and_close(e);
}

static int repaired(struct echo *e)
{
	DO(step_delay(e));
	DO(admin_repair(e));
	return step_close(e);
}

/* Nothing tells it that nobody is there any more, until it says something. */
static int write_to_nobody(struct echo *e)
{
	DO(step_await_gone(e));
	DO(step_write(e));
	return read_and_close(e);
}

/* In the child: it alone holds the connection once the pipe's other end is closed. */
static int close_in_child(struct echo *e, int parent_gone)
{
	char byte;

	DO(echo_deadline(e->options->delay_ns + ECHO_GRACE_NS));
	if (read(parent_gone, &byte, 1) < 0)
		return -errno;
	return wait_and_close(e);
}

static int forked(struct echo *e)
{
	CLEANUP(close) int reader = -1;
	CLEANUP(close) int writer = -1;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	reader = ends[0];
	writer = ends[1];
	child = call_fork(&e->caller);
	if (child < 0)
		return child;
	if (!child) {
		close(TAKE_FD(writer));
		_exit(close_in_child(e, reader) ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	DO(step_close(e));
	close(TAKE_FD(writer));
	return waitpid(child, NULL, 0) < 0 ? -errno : 0;
}

/* --- the wire is cut --- */

/* By the peer, until the closer is gone; then it says something and learns of the end. */
static int cut_until_gone(struct echo *e)
{
	int r;

	DO(step_await_acked(e));
	DO(wire_cut(&e->caller, e->fd, &e->caller.peer));
	DO(step_await_gone(e));
	DO(wire_mend(&e->caller, e->fd, &e->caller.peer));
	r = step_write(e);
	/* The closer's own RST may still have been on its way when the wire was mended. */
	if (r == -ECONNRESET)
		return step_close(e);
	DO(r);
	return read_and_close(e);
}

static int keepalive(struct echo *e)
{
	DO(call_set_int(&e->caller, e->fd, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE", 1));
	DO(set_tcp(e, TCP_KEEPIDLE, "TCP_KEEPIDLE", 1));
	DO(set_tcp(e, TCP_KEEPINTVL, "TCP_KEEPINTVL", 1));
	DO(set_tcp(e, TCP_KEEPCNT, "TCP_KEEPCNT", 1));
	return read_and_close(e);
}

static int write_in_vain(struct echo *e)
{
	DO(step_delay(e));
	DO(set_tcp(e, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT", USER_TIMEOUT_MS));
	return step_write_unheard(e);
}

static int user_timeout(struct echo *e)
{
	DO(write_in_vain(e));
	return read_and_close(e);
}

static int orphan_timeout(struct echo *e)
{
	DO(write_in_vain(e));
	return step_close(e);
}

/* --- no connection comes to be --- */

static int bind_only(struct echo *e)
{
	DO(step_hold_stop());
	DO(call_bind(&e->caller, e->listener, &e->options->address));
	return step_await_stop(e);
}

static int listen_cut(struct echo *e)
{
	DO(step_hold_stop());
	DO(call_bind(&e->caller, e->listener, &e->options->address));
	/* Both ends of a pair on loopback have one address. */
	DO(wire_cut(&e->caller, e->listener, &e->options->address));
	DO(call_listen(&e->caller, e->listener, 1));
	return step_await_stop(e);
}

/* Never accepts: the connection waits in the queue when the listener closes. */
static int listen_and_close(struct echo *e)
{
	int fd = e->listener, r;

	DO(call_bind(&e->caller, fd, &e->options->address));
	DO(call_listen(&e->caller, fd, 1));
	r = call_poll(&e->caller, fd, POLLIN, e->options->wait_ns);
	if (r <= 0)
		return r ? r : -ETIME;
	DO(step_delay(e));
	e->listener = -1;
	return call_close(&e->caller, fd);
}

static int connect_in_vain(struct echo *e)
{
	call_connect(&e->caller, e->fd, &e->options->address);
	return step_close(e);
}

static int connect_and_give_up(struct echo *e)
{
	int r;

	DO(call_nonblock(&e->caller, e->fd));
	r = call_connect(&e->caller, e->fd, &e->options->address);
	if (r != -EINPROGRESS)
		return r ? r : -EISCONN;
	return wait_and_close(e);
}

static int connect_unanswered(struct echo *e)
{
	DO(set_tcp(e, TCP_SYNCNT, "TCP_SYNCNT", 1));
	return connect_in_vain(e);
}

/* It is connected as far as it knows; an accept() never comes. */
static int connect_and_wait(struct echo *e)
{
	DO(call_connect(&e->caller, e->fd, &e->options->address));
	DO(step_write(e));
	return read_and_close(e);
}

/* --- the other end is a scripted peer --- */

/* It says something when all is as it must be. */
static int write_when_told(struct echo *e)
{
	DO(step_await_data(e));
	DO(step_delay(e));
	DO(step_write(e));
	return 0;
}

static int write_and_learn(struct echo *e)
{
	DO(step_delay(e));
	DO(step_write(e));
	DO(step_await_break(e));
	return read_and_close(e);
}

static int write_when_told_and_learn(struct echo *e)
{
	DO(write_when_told(e));
	DO(step_await_break(e));
	return read_and_close(e);
}

/* What was said is read: it would be the reason for an RST. */
static int write_when_told_and_close(struct echo *e)
{
	char byte;

	DO(write_when_told(e));
	DO(call_read(&e->caller, e->fd, &byte, sizeof(byte)));
	return step_close(e);
}

static int leave_error(struct echo *e)
{
	bool four = e->options->family == AF_INET;

	DO(call_set_int(&e->caller, e->fd, four ? IPPROTO_IP : IPPROTO_IPV6,
			four ? IP_RECVERR : IPV6_RECVERR, four ? "IP_RECVERR" : "IPV6_RECVERR", 1));
	DO(step_delay(e));
	DO(step_write(e));
	DO(step_await_error(e));
	DO(step_await_end(e));
	return step_close(e);
}

static int shutdown_both(struct echo *e)
{
	DO(step_delay(e));
	DO(call_shutdown(&e->caller, e->fd, SHUT_RDWR));
	DO(step_await_error(e));
	step_write(e);
	return step_close(e);
}

/* --- the client comes again, from the same port --- */

/* What was closed here is taken over by a SYN; the old connection's other end answers that, and gets an RST. */
static int keep_open(struct echo *e)
{
	DO(step_read_to_end(e));
	if (!(e->turn % 2))
		DO(step_await_break(e));
	return step_close(e);
}

const struct script *script_of(enum ending_id ending)
{
	static const struct script scripts[ENDING_MAX] = {
		[ENDING_DEFAULT] = { .closer = wait_and_close, .other = echo_and_close },
		[ENDING_LINGER_ZERO] = { .closer = linger_zero, .other = echo_and_close },
		[ENDING_LINGER_DRAINED] = { .closer = linger_drained, .other = read_and_close },
		[ENDING_LINGER_EXPIRED] = { .closer = linger_expired,
					    .other = read_late,
					    .tight = true },
		[ENDING_UNREAD_DATA] = { .closer = close_unread, .other = write_and_read },
		[ENDING_HALF_CLOSE] = { .closer = half_close, .other = go_on_sending },
		[ENDING_SIMULTANEOUS] = { .closer = meet_and_close,
					  .other = meet_and_close,
					  .slow = true },
		[ENDING_REFUSED] = { .serve = bind_only, .call = connect_in_vain },
		[ENDING_KILLED] = { .closer = killed, .other = read_and_close },
		[ENDING_DATA_AFTER_CLOSE] = { .closer = wait_and_close, .other = write_to_closed },
		[ENDING_LINGER2_NEGATIVE] = { .closer = linger2_negative, .other = read_and_learn },
		[ENDING_FIN_WAIT2_TIMEOUT] = { .closer = linger2_short, .other = close_too_late },
		[ENDING_DISCONNECT] = { .closer = disconnect, .other = read_and_close },
		[ENDING_LISTENER_CLOSED] = { .serve = listen_and_close, .call = connect_and_wait },
		[ENDING_FORKED] = { .closer = forked, .other = read_and_close },
		[ENDING_CONNECT_CANCELLED] = { .serve = listen_cut, .call = connect_and_give_up },
		[ENDING_CONNECT_TIMEOUT] = { .serve = listen_cut, .call = connect_unanswered },
		[ENDING_KEEPALIVE_TIMEOUT] = { .closer = keepalive, .other = cut_until_gone },
		[ENDING_USER_TIMEOUT] = { .closer = user_timeout, .other = cut_until_gone },
		[ENDING_ORPHAN_TIMEOUT] = { .closer = orphan_timeout, .other = cut_until_gone },
		[ENDING_DESTROYED] = { .closer = destroyed,
				       .other = read_and_close,
				       .admin = true },
		[ENDING_REPAIR] = { .closer = repaired, .other = write_to_nobody, .admin = true },
		[ENDING_SUBFLOW_RESET] = { .closer = close_unread,
					   .other = write_and_read,
					   .mptcp = true },
		[ENDING_RETRANSMIT_TIMEOUT] = { .closer = write_and_learn },
		[ENDING_PROBE_TIMEOUT] = { .closer = write_when_told_and_learn },
		[ENDING_NO_ROUTE] = { .closer = write_when_told_and_learn },
		[ENDING_ORPHAN_ZERO_WINDOW] = { .closer = write_when_told_and_close },
		[ENDING_HANDSHAKE_TIMEOUT] = { .call = connect_unanswered },
		[ENDING_HANDSHAKE_RESET] = { .call = connect_unanswered },
		[ENDING_UNREACHABLE] = { .call = connect_in_vain },
		[ENDING_PORT_UNREACHABLE] = { .call = connect_in_vain },
		[ENDING_CONNECT_FAILED] = { .call = connect_in_vain },
		[ENDING_ACCEPT_OVERFLOW] = { .serve = request_ignore },
		[ENDING_ICMP_NOTED] = { .closer = leave_error },
		[ENDING_DATA_IN_FIN_WAIT1] = { .closer = wait_and_close },
		[ENDING_DATA_WITH_ACK] = { .closer = wait_and_close },
		[ENDING_DATA_IN_MINISOCKET] = { .closer = wait_and_close },
		[ENDING_DATA_AFTER_SHUTDOWN] = { .closer = shutdown_both },
		[ENDING_RESET_IN_FIN_WAIT1] = { .closer = wait_and_close },
		[ENDING_RESET_IN_LAST_ACK] = { .closer = read_and_close },
		[ENDING_TW_REUSE] = { .closer = wait_and_close,
				      .other = read_and_close,
				      .again = step_await_over },
		[ENDING_TW_RESET] = { .closer = wait_and_close },
		[ENDING_TIME_WAIT_OVERFLOW] = { .closer = wait_and_close },
		[ENDING_ADDRESS_REUSED] = { .closer = wait_and_close,
					    .other = keep_open,
					    .again = step_await_mini },
		[ENDING_NAMESPACE_GONE] = { .closer = wait_and_close },
		[ENDING_HALF_OPEN_TIMEOUT] = { .serve = request_outlive },
		[ENDING_HALF_OPEN_RESET] = { .serve = request_ignore },
		[ENDING_HALF_OPEN_SYN] = { .serve = request_ignore },
		[ENDING_HALF_OPEN_UNREACHABLE] = { .serve = request_outlive },
		[ENDING_HALF_OPEN_DESTROYED] = { .serve = request_destroy, .admin = true },
		[ENDING_HALF_OPEN_LISTENER_CLOSED] = { .serve = request_ignore },
		[ENDING_HALF_OPEN_OVERFLOW] = { .serve = request_outlive_third },
		[ENDING_HALF_OPEN_DEFERRED] = { .serve = request_defer },
	};

	return &scripts[ending];
}
