/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/namespaces.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <mntent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define OWN "/proc/thread-self/ns/net"

struct listing {
	int (*each)(void *ctx, const char *path, pid_t pid);
	void *ctx;
	ino_t *seen;
	size_t n, room;
};

uint32_t namespaces_own(void)
{
	struct stat st;

	return stat(OWN, &st) ? 0 : (uint32_t)st.st_ino;
}

/* True for the first time. */
static bool note(struct listing *l, ino_t ino)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->seen[i] == ino)
			return false;
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 16;
		ino_t *seen = reallocarray(l->seen, room, sizeof(*seen));

		if (!seen)
			return false;
		l->seen = seen;
		l->room = room;
	}
	l->seen[l->n++] = ino;
	return true;
}

/* One that is gone by now is passed over. */
static int list_one(struct listing *l, const char *path, pid_t pid)
{
	struct stat st;

	return stat(path, &st) || !note(l, st.st_ino) ? 0 : l->each(l->ctx, path, pid);
}

static int list_processes(struct listing *l)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	while (!r && proc && (entry = readdir(proc))) {
		char path[sizeof("/proc//ns/net") + sizeof(entry->d_name)];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		r = list_one(l, path, (pid_t)strtol(entry->d_name, NULL, 10));
	}
	if (proc)
		closedir(proc);
	return r;
}

static bool is_of_network(const char *path)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

/* Kept without a process: "ip netns" and containers' pauses. */
static int list_mounts(struct listing *l)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	int r = 0;

	while (!r && mounts && (mount = getmntent(mounts)))
		if (!strcmp(mount->mnt_type, "nsfs") && is_of_network(mount->mnt_dir))
			r = list_one(l, mount->mnt_dir, 0);
	if (mounts)
		endmntent(mounts);
	return r;
}

int namespaces_list(int (*each)(void *ctx, const char *path, pid_t pid), void *ctx)
{
	struct listing l = { .each = each, .ctx = ctx };
	int r = list_processes(&l);

	if (!r)
		r = list_mounts(&l);
	free(l.seen);
	return r;
}

struct visit {
	int (*each)(void *ctx);
	void *ctx;
	int home;
	ino_t home_ino;
};

/* One that may not be entered is passed over. */
static int visit(void *ctx, const char *path, pid_t pid)
{
	struct visit *v = ctx;
	CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	(void)pid;
	if (fd < 0 || fstat(fd, &st) || st.st_ino == v->home_ino || setns(fd, CLONE_NEWNET))
		return 0;
	r = v->each(v->ctx);
	if (setns(v->home, CLONE_NEWNET)) {
		log_error("cannot go back to the own network namespace: %s", strerror(errno));
		return r ? r : -EPERM;
	}
	return r;
}

int namespaces_visit(int (*each)(void *ctx), void *ctx)
{
	CLEANUP(close) int home = open(OWN, O_RDONLY | O_CLOEXEC);
	struct visit v = { .each = each, .ctx = ctx, .home = home };
	struct stat st;
	int r = each(ctx);

	/* whoever may not come home must not leave */
	if (r || home < 0 || fstat(home, &st) || setns(home, CLONE_NEWNET))
		return r;
	v.home_ino = st.st_ino;
	return namespaces_list(visit, &v);
}
