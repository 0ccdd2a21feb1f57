/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * The root's own: a cgroup's id is its inode, since commit 67c0496e87d1 ("kernfs: convert
 * kernfs_node->id from union kernfs_node_id to u64") in v5.5.
 */
#define ROOT_ID 1

/* The descriptor, if it is the root's; else it is closed. */
static int root_or_none(int fd)
{
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_ino != ROOT_ID) {
		close(fd);
		return -EXDEV;
	}
	return fd;
}

/* Of a cgroup namespace of its own, the top is a mount like any other: all that are there are tried. */
static int open_mounted(const char *mounts, const char *root)
{
	CLEANUP(fclose) FILE *file = setmntent(mounts, "re");
	struct mntent *mount;
	int fd = -ENOENT;

	while (fd < 0 && file && (mount = getmntent(file))) {
		char path[512];

		if (strcmp(mount->mnt_type, "cgroup2") ||
		    (size_t)snprintf(path, sizeof(path), "%s%s", root, mount->mnt_dir) >= sizeof(path))
			continue;
		fd = root_or_none(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	}
	return fd;
}

/*
 * Nobody but this descriptor knows of the mount, and it goes with it. One trace stays
 * where there was no cgroup2 at all, only v1: from its first mount on the kernel has a
 * line "0::" in every /proc/PID/cgroup, until it is booted again.
 */
static int mount_alone(void)
{
	CLEANUP(close) int fs = fsopen("cgroup2", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	return root_or_none(fsmount(fs, FSMOUNT_CLOEXEC, 0));
}

int cgroup_open_root(void)
{
	int fd = open_mounted("/proc/self/mounts", "");

	if (fd < 0)
		fd = open_mounted("/proc/1/mounts", "/proc/1/root");
	return fd < 0 ? mount_alone() : fd;
}
