/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* states: TCP states by the kernel's numbers and names (include/net/tcp_states.h; UAPI since v2.6). */
#ifndef TCPCLOSE_CORE_STATES_H
#define TCPCLOSE_CORE_STATES_H

#include <stdint.h>

#define TCP_STATES(X)                                                                              \
	X(ESTABLISHED, 1)                                                                          \
	X(SYN_SENT, 2)                                                                             \
	X(SYN_RECV, 3)                                                                             \
	X(FIN_WAIT1, 4)                                                                            \
	X(FIN_WAIT2, 5)                                                                            \
	X(TIME_WAIT, 6)                                                                            \
	X(CLOSE, 7)                                                                                \
	X(CLOSE_WAIT, 8)                                                                           \
	X(LAST_ACK, 9)                                                                             \
	X(LISTEN, 10)                                                                              \
	X(CLOSING, 11)                                                                             \
	X(NEW_SYN_RECV, 12)

enum tcp_state {
	ST_NONE = 0,
#define X(name, number) ST_##name = (number),
	TCP_STATES(X)
#undef X
};

/* "FIN_WAIT1"; "?" for a number that no kernel of ours has. Never NULL. */
const char *state_name(uint8_t state);

#endif
