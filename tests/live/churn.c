/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * churn COUNT: opens and ends COUNT connections on loopback, one after the
 * other, from one process: by turns the server closes first with a FIN, and
 * with SO_LINGER 0 by an RST. A load, not a test; churn.py counts what came of it.
 * Clients come from many loopback addresses, so that TIME_WAIT does not use up
 * the ports. Prints the server's port first and "done" last.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT_MAX 1000000
#define ADDRESSES 200

static int fail(const char *what)
{
	fprintf(stderr, "churn: %s: %s\n", what, strerror(errno));
	return 1;
}

static int listen_anywhere(struct sockaddr_in *ret)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		return -1;
	*ret = address;
	return fd;
}

static int connect_from(uint32_t host, const struct sockaddr_in *server)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	from.sin_addr.s_addr = htonl(host);
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    connect(fd, (const struct sockaddr *)server, sizeof(*server)))
		return -1;
	return fd;
}

static int one(int listener, const struct sockaddr_in *server, uint32_t host, int by_rst)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	int client = connect_from(host, server), accepted;
	char byte;

	if (client < 0)
		return fail("connect");
	accepted = accept(listener, NULL, NULL);
	if (accepted < 0)
		return fail("accept");
	if (by_rst && setsockopt(accepted, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		return fail("setsockopt");
	close(accepted);
	if (read(client, &byte, 1) > 0)
		return fail("read");
	close(client);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in server;
	char *end = "";
	long count = argc == 2 ? strtol(argv[1], &end, 10) : 0;
	int listener;

	if (*end || count < 1 || count > COUNT_MAX) {
		fprintf(stderr, "usage: churn COUNT (1 to %d)\n", COUNT_MAX);
		return 2;
	}
	listener = listen_anywhere(&server);
	if (listener < 0)
		return fail("listen");
	printf("%d\n", ntohs(server.sin_port));
	fflush(stdout);
	for (long i = 0; i < count; i++)
		if (one(listener, &server, INADDR_LOOPBACK + 256 + (uint32_t)(i / 2 % ADDRESSES), i & 1))
			return 1;
	puts("done");
	return 0;
}
