/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * raw_net: a network namespace with one wire in it, a TUN interface: on this side
 * a host of its own, on the other whoever has the descriptor. Needs CAP_NET_ADMIN
 * in it, and CAP_SYS_ADMIN to make one.
 */
#ifndef TCPCLOSE_RAW_NET_H
#define TCPCLOSE_RAW_NET_H

#include <stdbool.h>

#include "raw_packet.h"

#define RAW_NET_DEVICE "wire0"
/* Documentation's addresses: nobody's. The host's, and the scripted peer's. */
#define RAW_NET_HOST4  "192.0.2.1"
#define RAW_NET_PEER4  "192.0.2.2"
#define RAW_NET_HOST6  "2001:db8::1"
#define RAW_NET_PEER6  "2001:db8::2"

/* Can there be a wire? 0, or the negative errno of trying. */
int raw_net_possible(void);

struct raw_net {
	int netns; /* descriptor of the namespace */
	int tun;   /* what is written arrives at the host, what it sends is read */
};
#define RAW_NET_INIT   \
	{              \
		-1, -1 \
	}

/*
 * Makes a namespace and its wire; the caller stays where it is. `sysctls`: words
 * "NAME=VALUE", NAME without net.ipv4. -EPERM without privileges, -ENOENT or
 * -ENODEV without TUN.
 */
int raw_net_open(const char *sysctls, struct raw_net *ret);
/* The same in the caller's own namespace, in which nothing else must be up (-EBUSY). */
int raw_net_here(const char *sysctls, int *tun_ret);
void raw_net_close(struct raw_net *net);
/* The way to the scripted peer goes away, in the caller's namespace. */
int raw_net_unroute(void);
/* The addresses, from the view of the peer; no ports. */
void raw_net_ends(int family, struct raw_ends *ret);

#endif
