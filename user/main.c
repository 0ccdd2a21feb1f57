/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd.h"
#include "output.h"

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
	errno = 0;
	if ((!fflush(stdout) && !ferror(stdout)) || errno == EPIPE || status)
		return status;
	/* ferror() is of an earlier write: its errno is gone */
	log_error("cannot write standard output: %s", strerror(errno ? errno : EIO));
	return EXIT_FAILED;
}

/*
 * Where one of the first three is closed, the next file that is opened would be
 * it, and what is meant for a person would stand in a result. In its place comes
 * one on which reading, or writing, fails as it would have: so no result is
 * believed to be written that is not.
 */
static int fill_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	if (fill_descriptors())
		return EXIT_FAILED; /* and nobody to tell */
	output_start();
	setlocale(LC_CTYPE, "");
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return printed(commands[i].run(argc - 1, argv + 1));
	return printed(cmd_trace(argc, argv));
}
