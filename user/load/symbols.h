/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* symbols: the kernel's own, without its modules'. */
#ifndef TCPCLOSE_LOAD_SYMBOLS_H
#define TCPCLOSE_LOAD_SYMBOLS_H

#include <stdint.h>
#include <stdio.h>

struct symbol {
	uint64_t address; /* 0 = hidden (kernel.kptr_restrict, CAP_SYSLOG) */
	char type;	  /* as nm has it */
	const char *name; /* lives as long as the call */
};

/* kallsyms: as in /proc, where the modules' come last; ends at the first of them. What is no symbol is passed over. */
void symbols_each(FILE *kallsyms, void (*take)(void *ctx, const struct symbol *symbol), void *ctx);

#endif
