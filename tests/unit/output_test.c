/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

static void create(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static struct output open_output(const char *path)
{
	struct config config = { .output = path };
	struct output o = { 0 };

	assert_int_equal(output_open(&config, &sink_ndjson, 0, &o), 0);
	return o;
}

/* 4 KiB at a time would be a call for every few lines. */
static void a_whole_turn_is_one_write(void **state)
{
	char path[] = "/tmp/output_test.XXXXXX";
	struct output o;

	(void)state;
	create(path, "");
	o = open_output(path);
	assert_int_equal(output_begin(&o), 0);
	for (uint64_t n = 0; n < 100000 / LINE_MAX_BYTES; n++)
		take(&o, n);
	assert_int_equal(size_of(path), 0);
	assert_int_equal(output_flush(&o), 0);
	assert_in_range(size_of(path), 20000, 100000);
	take(&o, 0);
	assert_int_equal(output_close(&o), 0);
	/* and again: what was given back is not used any more */
	o = open_output(path);
	assert_int_equal(output_begin(&o), 0);
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
	assert_null(o.target.file);
	assert_int_equal(output_close(&o), 0);
}

static void a_file_keeps_what_it_has_until_there_is_something_to_write(void **state)
{
	char path[] = "/tmp/output_test.XXXXXX";
	struct output o;

	(void)state;
	create(path, "before");
	o = open_output(path);
	take(&o, 1);
	assert_int_equal(output_close(&o), 0);
	assert_int_equal(size_of(path), 6);
	o = open_output(path);
	assert_int_equal(output_begin(&o), 0);
	assert_int_equal(size_of(path), 0);
	assert_int_equal(output_close(&o), 0);
	unlink(path);
	/* and what was not there is not left behind */
	o = open_output(path);
	assert_int_equal(size_of(path), 0);
	assert_int_equal(output_close(&o), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_file_is_known_by_all_its_names(void **state)
{
	char path[] = "/tmp/output_test.XXXXXX", other[] = "/tmp/output_test.XXXXXX";
	char soft[] = "/tmp/output_test.soft.XXXXXX", hard[] = "/tmp/output_test.hard.XXXXXX";
	const char *const names[] = { path, soft, hard };
	struct output o;
	int fd;

	(void)state;
	create(path, "");
	create(other, "");
	create(soft, "");
	create(hard, "");
	unlink(soft);
	unlink(hard);
	assert_int_equal(symlink(path, soft) | link(path, hard), 0);
	fd = open(path, O_RDONLY);
	for (size_t i = 0; i < 3; i++) {
		o = open_output(names[i]);
		assert_true(target_is(&o.target, fd));
		output_close(&o);
	}
	for (size_t i = 0; i < 3; i++)
		unlink(names[i]);
	o = open_output(other);
	assert_false(target_is(&o.target, fd));
	output_close(&o);
	unlink(other);
	close(fd);
	/* what is written there is lost anyway */
	o = open_output("/dev/null");
	fd = open("/dev/null", O_WRONLY);
	assert_false(target_is(&o.target, fd));
	output_close(&o);
	close(fd);
}

/* Beyond this size of a file nothing can be written. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Runs output_close(), which has a sentence to say. */
static int close_saying(struct output *o, char *said, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO), r;

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	r = output_close(o);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	said[fread(said, 1, size - 1, file)] = '\0';
	fclose(file);
	return r;
}

static void what_does_not_fit_ends_with_a_whole_line_and_is_told(void **state)
{
	char path[] = "/tmp/output_test.XXXXXX", text[4097], said[256];
	struct output o;
	FILE *file;
	size_t n;

	(void)state;
	create(path, "");
	o = open_output(path);
	assert_int_equal(output_begin(&o), 0);
	for (uint64_t i = 0; i < 100; i++)
		take(&o, i);
	limit_files(4096);
	assert_int_equal(output_flush(&o), -EFBIG);
	limit_files(0);
	/* there is room again: what was lost in between must not be glued over */
	assert_int_equal(output_flush(&o), -EFBIG);
	assert_int_equal(close_saying(&o, said, sizeof(said)), -EFBIG);
	assert_non_null(strstr(said, path));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	file = fopen(path, "r");
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	assert_in_range(n, 4096 - LINE_MAX_BYTES, 4095);
	assert_int_equal(text[n - 1], '\n');
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_turn_is_one_write),
		cmocka_unit_test(what_cannot_be_opened_is_an_error_and_leaves_nothing),
		cmocka_unit_test(a_file_keeps_what_it_has_until_there_is_something_to_write),
		cmocka_unit_test(a_file_is_known_by_all_its_names),
		cmocka_unit_test(what_does_not_fit_ends_with_a_whole_line_and_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
