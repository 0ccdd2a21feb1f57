/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* text: a stranger's bytes on a terminal. No control character and no broken UTF-8 gets there. */
#ifndef TCPCLOSE_BASE_TEXT_H
#define TCPCLOSE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* text_put() without a limit. */
#define TEXT_ANY SIZE_MAX

/*
 * Appends n bytes made harmless: control characters, broken UTF-8 and characters
 * that move or hide others (bidirectional marks, zero width) become \xNN, byte by
 * byte, and a backslash becomes two, so that it can be read back. With utf8 false
 * everything beyond ASCII becomes \xNN. Never more than `columns` wide: what is
 * too long ends in "~" (or an ellipsis). Returns the columns it took.
 */
size_t text_put(struct buf *out, const char *bytes, size_t n, size_t columns, bool utf8);
/* How many columns text_put() would take. */
size_t text_width(const char *bytes, size_t n, bool utf8);

#endif
