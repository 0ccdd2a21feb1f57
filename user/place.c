/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* Far above what a kernel writes there: a file without an end is not read to it. */
#define COUNTERS_MAX (1 << 20)

static int loopback_up(void)
{
	CLEANUP(close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) ? -errno : 0;
}

static int keep(const char *path, int *ret)
{
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

/* Inside the new one: what is opened here stays its own. */
static int furnish(void *ctx)
{
	struct place *n = ctx;
	struct stat st;
	int r = keep("/proc/self/ns/net", &n->fd);

	if (!r)
		r = keep("/proc/self/net/snmp", &n->snmp);
	if (!r)
		r = keep("/proc/self/net/netstat", &n->netstat);
	if (!r && fstat(n->fd, &st))
		r = -errno;
	if (!r)
		n->inode = (uint32_t)st.st_ino;
	return r;
}

int place_new(struct place *ret)
{
	CLEANUP(close) int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct place n = PLACE_NONE;
	int r;

	if (home < 0 || unshare(CLONE_NEWNET))
		return -errno;
	r = loopback_up();
	if (!r)
		r = furnish(&n);
	if (setns(home, CLONE_NEWNET))
		r = -errno;
	if (r) {
		place_free(&n);
		return r;
	}
	*ret = n;
	return 0;
}

int place_inside(const struct place *n, int (*call)(void *ctx), void *ctx)
{
	CLEANUP(close) int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (home < 0 || setns(n->fd, CLONE_NEWNET))
		return -errno;
	r = call(ctx);
	return setns(home, CLONE_NEWNET) ? -errno : r;
}

int place_adopt(int fd, struct place *ret)
{
	struct place there = { .fd = fd, .snmp = -1, .netstat = -1 }, n = PLACE_NONE;
	int r = place_inside(&there, furnish, &n);

	if (r)
		place_free(&n);
	else
		*ret = n;
	return r;
}

static int add_file(int fd, struct mibs *mibs)
{
	CLEANUP(buf) struct buf text = BUF_INIT;
	ssize_t n = 1;

	while (n > 0 && text.len < COUNTERS_MAX && !buf_reserve(&text, 4096)) {
		n = pread(fd, text.data + text.len, 4096, (off_t)text.len);
		text.len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		return -errno;
	if (text.err)
		return text.err;
	mib_add(mibs, text.data, text.len);
	return 0;
}

int place_counters(const struct place *n, struct mibs *ret)
{
	struct mibs mibs = {0};
	int r = add_file(n->snmp, &mibs);

	if (!r)
		r = add_file(n->netstat, &mibs);
	if (!r)
		*ret = mibs;
	return r;
}

int place_counters_of(pid_t pid, struct mibs *ret)
{
	struct place n = PLACE_NONE;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/net/snmp", (int)pid);
	r = keep(path, &n.snmp);
	snprintf(path, sizeof(path), "/proc/%d/net/netstat", (int)pid);
	if (!r)
		r = keep(path, &n.netstat);
	if (!r)
		r = place_counters(&n, ret);
	place_free(&n);
	return r;
}

void place_free(struct place *n)
{
	int fds[] = {n->fd, n->snmp, n->netstat};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*n = PLACE_NONE;
}
