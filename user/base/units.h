/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* units: durations and byte counts for people. Plain ASCII, the same in every locale. */
#ifndef TCPCLOSE_BASE_UNITS_H
#define TCPCLOSE_BASE_UNITS_H

#include <stdint.h>

/* Enough for every one of them, NUL included. */
#define UNITS_STRLEN 32

/*
 * Into buf (UNITS_STRLEN bytes), which is returned.
 * "850 ns", "1.2 ms", "60.0 s", "1m40s", "3h05m", "2d04h": rounded, at most 7
 * columns up to 999 days; a part of a second that is there never shows as zero.
 */
const char *units_duration(uint64_t ns, char *buf);
/* Exact: "37 B", "1,048,576 B". */
const char *units_bytes(uint64_t bytes, char *buf);
/* At most 7 columns, powers of 1000: "37 B", "9999 B", "12.3 kB", "1.5 MB". */
const char *units_bytes_short(uint64_t bytes, char *buf);
/* "1,234,567" */
const char *units_count(uint64_t count, char *buf);

#endif
