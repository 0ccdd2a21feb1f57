/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* stamp: wall clock as text, cheap when many fall into one second. */
#ifndef TCPCLOSE_BASE_STAMP_H
#define TCPCLOSE_BASE_STAMP_H

#include <stdint.h>

/* Remembers the second it wrote last. All zero to begin with; one per format. */
struct stamp {
	uint64_t second;
	unsigned len;	/* of what is the same for the whole second */
	char text[48];
};

/* "2024-05-01T12:34:56.123456789Z", from nanoseconds since 1970. Valid until the next call. */
const char *stamp_utc(struct stamp *s, uint64_t wall_ns);
/* "12:34:56.123", in the local time zone. */
const char *stamp_clock(struct stamp *s, uint64_t wall_ns);

#endif
