/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* le: numbers as they stand in a file: little-endian, unaligned. */
#ifndef TCPCLOSE_BASE_LE_H
#define TCPCLOSE_BASE_LE_H

#include <stddef.h>
#include <stdint.h>

static inline void le_put(uint8_t *p, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++, value >>= 8)
		p[i] = (uint8_t)value;
}

static inline uint64_t le_get(const uint8_t *p, size_t bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

#endif
