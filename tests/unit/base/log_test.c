// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What a stranger has named is shown and not obeyed, and a sentence has its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static char said[16384];

/* Standard error into a file while it says something. */
static void listen_to(void (*say)(void *arg), void *arg)
{
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(file);
	assert_true(before >= 0 && dup2(fileno(file), STDERR_FILENO) == STDERR_FILENO);
	say(arg);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	close(before);
	rewind(file);
	n = fread(said, 1, sizeof(said) - 1, file);
	said[n] = '\0';
	fclose(file);
}

static void name(void *arg)
{
	log_error("cannot read %s: %s", (const char *)arg, "no such file");
}

static void assert_named(const char *locale, const char *stranger, const char *shown)
{
	char expected[512];

	assert_non_null(setlocale(LC_CTYPE, locale));
	snprintf(expected, sizeof(expected), "tcpclose: cannot read %s: no such file\n", shown);
	listen_to(name, (void *)stranger);
	assert_string_equal(said, expected);
}

static void a_name_begins_no_sentence_and_moves_no_cursor(void **state)
{
	(void)state;
	assert_named("C.UTF-8", "a\ntcpclose: all is well", "a\\x0atcpclose: all is well");
	assert_named("C.UTF-8", "a\tb\033[2Jc\177", "a\\x09b\\x1b[2Jc\\x7f");
	/* C1, from right to left, and what is no UTF-8 */
	assert_named("C.UTF-8", "\xc2\x9b" "2J\xe2\x80\xae\xff", "\\xc2\\x9b2J\\xe2\\x80\\xae\\xff");
	assert_named("C.UTF-8", "%s%n", "%s%n");
}

static void what_can_be_read_stays_readable(void **state)
{
	(void)state;
	assert_named("C.UTF-8", "/tmp/a b/k\xc3\xb6nig.tape", "/tmp/a b/k\xc3\xb6nig.tape");
	assert_named("C", "k\xc3\xb6nig", "k\\xc3\\xb6nig");
	assert_named("C.UTF-8", "", "");
}

static void a_name_as_long_as_a_path_leaves_room_for_the_reason(void **state)
{
	static const char reason[] = "AAA: no such file\n";
	char stranger[4097];

	(void)state;
	memset(stranger, 'A', sizeof(stranger));
	stranger[sizeof(stranger) - 1] = '\0';
	listen_to(name, stranger);
	assert_string_equal(said + strlen(said) - strlen(reason), reason);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_begins_no_sentence_and_moves_no_cursor),
		cmocka_unit_test(what_can_be_read_stays_readable),
		cmocka_unit_test(a_name_as_long_as_a_path_leaves_room_for_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
