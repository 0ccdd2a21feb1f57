/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tcpclose-echo-client: the client of the echo pair. */
#include "echo_common.h"

int main(int argc, char **argv)
{
	return echo_main(argc, argv, SIDE_CLIENT);
}
