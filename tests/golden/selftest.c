/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The self-test's table and its TAP. */
#include "golden.h"
#include "records.h"

static void print_as(const struct sink_ops *ops, const char *name, const char *file)
{
	char *text = golden_print(ops, (struct sink_config){ .wall_minus_mono_ns = WALL_MINUS_MONO },
				  golden_records);

	golden_compare(name, file, text);
	free(text);
}

int main(void)
{
	print_as(&sink_truth, "the table", "truth.expected");
	print_as(&sink_tap, "TAP, the plan last", "tap.expected");
	return golden_done();
}
