/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "opts.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "parse.h"

#define VIEWS (CMD_TIME_WAIT | CMD_STUCK)
#define ALL (CMD_TRACE | CMD_DEMO | CMD_DOCTOR | CMD_RECORD | CMD_REPLAY | CMD_SELFTEST | VIEWS)
#define EVERY (ALL | CMD_EXPLAIN | CMD_SCHEMA)
#define TRIED (CMD_DEMO | CMD_SELFTEST)
#define BOTH (CMD_TRACE | CMD_DEMO)
#define LIVE (CMD_TRACE | CMD_RECORD)
#define SHOW (CMD_TRACE | CMD_REPLAY)
#define AT(member) offsetof(struct config, member)

struct option_row {
	char letter; /* 0 = none */
	const char *name;
	const char *argument; /* NULL = takes none */
	unsigned int commands;
	parse_fn parse;
	size_t field;
	const char *help;
	bool is_want; /* user space filters by it; by the rest the kernel does, and keeps it off a tape */
};

static const struct option_row rows[] = {
	{ 'p', "pid", "PID[,..]", LIVE | CMD_REPLAY | VIEWS, parse_pids, AT(filter), "connections owned by these processes", true },
	{ 0, "comm", "NAME", SHOW | VIEWS, parse_comm, AT(comm), "connections owned by processes of that name", true },
	{ 'P', "port", "N[,..]", LIVE | CMD_REPLAY | VIEWS, parse_ports, AT(filter), "these ports, on either side", true },
	{ 'L', "local-port", "N[,..]", LIVE | CMD_REPLAY | VIEWS, parse_local_ports, AT(filter), "these ports, on this side", true },
	{ 'D', "remote-port", "N[,..]", LIVE | CMD_REPLAY | VIEWS, parse_remote_ports, AT(filter), "these ports, on the peer's side", true },
	{ '4', "ipv4", NULL, BOTH | LIVE | CMD_REPLAY | VIEWS, parse_flag_family4, AT(filter.family), "IPv4 only (on the wire)", false },
	{ '6', "ipv6", NULL, BOTH | LIVE | CMD_REPLAY | VIEWS, parse_flag_family6, AT(filter.family), "IPv6 only (on the wire)", false },
	{ 0, "addr", "CIDR", LIVE | CMD_REPLAY | VIEWS, parse_cidr, AT(filter), "an address or network, on either side", false },
	{ 0, "netns", "PATH|INODE", LIVE | CMD_REPLAY | VIEWS, parse_netns, AT(filter.netns_ino), "sockets of one network namespace", false },
	{ 0, "cgroup", "PATH", LIVE | VIEWS, parse_cgroup, AT(filter.cgroup_id), "sockets of a cgroup2 directory and below", false },
	{ 0, "cause", "SLUG[,..]", SHOW, parse_causes, AT(causes), "these causes only (tcpclose explain lists them)", true },
	{ 0, "how", "HOW[,..]", SHOW, parse_hows, AT(hows), "fin, rst, timeout, silent", true },
	{ 0, "closer", "SIDE", TRIED, parse_closer, AT(closer), "server or client: who ends it", false },
	{ 0, "delay", "SECONDS", CMD_DEMO, parse_seconds, AT(delay_ns), "how long the connection stays open before", false },
	{ 0, "follow", NULL, CMD_DEMO, parse_flag, AT(follow), "wait until TIME_WAIT is over, and measure it (a minute)", false },
	{ 0, "ladder", NULL, CMD_DEMO, parse_flag, AT(ladder), "draw every ending in full (with more than two, else a line each)", false },
	{ 0, "tap", NULL, CMD_SELFTEST, parse_flag, AT(tap), "as TAP (Test Anything Protocol)", false },
	{ 0, "jobs", "N", CMD_SELFTEST, parse_count, AT(jobs), "endings under way at once, 1 to 16 (8)", false },
	{ 0, "audit", NULL, CMD_TRACE, parse_flag, AT(audit), "hold the kernel's counters against what was observed", false },
	{ 'e', "events", NULL, BOTH | LIVE | CMD_REPLAY, parse_flag, AT(events), "each observation too", false },
	{ 'j', "json", NULL, BOTH | CMD_REPLAY | CMD_SELFTEST | VIEWS, parse_flag, AT(json), "one JSON object a line (tcpclose schema)", false },
	{ 'o', "output", "FILE", BOTH | CMD_REPLAY | CMD_SELFTEST | VIEWS, parse_output, AT(output), "write there instead of standard output (-)", false },
	{ 'o', "output", "FILE", CMD_RECORD, parse_string, AT(output), "the tape to write (tcpclose replay reads it); - is standard output", false },
	{ 0, "tape", "FILE", BOTH, parse_string, AT(tape), "keep the raw wire there too (tcpclose replay reads it)", false },
	{ 'n', "count", "N", LIVE | CMD_REPLAY, parse_count, AT(count), "stop after N verdicts", false },
	{ 'n', "count", "N", CMD_DEMO, parse_count, AT(count), "run each N times, and see what is left", false },
	{ 'd', "duration", "SECONDS", LIVE | VIEWS, parse_duration, AT(duration_ns), "stop after that long", false },
	{ 0, "older", "SECONDS", CMD_STUCK, parse_seconds, AT(older_ns), "in that state for so long (30)", false },
	{ 0, "once", NULL, VIEWS, parse_flag, AT(once), "one report, also on a terminal", false },
	{ 'w', "wide", NULL, BOTH | CMD_REPLAY, parse_flag, AT(wide), "wider lines that say more", false },
	{ 'T', "timestamp", NULL, SHOW, parse_flag, AT(timestamp), "wall clock on every line", false },
	{ 'q', "quiet", NULL, ALL, parse_flag, AT(quiet), "nothing but errors on standard error", false },
	{ 'v', "verbose", NULL, ALL, parse_flag, AT(verbose), "what libbpf and the verifier say too", false },
	{ 0, "way", "WAY", BOTH | CMD_DOCTOR | CMD_RECORD | CMD_SELFTEST | VIEWS, parse_way, AT(way), "auto, tp_btf, fentry, kprobe: how to attach", false },
	{ 0, "ring", "KIB", BOTH | LIVE | CMD_SELFTEST | VIEWS, parse_ring, AT(ring_kib), "size of the ring buffer (8192)", false },
	{ 0, "max-flows", "N", BOTH | LIVE | CMD_REPLAY | VIEWS, parse_flows, AT(max_flows), "sockets followed at once (262144)", false },
	{ 'h', "help", NULL, EVERY, parse_flag, AT(help), "this", false },
	{ 'V', "version", NULL, EVERY, parse_flag, AT(version), "the version", false },
};
#define N_ROWS ((int)(sizeof(rows) / sizeof(rows[0])))
#define LONG_BASE 256

