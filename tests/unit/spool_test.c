// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ingest/tape.h"
#include "spool.h"

static const char head[TAPE_FILE_HEAD] = TAPE_MAGIC "\1";

/* A pipe with these bytes in it, and its other end as long as it is wanted. */
static FILE *pipe_with(const char *bytes, size_t n, int *writer)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], bytes, n), n);
	if (writer)
		*writer = fd[1];
	else
		close(fd[1]);
	return fdopen(fd[0], "r");
}

static void a_tape_is_there_to_its_end(void **state)
{
	char bytes[3000] = "", got[sizeof(bytes) + 1];
	FILE *file = NULL;

	(void)state;
	memcpy(bytes, head, sizeof(head));
	memset(bytes + 2000, 'x', 1000);
	assert_int_equal(spool(pipe_with(bytes, sizeof(bytes), NULL), sizeof(bytes), &file), 0);
	assert_int_equal(fread(got, 1, sizeof(got), file), sizeof(bytes));
	assert_memory_equal(got, bytes, sizeof(bytes));
	fclose(file);
}

/* Who writes may never end. */
static void what_is_no_tape_is_not_waited_for(void **state)
{
	FILE *file = NULL;
	int writer;

	(void)state;
	assert_int_equal(spool(pipe_with("y\ny\ny\ny\ny\ny\n", 12, &writer), SPOOL_MOST, &file), -ENOEXEC);
	close(writer);
	assert_int_equal(spool(pipe_with(TAPE_MAGIC "\2\0\0", 12, &writer), SPOOL_MOST, &file), -EPROTO);
	close(writer);
	assert_int_equal(spool(pipe_with(head, 11, NULL), SPOOL_MOST, &file), -ENODATA);
	assert_int_equal(spool(pipe_with("", 0, NULL), SPOOL_MOST, &file), -ENODATA);
	assert_null(file);
}

static void what_is_too_long_is_given_up(void **state)
{
	char bytes[1001] = "";
	FILE *file = NULL;

	(void)state;
	memcpy(bytes, head, sizeof(head));
	assert_int_equal(spool(pipe_with(bytes, 1000, NULL), 1000, &file), 0);
	fclose(file);
	file = NULL;
	assert_int_equal(spool(pipe_with(bytes, 1001, NULL), 1000, &file), -E2BIG);
	assert_null(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tape_is_there_to_its_end),
		cmocka_unit_test(what_is_no_tape_is_not_waited_for),
		cmocka_unit_test(what_is_too_long_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
