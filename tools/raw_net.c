/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "raw_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Of a millisecond each. */
#define READY_TRIES 2000
/* IFA_F_TENTATIVE */
#define TENTATIVE   0x40

/* As in <linux/ipv6.h>, which does not live beside <netinet/in.h>. */
struct address6 {
	struct in6_addr address;
	uint32_t prefix_length;
	int ifindex;
};

int raw_net_possible(void)
{
	CLEANUP(close) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

static int open_tun(int *ret)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	CLEANUP(close) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	strcpy(request.ifr_name, RAW_NET_DEVICE);
	if (ioctl(fd, TUNSETIFF, &request))
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static void set_ipv4(struct sockaddr *to, const char *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	in->sin_family = AF_INET;
	inet_pton(AF_INET, address, &in->sin_addr);
}

static int bring_up(int fd, const char *device)
{
	struct ifreq request = {0};

	strcpy(request.ifr_name, device);
	if (ioctl(fd, SIOCGIFFLAGS, &request))
		return -errno;
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) ? -errno : 0;
}

static int give_ipv4(int fd)
{
	struct ifreq request = {0};

	strcpy(request.ifr_name, RAW_NET_DEVICE);
	set_ipv4(&request.ifr_addr, RAW_NET_HOST4);
	if (ioctl(fd, SIOCSIFADDR, &request))
		return -errno;
	set_ipv4(&request.ifr_netmask, "255.255.255.255");
	return ioctl(fd, SIOCSIFNETMASK, &request) ? -errno : 0;
}

static int route_ipv4(int fd, unsigned long what)
{
	static char device[] = RAW_NET_DEVICE;
	struct rtentry route = {.rt_flags = RTF_UP | RTF_HOST, .rt_dev = device};

	set_ipv4(&route.rt_dst, RAW_NET_PEER4);
	set_ipv4(&route.rt_genmask, "255.255.255.255");
	return ioctl(fd, what, &route) ? -errno : 0;
}

/* On loopback: on the wire it would be tentative again when the link is found to be ready. */
static int give_ipv6(int fd)
{
	struct address6 request = {.prefix_length = 128, .ifindex = (int)if_nametoindex("lo")};

	inet_pton(AF_INET6, RAW_NET_HOST6, &request.address);
	return ioctl(fd, SIOCSIFADDR, &request) ? -errno : 0;
}

/* Is the wire's link-local address there, and no longer tentative? */
static bool link_is_ready(void)
{
	CLEANUP(fclose) FILE *all = fopen("/proc/thread-self/net/if_inet6", "re");
	char line[128], device[32];
	unsigned flags;

	while (all && fgets(line, sizeof(line), all))
		if (sscanf(line, "fe80%*s %*x %*x %*x %x %31s", &flags, device) == 2 &&
		    !strcmp(device, RAW_NET_DEVICE) && !(flags & TENTATIVE))
			return true;
	return false;
}

/* A tentative address is nobody's yet: connections would take another one for their source. */
static bool address_is_ready(int fd)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};

	inet_pton(AF_INET6, RAW_NET_HOST6, &address.sin6_addr);
	return !bind(fd, (struct sockaddr *)&address, sizeof(address)) || errno == EINVAL;
}

/*
 * Some time after all is up, workers find the wire to be ready, and the addresses
 * to be nobody else's. Where IPv6 makes no link-local address nothing tells of the
 * former: then it has had its time.
 */
static void await_ipv6(void)
{
	CLEANUP(close) int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < READY_TRIES && !(link_is_ready() && address_is_ready(fd)); i++)
		ppoll(NULL, 0, &pause, NULL);
}

static int route_ipv6(int fd, unsigned long what)
{
	struct in6_rtmsg route = {.rtmsg_dst_len = 128,
				  .rtmsg_metric = 1,
				  .rtmsg_flags = RTF_UP | RTF_HOST,
				  .rtmsg_ifindex = (int)if_nametoindex(RAW_NET_DEVICE)};

	inet_pton(AF_INET6, RAW_NET_PEER6, &route.rtmsg_dst);
	return ioctl(fd, what, &route) ? -errno : 0;
}

