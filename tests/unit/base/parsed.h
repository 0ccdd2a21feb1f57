/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* parsed: what json-c, strict, makes of what was written. */
#ifndef TCPCLOSE_TESTS_BASE_PARSED_H
#define TCPCLOSE_TESTS_BASE_PARSED_H

#include <json-c/json.h>

#include "base/buf.h"

/* NULL when the bytes are not exactly one valid value. */
struct json_object *parse(struct buf *b);
/* Frees b. */
void assert_writes(struct buf *b, const char *expected);

#endif
