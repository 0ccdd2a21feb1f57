/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "core/mib.h"

#include <string.h>

#include "core/obs.h"

static const struct counter_row rows[COUNTER_MAX] = {
#define B(vantage)                                 (UINT32_C(1) << VANTAGE_##vantage)
#define COUNTER(id, kind, group, names, vantages, words)                                           \
	[COUNTER_##id] = {COUNTER_##kind, group, names, vantages, words},
#include "core/counter.def"
#undef COUNTER
#undef B
};

const struct counter_row *counter_row(enum counter counter)
{
	return &rows[counter];
}

/* A part of the text; the cursor of whoever reads it. */
struct span {
	const char *at, *end;
};

/* Up to the next `stop`, which is passed over, or to the end. */
static struct span take(struct span *from, char stop)
{
	const char *found = memchr(from->at, stop, (size_t)(from->end - from->at));
	struct span part = {from->at, found ? found : from->end};

	from->at = found ? found + 1 : from->end;
	return part;
}

static bool is(struct span a, struct span b)
{
	return a.end - a.at == b.end - b.at && !memcmp(a.at, b.at, (size_t)(a.end - a.at));
}

static struct span span_of(const char *word)
{
	return (struct span){word, word + strlen(word)};
}

/* Plain digits; what is more than 64 bits, or anything else, is no count. */
static bool number(struct span digits, uint64_t *ret)
{
	uint64_t value = 0;

	if (digits.at == digits.end)
		return false;
	for (const char *c = digits.at; c < digits.end; c++) {
		if (*c < '0' || *c > '9' || value > (UINT64_MAX - (uint64_t)(*c - '0')) / 10)
			return false;
		value = value * 10 + (uint64_t)(*c - '0');
	}
	*ret = value;
	return true;
}

/* How many names a row has, and whether `name` is one of them. */
static size_t names_of(const char *names, struct span name, bool *among)
{
	struct span all = span_of(names);
	size_t n = 0;

	*among = false;
	while (all.at < all.end) {
		*among |= is(take(&all, '+'), name);
		n++;
	}
	return n;
}

/* Of each counter: how many of its names were found. */
struct names_found {
	size_t n[COUNTER_MAX];
};

static void add_value(struct mibs *mibs, struct names_found *found, struct span group, struct span name,
		      uint64_t value)
{
	for (int i = 0; i < COUNTER_MAX; i++) {
		bool among;
		size_t n;

		if (!is(group, span_of(rows[i].group)))
			continue;
		n = names_of(rows[i].names, name, &among);
		if (!among)
			continue;
		mibs->value[i] += value;
		mibs->known[i] = ++found->n[i] == n;
	}
}

static void add_pair(struct mibs *mibs, struct names_found *found, struct span names, struct span values)
{
	struct span group = take(&names, ':');

	if (!is(group, take(&values, ':')))
		return;
	while (names.at < names.end && values.at < values.end) {
		struct span name = take(&names, ' '), digits = take(&values, ' ');
		uint64_t value;

		if (name.at < name.end && number(digits, &value))
			add_value(mibs, found, group, name, value);
	}
}

void mib_add(struct mibs *mibs, const char *text, size_t n)
{
	struct span rest = {text, text + n};
	struct names_found found = {0};

	while (rest.at < rest.end) {
		struct span names = take(&rest, '\n');

		add_pair(mibs, &found, names, take(&rest, '\n'));
	}
}

bool mib_subtract(struct mibs *mibs, const struct mibs *before)
{
	bool forward = true;

	for (int i = 0; i < COUNTER_MAX; i++) {
		mibs->known[i] &= before->known[i];
		if (rows[i].kind == COUNTER_GAUGE)
			continue;
		forward &= mibs->value[i] >= before->value[i];
		mibs->value[i] -= before->value[i];
	}
	return forward;
}
