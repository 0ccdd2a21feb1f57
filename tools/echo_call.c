/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_call.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "echo_report.h"

/* What a call gave: the value, or negative errno. Directly after the call, before errno is lost. */
static int64_t outcome(struct call *call, int64_t value)
{
	call->result = value < 0 ? -errno : value;
	call->end_ns = clock_mono_ns();
	return call->result;
}

/* "Hi, gopher?" with quotes, at most `columns` wide. */
static void quote(char *to, size_t size, const void *bytes, size_t n, size_t columns)
{
	CLEANUP(buf) struct buf b = BUF_INIT;
	const char *s;

	buf_byte(&b, '"');
	text_put(&b, bytes, n, columns, false);
	buf_byte(&b, '"');
	s = buf_string(&b);
	snprintf(to, size, "%s", s ? s : "?");
}

int call_socket(struct caller *c, bool mptcp)
{
	struct call call = call_begin("socket", "%s, SOCK_STREAM%s",
				      c->family == AF_INET ? "AF_INET" : "AF_INET6",
				      mptcp ? ", IPPROTO_MPTCP" : "");

	outcome(&call, socket(c->family, SOCK_STREAM | SOCK_CLOEXEC, mptcp ? IPPROTO_MPTCP : 0));
	caller_report(c, &call, NULL);
	return (int)call.result;
}

static socklen_t address_length(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* The kernel's view of our end. Of the other end only when asked: a listener has none. */
static void learn_names(struct caller *c, int fd, bool peer)
{
	socklen_t length = sizeof(c->local);

	if (!getsockname(fd, (struct sockaddr *)&c->local, &length))
		c->has_local = true;
	length = sizeof(c->peer);
	if (peer && !getpeername(fd, (struct sockaddr *)&c->peer, &length))
		c->has_peer = true;
}

int call_bind(struct caller *c, int fd, const struct sockaddr_storage *address)
{
	char name[ADDRESS_STRLEN];
	struct call call = call_begin("bind", "%d, %s", fd, address_format(address, name));

	outcome(&call, bind(fd, (const struct sockaddr *)address, address_length(address)));
	c->has_peer = false;
	if (!call.result)
		learn_names(c, fd, false);
	caller_report(c, &call, NULL);
	return (int)call.result;
}

int call_listen(struct caller *c, int fd, int backlog)
{
	char name[ADDRESS_STRLEN];
	struct call call = call_begin("listen", "%d, %d", fd, backlog);

	outcome(&call, listen(fd, backlog));
	if (!call.result)
		learn_names(c, fd, false);
	caller_report(c, &call, "on %s", c->has_local ? address_format(&c->local, name) : "?");
	return (int)call.result;
}

int call_accept(struct caller *c, int fd)
{
	char name[ADDRESS_STRLEN];
	struct call call = call_begin("accept", "%d", fd);

	outcome(&call, accept4(fd, NULL, NULL, SOCK_CLOEXEC));
	if (call.result >= 0)
		learn_names(c, (int)call.result, true);
	caller_report(c, &call, "a connection from %s",
		      c->has_peer ? address_format(&c->peer, name) : "?");
	return (int)call.result;
}

int call_connect(struct caller *c, int fd, const struct sockaddr_storage *address)
{
	char name[ADDRESS_STRLEN];
	struct call call = call_begin("connect", "%d, %s", fd, address_format(address, name));

	outcome(&call, connect(fd, (const struct sockaddr *)address, address_length(address)));
	/* A refused connect() leaves our port unknown: 0. Where it went is known all the same. */
	learn_names(c, fd, true);
	c->peer = *address;
	c->has_peer = true;
	caller_report(c, &call, "to %s", name);
	return (int)call.result;
}

int call_disconnect(struct caller *c, int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct call call = call_begin("connect", "%d, AF_UNSPEC", fd);

	outcome(&call, connect(fd, &none, sizeof(none)));
	caller_report(c, &call, "to nobody: the connection is dissolved");
	return (int)call.result;
}

ssize_t call_read(struct caller *c, int fd, void *buf, size_t n)
{
	struct call call = call_begin("read", "%d, %zu", fd, n);
	char text[96];

	outcome(&call, read(fd, buf, n));
	if (call.result > 0) {
		quote(text, sizeof(text), buf, (size_t)call.result, 32);
		caller_report(c, &call, "%lld bytes: %s", (long long)call.result, text);
	} else {
		caller_report(c, &call, "end of file: the peer has closed or shut down");
	}
	return (ssize_t)call.result;
}

ssize_t call_write(struct caller *c, int fd, const void *buf, size_t n)
{
	char text[96];
	struct call call;

	quote(text, sizeof(text), buf, n, 32);
	call = call_begin("write", "%d, %s, %zu", fd, text, n);
	outcome(&call, write(fd, buf, n));
	caller_report(c, &call, "%lld bytes: %s", (long long)call.result, text);
	return (ssize_t)call.result;
}

ssize_t call_write_zeros(struct caller *c, int fd, size_t n)
{
	CLEANUP(free) void *zeros = calloc(1, n);
	struct call call = call_begin("write", "%d, %zu zeros", fd, n);

	if (!zeros)
		return -ENOMEM;
	outcome(&call, write(fd, zeros, n));
	caller_report(c, &call, "%lld bytes", (long long)call.result);
	return (ssize_t)call.result;
}

static const char *poll_words(short events)
{
	if (events & (POLLERR | POLLHUP))
		return "the connection is broken";
	if (events & POLLRDHUP)
		return "the peer has closed or shut down";
	return events ? "ready" : "nothing happened in time";
}

int call_poll(struct caller *c, int fd, short events, uint64_t ns)
{
	struct pollfd p = { .fd = fd, .events = events };
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000),
			      .tv_nsec = (long)(ns % 1000000000) };
	const char *wanted = events & POLLIN ? "POLLIN" : events ? "POLLRDHUP" : "POLLHUP";
	struct call call = call_begin("poll", "%d, %s", fd, wanted);

	outcome(&call, ppoll(&p, 1, &t, NULL));
	caller_report(c, &call, "%s", poll_words(p.revents));
	return call.result <= 0 ? (int)call.result : p.revents;
}

