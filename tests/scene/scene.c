/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* scene: runs scenes and says in TAP how they went. scene [FILE ...] */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

static const char *const regimes[REGIME_MAX + 1] = {"polled", "in one batch", "sent leanly", "every record twice",
						    "half blind"};

struct show {
	unsigned n, failed;
	bool cause_seen[CAUSE_MAX]; /* some scene expects it */
};

static void diagnose(const char *complaints, const char *regime)
{
	char *text = strdup(complaints);

	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		printf("# %s: %s\n", regime, line);
	free(text);
}

/* True when the scene came out as expected; else what went wrong is printed. */
static bool run_one(const struct scene *s, enum regime regime, bool say)
{
	struct outcome *out = malloc(sizeof(*out));
	char *complaints = NULL;
	size_t len = 0;
	FILE *complain = open_memstream(&complaints, &len);

	if (!out || !complain)
		abort();
	if (regime == REGIME_MAX) {
		scene_run_blind(s, complain);
	} else {
		scene_run(s, regime, s->covered, out, complain);
		scene_check(s, regime, out, complain);
	}
	fclose(complain);
	if (len && say)
		diagnose(complaints, regimes[regime]);
	free(complaints);
	free(out);
	return len == 0;
}

static void each(void *ctx, struct scene *s)
{
	struct show *show = ctx;
	bool ok = true;

	for (int r = 0; r <= REGIME_MAX; r++)
		ok &= run_one(s, (enum regime)r, !s->todo);
	for (size_t i = 0; i < s->n_expects; i++) {
		enum cause cause;

		if (!s->todo && s->expects[i].kind == EXPECT_VERDICT &&
		    !cause_by_slug(s->expects[i].field[0].value, &cause))
			show->cause_seen[cause] = true;
	}
	if (s->todo && ok)
		printf("# this one is done: take its todo away\n");
	/* a todo is a promise that it fails: when it does not, somebody has kept another one */
	ok ^= !!s->todo;
	show->failed += !ok;
	printf("%s %u - %s:%d %s%s%s\n", ok ? "ok" : "not ok", ++show->n, s->file, s->line,
	       s->title, s->todo ? ": not yet, " : "", s->todo ? s->todo : "");
}

static void run_file(struct show *show, const char *file)
{
	if (scene_parse(file, each, show)) {
		show->failed++;
		printf("not ok %u - %s can be read\n", ++show->n, file);
	}
}

/* A cause without a scene is not finished (docs/ADDING.md). */
static void check_causes(struct show *show)
{
	bool ok = true;

	for (int c = 0; c < CAUSE_MAX; c++) {
		if (!show->cause_seen[c])
			printf("# no scene expects %s\n", cause_row((enum cause)c)->slug);
		ok &= show->cause_seen[c];
	}
	show->failed += !ok;
	printf("%s %u - every cause has a scene\n", ok ? "ok" : "not ok", ++show->n);
}

int main(int argc, char **argv)
{
	struct show show = {0};
	glob_t files = {0};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		run_file(&show, argv[i]);
	if (argc == 1 && !glob("tests/scene/*.scene", 0, NULL, &files)) {
		for (size_t i = 0; i < files.gl_pathc; i++)
			run_file(&show, files.gl_pathv[i]);
		globfree(&files);
		check_causes(&show);
	}
	printf("1..%u\n", show.n);
	return show.failed != 0 || !show.n;
}
