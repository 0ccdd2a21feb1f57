/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static bool is_writable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

static int open_path(const char *path, struct target *t)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	t->created = fd >= 0;
	/* with O_CREAT: it guards files of others in a directory that is everybody's */
	return t->created || errno != EEXIST ? fd : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
}

int target_open(const char *path, struct target *ret)
{
	struct target t = { .owned = path, .is_stdout = !path || !strcmp(path, "-") };
	CLEANUP(close) int fd = -1;

	t.name = t.is_stdout ? "standard output" : path;
	if (t.is_stdout && !is_writable(STDOUT_FILENO))
		return -EBADF;
	if (!path) {
		t.file = stdout;
		*ret = t;
		return 0;
	}
	fd = t.is_stdout ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) : open_path(path, &t);
	t.file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!t.file)
		return -errno;
	TAKE_FD(fd);
	*ret = t;
	return 0;
}

bool target_is(const struct target *t, int fd)
{
	struct stat a, b;

	return t->file && fd >= 0 && !fstat(fileno(t->file), &a) && !fstat(fd, &b) && !S_ISCHR(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int target_begin(struct target *t)
{
	int fd = t->file ? fileno(t->file) : -1;
	struct stat st;

	t->begun = true;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	if (!t->is_stdout)
		return ftruncate(fd, 0) ? -errno : 0;
	/* whoever started us may have something in it */
	t->from = fcntl(fd, F_GETFL) & O_APPEND ? st.st_size : lseek(fd, 0, SEEK_CUR);
	return 0;
}

void target_leave(struct target *t)
{
	if (!t->file || t->begun)
		return;
	__fpurge(t->file);
	if (t->created)
		unlink(t->name);
}

/* Where the last line ends, between `from` and `end`. */
static off_t end_of_lines(int fd, off_t from, off_t end)
{
	char block[4096];

	while (end > from) {
		size_t n = end - from < (off_t)sizeof(block) ? (size_t)(end - from) : sizeof(block);
		ssize_t got = pread(fd, block, n, end - (off_t)n);
		const char *last = got == (ssize_t)n ? memrchr(block, '\n', n) : NULL;

		if (got != (ssize_t)n)
			return -1;
		end -= (off_t)n;
		if (last)
			return end + (last - block) + 1;
	}
	return from;
}

void target_cut(struct target *t)
{
	int to = fileno(t->file);
	CLEANUP(close) int fd = -1;
	char again[32];
	struct stat st;
	off_t end;

	/* it would be tried once more */
	__fpurge(t->file);
	if (!t->begun || fstat(to, &st) || !S_ISREG(st.st_mode))
		return;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", to);
	fd = open(again, O_RDONLY | O_CLOEXEC);
	end = fd < 0 ? -1 : end_of_lines(fd, t->from, st.st_size);
	if (end >= 0 && !ftruncate(to, end) && !(fcntl(to, F_GETFL) & O_APPEND))
		lseek(to, end, SEEK_SET);
}
