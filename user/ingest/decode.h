/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* decode: a record of the wire becomes an observation. The only place that knows the layout in user space. */
#ifndef TCPCLOSE_INGEST_DECODE_H
#define TCPCLOSE_INGEST_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "core/obs.h"

struct decoder {
	uint32_t hz;	       /* jiffies per second; 0 = not known: lingering times are then 0 or 1 ms */
	const char **reasons;  /* names of enum sk_rst_reason by number, NULL = none */
	size_t n_reasons;
};

/*
 * Trusts nothing but the size. ret->rst_reason points into reasons. -EBADMSG for
 * a record that cannot be one, -EPROTO for another version, -ENOMSG for a kind
 * that this version does not know (pass over it). ret is untouched on failure.
 */
int decode(const struct decoder *d, const void *record, size_t size, struct obs *ret);

#endif
