/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * gendoc: the documents that are printed from tables.
 *
 *   gendoc              writes all of them into docs/
 *   gendoc NAME         prints one: causes, output, schema, kernels
 *   gendoc --check [DIR]  fails, naming the file, when one is not what the tables
 *                       say, or when the manual has no word on an option
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "core/judge.h"
#include "endings.h"
#include "gendoc.h"
#include "opts.h"
#include "sink/fields.h"
#include "sink/schema.h"

/* Causes. */

/* "`slug`, `slug`" of a set. */
static void put_slugs(FILE *out, evidence_set set)
{
	for (evidence_set rest = set; rest; rest &= rest - 1)
		fprintf(out, "%s`%s`", rest == set ? "" : ", ",
			evidence_row(evidence_first(rest))->slug);
}

/* rank: which one it is in the order in which they are tried, not in that of the page. */
static void put_proof(FILE *out, const struct proof *proof, size_t rank)
{
	fprintf(out, "- **%zu.** ", rank);
	for (evidence_set rest = proof->needs; rest; rest &= rest - 1) {
		const struct evidence_row *row = evidence_row(evidence_first(rest));

		fprintf(out, "%s%s (`%s`)", rest == proof->needs ? "" : "; ", row->words, row->slug);
	}
	if (proof->bars) {
		fprintf(out, "\n  and none of ");
		put_slugs(out, proof->bars);
	}
	fprintf(out, "\n");
}

/* `demo` names that earn it, for either side. */
static void put_demos(FILE *out, const char *slug)
{
	size_t n;
	const struct ending *rows = endings(&n);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].cause, slug) && strcmp(rows[i].other, slug))
			continue;
		fprintf(out, "%s`%s`", any ? ", " : "\nSee it: `tcpclose demo` ", rows[i].slug);
		any = true;
	}
	fprintf(out, any ? ".\n" : "");
}

static void put_cause(FILE *out, enum cause cause)
{
	const struct cause_row *row = cause_row(cause);
	size_t n;
	const struct proof *proofs = judge_proofs(&n);
	bool any = false;

	fprintf(out, "\n## %s\n\n*%s.* How: %s.\n", row->slug, row->title, how_slug(row->how));
	for (size_t i = 0; i < n; i++) {
		if (proofs[i].cause != cause)
			continue;
		if (!any)
			fprintf(out, "\nProven by any one of these, when all of it was seen:\n\n");
		any = true;
		put_proof(out, &proofs[i], i + 1);
	}
	if (!any)
		fprintf(out, "\nNo proof fits. `how` is then what was seen.\n");
	fprintf(out, "\n%s\n", row->hint);
	put_demos(out, row->slug);
}

static void put_evidence(FILE *out)
{
	fprintf(out, "\n## Evidence\n\n"
		     "What can be seen of a socket's end. Without its vantage a kernel cannot show it: it is then in\n"
		     "`blind`, and its absence rules nothing in or out.\n\n"
		     "| slug | in words | vantage |\n|---|---|---|\n");
	for (unsigned i = 0; i < EV_MAX; i++) {
		const struct evidence_row *row = evidence_row(i);

		fprintf(out, "| `%s` | %s | %s |\n", row->slug, row->words, vantage_slug(row->vantage));
	}
}

static int print_causes(FILE *out)
{
	fprintf(out, "# Causes\n\n" NOTE "\n"
		     "Every ended socket has exactly one. It is what happened to *this* socket: the two ends of a\n"
		     "connection mostly have different ones. Each proof has a number: they are tried in the order of\n"
		     "these numbers, which is not always that of this page. The first proof whose evidence was all seen,\n"
		     "and whose exclusions were all visible and not seen, names the cause. `tcpclose explain SLUG` says\n"
		     "the same in the terminal.\n\n"
		     "| cause | how | meaning for this socket |\n|---|---|---|\n",
		"user/core/cause.def and evidence.def");
	for (unsigned i = 0; i < CAUSE_MAX; i++)
		fprintf(out, "| [%s](#%s) | %s | %s |\n", cause_row(i)->slug, cause_row(i)->slug,
			how_slug(cause_row(i)->how), cause_row(i)->title);
	for (unsigned i = 0; i < CAUSE_MAX; i++)
		put_cause(out, i);
	put_evidence(out);
	return 0;
}

