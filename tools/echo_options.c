/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The command line of both programs. */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "echo_common.h"
#include "raw_net.h"

const char *argp_program_version = "tcpclose-echo " TCPCLOSE_VERSION;

enum {
	KEY_END = 256, KEY_CLOSER, KEY_DELAY, KEY_WAIT, KEY_ADDRESS, KEY_PORT, KEY_LINGER,
	KEY_MESSAGE, KEY_COUNT, KEY_REPORT, KEY_USER, KEY_TUN,
};

static const struct argp_option option_table[] = {
	{ "end", KEY_END, "ENDING", 0, "how the connection ends (default: default); both programs take the same", 0 },
	{ "closer", KEY_CLOSER, "SIDE", 0, "who ends it, server or client (default: as the ending has it); the same for both", 0 },
	{ "delay", KEY_DELAY, "SECONDS", 0, "time between the talk and the end, 0 to 3600 (default 0.1)", 0 },
	{ "wait", KEY_WAIT, "SECONDS", 0, "how long the server waits for a client, 0 to 86400 (default 60)", 0 },
	{ "linger", KEY_LINGER, "SECONDS", 0, "SO_LINGER time of linger-drained and linger-expired, 1 to 60 (default 1)", 0 },
	{ "message", KEY_MESSAGE, "TEXT", 0, "what the client says, 1 to 1024 bytes (default \"Hi, gopher?\")", 0 },
	{ "count", KEY_COUNT, "N", 0, "connections, one after the other, 1 to 1000000 (default 1)", 0 },
	{ NULL, '4', NULL, 0, "IPv4 (default)", 1 },
	{ NULL, '6', NULL, 0, "IPv6", 1 },
	{ "address", KEY_ADDRESS, "ADDRESS", 0, "numeric address of the server (default: loopback)", 1 },
	{ "port", KEY_PORT, "PORT", 0, "port of the server, 0 to 65535, 0 = any free one (default 4242)", 1 },
	{ "report-fd", KEY_REPORT, "FD", 0, "report every call as a JSON line on this descriptor, print nothing", 2 },
	{ "tun-fd", KEY_TUN, "FD", 0, "the scripted peer's wire (default: it makes one, in a network namespace in which nothing else is up)", 2 },
	{ "user", KEY_USER, "USER", 0, "run as this user (name or number), for good", 2 },
	{ 0 },
};

static const char doc_head[] =
	"One half of an echo pair that ends its connections in a chosen way.\v"
	"Examples, in two terminals:\n"
	"  tcpclose-echo-server                          the server closes after 0.1 s\n"
	"  tcpclose-echo-client\n\n"
	"  tcpclose-echo-server --end=linger-zero --delay=10\n"
	"  tcpclose-echo-client --end=linger-zero --delay=10\n\n"
	"Endings:\n";

struct parse {
	struct echo_options *options;
	const char *address;
	bool closer_given;
	unsigned long port;
};

static unsigned long parse_number(struct argp_state *state, const char *what, const char *arg,
				  unsigned long min, unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(arg, &end, 10);
	if (errno || end == arg || *end || *arg < '0' || *arg > '9' || value < min || value > max)
		argp_error(state, "%s must be a number from %lu to %lu, not %s", what, min, max,
			   arg);
	return value;
}

static uint64_t parse_seconds(struct argp_state *state, const char *what, const char *arg,
			      double max)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(arg, &end);
	/* Written so that a NaN fails. */
	if (errno || end == arg || *end || !(value >= 0 && value <= max))
		argp_error(state, "%s must be seconds from 0 to %.0f, not %s", what, max, arg);
	return (uint64_t)(value * 1e9);
}

static void parse_user(struct argp_state *state, const char *arg, struct echo_options *o)
{
	const struct passwd *entry = getpwnam(arg);

	o->drop = true;
	if (entry) {
		o->uid = entry->pw_uid;
		o->gid = entry->pw_gid;
		return;
	}
	o->uid = o->gid =
		(uid_t)parse_number(state, "--user without an entry in passwd", arg, 1, 0xfffffffe);
}

static int parse_fd(struct argp_state *state, const char *what, const char *arg)
{
	int fd = (int)parse_number(state, what, arg, 1, 1 << 20);

	if (fcntl(fd, F_GETFD) < 0)
		argp_error(state, "%s %s: %s", what, arg, strerror(errno));
	return fd;
}

