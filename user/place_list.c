/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The network namespaces that can be reached from here. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "place.h"

#define NAMES "/run/netns"

CLEANUP_DEFINE(dir, DIR *, closedir)

static bool is_listed(const struct place_seen *list, int n, uint32_t inode)
{
	for (int i = 0; i < n; i++)
		if (list[i].inode == inode)
			return true;
	return false;
}

/* 1 when it is one more, 0 when not. */
static int add(struct place_seen *list, int n, size_t max, const char *path, pid_t pid)
{
	struct place_seen *new = &list[n];
	struct stat st;

	if ((size_t)n >= max || stat(path, &st) || is_listed(list, n, (uint32_t)st.st_ino))
		return 0;
	*new = (struct place_seen){ .inode = (uint32_t)st.st_ino, .pid = pid };
	snprintf(new->path, sizeof(new->path), "%s", pid ? "" : path);
	return 1;
}

static int add_processes(struct place_seen *ret, size_t max)
{
	CLEANUP(dir) DIR *proc = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		char path[64];
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (!isdigit(*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
		n += add(ret, n, max, path, pid);
	}
	return n;
}

int place_list(struct place_seen *ret, size_t max)
{
	CLEANUP(dir) DIR *names = opendir(NAMES);
	struct dirent *entry;
	int n = add_processes(ret, max);

	while (n >= 0 && names && (entry = readdir(names))) {
		char path[sizeof(ret->path)];

		/* a name too long for us is one that we do not audit */
		if (*entry->d_name == '.' || snprintf(path, sizeof(path), NAMES "/%s", entry->d_name) >= (int)sizeof(path))
			continue;
		n += add(ret, n, max, path, 0);
	}
	return n;
}

static int counters_here(void *ctx)
{
	return place_counters_of(getpid(), ctx);
}

int place_counters_seen(const struct place_seen *seen, struct mibs *ret)
{
	struct place n = PLACE_NONE;
	int r;

	if (seen->pid)
		return place_counters_of(seen->pid, ret);
	n.fd = open(seen->path, O_RDONLY | O_CLOEXEC);
	r = n.fd < 0 ? -errno : place_inside(&n, counters_here, ret);
	place_free(&n);
	return r;
}
