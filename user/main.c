/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cmd.h"
#include "opts.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "trace", cmd_trace },	  { "demo", cmd_demo },	      { "record", cmd_record },
	{ "replay", cmd_replay }, { "explain", cmd_explain }, { "doctor", cmd_doctor },
	{ "schema", cmd_schema }, { "stuck", cmd_stuck },     { "time-wait", cmd_time_wait },
	{ "selftest", cmd_selftest },
};

/* Help that nobody could read was not given. A reader that has gone away is none of our business. */
static int printed(int status)
{
	if (!fflush(stdout) || errno == EPIPE || status)
		return status;
	log_error("cannot write: %s", strerror(errno));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return printed(commands[i].run(argc - 1, argv + 1));
	return printed(cmd_trace(argc, argv));
}
