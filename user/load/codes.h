/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* codes: where the code of the functions lies that end mini-sockets (callers.def). */
#ifndef TCPCLOSE_LOAD_CODES_H
#define TCPCLOSE_LOAD_CODES_H

#include <linux/types.h>
#include <stddef.h>
#include <stdio.h>

#include "wire.h"

/*
 * kallsyms: as in /proc, by rising address. Up to max of them; returns how many, 0
 * where addresses are hidden. A part that the compiler cut off ("f.cold") is found
 * too. Modules are not looked at: their symbols are in no order.
 */
size_t codes_find(FILE *kallsyms, struct wire_code *ret, size_t max);

#endif
