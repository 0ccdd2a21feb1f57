/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a golden runner does: print into memory, compare with a file beside this
 * one, say it in TAP. UPDATE=1 writes the file instead: read the difference
 * before you keep it.
 */
#ifndef TCPCLOSE_TESTS_GOLDEN_GOLDEN_H
#define TCPCLOSE_TESTS_GOLDEN_GOLDEN_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink.h"

#define GOLDEN_DIR "tests/golden/"

static unsigned golden_count, golden_failed;

static inline void golden_result(bool ok, const char *name)
{
	golden_count++;
	golden_failed += !ok;
	printf("%sok %u - %s\n", ok ? "" : "not ", golden_count, name);
}

static inline int golden_done(void)
{
	printf("1..%u\n", golden_count);
	return golden_failed > 0;
}

static inline const char *golden_path(const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), GOLDEN_DIR "%s", file);
	return path;
}

/* The file's contents, NUL-terminated, to be freed; NULL when it is not there. */
static inline char *golden_read(const char *file)
{
	FILE *f = fopen(golden_path(file), "r");
	char *text = NULL;
	size_t cap = 0;

	if (f && getdelim(&text, &cap, '\0', f) < 0) {
		free(text);
		text = strdup("");
	}
	if (f)
		fclose(f);
	return text;
}

static inline bool golden_write(const char *file, const char *text)
{
	FILE *f = fopen(golden_path(file), "w");
	bool ok = f && fputs(text, f) >= 0;

	return f && fclose(f) == 0 && ok;
}

/* The first lines that differ, as TAP comments. */
static inline void golden_explain(const char *expected, const char *got)
{
	while (*expected && *got) {
		size_t e = strcspn(expected, "\n"), g = strcspn(got, "\n");

		if (e != g || memcmp(expected, got, e))
			break;
		expected += e + (expected[e] == '\n');
		got += g + (got[g] == '\n');
	}
	printf("# expected: %.*s\n# got:      %.*s\n# UPDATE=1 accepts it\n", (int)strcspn(expected, "\n"), expected,
	       (int)strcspn(got, "\n"), got);
}

/* One test: text is what the file has. */
static inline void golden_compare(const char *name, const char *file, const char *text)
{
	const char *update = getenv("UPDATE");
	char *expected;
	bool same;

	if (update && *update && *update != '0') {
		golden_result(golden_write(file, text), name);
		return;
	}
	expected = golden_read(file);
	same = expected && !strcmp(expected, text);
	golden_result(same, name);
	if (!same)
		golden_explain(expected ? expected : "(no such file)", text);
	free(expected);
}

static inline int golden_take(void *ctx, const struct record *record)
{
	struct sink *sink = ctx;

	return sink->ops->take(sink, record);
}

/* What a sink prints when shown `all` of something; to be freed. config->out is ours. */
static inline char *golden_print(const struct sink_ops *ops, struct sink_config config,
				 int (*all)(int (*take)(void *, const struct record *), void *ctx))
{
	char *text = NULL;
	size_t size = 0;
	struct sink *sink;

	config.out = open_memstream(&text, &size);
	if (!config.out || ops->open(&config, &sink)) {
		printf("Bail out! no memory\n");
		exit(1);
	}
	if (all(golden_take, sink))
		fputs("(the sink returned an error)\n", config.out);
	ops->close(sink);
	fclose(config.out);
	return text;
}

#endif