static const char *const names[] = {
	"trace", "demo", "doctor", "record", "replay", "time-wait", "stuck", "selftest", "explain", "schema",
};
#define N_NAMES (sizeof(names) / sizeof(names[0]))
_Static_assert(1 << N_NAMES == CMD_END, "a name for each command");

const char *opts_command(enum command command)
{
	return names[__builtin_ctz(command)];
}

enum command opts_command_called(const char *name)
{
	for (size_t i = 0; i < N_NAMES; i++)
		if (!strcmp(names[i], name))
			return (enum command)(1 << i);
	return CMD_NONE;
}

static void fill_getopt(enum command command, char *letters, struct option *longs)
{
	int n = 0;

	*letters++ = '+'; /* options end where the words begin: a COMMAND has its own */
	*letters++ = ':';
	for (int i = 0; i < N_ROWS; i++) {
		if (!(rows[i].commands & command))
			continue;
		longs[n++] = (struct option){ rows[i].name, rows[i].argument ? required_argument : no_argument,
					      NULL, LONG_BASE + i };
		if (!rows[i].letter)
			continue;
		*letters++ = rows[i].letter;
		if (rows[i].argument)
			*letters++ = ':';
	}
	longs[n] = (struct option){ 0 };
	*letters = '\0';
}

static const struct option_row *row_of(enum command command, int found)
{
	if (found >= LONG_BASE)
		return &rows[found - LONG_BASE];
	for (int i = 0; i < N_ROWS; i++)
		if (rows[i].letter == found && rows[i].commands & command)
			return &rows[i];
	return NULL;
}

