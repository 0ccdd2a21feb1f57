/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf8.h"

static enum log_level log_level = LOG_INFO;

void log_set_level(enum log_level level)
{
	log_level = level;
}

/* A file's name may be as long as a path. Who is out of memory is told in fewer words. */
#define LINE_MAX_BYTES 8192

/* A sentence is a line: what strangers named must not make two of it, nor speak to the terminal. */
static void put(const char *prefix, const char *format, va_list args)
{
	char words[LINE_MAX_BYTES];
	CLEANUP(buf) struct buf line = BUF_INIT;
	const char *text;

	vsnprintf(words, sizeof(words), format, args);
	buf_puts(&line, prefix);
	text_put(&line, words, strlen(words), TEXT_ANY, utf8_is_spoken());
	text = buf_string(&line);
	fprintf(stderr, "%s\n", text ? text : "tcpclose: out of memory");
}

#define LOG_AT(level)                                                                              \
	do {                                                                                       \
		va_list args;                                                                      \
                                                                                                   \
		if ((level) > log_level)                                                           \
			return;                                                                    \
		va_start(args, format);                                                            \
		put("tcpclose: ", format, args);                                             \
		va_end(args);                                                                      \
	} while (0)

void log_error(const char *format, ...)
{
	LOG_AT(LOG_ERROR);
}

void log_info(const char *format, ...)
{
	LOG_AT(LOG_INFO);
}

void log_debug(const char *format, ...)
{
	LOG_AT(LOG_DEBUG);
}

/* As long as it is: the verifier says what it wants at the end of its log. */
void log_raw(enum log_level level, const char *format, va_list args)
{
	if (level <= log_level)
		vfprintf(stderr, format, args);
}
