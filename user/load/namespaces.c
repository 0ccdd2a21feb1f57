/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/namespaces.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

struct visit {
	int (*each)(void *ctx);
	void *ctx;
	int home;
	ino_t *seen;
	size_t n, room;
	bool lost; /* could not come home: nothing more is visited */
};

/* True for the first time. */
static bool note(struct visit *v, ino_t ino)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->seen[i] == ino)
			return false;
	if (v->n == v->room) {
		size_t room = v->room ? 2 * v->room : 16;
		ino_t *seen = reallocarray(v->seen, room, sizeof(*seen));

		if (!seen)
			return false;
		v->seen = seen;
		v->room = room;
	}
	v->seen[v->n++] = ino;
	return true;
}

/* A namespace that is gone by now, or that may not be entered, is passed over. */
static int visit(struct visit *v, const char *path)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || v->lost || fstat(fd, &st) || !note(v, st.st_ino))
		return 0;
	if (setns(fd, CLONE_NEWNET))
		return 0;
	r = v->each(v->ctx);
	if (setns(v->home, CLONE_NEWNET)) {
		log_error("cannot go back to the own network namespace: %s", strerror(errno));
		v->lost = true;
		return r ? r : -EPERM;
	}
	return r;
}

static int visit_processes(struct visit *v)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	while (!r && proc && (entry = readdir(proc))) {
		char path[sizeof("/proc//ns/net") + sizeof(entry->d_name)];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		r = visit(v, path);
	}
	if (proc)
		closedir(proc);
	return r;
}

/* Kept without a process: "ip netns" and containers' pauses. */
static int visit_mounts(struct visit *v)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	int r = 0;

	while (!r && mounts && (mount = getmntent(mounts)))
		/* whether it is one of the network's, setns() says */
		if (!strcmp(mount->mnt_type, "nsfs"))
			r = visit(v, mount->mnt_dir);
	if (mounts)
		endmntent(mounts);
	return r;
}

int namespaces_visit(int (*each)(void *ctx), void *ctx)
{
	CLEANUP(close) int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct visit v = { .each = each, .ctx = ctx, .home = home };
	struct stat st;
	int r = each(ctx);

	/* whoever may not come home must not leave */
	if (r || home < 0 || fstat(home, &st) || setns(home, CLONE_NEWNET))
		return r;
	note(&v, st.st_ino);
	r = visit_processes(&v);
	if (!r)
		r = visit_mounts(&v);
	free(v.seen);
	return r;
}
