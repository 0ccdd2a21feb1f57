/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* span: how long it was from one time to another. */
#ifndef TCPCLOSE_BASE_SPAN_H
#define TCPCLOSE_BASE_SPAN_H

#include <stdint.h>

/* Times are taken on more CPUs than one, and then put in line: the later one may come out as the earlier. Then 0. */
static inline uint64_t span_ns(uint64_t from_ns, uint64_t until_ns)
{
	return until_ns > from_ns ? until_ns - from_ns : 0;
}

#endif
