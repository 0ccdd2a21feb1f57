/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* json_form: what is copied from former lines makes no line that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/json.h"
#include "parsed.h"

/* Each letter is a call: ( and ) are one's ends, r a value again. */
static int play_form(struct buf *b, struct forms *forms, struct forms *values, const char *calls)
{
	static const struct json_word key = JSON_KEY("key");
	const struct form_key form = { 8, "the form" }, value = { 8, "value" };
	struct json_mark mark = { 0 };
	struct json j;
	bool again;

	json_begin(&j, b);
	j.values = values;
	again = json_form_begin(&j, forms, &form);
	for (; *calls; calls++) {
		switch (*calls) {
		case '{':
			json_object_begin(&j);
			break;
		case '}':
			json_object_end(&j);
			break;
		case '[':
			json_array_begin(&j);
			break;
		case ']':
			json_array_end(&j);
			break;
		case 'k':
			json_key_word(&j, &key);
			break;
		case '(':
			if (again)
				json_fill(&j);
			else
				json_hole_begin(&j);
			break;
		case ')':
			if (!again)
				json_hole_end(&j);
			break;
		case 'r':
			if (!json_again(&j, &value, &mark)) {
				json_array_begin(&j);
				json_array_end(&j);
				json_keep(&j, &value, &mark);
			}
			break;
		case 'f':
			if (again)
				json_fill_u64(&j, 1234567890123);
			break;
		default:
			json_u64(&j, 1);
			break;
		}
	}
	json_form_end(&j, &form);
	return json_end(&j);
}

static void assert_valid_or_nothing(struct buf *b, int err, const char *first, const char *calls)
{
	struct json_object *value;

	if (err) {
		assert_int_equal(b->len, 0);
		return;
	}
	value = parse(b);
	if (!value)
		fail_msg("after %s calls %s give %s", first, calls, buf_string(b));
	json_object_put(value);
}

/* What a form was made by, right or wrong, and everything that may be tried with it then. */
static void no_form_and_no_value_again_makes_invalid_json(void **state)
{
	static const char *const firsts[] = {
		"{k(v)}", "{k[v]k(v)}", "{k(v)k(v)}", "{k(r)}", "{k(v}", "{k(v)", "{(kv)}", "[(v)]", "(v)", "(v", "{k(v)v}",
		"[{k(v},{kv)}]", "[{k(v}[v)]]", "{k(})", "{k({k(v)})}", "{k({})}", "{k[(v)]}", "{kr}", "[r]", "r", "{k()v}",
		"{k(vkv)}", "{k(v)}v", "[{k(v}{kr)}]", "{krkr}", "{k({k(v)k(v)})k(v)}", "{k((v)}", "{k({k(v)}",
	};
	static const char letters[] = "{}[]k()vrf";
	const unsigned n_letters = sizeof(letters) - 1;
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t first = 0; first < sizeof(firsts) / sizeof(firsts[0]); first++)
		for (unsigned n = 0; n < 10 * 10 * 10 * 10 * 10; n++) {
			struct forms forms, values;
			char calls[6] = "";

			for (unsigned rest = n, i = 0; rest; rest /= n_letters)
				calls[i++] = letters[rest % n_letters];
			assert_int_equal(forms_init(&forms, 2, 64) | forms_init(&values, 2, 64), 0);
			assert_valid_or_nothing(&b, play_form(&b, &forms, &values, firsts[first]), "", firsts[first]);
			buf_reset(&b);
			assert_valid_or_nothing(&b, play_form(&b, &forms, &values, calls), firsts[first], calls);
			buf_reset(&b);
			forms_destroy(&forms);
			forms_destroy(&values);
		}
	buf_free(&b);
}

static void a_form_is_filled_in_its_order_and_to_its_end(void **state)
{
	struct buf b = BUF_INIT;
	struct forms forms;

	(void)state;
	assert_int_equal(forms_init(&forms, 2, 64), 0);
	assert_int_equal(play_form(&b, &forms, NULL, "{k(v)k[v]k(v)}"), 0);
	buf_reset(&b);
	assert_int_equal(play_form(&b, &forms, NULL, "(v)f"), 0);
	assert_writes(&b, "{\"key\":1,\"key\":[1],\"key\":1234567890123}");
	assert_int_equal(play_form(&b, &forms, NULL, "([vv])({})"), 0);
	assert_writes(&b, "{\"key\":[1,1],\"key\":[1],\"key\":{}}");
	assert_int_equal(play_form(&b, &forms, NULL, "(v)"), -EINVAL);
	assert_int_equal(play_form(&b, &forms, NULL, "(v)ff"), -EINVAL);
	assert_int_equal(play_form(&b, &forms, NULL, "(v)fv"), -EINVAL);
	assert_int_equal(b.len, 0);
	forms_destroy(&forms);
	buf_free(&b);
}

static void a_hole_in_what_fills_a_hole_is_none(void **state)
{
	struct buf b = BUF_INIT;
	struct forms forms;

	(void)state;
	assert_int_equal(forms_init(&forms, 2, 64), 0);
	assert_int_equal(play_form(&b, &forms, NULL, "{k({k(v)k[k(v)]})k(v)}"), -EINVAL);
	assert_int_equal(play_form(&b, &forms, NULL, "{k({k(v)k(v)})k(v)}"), 0);
	buf_reset(&b);
	assert_int_equal(play_form(&b, &forms, NULL, "(v)f"), 0);
	assert_writes(&b, "{\"key\":1,\"key\":1234567890123}");
	forms_destroy(&forms);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_form_and_no_value_again_makes_invalid_json),
		cmocka_unit_test(a_form_is_filled_in_its_order_and_to_its_end),
		cmocka_unit_test(a_hole_in_what_fills_a_hole_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
