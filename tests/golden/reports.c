/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What time-wait and stuck print for people. */
#include "golden.h"
#include "reports.h"

static int nothing_stuck(int (*take)(void *, const struct record *), void *ctx)
{
	return golden_stuck_older(1000 * SEC, take, ctx);
}

static bool is_harmless(const char *text)
{
	for (; *text; text++) {
		if (((unsigned char)*text < 0x20 && *text != '\n') || (unsigned char)*text > 0x7e)
			return false;
	}
	return true;
}

static void print_as(const char *name, const char *file, const struct sink_ops *ops,
		     int (*all)(int (*take)(void *, const struct record *), void *ctx))
{
	char *text = golden_print(ops, (struct sink_config){ .utf8 = true }, all);

	golden_compare(name, file, text);
	golden_result(is_harmless(text), "no control character gets through");
	free(text);
}

int main(void)
{
	print_as("the bill of TIME_WAIT", "bill.expected", &sink_bill, golden_bill);
	print_as("stuck sockets, one for each wait", "stuck.expected", &sink_stuck, golden_stuck);
	print_as("no stuck sockets", "stuck-none.expected", &sink_stuck, nothing_stuck);
	return golden_done();
}
