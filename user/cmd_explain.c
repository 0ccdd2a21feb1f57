/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* explain: what a cause means, how it is recognised, what to do about it. schema: what --json prints. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cmd.h"
#include "core/judge.h"
#include "endings.h"
#include "sink/schema.h"

static void print_set(const char *head, evidence_set set)
{
	if (!set)
		return;
	printf("  %s\n", head);
	for (int ev = 0; ev < EV_MAX; ev++)
		if (set & EV_BIT(ev))
			printf("    - %s\n", evidence_row((enum evidence)ev)->words);
}

static void print_proofs(enum cause cause)
{
	const char *head = "Recognised when:";
	const struct proof *proofs;
	size_t n;

	proofs = judge_proofs(&n);
	for (size_t i = 0; i < n; i++) {
		if (proofs[i].cause != cause)
			continue;
		print_set(head, proofs[i].needs);
		print_set("and none of these:", proofs[i].bars);
		head = "Or when:";
	}
}

/* What to do first: who asks has it before them, and the proofs may be long. */
static void explain_cause(enum cause cause)
{
	const struct cause_row *row = cause_row(cause);

	printf("%s (a cause; how: %s)\n  %s.\n", row->slug, how_slug(row->how), row->title);
	printf("  What to do: %s\n", row->hint);
	print_proofs(cause);
}

static void print_end(const struct ending *ending, enum side side)
{
	const char *cause = ending_cause(ending, ending->closer, side);

	printf("  The %s's socket must get: %s.\n", side_slug(side), *cause ? cause : "no verdict, for it has no connection");
}

static void explain_ending(const struct ending *ending)
{
	enum side other = ending->closer == SIDE_SERVER ? SIDE_CLIENT : SIDE_SERVER;

	printf("%s (an ending of tcpclose demo)\n  %s.\n", ending->slug, ending->title);
	printf("  The %s ends it%s.\n", side_slug(ending->closer),
	       ending_can_close(ending, other) ? ", or the other side with --closer" : "");
	print_end(ending, ending->closer);
	print_end(ending, other);
	printf("  To see it: sudo tcpclose demo %s\n", ending->slug);
}

static void list_all(void)
{
	const struct ending *ending;
	size_t n;

	puts("Causes:");
	for (int i = 0; i < CAUSE_MAX; i++)
		printf("  %-*s  %s\n", endings_width(), cause_row((enum cause)i)->slug, cause_row((enum cause)i)->title);
	puts("\nEndings of tcpclose demo:");
	ending = endings(&n);
	for (size_t i = 0; i < n; i++)
		printf("  %-*s  %s\n", endings_width(), ending[i].slug, ending[i].title);
	puts("\ntcpclose explain CAUSE|ENDING says how it is recognised and what to do.");
}

/* Some words are both. */
static int explain(const char *slug)
{
	const struct ending *ending = ending_by_slug(slug);
	enum cause cause;
	bool is_cause = !cause_by_slug(slug, &cause);

	if (is_cause)
		explain_cause(cause);
	if (is_cause && ending)
		putchar('\n');
	if (ending)
		explain_ending(ending);
	return is_cause || ending ? 0 : -ENOENT;
}

int cmd_explain(int argc, char **argv)
{
	static const struct cmd_help help = {
		.usage = "Usage: tcpclose explain [CAUSE|ENDING ...]\n\n"
			 "What a cause means, how it is recognised and what to do about it; what an ending of\n"
			 "tcpclose demo does. Without a word: the list of both.\n\n",
	};
	struct config config;
	int status;

	if (!cmd_begin(CMD_EXPLAIN, &help, argc, argv, &config, &status))
		return status;
	if (config.run) {
		log_error("explain takes causes and endings only, not --");
		return EXIT_USAGE;
	}
	if (!config.n_words)
		list_all();
	for (int i = 0; i < config.n_words; i++) {
		if (i)
			putchar('\n');
		if (explain(config.words[i])) {
			log_error("there is no cause or ending %s: tcpclose explain lists them", config.words[i]);
			return EXIT_USAGE;
		}
	}
	return EXIT_DONE;
}

int cmd_schema(int argc, char **argv)
{
	static const struct cmd_help help = {
		.usage = "Usage: tcpclose schema\n\nThe JSON Schema of what --json prints.\n\n",
	};
	struct config config;
	int r;

	if (!cmd_begin(CMD_SCHEMA, &help, argc, argv, &config, &r))
		return r;
	if (config.n_words || config.run) {
		log_error("schema takes options only, not %s", config.n_words ? config.words[0] : "--");
		return EXIT_USAGE;
	}
	r = schema_print(stdout);
	if (r)
		log_error("cannot write standard output: %s", strerror(-r));
	return r ? EXIT_FAILED : EXIT_DONE;
}
