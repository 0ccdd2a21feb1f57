/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "demo/listed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "core/states.h"

#define LINE_MAX_BYTES 512

static int add(struct listed *list, struct listed_socket socket)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		struct listed_socket *sockets = realloc(list->sockets, cap * sizeof(*sockets));

		if (!sockets)
			return -ENOMEM;
		list->sockets = sockets;
		list->cap = cap;
	}
	list->sockets[list->n++] = socket;
	return 0;
}

/* "   0: 0100007F:1092 0100007F:9C40 06 ..."; the heading is none of these. */
int listed_parse(FILE *table, uint16_t port, struct listed *list)
{
	char line[LINE_MAX_BYTES];
	int r = 0;

	while (!r && fgets(line, sizeof(line), table)) {
		unsigned local, peer, state;

		if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%x %x", &local, &peer, &state) != 3)
			continue;
		if (state == ST_LISTEN || (local != port && peer != port))
			continue;
		r = add(list, (struct listed_socket){ (uint16_t)local, (uint16_t)peer, (uint8_t)state });
	}
	return r;
}

int listed_read(uint8_t family, uint16_t port, struct listed *list)
{
	CLEANUP(fclose) FILE *table = fopen(family == 6 ? "/proc/net/tcp6" : "/proc/net/tcp", "re");

	return table ? listed_parse(table, port, list) : -errno;
}

static int by_ports(const void *a, const void *b)
{
	const struct listed_socket *x = a, *y = b;

	if (x->local_port != y->local_port)
		return x->local_port < y->local_port ? -1 : 1;
	return x->peer_port < y->peer_port ? -1 : x->peer_port > y->peer_port;
}

void listed_subtract(struct listed *list, const struct listed *before)
{
	size_t n = 0;

	if (before->n)
		qsort(before->sockets, before->n, sizeof(*before->sockets), by_ports);
	for (size_t i = 0; i < list->n; i++)
		if (!before->n || !bsearch(&list->sockets[i], before->sockets, before->n,
					   sizeof(*before->sockets), by_ports))
			list->sockets[n++] = list->sockets[i];
	list->n = n;
}

void listed_free(struct listed *list)
{
	free(list->sockets);
	*list = (struct listed){ 0 };
}
