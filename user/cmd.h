/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* cmd: the subcommands. Each takes argv with its own name first and gives the exit status. */
#ifndef TCPCLOSE_CMD_H
#define TCPCLOSE_CMD_H

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

/* Prints the usage of `trace`, and of tcpclose as a whole. */
void usage_trace(void);

#endif
