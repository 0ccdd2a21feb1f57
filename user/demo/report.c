/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "demo/report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/errname.h"

/* {"local":{"address":...}} is two deep; there is no reason to follow anybody further down. */
#define DEPTH_MAX 4
#define ERRNO_MAX 4095

CLEANUP_DEFINE(json, struct json_object *, json_object_put)
CLEANUP_DEFINE(tokener, struct json_tokener *, json_tokener_free)

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) || json_object_get_type(value) != type)
		return NULL;
	return value;
}

static int get_number(struct json_object *o, const char *key, int64_t min, int64_t max,
		      int64_t *ret)
{
	struct json_object *value = member(o, key, json_type_int);
	int64_t number;

	if (!value)
		return -EBADMSG;
	number = json_object_get_int64(value); /* beyond its range it becomes the end of it */
	if (number < min || number > max)
		return -EBADMSG;
	*ret = number;
	return 0;
}

static int get_string(struct json_object *o, const char *key, char *ret, size_t size)
{
	struct json_object *value = member(o, key, json_type_string);

	if (!value)
		return -EBADMSG;
	/* A NUL inside ends it here: nobody needs the rest. */
	snprintf(ret, size, "%s", json_object_get_string(value));
	return 0;
}

static int get_error(struct json_object *o, int32_t *ret)
{
	char name[32];

	if (get_string(o, "error", name, sizeof(name)))
		return 0; /* null: there was none */
	for (int32_t err = 1; err <= ERRNO_MAX; err++)
		if (!strcmp(errname(err), name)) {
			*ret = err;
			return 0;
		}
	return -EBADMSG;
}

/* An end that is not known (null) leaves *ret as it is. */
static int get_endpoint(struct json_object *o, const char *key, int family, struct endpoint *ret)
{
	struct json_object *end = member(o, key, json_type_object);
	char address[INET6_ADDRSTRLEN];
	int64_t port;

	if (!end)
		return 0;
	if (get_string(end, "address", address, sizeof(address)) ||
	    get_number(end, "port", 0, 65535, &port))
		return -EBADMSG;
	if (inet_pton(family == 4 ? AF_INET : AF_INET6, address, ret->addr) != 1)
		return -EBADMSG;
	ret->port = (uint16_t)port;
	return 0;
}

/* An IPv6 socket that speaks IPv4: what is on the wire is IPv4, and so is what the kernel shows. */
static bool unmap(struct endpoint *end)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	if (memcmp(end->addr, prefix, sizeof(prefix)))
		return false;
	memcpy(end->addr, end->addr + 12, 4);
	memset(end->addr + 4, 0, 12);
	return true;
}

static int get_tuple(struct json_object *o, struct tuple *ret)
{
	int64_t family;

	if (!member(o, "local", json_type_object))
		return 0; /* no connection yet */
	if (get_number(o, "family", 4, 6, &family) || family == 5)
		return -EBADMSG;
	ret->family = (uint8_t)family;
	if (get_endpoint(o, "local", (int)family, &ret->local) ||
	    get_endpoint(o, "peer", (int)family, &ret->peer))
		return -EBADMSG;
	if (family == 6 && (unmap(&ret->local) | unmap(&ret->peer)))
		ret->family = 4;
	return 0;
}

static int read_app(struct json_object *o, struct app *ret)
{
	struct app app = { 0 };
	int64_t pid, mono, took;

	if (get_string(o, "role", app.role, sizeof(app.role)) ||
	    get_string(o, "call", app.call, sizeof(app.call)) ||
	    get_string(o, "args", app.args, sizeof(app.args)))
		return -EBADMSG;
	if (strcmp(app.role, "server") && strcmp(app.role, "client"))
		return -EBADMSG;
	if (get_number(o, "pid", 1, INT32_MAX, &pid) ||
	    get_number(o, "mono_ns", 1, INT64_MAX, &mono) ||
	    get_number(o, "took_ns", 0, mono, &took) ||
	    get_number(o, "result", INT64_MIN, INT64_MAX, &app.result))
		return -EBADMSG;
	if (get_error(o, &app.error) || get_tuple(o, &app.tuple))
		return -EBADMSG;
	app.pid = (uint32_t)pid;
	app.mono_ns = (uint64_t)mono;
	app.took_ns = (uint64_t)took;
	*ret = app;
	return 0;
}

int report_parse(const char *line, size_t n, struct app *ret)
{
	CLEANUP(tokener) struct json_tokener *tokener = NULL;
	CLEANUP(json) struct json_object *o = NULL;

	if (n > REPORT_LINE_MAX)
		return -EBADMSG;
	tokener = json_tokener_new_ex(DEPTH_MAX);
	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tokener, line, (int)n);
	if (!o || json_object_get_type(o) != json_type_object ||
	    json_tokener_get_parse_end(tokener) != n)
		return -EBADMSG;
	return read_app(o, ret);
}

/* One line is complete: parsed, and given out. */
static int end_line(struct report_reader *r, int (*take)(void *ctx, const struct app *app),
		    void *ctx)
{
	bool overlong = r->overlong;
	size_t n = r->n;
	struct app app;

	r->n = 0;
	r->overlong = false;
	if (overlong || report_parse(r->line, n, &app)) {
		r->refused++;
		return 0;
	}
	return take(ctx, &app);
}

int report_feed(struct report_reader *reader, const char *bytes, size_t n,
		int (*take)(void *ctx, const struct app *app), void *ctx)
{
	for (size_t i = 0; i < n; i++) {
		int r;

		if (bytes[i] != '\n') {
			if (reader->n == sizeof(reader->line))
				reader->overlong = true;
			else
				reader->line[reader->n++] = bytes[i];
			continue;
		}
		r = end_line(reader, take, ctx);
		if (r)
			return r;
	}
	return 0;
}