/* Output. */

/* More words than that have a place of their own. */
#define FEW_WORDS 9

static unsigned count_words(const struct field_type *type)
{
	unsigned n = 0;

	while (type->word && type->word(n))
		n++;
	return n;
}

/* As GitHub makes an anchor of a heading. */
static void put_link(FILE *out, const char *heading)
{
	fprintf(out, "[%s](#", heading);
	for (const char *p = heading; *p; p++)
		fputc(*p == ' ' ? '-' : *p, out);
	fputc(')', out);
}

static void list_words(FILE *out, const struct field_type *type)
{
	for (unsigned i = 0; type->word(i); i++)
		fprintf(out, "%s`%s`", i ? " " : "", type->word(i));
}

static void put_type(FILE *out, const struct field_type *type)
{
	if (!strcmp(type->json, "array"))
		fprintf(out, "array of ");
	if (type->word && !strcmp(type->json, "object"))
		fprintf(out, "object: integer by ");
	if (type->shape)
		put_link(out, shape_row(type->shape)->name);
	else if (count_words(type) > FEW_WORDS)
		put_link(out, type->words);
	else if (type->word)
		list_words(out, type);
	else
		fprintf(out, "%s", strcmp(type->json, "array") ? type->json : "string");
	if (type->absent)
		fprintf(out, type->left_out ? ", or left out" : " or null");
}

static void put_fields(FILE *out, enum shape_id id)
{
	for (const struct field *field = shape_row(id)->fields; field->key; field++) {
		fprintf(out, "| `%s` | ", field->key);
		put_type(out, field->type);
		fprintf(out, " | %s |\n", field->doc);
	}
}

#define TABLE_HEAD "\n| key | value | meaning |\n|---|---|---|\n"

/* The n-th field of all shapes, counted through; NULL after the last. */
static const struct field *nth_field(unsigned n)
{
	for (unsigned id = SHAPE_none + 1; id < SHAPE_MAX; id++)
		for (const struct field *field = shape_row(id)->fields; field->key; field++)
			if (n-- == 0)
				return field;
	return NULL;
}

static bool is_listed_before(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (nth_field(i)->type->word == nth_field(n)->type->word)
			return true;
	return false;
}

static void put_word_lists(FILE *out)
{
	const struct field *field;

	for (unsigned n = 0; (field = nth_field(n)); n++) {
		if (count_words(field->type) <= FEW_WORDS || is_listed_before(n))
			continue;
		fprintf(out, "\n## %s\n\n", field->type->words);
		list_words(out, field->type);
		fprintf(out, "\n");
	}
}

static int print_output(FILE *out)
{
	fprintf(out, "# Output of --json\n\n" NOTE "\n"
		     "One JSON object a line, on standard output or in the file of `-o`. [schema.json](schema.json)\n"
		     "(`tcpclose schema`) says the same for machines, with every word that a value can be. What the text\n"
		     "output looks like may change at any time; what is written here may not:\n\n"
		     "- New keys, new types of line and new words may arrive. Pass over what you do not know.\n"
		     "- A key that leaves, or changes its meaning, moves `v`. A name is never used again for another thing.\n"
		     "- Numbers carry their unit in the key: `_ns`, `_s`, `_bytes`.\n"
		     "- A line is written whole. `loss` lines and `complete` say what is missing.\n\n"
		     "## Every line\n" TABLE_HEAD,
		"user/core/verdict.def");
	put_fields(out, SHAPE_line);
	for (unsigned kind = 0; kind < REC_KIND_MAX; kind++) {
		const struct record_row *row = record_row(kind);

		fprintf(out, "\n## type: %s\n\n%s\n" TABLE_HEAD, row->type, row->doc);
		put_fields(out, row->shape);
		if (row->more)
			put_fields(out, row->more);
	}
	fprintf(out, "\n# Objects within\n");
	for (unsigned id = SHAPE_none + 1; id < SHAPE_MAX; id++) {
		if (!shape_is_nested(id))
			continue;
		fprintf(out, "\n## %s\n\nWhat it is: %s.\n" TABLE_HEAD, shape_row(id)->name, shape_row(id)->doc);
		put_fields(out, id);
	}
	fprintf(out, "\n# Words\n\n[CAUSES.md](CAUSES.md) says what causes and evidence mean.\n");
	put_word_lists(out);
	return 0;
}

