/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

struct json_object *parse(struct buf *b)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH + 2);
	struct json_object *value;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tokener, buf_string(b), (int)b->len + 1);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		value = NULL;
	json_tokener_free(tokener);
	return value;
}

void assert_writes(struct buf *b, const char *expected)
{
	assert_string_equal(buf_string(b), expected);
	buf_free(b);
}
