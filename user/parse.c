/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "core/verdict.h"
#include "load/session.h"

#define NS_PER_S UINT64_C(1000000000)

__attribute__((format(printf, 2, 3)))
static int expect(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, PARSE_WHY, format, args);
	va_end(args);
	return -EINVAL;
}

/* Decimal digits and nothing else: no sign, no space, no end that is left over. */
int parse_number(const char *word, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*word)
		return -EINVAL;
	for (; *word; word++) {
		if (!isdigit((unsigned char)*word) ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*word - '0'), &n))
			return -EINVAL;
	}
	if (n < min || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* Calls each(item) for every part between commas; an empty part is an error. */
static int each_item(const char *word, int (*each)(const char *item, void *ctx), void *ctx)
{
	char item[64];

	for (;;) {
		size_t n = strcspn(word, ",");
		int r;

		if (!n || n >= sizeof(item))
			return -EINVAL;
		memcpy(item, word, n);
		item[n] = '\0';
		r = each(item, ctx);
		if (r)
			return r;
		if (!word[n])
			return 0;
		word += n + 1;
	}
}

int parse_flag(const char *word, void *field, char *why)
{
	(void)word;
	(void)why;
	*(bool *)field = true;
	return 0;
}

int parse_flag_family4(const char *word, void *field, char *why)
{
	uint8_t *family = field;

	(void)word;
	if (*family == 6)
		return expect(why, "-4 and -6 exclude each other");
	*family = 4;
	return 0;
}

int parse_flag_family6(const char *word, void *field, char *why)
{
	uint8_t *family = field;

	(void)word;
	if (*family == 4)
		return expect(why, "-4 and -6 exclude each other");
	*family = 6;
	return 0;
}

int parse_string(const char *word, void *field, char *why)
{
	if (!*word)
		return expect(why, "something");
	*(const char **)field = word;
	return 0;
}

int parse_output(const char *word, void *field, char *why)
{
	int r = parse_string(word, field, why);

	if (!r && !strcmp(word, "-"))
		*(const char **)field = NULL;
	return r;
}

static int add_pid(const char *item, void *ctx)
{
	struct filter *f = ctx;
	uint64_t pid;

	if (f->n_pids == FILTER_MAX_PIDS || parse_number(item, 1, 4194304, &pid))
		return -EINVAL;
	f->pids[f->n_pids++] = (uint32_t)pid;
	return 0;
}

int parse_pids(const char *word, void *filter, char *why)
{
	if (each_item(word, add_pid, filter))
		return expect(why, "up to %d process ids, with commas between", FILTER_MAX_PIDS);
	return 0;
}

struct port_list {
	uint16_t *ports;
	uint32_t *n;
};

static int add_port(const char *item, void *ctx)
{
	struct port_list *list = ctx;
	uint64_t port;

	if (*list->n == FILTER_MAX_PORTS || parse_number(item, 1, 65535, &port))
		return -EINVAL;
	list->ports[(*list->n)++] = (uint16_t)port;
	return 0;
}

static int port_list(const char *word, uint16_t *ports, uint32_t *n, char *why)
{
	struct port_list list = { ports, n };

	if (each_item(word, add_port, &list))
		return expect(why, "up to %d ports (1 to 65535), with commas between",
			      FILTER_MAX_PORTS);
	return 0;
}

int parse_ports(const char *word, void *filter, char *why)
{
	struct filter *f = filter;

	return port_list(word, f->ports, &f->n_ports, why);
}

int parse_local_ports(const char *word, void *filter, char *why)
{
	struct filter *f = filter;

	return port_list(word, f->local_ports, &f->n_local_ports, why);
}

int parse_remote_ports(const char *word, void *filter, char *why)
{
	struct filter *f = filter;

	return port_list(word, f->remote_ports, &f->n_remote_ports, why);
}

int parse_comm(const char *word, void *field, char *why)
{
	if (!*word || strlen(word) > 15)
		return expect(why, "a process name as the kernel keeps it: 1 to 15 bytes");
	strcpy(field, word);
	return 0;
}

/* An IPv4-mapped network is an IPv4 one: what is on the wire is what counts. */
static void unmap(struct filter *f)
{
	struct in6_addr addr; /* the filter's may stand anywhere */

	memcpy(&addr, f->addr, sizeof(addr));
	if (f->addr_family != 6 || f->addr_bits < 96 || !IN6_IS_ADDR_V4MAPPED(&addr))
		return;
	memcpy(f->addr, f->addr + 12, 4);
	memset(f->addr + 4, 0, 12);
	f->addr_family = 4;
	f->addr_bits -= 96;
}

int parse_cidr(const char *word, void *filter, char *why)
{
	struct filter *f = filter;
	const char *slash = strchr(word, '/');
	size_t n = slash ? (size_t)(slash - word) : strlen(word);
	char address[INET6_ADDRSTRLEN];
	uint64_t bits, max;

	if (n >= sizeof(address))
		return expect(why, "an address, or a network such as 10.0.0.0/8");
	memcpy(address, word, n);
	address[n] = '\0';
	memset(f->addr, 0, sizeof(f->addr));
	if (inet_pton(AF_INET, address, f->addr) == 1)
		f->addr_family = 4;
	else if (inet_pton(AF_INET6, address, f->addr) == 1)
		f->addr_family = 6;
	else
		return expect(why, "an address, or a network such as 10.0.0.0/8");
	max = f->addr_family == 4 ? 32 : 128;
	bits = max;
	if (slash && parse_number(slash + 1, 0, max, &bits))
		return expect(why, "a prefix length from 0 to %d behind the slash", (int)max);
	f->addr_bits = (uint8_t)bits;
	unmap(f);
	return 0;
}

/* Any file has an inode: one that is no network namespace would match nothing, and say nothing. */
static bool is_netns(const char *path)
{
	struct statfs fs;
	CLEANUP(close) int fd = -1;

	/* to open a device may have effects: only what is one of theirs is opened */
	if (statfs(path, &fs) || fs.f_type != NSFS_MAGIC)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

int parse_netns(const char *word, void *field, char *why)
{
	struct stat st;
	uint64_t inode;

	if (!parse_number(word, 1, UINT32_MAX, &inode)) {
		*(uint32_t *)field = (uint32_t)inode;
		return 0;
	}
	if (stat(word, &st))
		return expect(why, "an inode number or a path such as /run/netns/NAME (%s)",
			      strerror(errno));
	if (!is_netns(word))
		return expect(why, "a network namespace, such as /run/netns/NAME or /proc/PID/ns/net");
	*(uint32_t *)field = (uint32_t)st.st_ino;
	return 0;
}

/* A cgroup2 directory's inode number is the cgroup's id. */
int parse_cgroup(const char *word, void *field, char *why)
{
	struct statfs fs;
	struct stat st;

	if (stat(word, &st) || statfs(word, &fs))
		return expect(why, "a directory of the cgroup2 file system (%s)", strerror(errno));
	if (!S_ISDIR(st.st_mode) || fs.f_type != CGROUP2_SUPER_MAGIC)
		return expect(why, "a directory of the cgroup2 file system");
	*(uint64_t *)field = st.st_ino;
	return 0;
}

static int add_cause(const char *item, void *ctx)
{
	enum cause cause;

	_Static_assert(CAUSE_MAX <= 64, "causes are a set in one word");
	if (cause_by_slug(item, &cause))
		return -EINVAL;
	*(uint64_t *)ctx |= UINT64_C(1) << cause;
	return 0;
}

int parse_causes(const char *word, void *field, char *why)
{
	if (each_item(word, add_cause, field))
		return expect(why, "causes with commas between; tcpclose explain lists them");
	return 0;
}

static int add_how(const char *item, void *ctx)
{
	enum how how;

	if (how_by_slug(item, &how))
		return -EINVAL;
	*(uint32_t *)ctx |= UINT32_C(1) << how;
	return 0;
}

int parse_hows(const char *word, void *field, char *why)
{
	if (each_item(word, add_how, field))
		return expect(why, "fin, rst, timeout or silent, with commas between");
	return 0;
}

int parse_count(const char *word, void *field, char *why)
{
	if (parse_number(word, 1, UINT32_MAX, field))
		return expect(why, "a number from 1 to %u", UINT32_MAX);
	return 0;
}

int parse_seconds(const char *word, void *field, char *why)
{
	const char *dot = strchr(word, '.');
	char whole[16];
	size_t n = dot ? (size_t)(dot - word) : strlen(word);
	uint64_t seconds = 0, fraction = 0, unit = NS_PER_S;

	if (n >= sizeof(whole) || (!n && !dot))
		return expect(why, "seconds, such as 10 or 0.5");
	memcpy(whole, word, n);
	whole[n] = '\0';
	if (n && parse_number(whole, 0, 366 * 86400, &seconds))
		return expect(why, "seconds, up to a year");
	if (dot && (strlen(dot + 1) > 9 || parse_number(dot + 1, 0, NS_PER_S - 1, &fraction)))
		return expect(why, "seconds, such as 10 or 0.5");
	for (const char *digit = dot ? dot + 1 : ""; *digit; digit++)
		unit /= 10;
	*(uint64_t *)field = seconds * NS_PER_S + fraction * unit;
	return 0;
}

int parse_duration(const char *word, void *field, char *why)
{
	uint64_t ns = 0;
	int r = parse_seconds(word, &ns, why);

	if (!r && !ns)
		return expect(why, "more than 0 seconds");
	if (!r)
		*(uint64_t *)field = ns;
	return r;
}

int parse_way(const char *word, void *field, char *why)
{
	if (way_by_slug(word, field))
		return expect(why, "auto, tp_btf, fentry or kprobe");
	return 0;
}

int parse_ring(const char *word, void *field, char *why)
{
	uint64_t kib;

	if (parse_number(word, 8, 1048576, &kib))
		return expect(why, "KiB from 8 to 1048576");
	*(uint32_t *)field = (uint32_t)kib;
	return 0;
}

int parse_flows(const char *word, void *field, char *why)
{
	uint64_t n;

	if (parse_number(word, 16, 16777216, &n))
		return expect(why, "a number from 16 to 16777216");
	*(uint32_t *)field = (uint32_t)n;
	return 0;
}

int parse_closer(const char *word, void *field, char *why)
{
	if (strcmp(word, "server") && strcmp(word, "client"))
		return expect(why, "server or client");
	*(const char **)field = word;
	return 0;
}
