/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/utf8.h"

#include <langinfo.h>
#include <string.h>

static size_t length_by_first_byte(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	if (first >= 0xf0 && first < 0xf5)
		return 4;
	return 0;
}

size_t utf8_decode(const char *p, size_t n, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *bytes = (const uint8_t *)p;
	size_t length = length_by_first_byte(bytes[0]);
	uint32_t c;

	if (length <= 1) {
		if (length)
			*ret = bytes[0];
		return length;
	}
	if (length > n)
		return 0;
	c = bytes[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (bytes[i] & 0x3f);
	}
	if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return length;
}

bool utf8_is_spoken(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}
