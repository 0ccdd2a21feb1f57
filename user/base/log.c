/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/log.h"

#include <stdio.h>
#include <string.h>

static enum log_level log_level = LOG_INFO;

void log_set_level(enum log_level level)
{
	log_level = level;
}

static void put(const char *prefix, const char *format, va_list args, const char *end)
{
	char line[1024];
	size_t n = (size_t)snprintf(line, sizeof(line), "%s", prefix);

	vsnprintf(line + n, sizeof(line) - n, format, args);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t')
			*c = '?';
	fprintf(stderr, "%s%s", line, end);
}

#define LOG_AT(level)                                                                              \
	do {                                                                                       \
		va_list args;                                                                      \
                                                                                                   \
		if ((level) > log_level)                                                           \
			return;                                                                    \
		va_start(args, format);                                                            \
		put("tcpclose: ", format, args, "\n");                                             \
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
