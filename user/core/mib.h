/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* mib: the kernel's counters of one network namespace, out of what /proc/net/snmp and netstat say. */
#ifndef TCPCLOSE_CORE_MIB_H
#define TCPCLOSE_CORE_MIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum counter {
#define COUNTER(id, kind, group, names, vantages, words) COUNTER_##id,
#include "core/counter.def"
#undef COUNTER
	COUNTER_MAX,
};

enum counter_kind {
	COUNTER_SUM,
	COUNTER_LEAST, /* some of it no sensor sees, anywhere */
	COUNTER_GAUGE,
};

struct counter_row {
	enum counter_kind kind;
	const char *group; /* "Tcp" */
	const char *names; /* "OutRsts"; "A+B" is a sum */
	uint32_t vantages; /* bits 1 << VANTAGE_... */
	const char *words;
};
const struct counter_row *counter_row(enum counter counter);

struct mibs {
	uint64_t value[COUNTER_MAX];
	bool known[COUNTER_MAX]; /* all names of the row were there */
};

/*
 * Adds what one of the two files holds. Pairs of lines, `Group: names` and
 * `Group: values`; whatever is no such pair, or no counter of ours, is passed over.
 */
void mib_add(struct mibs *mibs, const char *text, size_t n);
/*
 * How far each has moved since `before`; a gauge stays what it is. False when one has
 * gone back, as no counter of one namespace does.
 */
bool mib_subtract(struct mibs *mibs, const struct mibs *before);

#endif
