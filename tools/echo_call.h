/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* echo_call: system calls that report themselves, as JSON lines or in words. */
#ifndef TCPCLOSE_ECHO_CALL_H
#define TCPCLOSE_ECHO_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/buf.h"
#include "endings.h"

/* Who calls, and what is known of the connection. All zero but report_fd = -1 to begin with. */
struct caller {
	enum side role;
	int family;
	int report_fd;	   /* -1 = words on standard output */
	uint64_t start_ns; /* words count from here */
	bool has_local, has_peer;
	struct sockaddr_storage local, peer;
	struct buf line;   /* what is being written; memory kept from one call to the next */
};

/*
 * Each makes the call, reports it with its result and returns that: a descriptor,
 * a count or 0; negative errno on failure. EINTR is not hidden: the deadline comes so.
 */
int call_socket(struct caller *c, bool mptcp);
int call_bind(struct caller *c, int fd, const struct sockaddr_storage *address);
int call_listen(struct caller *c, int fd, int backlog);
int call_accept(struct caller *c, int fd);
int call_connect(struct caller *c, int fd, const struct sockaddr_storage *address);
/* connect(AF_UNSPEC) */
int call_disconnect(struct caller *c, int fd);
ssize_t call_read(struct caller *c, int fd, void *buf, size_t n);
ssize_t call_write(struct caller *c, int fd, const void *buf, size_t n);
/* Writes that many zeros. */
ssize_t call_write_zeros(struct caller *c, int fd, size_t n);
int call_poll(struct caller *c, int fd, short events, uint64_t ns);
int call_shutdown(struct caller *c, int fd, int how);
int call_close(struct caller *c, int fd);
int call_nonblock(struct caller *c, int fd);
int call_linger(struct caller *c, int fd, uint32_t seconds);
int call_set_int(struct caller *c, int fd, int level, int option, const char *name, int value);
/* A classic BPF program on what arrives. */
struct sock_filter;
int call_filter(struct caller *c, int fd, struct sock_filter *code, unsigned short n);
/* TCP_MD5SIG for that address; an empty key takes it off. `words` for what that does. */
int call_md5(struct caller *c, int fd, const struct sockaddr_storage *address, const char *key,
	     const char *words);
pid_t call_fork(struct caller *c);
/* Reported before it happens: nobody is there afterwards. */
void call_kill_self(struct caller *c);

/* One line of words that is no call; nothing when reporting. */
__attribute__((format(printf, 2, 3))) void caller_say(struct caller *c, const char *format, ...);

#endif
