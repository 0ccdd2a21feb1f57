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
	for (int ev = 0; ev < EV_MAX; ev++)
		if (set & EV_BIT(ev))
			printf("    %s%s\n", head, evidence_row((enum evidence)ev)->words);
}

static void explain_cause(enum cause cause)
{
	const struct cause_row *row = cause_row(cause);
	const struct proof *proofs;
	const char *head = "It is recognised when";
	size_t n;

	printf("%s (%s)\n  %s.\n", row->slug, how_slug(row->how), row->title);
	proofs = judge_proofs(&n);
	for (size_t i = 0; i < n; i++) {
		if (proofs[i].cause != cause)
			continue;
		printf("  %s\n", head);
		print_set("", proofs[i].needs);
		print_set("and not: ", proofs[i].bars);
		head = "or when";
	}
	printf("  %s\n", row->hint);
}

static int explain_ending(const char *slug)
{
	const struct ending *ending = ending_by_slug(slug);

	if (!ending)
		return -ENOENT;
	printf("%s (an ending of tcpclose demo)\n  %s.\n", ending->slug, ending->title);
	return 0;
}

static void list_all(void)
{
	puts("Causes:");
	for (int i = 0; i < CAUSE_MAX; i++)
		printf("  %-20s %s\n", cause_row((enum cause)i)->slug, cause_row((enum cause)i)->title);
	puts("tcpclose explain CAUSE says how it is recognised and what to do.");
}

int cmd_explain(int argc, char **argv)
{
	enum cause cause;

	if (argc < 2) {
		list_all();
		return EXIT_DONE;
	}
	for (int i = 1; i < argc; i++) {
		if (!cause_by_slug(argv[i], &cause)) {
			explain_cause(cause);
		} else if (explain_ending(argv[i])) {
			log_error("there is no cause or ending %s: tcpclose explain lists them", argv[i]);
			return EXIT_USAGE;
		}
	}
	return EXIT_DONE;
}

int cmd_schema(int argc, char **argv)
{
	if (argc > 1) {
		log_error("schema takes no arguments, not %s", argv[1]);
		return EXIT_USAGE;
	}
	return schema_print(stdout) || fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}
