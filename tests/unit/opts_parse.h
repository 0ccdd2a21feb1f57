/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A command line, what comes of it, and what is said to it. After cmocka.h. */
#ifndef TCPCLOSE_TEST_OPTS_PARSE_H
#define TCPCLOSE_TEST_OPTS_PARSE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "opts.h"

struct outcome {
	int r;
	struct config config;
	char said[1024]; /* on standard error */
};

/* What stays of *ret when the words are refused. */
static inline struct config untouched(void)
{
	struct config c;

	memset(&c, 0x5a, sizeof(c));
	return c;
}

static inline struct outcome parse(enum command command, char **argv)
{
	struct outcome o = { .config = untouched() };
	int argc = 0, saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	size_t n;

	while (argv[argc])
		argc++;
	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	o.r = opts_parse(command, argc, argv, &o.config);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(o.said, 1, sizeof(o.said) - 1, file);
	o.said[n] = '\0';
	fclose(file);
	return o;
}

#define WORDS(...) ((char *[]){ "tcpclose", ##__VA_ARGS__, NULL })
#define TRACE(...) taken(CMD_TRACE, WORDS(__VA_ARGS__))
#define DEMO(...) taken(CMD_DEMO, WORDS(__VA_ARGS__))
#define REFUSED(command, part, ...) refused(command, WORDS(__VA_ARGS__), part)

/* Without a word on standard error. */
static inline struct config taken(enum command command, char **argv)
{
	struct outcome o = parse(command, argv);

	assert_string_equal(o.said, "");
	assert_int_equal(o.r, 0);
	return o.config;
}

/* With one line on standard error that names `part`, and *ret as it was. */
static inline void refused(enum command command, char **argv, const char *part)
{
	struct outcome o = parse(command, argv);
	struct config before = untouched();

	assert_int_equal(o.r, -EINVAL);
	assert_memory_equal(&o.config, &before, sizeof(before));
	assert_int_equal(strncmp(o.said, "tcpclose: ", 10), 0);
	assert_ptr_equal(strchr(o.said, '\n'), o.said + strlen(o.said) - 1);
	if (!strstr(o.said, part))
		fail_msg("'%s' is not in: %s", part, o.said);
}

#endif
