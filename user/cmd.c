/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "endings.h"

const char cmd_usage[] =
	"tcpclose: how did this TCP connection end, who ended it, and what did it cost?\n"
	"\n"
	"  tcpclose [trace] [OPTIONS] [-- COMMAND ...]  verdicts of every connection that closes\n"
	"  tcpclose demo [ENDING ...|all] [OPTIONS]     two programs end connections; see how\n"
	"  tcpclose record -o FILE [OPTIONS] [-- CMD]   keep what the sensors say, for later\n"
	"  tcpclose replay FILE [OPTIONS]               its verdicts, without root or that kernel\n"
	"  tcpclose time-wait [OPTIONS]                 whose TIME_WAITs these are, and what they cost\n"
	"  tcpclose stuck [OPTIONS]                     sockets that do not get to their end, and why\n"
	"  tcpclose selftest [ENDING ...] [OPTIONS]     every ending on this kernel; all must agree\n"
	"  tcpclose explain [CAUSE|ENDING]              what it means and what to do about it\n"
	"  tcpclose doctor                              what this kernel can and cannot prove\n"
	"  tcpclose schema                              the JSON Schema of what --json prints\n"
	"\n"
	"Examples:\n"
	"  sudo tcpclose                        # every connection that ends, until Ctrl-C\n"
	"  sudo tcpclose -P 443 --how rst       # resets on port 443, either side\n"
	"  sudo tcpclose -- curl -s example.org # while that command runs\n"
	"  sudo tcpclose --json -o closes.ndjson -d 60\n"
	"  sudo tcpclose record -o incident.tape -d 60; tcpclose replay incident.tape -w\n"
	"\n"
	"Options of trace:\n";

void cmd_list_endings(void)
{
	const struct ending *row;
	size_t n;

	puts("\nEndings:");
	row = endings(&n);
	for (size_t i = 0; i < n; i++)
		printf("  %-*s  %s\n", endings_width(), row[i].slug, row[i].title);
}

static void print_help(enum command command, const struct cmd_help *help)
{
	fputs(help->usage, stdout);
	opts_help(command, stdout);
	if (help->list)
		help->list();
	printf("\nExit status: %s\n", help->status ? help->status : "0 done, 1 could not do it, 2 bad usage.");
}

bool cmd_begin(enum command command, const struct cmd_help *help, int argc, char **argv,
	       struct config *ret, int *status)
{
	*status = opts_parse(command, argc, argv, ret) ? EXIT_USAGE : EXIT_DONE;
	if (*status != EXIT_DONE)
		return false;
	log_set_level(ret->verbose ? LOG_DEBUG : ret->quiet ? LOG_ERROR : LOG_INFO);
	if (ret->help)
		print_help(command, help);
	else if (ret->version)
		puts("tcpclose " TCPCLOSE_VERSION);
	return !ret->help && !ret->version;
}

/* In a pid namespace others have numbers too, and those that the sensors see are not ours. */
static bool knows_all_pids(void)
{
	const ino_t initial = 0xeffffffc; /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == initial;
}

void cmd_warn_of_pids(const struct config *c)
{
	for (uint32_t i = 0; i < c->filter.n_pids && knows_all_pids(); i++)
		if (kill((pid_t)c->filter.pids[i], 0) && errno == ESRCH)
			log_info("there is no process %u now: of it nothing will be seen unless it begins", c->filter.pids[i]);
}
