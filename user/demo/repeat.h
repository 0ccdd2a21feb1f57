/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* repeat: one ending many times, and what that leaves in the kernel. */
#ifndef TCPCLOSE_DEMO_REPEAT_H
#define TCPCLOSE_DEMO_REPEAT_H

#include "core/record.h"
#include "demo/listed.h"
#include "endings.h"

struct repeat {
	uint16_t port;
	uint8_t family;
	uint16_t port_first, port_last; /* that connect() chooses from; 0 = not known */
	struct listed before;
	struct left left;
};

/* Before the first run. 0 or negative errno. */
int repeat_begin(struct repeat *repeat, const struct ending *ending, enum side closer);
/* Every record of the runs. */
void repeat_take(struct repeat *repeat, const struct record *record);
/* After the last: repeat->left is complete. 0 or negative errno. */
int repeat_end(struct repeat *repeat);
void repeat_free(struct repeat *repeat);

#endif
