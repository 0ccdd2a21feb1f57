/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/units.h"

#include <stdio.h>

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* value / unit, rounded half up, without overflow. */
static uint64_t rounded(uint64_t value, uint64_t unit)
{
	uint64_t rest = value % unit;

	return value / unit + (rest >= unit - rest);
}

/* Three digits at the most: "1.2", "99.9", "100". 0 when it would take a fourth. */
static int three_digits(uint64_t value, uint64_t unit, const char *name, char *buf)
{
	uint64_t tenths = rounded(value, unit / 10);

	if (tenths < 1000)
		return snprintf(buf, UNITS_STRLEN, "%u.%u %s", (unsigned)tenths / 10,
				(unsigned)tenths % 10, name);
	if (rounded(value, unit) < 1000)
		return snprintf(buf, UNITS_STRLEN, "%u %s", (unsigned)rounded(value, unit), name);
	return 0;
}

/* "1m40s": how many large ones, and how many small ones are left over. */
static void two_units(uint64_t ns, uint64_t large, uint64_t small, const char *names, char *buf)
{
	uint64_t n = rounded(ns, small);
	uint64_t per = large / small;

	snprintf(buf, UNITS_STRLEN, "%llu%c%02u%c", (unsigned long long)(n / per), names[0],
		 (unsigned)(n % per), names[1]);
}

const char *units_duration(uint64_t ns, char *buf)
{
	if (ns < 1000)
		snprintf(buf, UNITS_STRLEN, "%u ns", (unsigned)ns);
	else if (ns < SECOND / 1000 && three_digits(ns, 1000, "us", buf))
		return buf;
	else if (ns < SECOND && three_digits(ns, SECOND / 1000, "ms", buf))
		return buf;
	else if (rounded(ns, SECOND / 10) < 1000)
		three_digits(ns, SECOND, "s", buf);
	else if (rounded(ns, SECOND) < HOUR / SECOND)
		two_units(ns, MINUTE, SECOND, "ms", buf);
	else if (rounded(ns, MINUTE) < DAY / MINUTE)
		two_units(ns, HOUR, MINUTE, "hm", buf);
	else
		two_units(ns, DAY, HOUR, "dh", buf);
	return buf;
}

const char *units_count(uint64_t count, char *buf)
{
	char digits[UNITS_STRLEN];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	char *p = buf;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = '\0';
	return buf;
}

const char *units_bytes(uint64_t bytes, char *buf)
{
	char count[UNITS_STRLEN];

	snprintf(buf, UNITS_STRLEN, "%.29s B", units_count(bytes, count));
	return buf;
}

const char *units_bytes_short(uint64_t bytes, char *buf)
{
	static const char *const names[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t unit = 1000;

	if (bytes < 10000) {
		snprintf(buf, UNITS_STRLEN, "%u B", (unsigned)bytes);
		return buf;
	}
	for (unsigned i = 0; i < 5; i++, unit *= 1000)
		if (three_digits(bytes, unit, names[i], buf))
			return buf;
	three_digits(bytes, unit, names[5], buf);
	return buf;
}
