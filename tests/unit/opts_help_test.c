// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "opts.h"

static const char *help_of(enum command command, char *buf, size_t size)
{
	FILE *file = fmemopen(buf, size, "w");

	assert_non_null(file);
	opts_help(command, file);
	assert_int_equal(fclose(file), 0);
	return buf;
}

static void help_lists_the_options_of_trace(void **state)
{
	static const char *const options[] = {
		"-p, --pid PID[,..]",	 "--comm NAME",		  "-P, --port N[,..]",
		"-L, --local-port N[,..]", "-D, --remote-port N[,..]", "-4, --ipv4",
		"-6, --ipv6",		 "--addr CIDR",		  "--netns PATH|INODE",
		"--cgroup PATH",	 "--cause SLUG[,..]",	  "--how HOW[,..]",
		"-e, --events",		 "-j, --json",		  "-o, --output FILE",
		"-n, --count N",	 "-d, --duration SECONDS", "-w, --wide",
		"-T, --timestamp",	 "-q, --quiet",		  "-v, --verbose",
		"--way WAY",		 "--ring KIB",		  "--max-flows N",
		"-h, --help",		 "-V, --version",
	};
	char help[8192];

	(void)state;
	help_of(CMD_TRACE, help, sizeof(help));
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strstr(help, options[i]))
			fail_msg("'%s' is not in the help", options[i]);
	assert_null(strstr(help, "--closer"));
}

static void help_tells_of_the_command_and_of_no_other(void **state)
{
	char help[8192];

	(void)state;
	assert_null(strstr(help_of(CMD_TRACE, help, sizeof(help)), "demo"));
	assert_non_null(strstr(help, "stop after N verdicts\n"));
	assert_non_null(strstr(help_of(CMD_DEMO, help, sizeof(help)), "run each N times"));
	assert_null(strstr(help, "stop after N verdicts"));
}

static void every_line_of_help_says_something(void **state)
{
	static const enum command commands[] = { CMD_TRACE, CMD_DEMO, CMD_DOCTOR, CMD_RECORD, CMD_REPLAY };
	char help[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		for (const char *p = help_of(commands[i], help, sizeof(help)); *p; p = strchr(p, '\n') + 1) {
			assert_int_equal(strncmp(p, "  ", 2), 0);
			assert_true(strcspn(p, "\n") > 30);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_lists_the_options_of_trace),
		cmocka_unit_test(help_tells_of_the_command_and_of_no_other),
		cmocka_unit_test(every_line_of_help_says_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
