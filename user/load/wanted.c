/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/wanted.h"

#include <linux/types.h>
#include <stddef.h>

#include "wire.h"

static bool is_listed(const __u16 *list, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == port)
			return true;
	return false;
}

static bool wanted_ports(const struct wire_filter *f, const struct wire_tuple *t)
{
	if (f->n_local_ports && !is_listed(f->local_ports, f->n_local_ports, t->local_port))
		return false;
	if (f->n_remote_ports && !is_listed(f->remote_ports, f->n_remote_ports, t->peer_port))
		return false;
	return !f->n_ports || is_listed(f->ports, f->n_ports, t->local_port) ||
	       is_listed(f->ports, f->n_ports, t->peer_port);
}

static bool is_within(const struct wire_filter *f, const __u8 *addr)
{
	for (unsigned bit = 0; bit < f->addr_bits; bit += 8) {
		unsigned left = f->addr_bits - bit;
		__u8 mask = left >= 8 ? 0xff : (__u8)(0xff00 >> left);

		if ((addr[bit / 8] ^ f->addr[bit / 8]) & mask)
			return false;
	}
	return true;
}

bool wanted_tuple(const struct wire_filter *f, const struct wire_tuple *t)
{
	if (f->family && f->family != t->family)
		return false;
	if (f->addr_family &&
	    (f->addr_family != t->family || (!is_within(f, t->local) && !is_within(f, t->peer))))
		return false;
	return wanted_ports(f, t);
}

bool wanted_netns(const struct wire_filter *f, uint32_t netns_ino)
{
	return !f->netns_ino || f->netns_ino == netns_ino;
}
