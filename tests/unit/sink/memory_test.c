// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Memory runs out while a verdict is written: it is written whole, or that is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>

#include "capture.h"

static unsigned asked, refuse; /* refuse: the how manieth; 0 = none */

/* In the place of the C library's own: a buffer grows by nothing else. */
void *realloc(void *old, size_t n)
{
	static void *(*own)(void *old, size_t n);

	if (!own)
		*(void **)&own = dlsym(RTLD_NEXT, "realloc");
	return refuse && ++asked == refuse ? NULL : own(old, n);
}

static struct verdict verdict_with_losses(void)
{
	struct verdict v = plain_verdict();

	v.unread_bytes = 37;
	v.linger_wait_ns = 1000000;
	return v;
}

/* False when not so much memory was asked for. */
static bool holds(bool wide, unsigned refused)
{
	struct verdict v = verdict_with_losses();
	struct capture c;
	char whole[4096];
	int r;

	capture_open(&c, &sink_text, (struct sink_config){ .wide = wide });
	assert_int_equal(capture_close(&c, &v), 0);
	snprintf(whole, sizeof(whole), "%s", capture_text(&c));
	assert_non_null(strstr(whole, "lost"));
	capture_end(&c);
	capture_open(&c, &sink_text, (struct sink_config){ .wide = wide });
	asked = 0;
	refuse = refused;
	r = capture_close(&c, &v);
	refuse = 0;
	assert_true(r == 0 || r == -ENOMEM);
	if (!r)
		assert_string_equal(capture_text(&c), whole);
	capture_end(&c);
	return asked >= refused;
}

static void a_line_is_whole_or_its_want_is_told(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		unsigned n = 1;

		while (holds(wide, n))
			n++;
		assert_true(n > 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_whole_or_its_want_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
