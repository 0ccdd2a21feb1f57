/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * digits: numbers as text, eight digits at a time. Half of what a line of JSON writes anew
 * is numbers: hence inline.
 */
#ifndef TCPCLOSE_BASE_DIGITS_H
#define TCPCLOSE_BASE_DIGITS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_ROOM 20
#define DIGITS_EIGHT 100000000

/*
 * Eight digits, leading zeros and all, the first one in the lowest byte: two halves of
 * four, four of two, eight of one, all that are of one length in one multiplication.
 * 10486 / 2^20 is 1 / 100 and 103 / 2^10 is 1 / 10, near enough for what is that small.
 */
static inline uint64_t digits_eight(uint32_t value)
{
	uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
	uint64_t hundreds = fours * 10486 >> 20 & UINT64_C(0x7f0000007f);
	uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
	uint64_t tens = twos * 103 >> 10 & UINT64_C(0xf000f000f000f);

	return tens | (twos - tens * 10) << 8;
}

static inline void digits_store(char *p, uint64_t eight)
{
	eight = htole64(eight | UINT64_C(0x3030303030303030));
	memcpy(p, &eight, sizeof(eight));
}

/* All eight of a value that has no more. */
static inline void digits_put_padded(char *p, uint32_t value)
{
	digits_store(p, digits_eight(value));
}

/* Those of a value that has no more than eight, into p (room for eight); returns how many. */
static inline size_t digits_put_short(char *p, uint32_t value)
{
	uint64_t eight = digits_eight(value);
	/* of a zero the last digit stays */
	unsigned zeros = (unsigned)__builtin_ctzll(eight | UINT64_C(1) << 56) / 8;

	digits_store(p, eight >> 8 * zeros);
	return 8 - zeros;
}

/* Of one that has more. */
size_t digits_put_long(char *p, uint64_t value);

/* Digits of value into p (DIGITS_ROOM, all of which it may write to), no NUL; returns how many. */
static inline size_t digits_put(char *p, uint64_t value)
{
	return value < DIGITS_EIGHT ? digits_put_short(p, (uint32_t)value) : digits_put_long(p, value);
}

#endif
