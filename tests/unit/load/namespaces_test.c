/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load/namespaces.h"

struct visits {
	ino_t want; /* is it among them? */
	unsigned n, wanted;
	int stop_at, said;
};

static ino_t here(void)
{
	struct stat st;

	assert_return_code(stat("/proc/thread-self/ns/net", &st), errno);
	return st.st_ino;
}

static int each(void *ctx)
{
	struct visits *v = ctx;

	v->wanted += here() == v->want;
	return (int)++v->n == v->stop_at ? v->said : 0;
}

static void the_own_namespace_is_visited_once_and_it_ends_there(void **state)
{
	struct visits v = { .want = here() };

	(void)state;
	assert_int_equal(namespaces_visit(each, &v), 0);
	assert_int_equal(v.wanted, 1);
	assert_int_equal(here(), v.want);
}

static void what_the_visitor_says_ends_it(void **state)
{
	struct visits v = { .want = here(), .stop_at = 1, .said = -EPIPE };

	(void)state;
	assert_int_equal(namespaces_visit(each, &v), -EPIPE);
	assert_int_equal(v.n, 1);
}

static int count_own(void *ctx, const char *path, pid_t pid)
{
	struct visits *v = ctx;
	struct stat st;

	v->n++;
	assert_return_code(stat(path, &st), errno);
	v->wanted += st.st_ino == v->want && pid > 0;
	return 0;
}

static void the_list_has_each_namespace_once_and_a_process_that_is_in_it(void **state)
{
	struct visits v = { .want = here() };

	(void)state;
	assert_int_equal(namespaces_own(), (uint32_t)v.want);
	assert_int_equal(namespaces_list(count_own, &v), 0);
	assert_int_equal(v.wanted, 1);
}

/* A process in a namespace of its own, which lives until its standard input ends. */
static pid_t start_elsewhere(int told[2], int hold[2], ino_t *ret)
{
	pid_t pid = fork();

	if (!pid) {
		ino_t ino = 0;
		char c;

		close(hold[1]);
		if (!unshare(CLONE_NEWNET))
			ino = here();
		if (write(told[1], &ino, sizeof(ino)) == sizeof(ino))
			while (read(hold[0], &c, 1) > 0)
				;
		_exit(0);
	}
	assert_int_equal(read(told[0], ret, sizeof(*ret)), sizeof(*ret));
	return pid;
}

static void the_namespace_of_another_process_is_visited_once_and_left_again(void **state)
{
	struct visits v = { 0 };
	ino_t home = here();
	int told[2], hold[2];
	pid_t pid;

	(void)state;
	assert_return_code(pipe(told), errno);
	assert_return_code(pipe(hold), errno);
	pid = start_elsewhere(told, hold, &v.want);
	if (v.want)
		assert_int_equal(namespaces_visit(each, &v), 0);
	close(hold[1]);
	waitpid(pid, NULL, 0);
	assert_int_equal(here(), home);
	if (!v.want) {
		print_message("# not root: no network namespace to be made\n");
		skip();
	}
	assert_int_equal(v.wanted, 1);
	assert_true(v.n >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_own_namespace_is_visited_once_and_it_ends_there),
		cmocka_unit_test(what_the_visitor_says_ends_it),
		cmocka_unit_test(the_list_has_each_namespace_once_and_a_process_that_is_in_it),
		cmocka_unit_test(the_namespace_of_another_process_is_visited_once_and_left_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
