/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_report.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/errname.h"
#include "base/json.h"

static uint16_t address_port(const struct sockaddr_storage *a)
{
	/* The port stands at the same place in both. */
	return ntohs(((const struct sockaddr_in *)a)->sin_port);
}

static const char *address_text(const struct sockaddr_storage *a, char *buf)
{
	const void *bytes = a->ss_family == AF_INET
				    ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
				    : (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr;

	return inet_ntop(a->ss_family, bytes, buf, INET6_ADDRSTRLEN) ? buf : strcpy(buf, "?");
}

const char *address_format(const struct sockaddr_storage *address, char *buf)
{
	char text[INET6_ADDRSTRLEN];

	snprintf(buf, ADDRESS_STRLEN, address->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 address_text(address, text), address_port(address));
	return buf;
}

struct call call_begin(const char *name, const char *args, ...)
{
	struct call call = { .name = name };
	va_list list;

	va_start(list, args);
	vsnprintf(call.args, sizeof(call.args), args, list);
	va_end(list);
	call.start_ns = clock_mono_ns();
	return call;
}

static void put_address(struct json *j, const char *key, bool known,
			const struct sockaddr_storage *address)
{
	char text[INET6_ADDRSTRLEN];

	json_key(j, key);
	if (!known) {
		json_null(j);
		return;
	}
	json_object_begin(j);
	json_key(j, "address");
	json_string(j, address_text(address, text));
	json_key(j, "port");
	json_u64(j, address_port(address));
	json_object_end(j);
}

static int put_call(struct json *j, const struct caller *c, const struct call *call)
{
	json_object_begin(j);
	json_key(j, "role");
	json_string(j, side_slug(c->role));
	json_key(j, "pid");
	json_u64(j, (uint64_t)getpid());
	json_key(j, "call");
	json_string(j, call->name);
	json_key(j, "args");
	json_string(j, call->args);
	json_key(j, "result");
	json_i64(j, call->result < 0 ? -1 : call->result);
	json_key(j, "error");
	json_string(j, call->result < 0 ? errname((int)-call->result) : NULL);
	json_key(j, "mono_ns");
	json_u64(j, call->end_ns);
	json_key(j, "took_ns");
	json_u64(j, call->end_ns - call->start_ns);
	json_key(j, "family");
	json_u64(j, c->family == AF_INET ? 4 : 6);
	put_address(j, "local", c->has_local, &c->local);
	put_address(j, "peer", c->has_peer, &c->peer);
	json_object_end(j);
	return json_end(j);
}

/* A line goes out in one write: two processes may report on one pipe. */
static void report_line(struct caller *c, const struct call *call)
{
	struct json j;

	buf_reset(&c->line);
	json_begin(&j, &c->line);
	if (put_call(&j, c, call))
		return;
	buf_byte(&c->line, '\n');
	if (!c->line.err && write(c->report_fd, c->line.data, c->line.len) < 0)
		c->line.err = 0;
}

static void say(struct caller *c, const char *head, const char *format, va_list list)
{
	uint64_t ms = (clock_mono_ns() - c->start_ns) / 1000000;

	printf("%3llu.%03llu s  %s", (unsigned long long)(ms / 1000),
	       (unsigned long long)(ms % 1000), head);
	if (format)
		vprintf(format, list);
	putchar('\n');
	fflush(stdout);
}

/* "read: connection reset by peer": what went wrong in lower case, behind the call. */
static void say_error(struct caller *c, const struct call *call, ...)
{
	char words[128];
	va_list none;

	snprintf(words, sizeof(words), "%s: %s", call->name, strerror((int)-call->result));
	words[strlen(call->name) + 2] = (char)tolower(words[strlen(call->name) + 2]);
	va_start(none, call);
	say(c, words, NULL, none);
	va_end(none);
}

void caller_report(struct caller *c, const struct call *call, const char *words, ...)
{
	char head[32];
	va_list list;

	if (c->report_fd >= 0) {
		report_line(c, call);
		return;
	}
	if (call->result < 0) {
		say_error(c, call);
		return;
	}
	snprintf(head, sizeof(head), "%s%s", call->name, words ? ": " : "");
	va_start(list, words);
	say(c, head, words, list);
	va_end(list);
}

void caller_say(struct caller *c, const char *format, ...)
{
	va_list list;

	if (c->report_fd >= 0)
		return;
	va_start(list, format);
	say(c, "", format, list);
	va_end(list);
}
