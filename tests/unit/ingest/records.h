/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* records: records of the wire, made by hand, for the tests of ingest. */
#ifndef TCPCLOSE_TESTS_INGEST_RECORDS_H
#define TCPCLOSE_TESTS_INGEST_RECORDS_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/decode.h"
#include "wire.h"

#define N_LAYOUTS 16
extern const size_t layout_sizes[N_LAYOUTS];

/* Room for more than any record that is known, so that a longer one can be made. */
union any {
	struct wire_event ev;
	struct wire_by_task by_task;
	struct wire_place place;
	struct wire_brief brief;
	struct wire_alone alone;
	struct wire_full full;
	struct wire_held held;
	struct wire_mini mini;
	struct wire_stray stray;
	struct wire_request request;
	struct wire_spot spot;
	struct wire_spot_who spot_who;
	struct wire_spot_sums spot_sums;
	struct wire_spot_all spot_all;
	struct wire_spot_mini spot_mini;
	unsigned char bytes[512];
};

/* "NOT_SPECIFIED", NULL, "TCP_ABORT_ON_CLOSE"; 250 jiffies a second */
extern const struct decoder decoder;

/* Zeroes under a good head. */
union any record(enum wire_kind kind, enum wire_layout layout);
/* All bits set under a good head. */
union any full_of_ones(enum wire_kind kind, enum wire_layout layout);
/*
 * decode() of a copy that ends where the record ends, so that a sanitizer or
 * valgrind sees a read beyond it; asserts that *ret is as it was on failure.
 */
int decode_bytes(const struct decoder *d, const void *bytes, size_t size, struct obs *ret);
/* The same of as many bytes as the record says it has. */
int decode_record(const union any *w, struct obs *ret);

#endif
