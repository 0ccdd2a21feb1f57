/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* utf8: one character at a time, from bytes that may be anything. */
#ifndef TCPCLOSE_BASE_UTF8_H
#define TCPCLOSE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decodes the character at p, of which n > 0 bytes are there. Returns its length
 * in bytes, 1 to 4, or 0 when no well-formed character begins here (RFC 3629:
 * no overlong forms, no surrogates, nothing beyond U+10FFFF, nothing cut off).
 */
size_t utf8_decode(const char *p, size_t n, uint32_t *ret);
/* Are terminals spoken to in UTF-8? By LC_CTYPE, as setlocale() has it. */
bool utf8_is_spoken(void);

#endif
