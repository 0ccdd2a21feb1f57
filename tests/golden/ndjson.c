/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The NDJSON sink; schema.py holds its lines against the schema. */
#include "golden.h"
#include "reports.h"

#include "sink/schema.h"

static int everything(int (*take)(void *, const struct record *), void *ctx)
{
	int err = golden_records(take, ctx);

	if (!err)
		err = golden_bill(take, ctx);
	return err ? err : golden_stuck(take, ctx);
}

static void print_lines(bool with_events, const char *name, const char *file)
{
	struct sink_config config = { .events = with_events, .wall_minus_mono_ns = WALL_MINUS_MONO };
	char *text = golden_print(&sink_ndjson, config, everything);

	golden_compare(name, file, text);
	free(text);
}

static void print_schema(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	schema_print(out);
	fclose(out);
	/* Not a copy of its own: this is the one that gendoc writes too. */
	golden_compare("docs/schema.json is what the tables say", "../../docs/schema.json", text);
	free(text);
}

int main(void)
{
	print_lines(false, "one line a record", "ndjson.expected");
	print_lines(true, "events too, when asked for", "ndjson-events.expected");
	print_schema();
	return golden_done();
}
