/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* doctor: which hook is attached which way, and what this kernel and these privileges can prove. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cmd.h"
#include "core/evidence.h"
#include "load/examine.h"
#include "load/ways.h"
#include "opts.h"

static void print_privileges(void)
{
	const struct privilege *rows;
	size_t n;

	rows = privileges(&n);
	puts("Privileges");
	for (size_t i = 0; i < n; i++)
		printf("  %-14s %-4s %s\n", rows[i].name, privilege_held(&rows[i]) ? "yes" : "no",
		       rows[i].what_for);
}

static void print_ways(const struct examination *e)
{
	puts("\nWays to attach");
	for (int way = WAY_TP_BTF; way < WAY_MAX; way++)
		printf("  %-8s %s\n", way_slug((enum way)way),
		       e->ways.usable[way] ? "works" : e->ways.why[way]);
}

static void print_programs(const struct examination *e, enum hook hook)
{
	static const char *const understudies[] = {"", " (understudy)", " (second understudy)"};
	const struct cell *cells;
	size_t n;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++)
		if (cells[i].hook == hook && examination_takes(e, &cells[i]))
			printf(" %s%s", cells[i].target, understudies[cells[i].understudy]);
	putchar('\n');
}

static void print_why_not(const struct examination *e, enum hook hook)
{
	for (int way = WAY_TP_BTF; way < WAY_MAX; way++) {
		const char *why = examination_why_not(e, hook, (enum way)way);

		if (strcmp(why, "that way does not exist for it"))
			printf("%23s%s: %s\n", "", way_slug((enum way)way), why);
	}
	printf("%23scannot be said: %s\n", "", hook_row(hook)->without);
}

static void print_hooks(const struct examination *e)
{
	puts("\nHooks");
	for (int i = 0; i < HOOK_MAX; i++) {
		enum hook hook = (enum hook)i;
		enum way way = e->plan.chosen[hook];

		if (way == WAY_AUTO && !hook_row(hook)->vantages) {
			printf("  %-20s - (does without)\n", hook_row(hook)->slug);
			continue;
		}
		printf("  %-20s %s", hook_row(hook)->slug, way == WAY_AUTO ? "-\n" : way_slug(way));
		if (way == WAY_AUTO)
			print_why_not(e, hook);
		else
			print_programs(e, hook);
	}
}

static void print_facts(const struct examination *e)
{
	puts("\nThis kernel");
	for (int i = FACT_ALWAYS + 1; i < FACT_MAX; i++) {
		const struct fact_row *row = fact_row((enum fact)i);

		if (facts_hold(&e->facts, (enum fact)i))
			printf("  %-26s yes\n", row->slug);
		else if (!*row->without)
			printf("  %-26s no\n", row->slug);
		else
			printf("  %-26s no; cannot be said: %s\n", row->slug, row->without);
	}
}

static void print_blind(const struct examination *e)
{
	evidence_set blind = evidence_blind(e->plan.covered);

	if (!blind) {
		puts("\nEvery cause can be proven here.");
		return;
	}
	puts("\nOut of sight here (such evidence rules no cause in or out):");
	for (int ev = 0; ev < EV_MAX; ev++)
		if (blind & EV_BIT(ev))
			printf("  %-22s %s\n", evidence_row((enum evidence)ev)->slug,
			       evidence_row((enum evidence)ev)->words);
}

int cmd_doctor(int argc, char **argv)
{
	static const struct cmd_help help = {
		.usage = "Usage: tcpclose doctor [OPTIONS]\n\n"
			 "Which hook is attached which way, and what this kernel and these privileges can and\n"
			 "cannot prove.\n\n",
	};
	struct config config;
	struct examination *e;
	int r;

	if (!cmd_begin(CMD_DOCTOR, &help, argc, argv, &config, &r))
		return r;
	if (config.n_words || config.run) {
		log_error("doctor takes options only, not %s", config.n_words ? config.words[0] : "--");
		return EXIT_USAGE;
	}
	print_privileges();
	fflush(stdout);
	r = examine(config.way, &e);
	if (!e)
		return EXIT_FAILED;
	print_ways(e);
	print_hooks(e);
	print_facts(e);
	print_blind(e);
	examination_free(e);
	return r ? EXIT_FAILED : EXIT_DONE;
}
