/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/digits.h"

size_t digits_put_long(char *p, uint64_t value)
{
	uint64_t upper = value / DIGITS_EIGHT;
	size_t n = 0;

	if (upper >= DIGITS_EIGHT) {
		n = digits_put_short(p, (uint32_t)(upper / DIGITS_EIGHT));
		digits_put_padded(p + n, (uint32_t)(upper % DIGITS_EIGHT));
		n += 8;
	} else {
		n = digits_put_short(p, (uint32_t)upper);
	}
	digits_put_padded(p + n, (uint32_t)(value % DIGITS_EIGHT));
	return n + 8;
}
