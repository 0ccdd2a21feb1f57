/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_wire.h"

#include <errno.h>
#include <linux/filter.h>

#define SLOW_STEPS 1000

/* A socket with a key for its peer drops what is not signed with it, and signs what it sends. */
int wire_cut(struct caller *c, int fd, const struct sockaddr_storage *peer)
{
	return call_md5(c, fd, peer, "tcpclose", "deaf and mute from now on");
}

int wire_mend(struct caller *c, int fd, const struct sockaddr_storage *peer)
{
	return call_md5(c, fd, peer, "", "hears and speaks again");
}

/*
 * Each step fetches a random number, tens of nanoseconds, in the sender's own
 * softirq and before the receiver's socket is locked: on loopback that is the
 * wire. What a program may weigh is net.core.optmem_max (20 KB before v6.7): a
 * shorter one will do too.
 */
int wire_slow(struct caller *c, int fd)
{
	struct sock_filter code[SLOW_STEPS + 1];
	int r = -ENOMEM;

	for (unsigned short steps = SLOW_STEPS; r == -ENOMEM && steps >= 50; steps /= 2) {
		for (unsigned short i = 0; i < steps; i++)
			code[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							       (__u32)(SKF_AD_OFF + SKF_AD_RANDOM));
		code[steps] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
		r = call_filter(c, fd, code, (unsigned short)(steps + 1));
	}
	return r;
}
