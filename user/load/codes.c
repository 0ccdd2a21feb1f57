/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/codes.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* No function of ours is longer: what follows it may be a hole. */
#define CODE_MAX (UINT64_C(64) * 1024)

static const struct {
	enum wire_caller caller;
	const char *function;
} callers[] = {
#define CALLER(id, function) { WIRE_BY_##id, #function },
#include "callers.def"
};

/* "f" and "f.cold.1" are f; "f_too" is not. */
static bool is_of(const char *name, const char *function)
{
	size_t len = strlen(function);

	return !strncmp(name, function, len) && (!name[len] || name[len] == '.');
}

static enum wire_caller caller_of(const char *name)
{
	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++)
		if (is_of(name, callers[i].function))
			return callers[i].caller;
	return WIRE_BY_UNKNOWN;
}

/* "ffffffff8141d700 T mod_timer_pending\n"; false for what is of a module, or no such line. */
static bool parse(char *line, unsigned long long *address, char **name)
{
	char *type;

	*address = strtoull(line, &type, 16);
	if (type == line || *type != ' ' || !type[1] || type[2] != ' ')
		return false;
	*name = type + 3;
	(*name)[strcspn(*name, "\n")] = '\0';
	return !strchr(*name, '\t');
}

size_t codes_find(FILE *kallsyms, struct wire_code *ret, size_t max)
{
	unsigned long long address;
	char line[512], *name;
	size_t n = 0;

	while (fgets(line, sizeof(line), kallsyms) && parse(line, &address, &name)) {
		enum wire_caller caller;

		/* where the next thing begins, the last one ends; several names may have one address */
		if (n && !ret[n - 1].end && address > ret[n - 1].start)
			ret[n - 1].end = address - ret[n - 1].start < CODE_MAX ? address : ret[n - 1].start + CODE_MAX;
		caller = address ? caller_of(name) : WIRE_BY_UNKNOWN;
		if (!caller || n == max || (n && ret[n - 1].start == address))
			continue;
		ret[n++] = (struct wire_code){ .start = address, .caller = caller };
	}
	if (n && !ret[n - 1].end)
		ret[n - 1].end = ret[n - 1].start + CODE_MAX;
	return n;
}