int call_shutdown(struct caller *c, int fd, int how)
{
	static const char *const names[] = { "SHUT_RD", "SHUT_WR", "SHUT_RDWR" };
	struct call call = call_begin("shutdown", "%d, %s", fd, names[how]);

	outcome(&call, shutdown(fd, how));
	caller_report(c, &call, "%s", names[how]);
	return (int)call.result;
}

int call_close(struct caller *c, int fd)
{
	struct call call = call_begin("close", "%d", fd);

	outcome(&call, close(fd));
	caller_report(c, &call, NULL);
	return (int)call.result;
}

int call_nonblock(struct caller *c, int fd)
{
	struct call call = call_begin("fcntl", "%d, F_SETFL, O_NONBLOCK", fd);

	outcome(&call, fcntl(fd, F_SETFL, O_NONBLOCK));
	caller_report(c, &call, "%s", "O_NONBLOCK");
	return (int)call.result;
}

int call_linger(struct caller *c, int fd, uint32_t seconds)
{
	struct linger linger = { .l_onoff = 1, .l_linger = (int)seconds };
	struct call call = call_begin("setsockopt", "%d, SO_LINGER, {on, %u s}", fd, seconds);

	outcome(&call, setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	caller_report(c, &call, "SO_LINGER on, %u s", seconds);
	return (int)call.result;
}

int call_set_int(struct caller *c, int fd, int level, int option, const char *name, int value)
{
	struct call call = call_begin("setsockopt", "%d, %s, %d", fd, name, value);

	outcome(&call, setsockopt(fd, level, option, &value, sizeof(value)));
	caller_report(c, &call, "%s %d", name, value);
	return (int)call.result;
}

int call_filter(struct caller *c, int fd, struct sock_filter *code, unsigned short n)
{
	struct sock_fprog program = { .len = n, .filter = code };
	struct call call = call_begin("setsockopt", "%d, SO_ATTACH_FILTER, %u", fd, n);

	outcome(&call, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	caller_report(c, &call, "SO_ATTACH_FILTER: everything arrives a little later");
	return (int)call.result;
}

int call_md5(struct caller *c, int fd, const struct sockaddr_storage *address, const char *key,
	     const char *words)
{
	struct tcp_md5sig md5 = { .tcpm_keylen = (uint16_t)strlen(key) };
	struct call call = call_begin("setsockopt", "%d, TCP_MD5SIG, %s", fd, *key ? "key" : "0");

	memcpy(&md5.tcpm_addr, address, sizeof(*address));
	memcpy(md5.tcpm_key, key, md5.tcpm_keylen);
	outcome(&call, setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &md5, sizeof(md5)));
	caller_report(c, &call, "TCP_MD5SIG: %s", words);
	return (int)call.result;
}

pid_t call_fork(struct caller *c)
{
	struct call call = call_begin("fork", "%s", "");

	/* Nothing half written may be written twice. */
	fflush(stdout);
	outcome(&call, fork());
	if (call.result)
		caller_report(c, &call, "process %lld holds the connection too",
			      (long long)call.result);
	return (pid_t)call.result;
}

void call_kill_self(struct caller *c)
{
	struct call call = call_begin("kill", "%d, SIGKILL", (int)getpid());

	call.end_ns = clock_mono_ns();
	caller_report(c, &call, "%s", "itself, with SIGKILL");
	kill(getpid(), SIGKILL);
}
