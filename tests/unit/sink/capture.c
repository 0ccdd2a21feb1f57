/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "capture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static ssize_t on_write(void *cookie, const char *bytes, size_t n)
{
	struct capture *c = cookie;

	if (c->error) {
		errno = c->error;
		return 0; /* what fopencookie(3) calls an error */
	}
	assert_true(c->len + n < sizeof(c->text));
	memcpy(c->text + c->len, bytes, n);
	c->len += n;
	c->writes++;
	return (ssize_t)n;
}

void capture_open(struct capture *c, const struct sink_ops *ops, struct sink_config config)
{
	memset(c, 0, sizeof(*c));
	c->file = fopencookie(c, "w", (cookie_io_functions_t){ .write = on_write });
	assert_non_null(c->file);
	setvbuf(c->file, NULL, _IONBF, 0);
	config.out = c->file;
	assert_int_equal(ops->open(&config, &c->sink), 0);
}

int capture_take(struct capture *c, const struct record *record)
{
	return c->sink->ops->take(c->sink, record);
}

int capture_close(struct capture *c, const struct verdict *verdict)
{
	struct record record = { .kind = REC_CLOSE, .mono_ns = verdict->mono_ns, .close = verdict };

	return capture_take(c, &record);
}

const char *capture_text(struct capture *c)
{
	c->text[c->len] = '\0';
	c->len = 0;
	return c->text;
}

void capture_end(struct capture *c)
{
	c->sink->ops->close(c->sink);
	fclose(c->file);
}

struct verdict plain_verdict(void)
{
	return (struct verdict){
		.conn = 1,
		.mono_ns = 1000,
		.tuple = { .family = 4,
			   .local = { .addr = { 127, 0, 0, 1 }, .port = 9000 },
			   .peer = { .addr = { 127, 0, 0, 1 }, .port = 40000 } },
		.owner = { .source = OWNER_CLOSE, .pid = 7, .tid = 7, .comm = "nginx" },
		.cause = CAUSE_ACTIVE_CLOSE,
		.how = HOW_FIN,
		.first_closer = CLOSER_LOCAL,
		.age_ns = 1000000,
		.complete = true,
	};
}
