/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

/* Longer than any line of these. */
#define LINE_MAX_BYTES 400

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void take(struct output *o, uint64_t count)
{
	struct loss loss = { .where = "state", .count = count };
	struct record record = { .kind = REC_LOSS, .mono_ns = 1, .loss = &loss };

	assert_int_equal(output_take(o, &record), 0);
}

/* 4 KiB at a time would be a call for every few lines. */
static void a_whole_turn_is_one_write(void **state)
{
	char path[] = "/tmp/output_test.XXXXXX";
	struct config config = { .output = path };
	struct output o = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(output_open(&config, &sink_ndjson, 0, &o), 0);
	for (uint64_t n = 0; n < 100000 / LINE_MAX_BYTES; n++)
		take(&o, n);
	assert_int_equal(size_of(path), 0);
	assert_int_equal(output_flush(&o), 0);
	assert_in_range(size_of(path), 20000, 100000);
	take(&o, 0);
	assert_int_equal(output_close(&o), 0);
	/* and again: what was given back is not used any more */
	assert_int_equal(output_open(&config, &sink_ndjson, 0, &o), 0);
	assert_int_equal(size_of(path), 0);
	take(&o, 1);
	assert_int_equal(output_close(&o), 0);
	assert_in_range(size_of(path), 1, LINE_MAX_BYTES);
	unlink(path);
}

static void what_cannot_be_opened_is_an_error_and_leaves_nothing(void **state)
{
	struct config config = { .output = "/nonexistent/output" };
	struct output o = { 0 };

	(void)state;
	assert_true(output_open(&config, &sink_ndjson, 0, &o) < 0);
	assert_null(o.file);
	assert_int_equal(output_close(&o), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_turn_is_one_write),
		cmocka_unit_test(what_cannot_be_opened_is_an_error_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
