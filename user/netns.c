/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define OWN "/proc/self/ns/net"

static uint32_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (uint32_t)st.st_ino;
}

uint32_t netns_own(void)
{
	return inode_of(OWN);
}

/* --- into one, and back ------------------------------------------------------------ */

static bool is_number(const char *name)
{
	return *name && !name[strspn(name, "0123456789")];
}

/* The first entry of a directory that leads to that namespace: its descriptor, or -1. */
static int find_in(const char *dir, const char *suffix, bool numbers, uint32_t ino)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;
	char path[512];
	int fd = -1;

	while (entries && fd < 0 && (entry = readdir(entries))) {
		if (entry->d_name[0] == '.' || (numbers && !is_number(entry->d_name)))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir, entry->d_name, suffix);
		if (inode_of(path) == ino)
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (entries)
		closedir(entries);
	return fd;
}

/* Held only as long as it is looked into: a descriptor would keep it alive. */
static int find(uint32_t ino)
{
	int fd = find_in("/proc", "/ns/net", true, ino);

	return fd < 0 ? find_in("/run/netns", "", false, ino) : fd;
}

/* --- what stands there ------------------------------------------------------------- */

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

	if (!read_text("/proc/self/net/sockstat", text, sizeof(text)))
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

void netns_rules(uint32_t ino, struct bill_rules *ret)
{
	CLEANUP(close) int own = open(OWN, O_RDONLY | O_CLOEXEC);
	CLEANUP(close) int other = -1;

	*ret = (struct bill_rules){ .netns = ino };
	if (ino == netns_own()) {
		read_rules(ret);
		return;
	}
	other = own < 0 ? -1 : find(ino);
	if (other < 0 || setns(other, CLONE_NEWNET))
		return;
	read_rules(ret);
	if (setns(own, CLONE_NEWNET)) {
		/* whatever came after this would be true of another machine */
		log_error("cannot go back into our own network namespace: %s", strerror(errno));
		abort();
	}
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
