/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/stamp.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)

/* True when text[] already begins with that second. */
static bool is_cached(struct stamp *s, uint64_t second)
{
	if (s->len && s->second == second)
		return true;
	s->second = second;
	return false;
}

/* ".123456789" cut to so many digits, behind the second. */
static char *put_fraction(struct stamp *s, uint64_t ns, unsigned digits)
{
	char *p = s->text + s->len;
	uint64_t scale = SECOND / 10;

	*p++ = '.';
	for (unsigned i = 0; i < digits; i++, scale /= 10)
		*p++ = (char)('0' + ns / scale % 10);
	return p;
}

const char *stamp_utc(struct stamp *s, uint64_t wall_ns)
{
	time_t second = (time_t)(wall_ns / SECOND);
	struct tm tm;

	if (!is_cached(s, wall_ns / SECOND))
		s->len = (unsigned)strftime(s->text, sizeof(s->text) - 12, "%Y-%m-%dT%H:%M:%S",
					    gmtime_r(&second, &tm));
	memcpy(put_fraction(s, wall_ns % SECOND, 9), "Z", 2);
	return s->text;
}

const char *stamp_clock(struct stamp *s, uint64_t wall_ns)
{
	time_t second = (time_t)(wall_ns / SECOND);
	struct tm tm;

	if (!is_cached(s, wall_ns / SECOND))
		s->len = (unsigned)strftime(s->text, sizeof(s->text) - 12, "%H:%M:%S",
					    localtime_r(&second, &tm));
	*put_fraction(s, wall_ns % SECOND, 3) = '\0';
	return s->text;
}
