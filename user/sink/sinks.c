/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "sink/sink.h"

const struct sink_ops *const sinks[] = { &sink_text, &sink_ndjson, &sink_ladder, &sink_bill, &sink_stuck,
					 &sink_truth, &sink_tap, NULL };
