/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* codes: where the code of the functions lies that end mini-sockets (callers.def). */
#ifndef TCPCLOSE_LOAD_CODES_H
#define TCPCLOSE_LOAD_CODES_H

#include <linux/types.h>
#include <stddef.h>

#include "load/symbols.h"
#include "wire.h"

struct codes {
	struct wire_code code[WIRE_CODES_MAX];
	size_t n; /* 0 where addresses are hidden */
};

/*
 * One symbol of the kernel's after the other, by rising address: a function ends
 * where the next one begins. A part that the compiler cut off ("f.cold") is found
 * too. Modules' are not to be told: they are in no order.
 */
void codes_take(struct codes *codes, const struct symbol *symbol);
/* There are no more. */
void codes_end(struct codes *codes);

#endif
