/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* gendoc: KERNELS.md, from the tables of bpf/ and from what the machines of tests/vm showed. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/judge.h"
#include "gendoc.h"
#include "load/facts.h"
#include "load/plan.h"

static void put_vantages(FILE *out, uint32_t vantages)
{
	bool any = false;

	for (unsigned i = 0; i < VANTAGE_MAX; i++) {
		if (!(vantages & 1u << i))
			continue;
		fprintf(out, "%s%s", any ? "; " : "", vantage_words(i));
		any = true;
	}
}

/* "fentry: `tcp_reset`; kprobe: ..." in the order in which the plan tries them. */
static void put_ways(FILE *out, enum hook hook)
{
	size_t n;
	const struct cell *cells = plan_cells(&n);
	enum way last = WAY_AUTO;

	for (size_t i = 0; i < n; i++) {
		if (cells[i].hook != hook || cells[i].understudy)
			continue;
		if (cells[i].way == last)
			fprintf(out, ", `%s`", cells[i].target);
		else
			fprintf(out, "%s%s `%s`", last == WAY_AUTO ? "" : "<br>",
				way_slug(cells[i].way), cells[i].target);
		last = cells[i].way;
	}
}

static void put_ask(FILE *out, const struct fact_row *row)
{
	switch (row->ask) {
	case ASK_FUNC:
		fprintf(out, "BTF has function `%s`", row->a);
		break;
	case ASK_PARAM:
		fprintf(out, "BTF function `%s` has parameter `%s`", row->a, row->b);
		break;
	case ASK_TRACEPOINT:
		fprintf(out, "BTF tracepoint `%s` has argument %d", row->a, row->number);
		break;
	case ASK_KSYM:
		fprintf(out, "`/proc/kallsyms` shows `%s`", row->a);
		break;
	case ASK_CGROUP_ROOT:
		fprintf(out, "the root of the cgroup2 hierarchy can be opened");
		break;
	case ASK_PREEMPTED:
		fprintf(out, "a program on `%s` is run with preemption on", row->a);
		break;
	default:
		break;
	}
}

static void print_hooks(FILE *out)
{
	fprintf(out, "\n## Hooks\n\n| hook | shows | ways, first choice first | without it cannot "
		     "be said |\n"
		     "|---|---|---|---|\n");
	for (unsigned i = 0; i < HOOK_MAX; i++) {
		fprintf(out, "| %s | ", hook_row(i)->slug);
		put_vantages(out, hook_row(i)->vantages);
		fprintf(out, " | ");
		put_ways(out, i);
		fprintf(out, " | %s |\n",
			hook_row(i)->required ? "anything: it is required" : hook_row(i)->without);
	}
	fprintf(out, "\nBy way of fentry and kprobe, `tcp_v4_send_reset` and `tcp_v6_send_reset` are seen "
		     "as they are entered, and\n"
		     "not every time does an RST leave. Where the segment is an RST itself none does, and "
		     "that is seen.\n"
		     "Not seen is that none leaves for a segment that belongs to no socket and was not "
		     "sent to an address\n"
		     "of this host, or that fails TCP-MD5 or TCP-AO: such an RST is told of and was never "
		     "sent. The\n"
		     "tracepoint `tcp_send_reset` is behind all that.\n");
}

static void print_facts(FILE *out)
{
	fprintf(out, "\n## Differences between kernels\n\n"
		     "| fact | how it is asked | where it comes from | without it cannot be said "
		     "|\n|---|---|---|---|\n");
	for (unsigned i = 0; i < FACT_MAX; i++) {
		if (fact_row(i)->ask == ASK_NOTHING)
			continue;
		fprintf(out, "| %s | ", fact_row(i)->slug);
		put_ask(out, fact_row(i));
		fprintf(out, " | %s | %s |\n", fact_row(i)->commit, fact_row(i)->without);
	}
}

/* What the machines of tests/vm showed. */

static const struct ran {
	const char *kernel, *version;
} ran[] = {
#define RAN(kernel_name, ...) {kernel_name, __VA_ARGS__},
#include "tests/vm/results.def"
	{NULL, NULL},
};

static const struct seen {
	const char *kernel, *way, *hooks, *causes, *blind;
} seen[] = {
#define SEEN(kernel_name, ...) {kernel_name, __VA_ARGS__},
#include "tests/vm/results.def"
	{NULL, NULL, NULL, NULL, NULL},
};