/* Documents. */

static const struct document {
	const char *name, *file;
	int (*print)(FILE *out);
} documents[] = {
	{ "causes", "CAUSES.md", print_causes },
	{ "output", "OUTPUT.md", print_output },
	{ "schema", "schema.json", schema_print },
	{ "kernels", "KERNELS.md", gendoc_kernels },
};
#define N_DOCUMENTS (sizeof(documents) / sizeof(documents[0]))

/* The whole file, to be freed; NULL (errno) when it cannot be read. */
static char *read_file(const char *dir, const char *name)
{
	CLEANUP(buf) struct buf path = BUF_INIT;
	CLEANUP(fclose) FILE *file = NULL;
	char *text = NULL;
	size_t cap = 0;

	buf_printf(&path, "%s/%s", dir, name);
	file = fopen(buf_string(&path), "r");
	if (!file)
		return NULL;
	if (getdelim(&text, &cap, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	return text;
}

/* What the tables say, to be freed. */
static char *print_document(const struct document *document)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out || document->print(out) || fclose(out)) {
		fprintf(stderr, "gendoc: cannot print %s\n", document->name);
		exit(1);
	}
	return text;
}

static bool check_document(const char *dir, const struct document *document)
{
	CLEANUP(free) char *is = read_file(dir, document->file);
	CLEANUP(free) char *must_be = print_document(document);

	if (is && !strcmp(is, must_be))
		return true;
	fprintf(stderr, "%s/%s: %s: make docs\n", dir, document->file,
		is ? "not what the tables say" : strerror(errno));
	return false;
}

/* Does it stand there, and not as the beginning of a longer word? */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += n)
		if (strchr(" \n", p[n]))
			return true;
	return false;
}

/* Every "--option" that help prints must stand in the manual as mdoc's "Fl -option". */
static bool check_manual(const char *dir)
{
	CLEANUP(free) char *manual = read_file(dir, "tcpclose.8");
	CLEANUP(free) char *help = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&help, &size);
	bool complete = true;

	for (enum command command = CMD_TRACE; out && command < CMD_END; command <<= 1)
		opts_help(command, out);
	if (!manual || !out || fclose(out)) {
		fprintf(stderr, "%s/tcpclose.8: %s\n", dir, strerror(errno));
		return false;
	}
	for (char *p = help; (p = strstr(p, "--")); p++) {
		char option[40];

		snprintf(option, sizeof(option), "Fl -%.*s", (int)strcspn(p + 2, " \n"), p + 2);
		if (has_word(manual, option))
			continue;
		fprintf(stderr, "%s/tcpclose.8: has no -%s\n", dir, option + strlen("Fl "));
		complete = false;
	}
	return complete;
}

static int check_all(const char *dir)
{
	bool good = check_manual(dir);

	for (size_t i = 0; i < N_DOCUMENTS; i++)
		good &= check_document(dir, &documents[i]);
	return good ? 0 : 1;
}

static int write_all(const char *dir)
{
	for (size_t i = 0; i < N_DOCUMENTS; i++) {
		CLEANUP(buf) struct buf path = BUF_INIT;
		CLEANUP(free) char *text = print_document(&documents[i]);
		FILE *file;

		buf_printf(&path, "%s/%s", dir, documents[i].file);
		file = fopen(buf_string(&path), "w");
		if (!file || fputs(text, file) < 0 || fclose(file)) {
			fprintf(stderr, "gendoc: %s: %s\n", buf_string(&path), strerror(errno));
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return write_all("docs");
	if (!strcmp(argv[1], "--check") && argc <= 3)
		return check_all(argc == 3 ? argv[2] : "docs");
	for (size_t i = 0; argc == 2 && i < N_DOCUMENTS; i++)
		if (!strcmp(argv[1], documents[i].name))
			return documents[i].print(stdout) || fflush(stdout) ? 1 : 0;
	fprintf(stderr, "usage: gendoc [causes|output|schema|kernels|--check [DIR]]\n");
	return 2;
}
