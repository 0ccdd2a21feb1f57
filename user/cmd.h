/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* cmd: the subcommands. Each takes argv with its own name first and gives the exit status. */
#ifndef TCPCLOSE_CMD_H
#define TCPCLOSE_CMD_H

#include "opts.h"

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1, /* could not do it */
	EXIT_USAGE = 2,
	EXIT_WRONG = 3, /* did it, and something is wrong */
};

int cmd_trace(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_time_wait(int argc, char **argv);
int cmd_stuck(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_selftest(int argc, char **argv);
int cmd_schema(int argc, char **argv);

/* What stands in a command's help around its options. */
struct cmd_help {
	const char *usage;
	void (*list)(void); /* NULL, or prints what there is to choose from */
	const char *status; /* of exit; NULL = the usual three */
};

/*
 * How all of them begin: parses, answers -h and -V, and sets how much is said.
 * True: there is something to do; else *status is what to exit with.
 */
bool cmd_begin(enum command command, const struct cmd_help *help, int argc, char **argv,
	       struct config *ret, int *status);
/* Says which of the processes that are asked for do not exist: they may yet begin. */
void cmd_warn_of_pids(const struct config *config);
/* For `list`: what demo and selftest can do. */
void cmd_list_endings(void);
/* The usage of `trace`, and of tcpclose as a whole. */
extern const char cmd_usage[];

#endif