/* The word of a list "word word" or "word=value word=value"; what follows its "=" otherwise. NULL: not there. */
static const char *find_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
		if (strncmp(p, word, len))
			continue;
		if (p[len] == '=')
			return p + len + 1;
		if (!p[len] || p[len] == ' ')
			return p;
	}
	return NULL;
}

static void print_ran(FILE *out)
{
	fprintf(out, "\n## What was seen\n\n"
		     "`make vm-all` runs every ending of `tcpclose demo` by every way inside these "
		     "kernels, and holds the\n"
		     "verdicts of all of them against each other.\n\n| kernel | which ran "
		     "|\n|---|---|\n");
	for (const struct ran *r = ran; r->kernel; r++)
		fprintf(out, "| %s | %s |\n", r->kernel, r->version);
}

static void print_attached(FILE *out)
{
	fprintf(out, "\n### How each hook was attached\n\n| kernel | --way |");
	for (unsigned i = 0; i < HOOK_MAX; i++)
		fprintf(out, " %s |", hook_row(i)->slug);
	fprintf(out, " out of sight |\n|---|---|");
	for (unsigned i = 0; i < HOOK_MAX; i++)
		fprintf(out, "---|");
	fprintf(out, "---|\n");
	for (const struct seen *s = seen; s->kernel; s++) {
		fprintf(out, "| %s | %s |", s->kernel, s->way);
		for (unsigned i = 0; i < HOOK_MAX; i++) {
			const char *way = find_word(s->hooks, hook_row(i)->slug);

			fprintf(out, " %.*s |", way ? (int)strcspn(way, " ") : 1, way ? way : "-");
		}
		fprintf(out, " %s |\n", *s->causes ? s->blind : "everything: no trace this way");
	}
}

/* The ways that earned it there: "all", or which. */
static void put_earned(FILE *out, const char *kernel, const char *cause)
{
	unsigned tried = 0, earned = 0;

	for (const struct seen *s = seen; s->kernel; s++) {
		if (strcmp(s->kernel, kernel) || !*s->causes)
			continue;
		tried++;
		earned += find_word(s->causes, cause) != NULL;
	}
	if (earned == tried && tried) {
		fprintf(out, " all |");
		return;
	}
	for (const struct seen *s = seen; earned && s->kernel; s++)
		if (!strcmp(s->kernel, kernel) && find_word(s->causes, cause))
			fprintf(out, " %s", s->way);
	fprintf(out, " |");
}

static bool is_earned(const char *cause)
{
	for (const struct seen *s = seen; s->kernel; s++)
		if (find_word(s->causes, cause))
			return true;
	return false;
}

static void print_earned(FILE *out)
{
	fprintf(out, "\n### What was proven\n\n"
		     "By which ways an ending earned this cause, with its proof: `all` those that "
		     "attach there. Causes that no\n"
		     "ending of the demo has are left out.\n\n| cause |");
	for (const struct ran *r = ran; r->kernel; r++)
		fprintf(out, " %s |", r->kernel);
	fprintf(out, "\n|---|");
	for (const struct ran *r = ran; r->kernel; r++)
		fprintf(out, "---|");
	fprintf(out, "\n");
	for (unsigned i = 0; i < CAUSE_MAX; i++) {
		const char *cause = cause_row(i)->slug;

		if (!is_earned(cause))
			continue;
		fprintf(out, "| %s |", cause);
		for (const struct ran *r = ran; r->kernel; r++)
			put_earned(out, r->kernel, cause);
		fprintf(out, "\n");
	}
}

int gendoc_kernels(FILE *out)
{
	fprintf(out,
		"# Kernels\n\n" NOTE "\n"
		"tcpclose never compares version numbers: distributions backport. It asks the "
		"running kernel\n"
		"(`tcpclose doctor` shows the answers) and attaches each hook by the first way "
		"that works. What is\n"
		"then out of sight is in `blind` of every verdict.\n",
		"bpf/hooks.def, bpf/facts.def and tests/vm/results.def");
	print_hooks(out);
	print_facts(out);
	print_ran(out);
	print_attached(out);
	print_earned(out);
	return 0;
}
