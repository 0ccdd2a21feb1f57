/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* log: one sentence on standard error, for people. */
#ifndef TCPCLOSE_BASE_LOG_H
#define TCPCLOSE_BASE_LOG_H

#include <stdarg.h>

enum log_level { LOG_ERROR, LOG_INFO, LOG_DEBUG };

/* LOG_INFO by default; -q is LOG_ERROR, -v is LOG_DEBUG. */
void log_set_level(enum log_level level);
/* "tcpclose: FORMAT\n" in one write and one line: what is none in what is formatted is escaped (base/text.h). */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As it is, of any length, without the prefix: for what comes with its own (libbpf). */
void log_raw(enum log_level level, const char *format, va_list args);

#endif
