/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "load/cgroup.h"

/* 0 when it is one, and its top. */
static int check_root(void)
{
	CLEANUP(close) int fd = cgroup_open_root();
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return -fd;
	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return 1;
	return fs.f_type == CGROUP2_SUPER_MAGIC && S_ISDIR(st.st_mode) && st.st_ino == 1 ? 0 : 1;
}

static void what_is_opened_is_the_top_of_cgroup2(void **state)
{
	CLEANUP(close) int fd = cgroup_open_root();

	(void)state;
	/* no root, or in somebody's container: there is none to be had */
	if (fd < 0)
		skip();
	assert_int_equal(check_root(), 0);
}

/* What is to be seen of /sys, and of other processes' mounts, is hidden: status 0 when the root is found all the same. */
static int look_hidden(const char *also)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/sys", "tmpfs", 0, NULL) || (also && mount("none", also, "tmpfs", 0, NULL)))
		return 77;
	return check_root();
}

static int in_a_child(int (*play)(const char *also), const char *also)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(play(also));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void it_is_found_where_ip_netns_exec_hides_it(void **state)
{
	int status = cgroup_open_root() < 0 ? 77 : in_a_child(look_hidden, NULL);

	(void)state;
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

/* Also when process 1's mounts are no help: with another file system at /proc there is no process 1. */
static void it_is_mounted_for_this_alone_where_nobody_shows_it(void **state)
{
	int status = cgroup_open_root() < 0 ? 77 : in_a_child(look_hidden, "/proc");

	(void)state;
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_opened_is_the_top_of_cgroup2),
		cmocka_unit_test(it_is_found_where_ip_netns_exec_hides_it),
		cmocka_unit_test(it_is_mounted_for_this_alone_where_nobody_shows_it),
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
