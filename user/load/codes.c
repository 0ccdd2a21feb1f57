/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/codes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* No function of ours is longer: what follows it may be a hole. */
#define CODE_MAX (UINT64_C(64) * 1024)

static const struct {
	enum wire_caller caller;
	const char *function;
	size_t length;
} callers[] = {
#define CALLER(id, function) { WIRE_BY_##id, #function, sizeof(#function) - 1 },
#include "callers.def"
};

/* "f" and "f.cold.1" are f; "f_too" is not. Some 200,000 symbols are asked: most by their first byte. */
static enum wire_caller caller_of(const char *name)
{
	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
		size_t length = callers[i].length;

		if (name[0] == callers[i].function[0] && !strncmp(name, callers[i].function, length) &&
		    (!name[length] || name[length] == '.'))
			return callers[i].caller;
	}
	return WIRE_BY_UNKNOWN;
}

void codes_take(struct codes *codes, const struct symbol *symbol)
{
	struct wire_code *last = codes->n ? &codes->code[codes->n - 1] : NULL;
	uint64_t address = symbol->address;
	enum wire_caller caller;

	/* where the next thing begins, the last one ends; several names may have one address */
	if (last && !last->end && address > last->start)
		last->end = address - last->start < CODE_MAX ? address : last->start + CODE_MAX;
	caller = address ? caller_of(symbol->name) : WIRE_BY_UNKNOWN;
	if (!caller || codes->n == WIRE_CODES_MAX || (last && last->start == address))
		return;
	codes->code[codes->n++] = (struct wire_code){ .start = address, .caller = caller };
}

void codes_end(struct codes *codes)
{
	struct wire_code *last = codes->n ? &codes->code[codes->n - 1] : NULL;

	if (last && !last->end)
		last->end = last->start + CODE_MAX;
}
