/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The text sink: narrow, wide, with colour, with events; and what must be true of all of it. */
#include "golden.h"
#include "records.h"

#include "sink/summary.h"

static void print_as(const char *name, const char *file, struct sink_config config)
{
	char *text;

	config.wall_minus_mono_ns = WALL_MINUS_MONO;
	text = golden_print(&sink_text, config, golden_records);
	golden_compare(name, file, text);
	free(text);
}

/* In bytes, which are columns as long as utf8 is off. */
static size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");

		longest = n > longest ? n : longest;
		text += n + (text[n] == '\n');
	}
	return longest;
}

static bool has_control_character(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\n') || *text == 0x7f)
			return true;
	return false;
}

static void check_narrow(void)
{
	char *text = golden_print(&sink_text, (struct sink_config){ 0 }, golden_records);

	golden_result(longest_line(text) == 79, "no line is longer than 79 columns, and one has them all");
	golden_result(!has_control_character(text), "no control character gets through");
	golden_result(strstr(text, " lost 37 B") != NULL, "lost bytes are said");
	free(text);
}

static void print_summaries(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < sizeof(summaries) / sizeof(summaries[0]); i++)
		summary_print(out, &summaries[i]);
	fclose(out);
	golden_compare("the summary", "summary.expected", text);
	free(text);
}

int main(void)
{
	print_as("narrow lines", "text.expected", (struct sink_config){ 0 });
	print_as("wide lines, in UTF-8", "text-wide.expected", (struct sink_config){ .wide = true, .utf8 = true });
	print_as("lines with colour", "text-colour.expected", (struct sink_config){ .colour = true });
	print_as("lines with events and the time", "text-events.expected",
		 (struct sink_config){ .events = true, .timestamp = true });
	print_summaries();
	check_narrow();
	return golden_done();
}
