/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "endings.h"

#define BY_SERVER (1u << SIDE_SERVER)
#define BY_CLIENT (1u << SIDE_CLIENT)
#define BY_EITHER (BY_SERVER | BY_CLIENT)

static const struct ending table[] = {
#define ENDING(id_, slug_, closers_, closer_, ready_, cause_, other_, proof_, seconds_, verdicts_, traits_, title_) \
	[ENDING_##id_] = {                                                                         \
		.id = ENDING_##id_,                                                                \
		.slug = (slug_),                                                                   \
		.title = (title_),                                                                 \
		.closers = BY_##closers_,                                                          \
		.closer = SIDE_##closer_,                                                          \
		.ready = (ready_),                                                                 \
		.cause = (cause_),                                                                 \
		.other = (other_),                                                                 \
		.proof = (proof_),                                                                 \
		.seconds = (seconds_),                                                             \
		.verdicts = (verdicts_),                                                           \
		.traits = (traits_),                                                               \
	},
#include "endings.def"
#undef ENDING
};

const struct ending *endings(size_t *n)
{
	*n = ENDING_MAX;
	return table;
}

int endings_width(void)
{
	size_t width = 0;

	for (size_t i = 0; i < ENDING_MAX; i++)
		if (strlen(table[i].slug) > width)
			width = strlen(table[i].slug);
	return (int)width;
}

const struct ending *ending_by_slug(const char *slug)
{
	for (size_t i = 0; i < ENDING_MAX; i++)
		if (!strcmp(table[i].slug, slug))
			return &table[i];
	return NULL;
}

bool ending_can_close(const struct ending *ending, enum side closer)
{
	return ending->closers & (1u << closer);
}

const char *ending_cause(const struct ending *ending, enum side closer, enum side side)
{
	return side == closer ? ending->cause : ending->other;
}

bool ending_is_raw(const struct ending *ending)
{
	switch (ending->id) {
#define RAW(id, ...) case ENDING_##id:
#include "raw.def"
		return true;
	default:
		return false;
	}
}

size_t ending_verdicts(const struct ending *ending, enum side closer, enum side side)
{
	return *ending_cause(ending, closer, side) ? ending->verdicts : 0;
}

const char *ending_mini(const struct ending *ending, enum side closer)
{
	switch (ending->id) {
#define MINI(id, by_server, by_client)                                                             \
	case ENDING_##id:                                                                          \
		return closer == SIDE_SERVER ? (by_server) : (by_client);
#include "minis.def"
	default:
		return "";
	}
}

enum side ending_raw_side(enum side closer)
{
	return closer == SIDE_SERVER ? SIDE_CLIENT : SIDE_SERVER;
}

const char *side_slug(enum side side)
{
	return side == SIDE_SERVER ? "server" : "client";
}

int side_by_slug(const char *slug, enum side *ret)
{
	for (enum side side = 0; side < SIDE_MAX; side++)
		if (!strcmp(side_slug(side), slug)) {
			*ret = side;
			return 0;
		}
	return -ENOENT;
}
