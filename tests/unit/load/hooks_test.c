// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The rows of hooks.def, and the object that is built into the program: what the linker made of bpf/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/plan.h"

/* Run when the loader asks for them: no event, so no hook. */
static const char *const without_hook[] = { "iter__task_file", "peek_minisockets" };

static int open_object(void **state)
{
	const char *build = getenv("O");
	char path[4096];

	snprintf(path, sizeof(path), "%s/bpf/tcpclose.linked.o", build ? build : "build");
	*state = bpf_object__open(path);
	if (!*state) {
		fprintf(stderr, "cannot open %s: O names the build\n", path);
		return -1;
	}
	return 0;
}

static int close_object(void **state)
{
	bpf_object__close(*state);
	return 0;
}

/* "?tp_btf/x" of libbpf 1.0 and later is "tp_btf/x" here: the question mark only means off. */
static const char *section_of(const struct bpf_program *p)
{
	const char *section = bpf_program__section_name(p);

	return *section == '?' ? section + 1 : section;
}

static void every_cell_has_its_program_on_its_target(void **state)
{
	const struct cell *cells;
	char section[128];
	size_t n;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++) {
		const struct bpf_program *p = bpf_object__find_program_by_name(*state, cells[i].program);

		if (!p)
			fail_msg("there is no program %s", cells[i].program);
		snprintf(section, sizeof(section), "%s/%s", way_slug(cells[i].way), cells[i].target);
		assert_string_equal(section_of(p), section);
	}
}

static bool has_cell(const char *program)
{
	const struct cell *cells;
	size_t n;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(cells[i].program, program))
			return true;
	return false;
}

static bool needs_none(const char *program)
{
	for (size_t i = 0; i < sizeof(without_hook) / sizeof(without_hook[0]); i++)
		if (!strcmp(without_hook[i], program))
			return true;
	return false;
}

/* Two hooks may share one. */
static size_t count_programs(void)
{
	const struct cell *cells;
	size_t n, count = 0;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++) {
		bool again = false;

		for (size_t j = 0; j < i; j++)
			again |= !strcmp(cells[j].program, cells[i].program);
		count += !again;
	}
	return count;
}

static void every_program_has_a_cell_or_is_run_on_request(void **state)
{
	struct bpf_program *p;
	size_t n_programs = 0;

	bpf_object__for_each_program(p, *state) {
		const char *name = bpf_program__name(p);

		n_programs++;
		if (has_cell(name) == needs_none(name))
			fail_msg("%s has %s", name, has_cell(name) ? "a cell, and is run on request" : "no cell");
	}
	assert_int_equal(n_programs, count_programs() + sizeof(without_hook) / sizeof(without_hook[0]));
}

static void every_program_is_off_until_the_plan_wants_it(void **state)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, *state)
		if (bpf_program__autoload(p))
			fail_msg("%s is on", bpf_program__name(p));
}

static void a_programs_name_is_its_way_and_its_target(void **state)
{
	static const char *const ends[] = {"", "_2", "_3"};
	const struct cell *cells;
	char name[128];
	size_t n;

	(void)state;
	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s__%s%s", way_slug(cells[i].way), cells[i].target,
			 ends[cells[i].understudy]);
		assert_string_equal(cells[i].program, name);
		for (size_t j = 0; j < i; j++)
			assert_true(cells[j].hook != cells[i].hook || strcmp(cells[j].program, name));
	}
}

/* Tracepoints run programs in the order in which they were attached, which is that of the rows. */
static void an_understudy_stands_behind_the_program_of_its_place(void **state)
{
	const struct cell *cells;
	size_t n;

	(void)state;
	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++) {
		bool found = !cells[i].understudy;

		for (size_t j = 0; j < i; j++)
			if (cells[j].understudy == cells[i].understudy - 1 && cells[j].hook == cells[i].hook &&
			    cells[j].way == cells[i].way && !strcmp(cells[j].target, cells[i].target))
				found = true;
		assert_true(found);
	}
}

static void every_hook_shows_something_and_says_what_is_lost_without_it(void **state)
{
	uint32_t shown = 0;

	(void)state;
	for (int i = 0; i < HOOK_MAX; i++) {
		const struct hook_row *row = hook_row((enum hook)i);

		assert_true(*row->slug && *row->without);
		assert_int_equal(shown & row->vantages, 0);
		shown |= row->vantages;
		for (int j = 0; j < i; j++)
			assert_string_not_equal(row->slug, hook_row((enum hook)j)->slug);
	}
	assert_int_equal(shown, (UINT32_C(1) << VANTAGE_MAX) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_has_its_program_on_its_target),
		cmocka_unit_test(every_program_has_a_cell_or_is_run_on_request),
		cmocka_unit_test(every_program_is_off_until_the_plan_wants_it),
		cmocka_unit_test(a_programs_name_is_its_way_and_its_target),
		cmocka_unit_test(an_understudy_stands_behind_the_program_of_its_place),
		cmocka_unit_test(every_hook_shows_something_and_says_what_is_lost_without_it),
	};

	return cmocka_run_group_tests(tests, open_object, close_object);
}