/* How many long options begin with that word. */
static int candidates(const struct option *longs, const char *word)
{
	size_t n = strcspn(word + 2, "=");
	int found = 0;

	for (; longs->name; longs++)
		found += !strncmp(longs->name, word + 2, n);
	return found;
}

/* The command line as it should have been. */
static int say_command_first(const char *name, char **argv)
{
	CLEANUP(buf) struct buf line = BUF_INIT;

	for (int i = 1; argv[i]; i++)
		if (argv[i] != name)
			buf_printf(&line, " %s", argv[i]);
	log_error("the command comes first: tcpclose %s%s", name, buf_string(&line));
	return -EINVAL;
}

/* Options before the command are taken for those of trace, and it may not have them. */
static const char *late_command(enum command command, char **argv)
{
	for (char **word = &argv[optind]; command == CMD_TRACE && *word && strcmp(*word, "--"); word++)
		if (opts_command_called(*word))
			return *word;
	return NULL;
}

static int complain(enum command command, int found, char **argv, const struct option *longs)
{
	/* trace is what there is without a command: its help is everybody's */
	const char *of = command == CMD_TRACE ? "" : opts_command(command);
	const char *blank = *of ? " " : "", *word = argv[optind - 1];

	if (late_command(command, argv))
		return say_command_first(late_command(command, argv), argv);
	if (found == ':')
		log_error("%s wants a value: see tcpclose%s%s --help", word, blank, of);
	else if (!optopt && !strncmp(word, "--", 2) && candidates(longs, word) > 1)
		log_error("%s could be one of several options: see tcpclose%s%s --help", word, blank, of);
	else if (optopt && optopt < LONG_BASE)
		log_error("there is no option -%c here: see tcpclose%s%s --help", optopt, blank, of);
	else
		log_error("there is no option %s here, or it takes no value: see tcpclose%s%s --help", word, blank, of);
	return -EINVAL;
}

static int note_want(const struct option_row *row, const char *word, struct config *c)
{
	if (!row->is_want)
		return 0;
	if (c->n_wants == OPTS_MAX_WANTS) {
		log_error("--%s: too many filters", row->name);
		return -EINVAL;
	}
	c->wants[c->n_wants++] = (struct opts_want){ row->name, word };
	return 0;
}

static int take_option(const struct option_row *row, const char *word, struct config *c)
{
	char why[PARSE_WHY] = "";

	if (!row->parse(word ? word : "", (char *)c + row->field, why))
		return note_want(row, word, c);
	if (row->argument)
		log_error("--%s %s: expected %s", row->name, word, why);
	else
		log_error("--%s: %s", row->name, why);
	return -EINVAL;
}

int opts_want_again(const char *word, struct config *config)
{
	const char *value = strchr(word, '=');
	char why[PARSE_WHY];

	for (int i = 0; value && i < N_ROWS; i++)
		if (strlen(rows[i].name) == (size_t)(value - word) &&
		    !strncmp(rows[i].name, word, (size_t)(value - word)) && rows[i].is_want)
			return rows[i].parse(value + 1, (char *)config + rows[i].field, why);
	return -EINVAL;
}

static int take_word(char *word, struct config *c)
{
	if (c->n_words == OPTS_MAX_ENDINGS) {
		log_error("too many words on the command line");
		return -EINVAL;
	}
	c->words[c->n_words++] = word;
	return 0;
}

/*
 * getopt_long() stops at each word, at "--" (which it passes) and at the end: so
 * words and options mix (`demo linger-zero --json`), and a COMMAND has its own.
 */
int opts_parse(enum command command, int argc, char **argv, struct config *ret)
{
	struct option longs[N_ROWS + 1];
	char letters[3 * N_ROWS + 3];
	struct config c = { 0 };

	fill_getopt(command, letters, longs);
	optind = 0; /* forget what an earlier parse left half read */
	opterr = 0;
	for (;;) {
		int at = optind ? optind : 1, found;

		optopt = 0;
		found = getopt_long(argc, argv, letters, longs, NULL);
		if (found != -1) {
			const struct option_row *row = row_of(command, found);

			if (!row)
				return complain(command, found, argv, longs);
			if (take_option(row, optarg, &c))
				return -EINVAL;
			c.delay_set |= row->field == AT(delay_ns);
			c.older_set |= row->field == AT(older_ns);
			continue;
		}
		if (at < argc && !strcmp(argv[at], "--")) {
			c.run = &argv[optind];
			break;
		}
		if (optind >= argc)
			break;
		if (command == CMD_TRACE && opts_command_called(argv[optind]))
			return say_command_first(argv[optind], argv);
		if (take_word(argv[optind++], &c))
			return -EINVAL;
	}
	*ret = c;
	return 0;
}

