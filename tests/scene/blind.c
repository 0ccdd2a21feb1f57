/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* blind: a scene with fewer and fewer eyes. Less may be said then, but nothing that is not so. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

/* What is blind is said once per scene: 511 sets of vantages fail alike. */
struct watch {
	const struct scene *scene;
	FILE *complain;
	bool said;
};

__attribute__((format(printf, 3, 4))) static void say(struct watch *w, uint32_t covered,
						      const char *fmt, ...)
{
	va_list ap;

	if (w->said)
		return;
	w->said = true;
	fprintf(w->complain, "without");
	for (int v = 0; v < VANTAGE_MAX; v++) {
		if (!(covered >> v & 1))
			fprintf(w->complain, " %s", vantage_slug((enum vantage)v));
	}
	fprintf(w->complain, ": ");
	va_start(ap, fmt);
	vfprintf(w->complain, fmt, ap);
	va_end(ap);
	fputc('\n', w->complain);
}

/* A count that sees less may be lower, never higher. */
static void check_count(struct watch *w, uint32_t covered, const struct expect *e,
			const char *field, uint32_t got)
{
	const char *want = scene_expected(e, field);

	if (want && got > strtoul(want, NULL, 10))
		say(w, covered, "line %d: %s: want %s at most, got %u", e->line, field, want, got);
}

static void check_owner(struct watch *w, uint32_t covered, const struct expect *e,
			const struct owner *got)
{
	const char *want = scene_expected(e, "owner");
	char text[64];

	snprintf(text, sizeof(text), "%.16s:%u", got->comm, got->pid);
	if (want && got->source != OWNER_UNKNOWN && strcmp(want, text))
		say(w, covered, "line %d: owner: want %s or none, got %s", e->line, want, text);
}

/* What is coarser and still true. */
static bool is_coarser(const char *want, const char *got)
{
	static const char *const pairs[][2] = {
		/* it was closed while the SYN was out; that linger was 0 changed nothing on the wire */
		{"linger-zero", "connect-cancelled"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		if (!strcmp(want, pairs[i][0]) && !strcmp(got, pairs[i][1]))
			return true;
	}
	return !strcmp(got, "unknown");
}

static void check_one(struct watch *w, uint32_t covered, const struct outcome *out, size_t i,
		      const struct expect *e)
{
	const struct verdict *v = &out->verdicts[i].v;
	const char *cause = cause_row(v->cause)->slug, *closer = closer_slug(v->first_closer),
		   *want;

	want = scene_expected(e, "cause");
	if (strcmp(want, cause) && !is_coarser(want, cause))
		say(w, covered, "line %d: cause: want %s or unknown, got %s", e->line, want, cause);
	want = scene_expected(e, "first_closer");
	if (want && v->first_closer != CLOSER_NONE && strcmp(want, closer))
		say(w, covered, "line %d: first_closer: want %s or none, got %s", e->line, want,
		    closer);
	check_owner(w, covered, e, &v->owner);
	check_count(w, covered, e, "rst_sent", v->rst_sent);
	check_count(w, covered, e, "rst_received", v->rst_received);
}

/*
 * A handshake that never came to be a socket is one observation, or nothing. And by
 * its RST alone a child that dies in SYN_RECV differs from one that its twin replaced.
 */
static bool is_unseen(const struct watch *w, uint32_t covered)
{
	bool unseen = false;

	for (size_t i = 0; i < w->scene->n_steps; i++) {
		const struct obs *obs = &w->scene->steps[i].obs;
		enum obs_kind kind = w->scene->steps[i].kind == STEP_OBS ? obs->kind : 0;

		unseen |= kind == OBS_OVERFLOW && !(covered >> VANTAGE_RST_REPLY & 1);
		unseen |= kind == OBS_STATE && obs->old_state == ST_SYN_RECV && obs->new_state == ST_CLOSE &&
			  !(covered >> VANTAGE_RST_ACTIVE & 1);
		unseen |= kind == OBS_REQUEST_GONE && !(covered >> VANTAGE_REQUEST & 1);
	}
	return unseen;
}

static void check_verdicts(struct watch *w, uint32_t covered, const struct outcome *out)
{
	size_t expected = 0;

	for (size_t i = 0; i < w->scene->n_expects; i++)
		expected += w->scene->expects[i].kind == EXPECT_VERDICT;
	/* where the record of its end is lost, the destructor may be all that tells of it */
	if (out->n_verdicts > expected ||
	    (out->n_verdicts < expected && covered >> VANTAGE_DESTROY & 1 && !is_unseen(w, covered)))
		say(w, covered, "%zu verdicts, want %zu", out->n_verdicts, expected);
	for (size_t i = 0; i < out->n_verdicts; i++) {
		int sock = out->verdicts[i].sock;
		const struct expect *e;
		size_t nth = 0;

		for (size_t j = 0; j < i; j++)
			nth += out->verdicts[j].sock == sock;
		e = sock < 0 ? NULL : scene_expect(w->scene, EXPECT_VERDICT, sock, nth);
		if (e)
			check_one(w, covered, out, i, e);
		else
			say(w, covered, "nobody expected a verdict on socket %d", sock);
	}
}

void scene_run_blind(const struct scene *s, FILE *complain)
{
	struct watch w = {.scene = s, .complain = complain};
	struct outcome *out = malloc(sizeof(*out));
	uint32_t optional = s->covered & ~(UINT32_C(1) << VANTAGE_STATE);

	/* all subsets of what the scene covers; without state changes there is no trace */
	for (uint32_t seen = optional; out; seen = (seen - 1) & optional) {
		uint32_t covered = seen | UINT32_C(1) << VANTAGE_STATE;

		scene_run(s, REGIME_BATCH, covered, out, complain);
		scene_check_always(s, out, complain);
		check_verdicts(&w, covered, out);
		if (!seen)
			break;
	}
	free(out);
}