/* Both families, as far as the kernel has them: without IPv6 there is IPv4. */
static int set_up_wire(void)
{
	CLEANUP(close) int four = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CLEANUP(close) int six = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (four < 0)
		return -errno;
	r = bring_up(four, "lo");
	if (!r)
		r = give_ipv4(four);
	if (!r)
		r = bring_up(four, RAW_NET_DEVICE);
	if (!r)
		r = route_ipv4(four, SIOCADDRT);
	if (!r && six >= 0) {
		r = give_ipv6(six);
		if (!r)
			r = route_ipv6(six, SIOCADDRT);
		if (!r)
			await_ipv6();
	}
	return r;
}

/* One "NAME=VALUE" of n bytes. */
static int set_sysctl(const char *word, size_t n)
{
	size_t name = strcspn(word, "=");
	CLEANUP(close) int fd = -1;
	char path[128];

	if (name >= n)
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%.*s", (int)name, word);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, word + name + 1, n - name - 1) < 0 ? -errno : 0;
}

static int set_sysctls(const char *words)
{
	int r = 0;

	for (size_t n; *words && !r; words += n + strspn(words + n, " ")) {
		n = strcspn(words, " ");
		r = set_sysctl(words, n);
	}
	return r;
}

static int furnish(const char *sysctls, int *tun_ret)
{
	CLEANUP(close) int tun = -1;
	int r = open_tun(&tun);

	if (!r)
		r = set_up_wire();
	if (!r)
		r = set_sysctls("conf/all/rp_filter=0 conf/" RAW_NET_DEVICE "/rp_filter=0");
	if (!r)
		r = set_sysctls(sysctls);
	if (!r)
		*tun_ret = TAKE_FD(tun);
	return r;
}

int raw_net_open(const char *sysctls, struct raw_net *ret)
{
	CLEANUP(close) int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct raw_net net = RAW_NET_INIT;
	int r;

	if (home < 0 || unshare(CLONE_NEWNET))
		return -errno;
	r = furnish(sysctls, &net.tun);
	if (!r) {
		net.netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		r = net.netns < 0 ? -errno : 0;
	}
	if (setns(home, CLONE_NEWNET) && !r)
		r = -errno;
	if (r)
		raw_net_close(&net);
	else
		*ret = net;
	return r;
}

/* An interface that is up, but loopback: the namespace is somebody's. */
static int check_unused(void)
{
	CLEANUP(close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *all = if_nameindex();
	int r = fd < 0 || !all ? -errno : 0;

	for (struct if_nameindex *each = all; !r && each->if_index; each++) {
		struct ifreq request = {0};

		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", each->if_name);
		if (ioctl(fd, SIOCGIFFLAGS, &request))
			r = -errno;
		else if (request.ifr_flags & IFF_UP && !(request.ifr_flags & IFF_LOOPBACK))
			r = -EBUSY;
	}
	if (all)
		if_freenameindex(all);
	return r;
}

int raw_net_here(const char *sysctls, int *tun_ret)
{
	int r = check_unused();

	return r ? r : furnish(sysctls, tun_ret);
}

void raw_net_close(struct raw_net *net)
{
	if (net->tun >= 0)
		close(net->tun);
	if (net->netns >= 0)
		close(net->netns);
	*net = (struct raw_net)RAW_NET_INIT;
}

int raw_net_unroute(void)
{
	CLEANUP(close) int four = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CLEANUP(close) int six = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = four < 0 ? -errno : route_ipv4(four, SIOCDELRT);

	return r || six < 0 ? r : route_ipv6(six, SIOCDELRT);
}

void raw_net_ends(int family, struct raw_ends *ret)
{
	bool four = family == AF_INET;

	*ret = (struct raw_ends){.family = four ? 4 : 6};
	inet_pton(family, four ? RAW_NET_PEER4 : RAW_NET_PEER6, ret->here);
	inet_pton(family, four ? RAW_NET_HOST4 : RAW_NET_HOST6, ret->there);
}
