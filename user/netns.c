/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "netns.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "load/namespaces.h"

/* The file's first bytes as a string; false when it cannot be read. */
static bool read_text(const char *path, char *buf, size_t size)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

static bool read_sysctl(const char *name, uint32_t *ret)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	return read_text(path, text, sizeof(text)) && sscanf(text, "%" SCNu32, ret) == 1;
}

/* "8080,9148-9200": how many of these lie in the range. */
static uint32_t count_reserved(char *list, uint16_t first, uint16_t last)
{
	uint32_t n = 0;
	char *rest = NULL;

	for (char *word = strtok_r(list, ",\n", &rest); word; word = strtok_r(NULL, ",\n", &rest)) {
		unsigned from, to;
		int got = sscanf(word, "%u-%u", &from, &to);

		if (got < 1)
			continue;
		if (got == 1)
			to = from;
		from = from < first ? first : from;
		to = to > last ? last : to;
		n += from <= to ? to - from + 1 : 0;
	}
	return n;
}

static bool read_ports(struct bill_rules *r)
{
	CLEANUP(free) char *list = malloc(65536);
	char text[64];

	if (!list || !read_text("/proc/sys/net/ipv4/ip_local_port_range", text, sizeof(text)) ||
	    sscanf(text, "%" SCNu16 " %" SCNu16, &r->port_first, &r->port_last) != 2)
		return false;
	r->ports = (uint32_t)r->port_last - r->port_first + 1;
	if (read_text("/proc/sys/net/ipv4/ip_local_reserved_ports", list, 65536))
		r->ports -= count_reserved(list, r->port_first, r->port_last);
	return true;
}

/* "TCP: inuse 4 orphan 0 tw 12 alloc 5 mem 1" */
static bool read_count(uint64_t *ret)
{
	char text[1024], *tcp;

	if (!read_text("/proc/thread-self/net/sockstat", text, sizeof(text)))
		return false;
	tcp = strstr(text, "TCP:");
	tcp = tcp ? strstr(tcp, " tw ") : NULL;
	return tcp && sscanf(tcp, " tw %" SCNu64, ret) == 1;
}

static void read_rules(struct bill_rules *r)
{
	uint32_t timestamps = 0;

	r->known = read_ports(r) && read_sysctl("tcp_tw_reuse", &r->tw_reuse) &&
		   read_sysctl("tcp_timestamps", &timestamps) &&
		   read_sysctl("tcp_max_tw_buckets", &r->max_tw) &&
		   read_sysctl("tcp_fin_timeout", &r->fin_timeout_s);
	r->timestamps = timestamps;
	r->counted = read_count(&r->kernel_tw);
}

struct wanted {
	struct bill_rules *rules;
	size_t n, asked;
};

/* In one of all the namespaces: 1 when nobody has to be asked any more. */
static int ask(void *ctx)
{
	struct wanted *wanted = ctx;
	uint32_t ino = namespaces_own();

	for (size_t i = 0; i < wanted->n; i++) {
		if (wanted->rules[i].netns != ino)
			continue;
		read_rules(&wanted->rules[i]);
		wanted->asked++;
	}
	return wanted->asked == wanted->n;
}

void netns_rules(struct bill_rules *rules, size_t n)
{
	struct wanted wanted = { rules, n, 0 };

	for (size_t i = 0; i < n; i++)
		rules[i] = (struct bill_rules){ .netns = rules[i].netns };
	/* who cannot be found or entered is not known */
	if (n && namespaces_visit(ask, &wanted) < 0)
		log_debug("not all network namespaces could be asked for their settings");
}

uint32_t netns_mini_bytes(void)
{
	CLEANUP(fclose) FILE *slabs = NULL;
	char text[512];
	uint32_t bytes = 0;

	if (read_text("/sys/kernel/slab/tw_sock_TCP/slab_size", text, sizeof(text)) &&
	    sscanf(text, "%" SCNu32, &bytes) == 1)
		return bytes;
	slabs = fopen("/proc/slabinfo", "re");
	while (slabs && fgets(text, sizeof(text), slabs))
		if (sscanf(text, "tw_sock_TCP %*u %*u %" SCNu32, &bytes) == 1)
			return bytes;
	return 0;
}
