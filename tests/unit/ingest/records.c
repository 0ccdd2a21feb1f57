// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "records.h"

static const char *reasons[] = { "NOT_SPECIFIED", NULL, "TCP_ABORT_ON_CLOSE" };
const struct decoder decoder = { .hz = 250, .reasons = reasons, .n_reasons = 3 };

const size_t layout_sizes[N_LAYOUTS] = {
	[WIRE_LEAN] = sizeof(struct wire_event), [WIRE_BRIEF] = sizeof(struct wire_brief),
	[WIRE_FULL] = sizeof(struct wire_full), [WIRE_MINI] = sizeof(struct wire_mini),
	[WIRE_TASK] = sizeof(struct wire_by_task), [WIRE_PLACE] = sizeof(struct wire_place),
	[WIRE_SOCK] = sizeof(struct wire_alone), [WIRE_HELD] = sizeof(struct wire_held),
	[WIRE_STRAY] = sizeof(struct wire_stray), [WIRE_REQUEST] = sizeof(struct wire_request),
	[WIRE_SPOT] = sizeof(struct wire_spot), [WIRE_SPOT_WHO] = sizeof(struct wire_spot_who),
	[WIRE_SPOT_SUMS] = sizeof(struct wire_spot_sums), [WIRE_SPOT_ALL] = sizeof(struct wire_spot_all),
	[WIRE_SPOT_MINI] = sizeof(struct wire_spot_mini),
};

union any record(enum wire_kind kind, enum wire_layout layout)
{
	union any w = { 0 };

	w.ev.size = (__u16)layout_sizes[layout];
	w.ev.version = WIRE_VERSION;
	w.ev.kind = (__u8)kind;
	w.ev.layout = (__u8)layout;
	if (layout < WIRE_SPOT)
		w.ev.reason = WIRE_NO_REASON;
	else
		w.spot.reason = WIRE_SPOT_NO_REASON;
	return w;
}

union any full_of_ones(enum wire_kind kind, enum wire_layout layout)
{
	union any w = record(kind, layout);
	size_t head = offsetof(struct wire_event, hook);

	memset(w.bytes + head, 0xff, sizeof(w) - head);
	return w;
}

int decode_bytes(const struct decoder *d, const void *bytes, size_t size, struct obs *ret)
{
	unsigned char *exact = malloc(size ? size : 1);
	struct obs before;
	int r;

	assert_non_null(exact);
	memcpy(exact, bytes, size);
	memset(ret, 0x5a, sizeof(*ret));
	memcpy(&before, ret, sizeof(before));
	r = decode(d, exact, size, ret);
	if (r)
		assert_memory_equal(ret, &before, sizeof(before));
	free(exact);
	return r;
}

int decode_record(const union any *w, struct obs *ret)
{
	return decode_bytes(&decoder, w, w->ev.size, ret);
}