void opts_help(enum command command, FILE *out)
{
	for (int i = 0; i < N_ROWS; i++) {
		const struct option_row *row = &rows[i];
		char left[48];

		if (!(row->commands & command))
			continue;
		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", row->letter ? "-" : " ",
			 row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
			 row->argument ? " " : "", row->argument ? row->argument : "");
		fprintf(out, "  %-28s%s%s\n", left, strlen(left) > 27 ? "\n                              " : "",
			row->help);
	}
}

bool opts_ask_for_owners(const struct config *c)
{
	return c->filter.n_pids || c->filter.cgroup_id || c->comm[0] || c->causes || c->hows;
}

static bool listed(const uint16_t *ports, uint32_t n, uint16_t port)
{
	for (uint32_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static bool want_ports(const struct filter *f, const struct tuple *t)
{
	if (f->n_local_ports && !listed(f->local_ports, f->n_local_ports, t->local.port))
		return false;
	if (f->n_remote_ports && !listed(f->remote_ports, f->n_remote_ports, t->peer.port))
		return false;
	return !f->n_ports || listed(f->ports, f->n_ports, t->local.port) ||
	       listed(f->ports, f->n_ports, t->peer.port);
}

static bool want_pid(const struct filter *f, const struct owner *owner)
{
	for (uint32_t i = 0; i < f->n_pids; i++)
		if (owner->source != OWNER_UNKNOWN && f->pids[i] == owner->pid)
			return true;
	return !f->n_pids;
}

bool opts_want_older(const struct config *c, const struct minisocket *m)
{
	/* whose it was and how its socket ended was before the trace */
	return !c->causes && !c->hows && !c->comm[0] && !c->filter.n_pids &&
	       !c->filter.cgroup_id && want_ports(&c->filter, &m->tuple);
}

bool opts_want_owner(const struct config *c, const struct tuple *tuple, const struct owner *owner)
{
	if (c->comm[0] && (owner->source == OWNER_UNKNOWN || strcmp(c->comm, owner->comm)))
		return false;
	return want_ports(&c->filter, tuple) && want_pid(&c->filter, owner);
}

/* Address, family, namespace and cgroup never change: the kernel has filtered them exactly. */
bool opts_want(const struct config *c, const struct verdict *v)
{
	if (c->causes && !(c->causes & UINT64_C(1) << v->cause))
		return false;
	if (c->hows && !(c->hows & UINT32_C(1) << v->how))
		return false;
	return opts_want_owner(c, &v->tuple, &v->owner);
}

/* Do the first bits agree? */
static bool in_network(const struct filter *f, const struct endpoint *e)
{
	unsigned int whole = f->addr_bits / 8, rest = f->addr_bits % 8;
	unsigned int mask = 0xff00U >> rest & 0xff;

	return !memcmp(f->addr, e->addr, whole) && (!rest || !((f->addr[whole] ^ e->addr[whole]) & mask));
}

static bool want_address(const struct filter *f, const struct tuple *t)
{
	if (!f->addr_family)
		return true;
	return f->addr_family == t->family && (in_network(f, &t->local) || in_network(f, &t->peer));
}

bool opts_want_tuple(const struct config *c, const struct tuple *t)
{
	return want_ports(&c->filter, t) && want_address(&c->filter, t) &&
	       (!c->filter.family || c->filter.family == t->family);
}

bool opts_want_netns(const struct config *c, uint32_t netns)
{
	return !c->filter.netns_ino || c->filter.netns_ino == netns;
}

bool opts_want_replayed(const struct config *c, const struct verdict *v)
{
	return opts_want(c, v) && opts_want_tuple(c, &v->tuple) && opts_want_netns(c, v->netns);
}
