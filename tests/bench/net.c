/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
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

#include "load.h"

static int loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	r = ioctl(fd, SIOCSIFFLAGS, &request) ? -errno : 0;
	close(fd);
	return r;
}

static int set_tw_buckets(uint32_t buckets)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%u", buckets), r;
	int fd = open("/proc/sys/net/ipv4/tcp_max_tw_buckets", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	r = write(fd, text, (size_t)size) == size ? 0 : -errno;
	close(fd);
	return r;
}

/*
 * TIME_WAITs of an earlier run, and the machine's own firewall, would be part of
 * what is measured. A namespace of its own begins empty and takes its
 * mini-sockets along when it ends.
 */
int net_private(uint32_t tw_buckets)
{
	int r;

	if (unshare(CLONE_NEWNET))
		return -errno;
	r = loopback_up();
	if (!r && tw_buckets)
		r = set_tw_buckets(tw_buckets);
	return r;
}

uint64_t net_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

int net_listen(struct sockaddr_in *ret)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)&address, &size)) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret = address;
	return fd;
}

int net_connect(uint32_t host, const struct sockaddr_in *server)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, r;

	if (fd < 0)
		return -errno;
	from.sin_addr.s_addr = htonl(host);
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    connect(fd, (const struct sockaddr *)server, sizeof(*server))) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

uint32_t net_source(const struct worker *w)
{
	/* each process has its own */
	return INADDR_LOOPBACK + ((w->index + 1) << 16) + (uint32_t)(w->ops % 1024);
}

int net_pair(struct worker *w, int *near_ret, int *far_ret)
{
	int near = net_connect(net_source(w), &w->server), far, r;

	if (near < 0)
		return near;
	far = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
	if (far < 0) {
		r = -errno;
		close(near);
		return r;
	}
	*near_ret = near;
	*far_ret = far;
	return 0;
}

int net_end_by_reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) ? -errno : 0;
}
