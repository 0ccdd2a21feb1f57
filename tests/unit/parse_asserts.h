/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a parser takes and what it refuses; cmocka.h stands before this. */
#ifndef TCPCLOSE_TESTS_PARSE_ASSERTS_H
#define TCPCLOSE_TESTS_PARSE_ASSERTS_H

#include <errno.h>
#include <string.h>

#include "parse.h"

/* Room for the largest field, a struct filter. */
#define FIELD_MAX 4096

static inline void takes(parse_fn parse, const char *word, void *field)
{
	char why[PARSE_WHY] = "";
	int r = parse(word, field, why);

	if (r)
		fail_msg("'%s' was refused: %s", word, why);
}

/* With a reason, on one line, in the room that there is; the guard behind the room stays as it was. */
static inline void refuses(parse_fn parse, const char *word)
{
	char why[PARSE_WHY + 8];
	_Alignas(8) char field[FIELD_MAX] = { 0 };

	memset(why, 0x5a, sizeof(why));
	if (parse(word, field, why) != -EINVAL)
		fail_msg("'%s' was taken", word);
	assert_non_null(memchr(why, '\0', PARSE_WHY));
	assert_true(strlen(why) > 3);
	assert_null(strchr(why, '\n'));
	for (size_t i = PARSE_WHY; i < sizeof(why); i++)
		assert_int_equal(why[i], 0x5a);
}

static inline void refuses_each(parse_fn parse, const char *const *words)
{
	for (; *words; words++)
		refuses(parse, *words);
}

#define REFUSES(parse, ...) refuses_each(parse, (const char *const[]){ __VA_ARGS__, NULL })

#endif
