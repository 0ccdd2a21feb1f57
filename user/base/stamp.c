/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/stamp.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/digits.h"

#define SECOND UINT64_C(1000000000)

/* True when text[] already begins with that second. */
static bool is_cached(struct stamp *s, uint64_t second)
{
	if (s->len && s->second == second)
		return true;
	s->second = second;
	return false;
}

/* ".123456789" behind the second, the end of the text behind so many digits of it. */
static void put_fraction(struct stamp *s, uint64_t ns, unsigned digits, const char *end)
{
	char *p = s->text + s->len;

	p[0] = '.';
	p[1] = (char)('0' + ns / DIGITS_EIGHT);
	digits_put_padded(p + 2, (uint32_t)(ns % DIGITS_EIGHT));
	strcpy(p + 1 + digits, end);
}

const char *stamp_utc(struct stamp *s, uint64_t wall_ns)
{
	time_t second = (time_t)(wall_ns / SECOND);
	struct tm tm;

	if (!is_cached(s, wall_ns / SECOND))
		s->len = (unsigned)strftime(s->text, sizeof(s->text) - 12, "%Y-%m-%dT%H:%M:%S",
					    gmtime_r(&second, &tm));
	put_fraction(s, wall_ns % SECOND, 9, "Z");
	return s->text;
}

const char *stamp_clock(struct stamp *s, uint64_t wall_ns)
{
	time_t second = (time_t)(wall_ns / SECOND);
	struct tm tm;

	if (!is_cached(s, wall_ns / SECOND))
		s->len = (unsigned)strftime(s->text, sizeof(s->text) - 12, "%H:%M:%S",
					    localtime_r(&second, &tm));
	put_fraction(s, wall_ns % SECOND, 3, "");
	return s->text;
}
