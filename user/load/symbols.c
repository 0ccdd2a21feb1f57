/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/symbols.h"

#include <string.h>

/* 16 for what is no digit. By hand: strtoull() was a sixth of all that starting takes here. */
static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a' + 10) : 16;
}

/* A name has up to 511 bytes (KSYM_NAME_LEN, since v6.1), and Rust makes use of that. */
#define LINE_MAX_BYTES 1024

enum line { IS_SYMBOL, IS_OTHER, IS_MODULES };

/* "ffffffff8141d700 T mod_timer_pending\n" */
static enum line parse(char *line, struct symbol *ret)
{
	char *at = line, *end;
	unsigned int value;

	ret->address = 0;
	for (; (value = digit(*at)) < 16; at++)
		ret->address = ret->address << 4 | value;
	if (at == line || at[0] != ' ' || !at[1] || at[2] != ' ')
		return IS_OTHER;
	ret->type = at[1];
	ret->name = at + 3;
	end = at + 3 + strcspn(at + 3, "\t\n");
	if (*end == '\t')
		return IS_MODULES;
	*end = '\0';
	return IS_SYMBOL;
}

void symbols_each(FILE *kallsyms, void (*take)(void *ctx, const struct symbol *symbol), void *ctx)
{
	struct symbol symbol;
	char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof(line), kallsyms)) {
		enum line is = parse(line, &symbol);

		if (is == IS_MODULES)
			break;
		if (is == IS_SYMBOL)
			take(ctx, &symbol);
	}
}