/* Options that say how the connection ends. */
static error_t parse_ending(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;
	struct echo_options *o = p->options;

	switch (key) {
	case KEY_END:
		o->ending = ending_by_slug(arg);
		if (!o->ending)
			argp_error(state, "no ending is called %s; --help lists them", arg);
		return 0;
	case KEY_CLOSER:
		if (side_by_slug(arg, &o->closer))
			argp_error(state, "--closer must be server or client, not %s", arg);
		p->closer_given = true;
		return 0;
	case KEY_DELAY:
		o->delay_ns = parse_seconds(state, "--delay", arg, 3600);
		return 0;
	case KEY_WAIT:
		o->wait_ns = parse_seconds(state, "--wait", arg, 86400);
		return 0;
	case KEY_LINGER:
		o->linger_s = (uint32_t)parse_number(state, "--linger", arg, 1, 60);
		return 0;
	case KEY_MESSAGE:
		if (!*arg || strlen(arg) > ECHO_MESSAGE_MAX)
			argp_error(state, "--message must have 1 to %d bytes", ECHO_MESSAGE_MAX);
		o->message = arg;
		return 0;
	case KEY_COUNT:
		o->count = (uint32_t)parse_number(state, "--count", arg, 1, 1000000);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* The server's: loopback, or on the scripted peer's wire. */
static const char *default_address(const struct echo_options *o)
{
	bool four = o->family == AF_INET;

	if (!ending_is_raw(o->ending))
		return four ? "127.0.0.1" : "::1";
	if (ending_raw_side(o->closer) == SIDE_SERVER)
		return four ? RAW_NET_PEER4 : RAW_NET_PEER6;
	return four ? RAW_NET_HOST4 : RAW_NET_HOST6;
}

static void set_address(struct argp_state *state, const struct parse *p)
{
	struct echo_options *o = p->options;
	struct sockaddr_in *in = (struct sockaddr_in *)&o->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&o->address;
	const char *text = p->address ? p->address : default_address(o);
	void *to = o->family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr;

	o->address.ss_family = (sa_family_t)o->family;
	if (inet_pton(o->family, text, to) != 1)
		argp_error(state, "--address %s is no numeric IPv%c address", text,
			   o->family == AF_INET ? '4' : '6');
	if (o->family == AF_INET)
		in->sin_port = htons((uint16_t)p->port);
	else
		in6->sin6_port = htons((uint16_t)p->port);
	if (!p->port && o->role == SIDE_CLIENT)
		argp_error(state, "--port 0 is for the server, which prints the port that it got");
}

static void finish(struct argp_state *state, const struct parse *p)
{
	struct echo_options *o = p->options;

	if (!p->closer_given)
		o->closer = o->ending->closer;
	if (!ending_can_close(o->ending, o->closer))
		argp_error(state, "%s cannot be done by the %s", o->ending->slug,
			   side_slug(o->closer));
	set_address(state, p);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;
	struct echo_options *o = p->options;

	switch (key) {
	case '4':
	case '6':
		o->family = key == '4' ? AF_INET : AF_INET6;
		return 0;
	case KEY_ADDRESS:
		p->address = arg;
		return 0;
	case KEY_PORT:
		p->port = parse_number(state, "--port", arg, 0, 65535);
		return 0;
	case KEY_REPORT:
		o->report_fd = parse_fd(state, "--report-fd", arg);
		return 0;
	case KEY_TUN:
		o->tun_fd = parse_fd(state, "--tun-fd", arg);
		return 0;
	case KEY_USER:
		parse_user(state, arg, o);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: there is nothing but options", arg);
		return 0;
	case ARGP_KEY_END:
		finish(state, p);
		return 0;
	default:
		return parse_ending(key, arg, state);
	}
}

#define HELP_WIDTH 78

/* A sentence to the right of the name before it, and of that column. */
static void put_wrapped(struct buf *out, size_t indent, const char *words)
{
	size_t column = indent, length;

	for (; *words; words += length + strspn(words + length, " ")) {
		length = strcspn(words, " ");
		if (column + 1 + length > HELP_WIDTH) {
			buf_byte(out, '\n');
			buf_fill(out, ' ', indent);
			column = indent;
		}
		buf_byte(out, ' ');
		buf_add(out, words, length);
		column += 1 + length;
	}
	buf_byte(out, '\n');
}

/* The list of endings, from the table, below the options. */
static char *help_filter(int key, const char *text, void *input)
{
	CLEANUP(buf) struct buf list = BUF_INIT;
	const struct ending *row;
	size_t n;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	row = endings(&n);
	buf_puts(&list, text);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&list, "  %-*s ", endings_width(), row[i].slug);
		put_wrapped(&list, (size_t)endings_width() + 3, row[i].title);
	}
	return buf_string(&list) ? TAKE(list.data) : NULL;
}

void echo_options(int argc, char **argv, enum side role, struct echo_options *ret)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.doc = doc_head,
		.help_filter = help_filter,
	};
	struct parse p = { .options = ret, .port = ECHO_PORT };
	size_t n;

	argp_err_exit_status = 2;
	*ret = (struct echo_options){
		.role = role,
		.ending = endings(&n),
		.delay_ns = UINT64_C(100) * 1000 * 1000,
		.wait_ns = UINT64_C(60) * 1000 * 1000 * 1000,
		.family = AF_INET,
		.linger_s = 1,
		.message = "Hi, gopher?",
		.count = 1,
		.report_fd = -1,
		.tun_fd = -1,
	};
	argp_parse(&argp, argc, argv, 0, NULL, &p);
}
