/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* echo_report: one finished call, as a JSON line for a machine or in words for a person. */
#ifndef TCPCLOSE_ECHO_REPORT_H
#define TCPCLOSE_ECHO_REPORT_H

#include <netinet/in.h>

#include "base/cleanup.h"
#include "echo_call.h"

/* Brackets, the longest IPv6 address, colon, port, NUL. */
#define ADDRESS_STRLEN (INET6_ADDRSTRLEN + 8)

struct call {
	const char *name;
	char args[64];
	uint64_t start_ns, end_ns;
	int64_t result; /* or negative errno */
};

/* Notes what is about to be called, with its arguments in words, and when. */
__attribute__((format(printf, 2, 3))) struct call call_begin(const char *name, const char *args,
							     ...);
/*
 * Gives out a finished call; words (NULL = none) say what came of it when it went well.
 * A report that nobody takes is lost: the connection matters more.
 */
__attribute__((format(printf, 3, 4))) void caller_report(struct caller *c, const struct call *call,
							 const char *words, ...);

/* "127.0.0.1:4242", "[::1]:4242" into buf (ADDRESS_STRLEN bytes); returns buf. */
const char *address_format(const struct sockaddr_storage *address, char *buf);

#endif
