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

static const char usage[] =
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

void usage_trace(void)
{
	fputs(usage, stdout);
	opts_help(CMD_TRACE, stdout);
	fputs("\nExit status: 0 done, 1 could not do it, 2 bad usage, 3 done and something is wrong;\n"
	      "with COMMAND its own. The manual: man tcpclose.\n",
	      stdout);
}

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
