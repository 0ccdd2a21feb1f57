/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* check: what came out of a scene against what it expects; a field of a record is a row. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

#define TEXT 512

struct asked {
	const struct scene *scene;
	const struct verdict *v;
	const struct minisocket *m;
	const struct flow_counts *counts;
	const struct outcome *out;
};

/* Each writes its field as the scene would; expected text is compared with it. */
#define FIELD(id) static void id(const struct asked *a, char *s)
#define SAYS(id, ...)                           \
	FIELD(id)                               \
	{                                       \
		snprintf(s, TEXT, __VA_ARGS__); \
	}
#define NUMBER(id, what)                                         \
	FIELD(id)                                                \
	{                                                        \
		snprintf(s, TEXT, "%" PRIu64, (uint64_t)(what)); \
	}

#define OWNER(id, of)             \
	FIELD(id)                 \
	{                         \
		put_owner(of, s); \
	}
#define TUPLE(id, of)             \
	FIELD(id)                 \
	{                         \
		put_tuple(of, s); \
	}

static void put_owner(const struct owner *o, char *s)
{
	if (o->source == OWNER_UNKNOWN)
		snprintf(s, TEXT, "none");
	else
		snprintf(s, TEXT, "%.16s:%u", o->comm, o->pid);
}

static void put_tuple(const struct tuple *t, char *s)
{
	char local[ENDPOINT_STRLEN], peer[ENDPOINT_STRLEN];

	snprintf(s, TEXT, "%s,%s", endpoint_format(t->family, &t->local, local),
		 endpoint_format(t->family, &t->peer, peer));
}

SAYS(cause, "%s", cause_row(a->v->cause)->slug)
SAYS(how, "%s", how_slug(a->v->how))
SAYS(first_closer, "%s", closer_slug(a->v->first_closer))
SAYS(reason, "%s", a->v->rst_reason ? a->v->rst_reason : "none")
OWNER(owner, &a->v->owner)
OWNER(closer, &a->v->closer)
OWNER(mini_owner, &a->m->owner)
TUPLE(tuple, &a->v->tuple)
TUPLE(mini_tuple, &a->m->tuple)
SAYS(fin_wait2_at_most, "%s", a->v->fin_wait2_at_most ? "true" : "false")
SAYS(complete, "%s", a->v->complete ? "true" : "false")
SAYS(mini_complete, "%s", a->m->complete ? "true" : "false")
SAYS(end, "%s", mini_end_slug(a->m->end))
SAYS(minisocket, "%s", a->v->minisocket ? state_name(a->v->minisocket) : "none")
NUMBER(rst_sent, a->v->rst_sent)
NUMBER(rst_received, a->v->rst_received)
NUMBER(unread, a->v->unread_bytes)
NUMBER(unsent, a->v->unsent_bytes)
NUMBER(peer_left, a->v->peer_left_known ? a->v->peer_left_bytes : 0)
NUMBER(unacked, a->v->unacked_bytes)
NUMBER(sent, a->v->sent_bytes)
NUMBER(received, a->v->received_bytes)
NUMBER(sent_again, a->v->retransmits)
NUMBER(netns, a->v->netns)
NUMBER(cgroup, a->v->cgroup_id)
NUMBER(age, a->v->age_ns)
NUMBER(linger_wait, a->v->linger_wait_ns)
NUMBER(ended, a->v->mono_ns - SEC(1000))
NUMBER(mini_ended, a->m->mono_ns - SEC(1000))
NUMBER(fin_wait2, a->m->fin_wait2_ns)
NUMBER(time_wait, a->m->time_wait_ns)
NUMBER(taken, a->counts->taken)
NUMBER(open_now, a->counts->open)
NUMBER(minis, a->counts->minis)
NUMBER(born, a->counts->minis_born)
NUMBER(found, a->counts->minis_found)
NUMBER(gone, a->counts->minis_ended)
NUMBER(evicted, a->counts->evicted)
NUMBER(duplicates, a->counts->duplicates)
NUMBER(strays, a->counts->strays)

SAYS(exit_code, "0x%x", (unsigned)a->v->exit_code)

FIELD(owner_source)
{
	const char *slug = owner_source_slug(a->v->owner.source);

	snprintf(s, TEXT, "%s", slug ? slug : "none");
}

SAYS(error, "%s", a->v->error ? strerrorname_np(a->v->error) : "0")

FIELD(linger)
{
	unsigned ms = a->v->linger_ms;

	if (!a->v->linger_on || !ms)
		snprintf(s, TEXT, "%s", a->v->linger_on ? "0" : "off");
	else
		snprintf(s, TEXT, "%u%s", ms % 1000 ? ms : ms / 1000, ms % 1000 ? "ms" : "s");
}

FIELD(path)
{
	size_t n = 0;

	*s = '\0';
	for (uint8_t i = 0; i < a->v->n_path; i++)
		n += (size_t)snprintf(s + n, TEXT - n, "%s%s", i ? "," : "",
				      state_name(a->v->path[i].state));
}

FIELD(path_ns)
{
	size_t n = 0;

	*s = '\0';
	for (uint8_t i = 0; i < a->v->n_path; i++)
		n += (size_t)snprintf(s + n, TEXT - n, "%s%" PRIu64, i ? "," : "",
				      (uint64_t)a->v->path[i].at_ns);
}

/* By the name of the other socket in this scene. */
FIELD(pair)
{
	snprintf(s, TEXT, "%s", a->v->pair ? "somebody else" : "none");
	for (size_t i = 0; a->v->pair && i < a->out->n_verdicts; i++) {
		if (a->out->verdicts[i].v.conn == a->v->pair)
			snprintf(s, TEXT, "%s", a->scene->socks[a->out->verdicts[i].sock].name);
	}
}

/* A set is asked for by "+slug,-slug"; what is not named does not matter. */
static bool set_fits(evidence_set set, const char *want, const char **missed)
{
	static char item[64];

	for (const char *at = want; *at; at += strlen(item) + 1 + (at[strlen(item) + 1] == ',')) {
		snprintf(item, sizeof(item), "%.*s", (int)strcspn(at + 1, ","), at + 1);
		for (int ev = 0; ev < EV_MAX; ev++) {
			bool has = set >> ev & 1;

			if (!strcmp(evidence_row((enum evidence)ev)->slug, item) &&
			    has != (*at == '+')) {
				*missed = item;
				return false;
			}
		}
	}
	return true;
}

static void put_set(evidence_set set, char *s)
{
	size_t n = 0;

	*s = '\0';
	for (int ev = 0; ev < EV_MAX; ev++) {
		if (set >> ev & 1 && n < TEXT)
			n += (size_t)snprintf(s + n, TEXT - n, "%s%s", n ? "," : "",
					      evidence_row((enum evidence)ev)->slug);
	}
}

FIELD(evidence)
{
	put_set(a->v->evidence, s);
}
FIELD(blind)
{
	put_set(a->v->blind, s);
}

enum field_type { F_TEXT, F_TIME, F_TIMES, F_SET };

static const struct field {
	enum expect_kind kind;
	const char *name;
	enum field_type type;
	void (*write)(const struct asked *a, char *s);
} fields[] = {
	{EXPECT_VERDICT, "cause", F_TEXT, cause},
	{EXPECT_VERDICT, "how", F_TEXT, how},
	{EXPECT_VERDICT, "first_closer", F_TEXT, first_closer},
	{EXPECT_VERDICT, "path", F_TEXT, path},
	{EXPECT_VERDICT, "path_at", F_TIMES, path_ns},
	{EXPECT_VERDICT, "rst_sent", F_TEXT, rst_sent},
	{EXPECT_VERDICT, "rst_received", F_TEXT, rst_received},
	{EXPECT_VERDICT, "reason", F_TEXT, reason},
	{EXPECT_VERDICT, "owner", F_TEXT, owner},
	{EXPECT_VERDICT, "owner_source", F_TEXT, owner_source},
	{EXPECT_VERDICT, "closer", F_TEXT, closer},
	{EXPECT_VERDICT, "exit_code", F_TEXT, exit_code},
	{EXPECT_VERDICT, "evidence", F_SET, evidence},
	{EXPECT_VERDICT, "blind", F_SET, blind},
	{EXPECT_VERDICT, "complete", F_TEXT, complete},
	{EXPECT_VERDICT, "unread", F_TEXT, unread},
	{EXPECT_VERDICT, "unsent", F_TEXT, unsent},
	{EXPECT_VERDICT, "peer_left", F_TEXT, peer_left},
	{EXPECT_VERDICT, "linger_wait", F_TIME, linger_wait},
	{EXPECT_VERDICT, "unacked", F_TEXT, unacked},
	{EXPECT_VERDICT, "sent", F_TEXT, sent},
	{EXPECT_VERDICT, "received", F_TEXT, received},
	{EXPECT_VERDICT, "sent_again", F_TEXT, sent_again},
	{EXPECT_VERDICT, "error", F_TEXT, error},
	{EXPECT_VERDICT, "minisocket", F_TEXT, minisocket},
	{EXPECT_VERDICT, "fin_wait2_at_most", F_TEXT, fin_wait2_at_most},
	{EXPECT_VERDICT, "linger", F_TEXT, linger},
	{EXPECT_VERDICT, "pair", F_TEXT, pair},
	{EXPECT_VERDICT, "netns", F_TEXT, netns},
	{EXPECT_VERDICT, "cgroup", F_TEXT, cgroup},
	{EXPECT_VERDICT, "age", F_TIME, age},
	{EXPECT_VERDICT, "ended", F_TIME, ended},
	{EXPECT_VERDICT, "tuple", F_TEXT, tuple},
	{EXPECT_MINI, "end", F_TEXT, end},
	{EXPECT_MINI, "fin_wait2", F_TIME, fin_wait2},
	{EXPECT_MINI, "time_wait", F_TIME, time_wait},
	{EXPECT_MINI, "owner", F_TEXT, mini_owner},
	{EXPECT_MINI, "tuple", F_TEXT, mini_tuple},
	{EXPECT_MINI, "ended", F_TIME, mini_ended},
	{EXPECT_MINI, "complete", F_TEXT, mini_complete},
	{EXPECT_COUNTS, "taken", F_TEXT, taken},
	{EXPECT_COUNTS, "open", F_TEXT, open_now},
	{EXPECT_COUNTS, "minis", F_TEXT, minis},
	{EXPECT_COUNTS, "born", F_TEXT, born},
	{EXPECT_COUNTS, "found", F_TEXT, found},
	{EXPECT_COUNTS, "gone", F_TEXT, gone},
	{EXPECT_COUNTS, "evicted", F_TEXT, evicted},
	{EXPECT_COUNTS, "duplicates", F_TEXT, duplicates},
	{EXPECT_COUNTS, "strays", F_TEXT, strays},
};

static const struct field *find_field(enum expect_kind kind, const char *name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (fields[i].kind == kind && !strcmp(fields[i].name, name))
			return &fields[i];
	}
	return NULL;
}

/* "1ms,2us" -> "1000000,2000"; what is no time stays as it is. */
static void normal(const struct field *f, const char *value, char *s)
{
	char part[64];
	uint64_t ns;
	size_t n = 0;

	if (f->type != F_TIME && f->type != F_TIMES) {
		snprintf(s, TEXT, "%s", value);
		return;
	}
	for (const char *at = value; n < TEXT; at += strlen(part) + 1) {
		snprintf(part, sizeof(part), "%.*s", (int)strcspn(at, ","), at);
		if (!scene_time(part, &ns))
			ns = strtoull(part, NULL, 10);
		n += (size_t)snprintf(s + n, TEXT - n, "%s%" PRIu64, n ? "," : "", ns);
		if (!at[strlen(part)])
			return;
	}
}

static bool is_evidence(const char *slug, size_t len)
{
	for (int ev = 0; ev < EV_MAX; ev++) {
		const char *s = evidence_row((enum evidence)ev)->slug;

		if (strlen(s) == len && !strncmp(s, slug, len))
			return true;
	}
	return false;
}

const char *scene_field_wrong(enum expect_kind kind, const char *name, const char *value)
{
	const struct field *f = find_field(kind, name);
	enum cause c;

	if (!f)
		return "no such field";
	if (!*value)
		return "no value";
	if (f->write == cause && cause_by_slug(value, &c))
		return "no such cause";
	for (const char *at = value; f->type == F_SET && *at;
	     at += strcspn(at, ","), at += *at == ',') {
		if ((*at != '+' && *at != '-') || !is_evidence(at + 1, strcspn(at + 1, ",")))
			return "evidence is +slug,-slug,...";
	}
	return NULL;
}

static void check_fields(const struct asked *a, const struct expect *e, FILE *complain)
{
	char want[TEXT], got[TEXT];
	const char *missed;

	for (size_t i = 0; i < e->n; i++) {
		const struct field *f = find_field(e->kind, e->field[i].name);

		f->write(a, got);
		if (f->type == F_SET) {
			evidence_set set = f->write == evidence ? a->v->evidence : a->v->blind;

			if (!set_fits(set, e->field[i].value, &missed))
				fprintf(complain, "line %d: %s: %s (%s)\n", e->line, f->name,
					missed, got);
			continue;
		}
		normal(f, e->field[i].value, want);
		if (strcmp(want, got))
			fprintf(complain, "line %d: %s: want %s, got %s\n", e->line, f->name, want,
				got);
	}
}

static void check_always(const struct scene *s, int sock, const struct verdict *v, bool asks_tuple,
			 FILE *complain)
{
	const char *name = sock < 0 ? "?" : s->socks[sock].name;

	if (!v->conn)
		fprintf(complain, "%s: a verdict without a conn\n", name);
	if (!asks_tuple && sock >= 0 && !tuple_equal(&v->tuple, &s->socks[sock].base.tuple)) {
		char t[TEXT];

		put_tuple(&v->tuple, t);
		fprintf(complain, "%s: wrong tuple %s\n", name, t);
	}
	if (v->owner.source != OWNER_UNKNOWN && (v->owner.pid == SCENE_STRANGER || !v->owner.pid))
		fprintf(complain, "%s: the owner is a stranger\n", name);
	if (v->closer.source != OWNER_UNKNOWN &&
	    (v->closer.pid == SCENE_STRANGER || !v->closer.pid))
		fprintf(complain, "%s: the closer is a stranger\n", name);
	if (v->evidence & v->blind)
		fprintf(complain, "%s: evidence both seen and blind\n", name);
	if (v->n_path > PATH_MAX_STEPS || (v->n_path && v->path[0].at_ns))
		fprintf(complain, "%s: a path that does not begin at 0\n", name);
	for (uint8_t i = 1; i < v->n_path; i++) {
		if (v->path[i].at_ns < v->path[i - 1].at_ns)
			fprintf(complain, "%s: a path that runs backwards\n", name);
	}
}

const char *scene_expected(const struct expect *e, const char *field)
{
	for (size_t i = 0; e && i < e->n; i++) {
		if (!strcmp(e->field[i].name, field))
			return e->field[i].value;
	}
	return NULL;
}

const struct expect *scene_expect(const struct scene *s, enum expect_kind kind, int sock,
				  size_t nth)
{
	for (size_t i = 0; i < s->n_expects; i++) {
		if (s->expects[i].kind == kind && s->expects[i].sock == sock && !nth--)
			return &s->expects[i];
	}
	return NULL;
}

/* Which of the lives of its socket it is. */
static size_t nth_verdict(const struct outcome *out, size_t i)
{
	size_t nth = 0;

	for (size_t j = 0; j < i; j++)
		nth += out->verdicts[j].sock == out->verdicts[i].sock;
	return nth;
}

void scene_check_always(const struct scene *s, const struct outcome *out, FILE *complain)
{
	for (size_t i = 0; i < out->n_verdicts; i++) {
		const struct verdict *v = &out->verdicts[i].v;
		int sock = out->verdicts[i].sock;
		const struct expect *e =
			sock < 0 ? NULL
				 : scene_expect(s, EXPECT_VERDICT, sock, nth_verdict(out, i));

		check_always(s, sock, v, scene_expected(e, "tuple"), complain);
		for (size_t j = 0; j < i; j++) {
			if (out->verdicts[j].v.conn == v->conn)
				fprintf(complain, "conn %" PRIu64 " has two verdicts\n", v->conn);
		}
	}
}

static void check_verdict(const struct scene *s, const struct outcome *out, size_t i,
			  FILE *complain)
{
	const struct verdict *v = &out->verdicts[i].v;
	struct asked a = {s, v, NULL, NULL, out};
	int sock = out->verdicts[i].sock;
	const struct expect *e =
		sock < 0 ? NULL : scene_expect(s, EXPECT_VERDICT, sock, nth_verdict(out, i));
	char text[TEXT];

	if (e) {
		check_fields(&a, e, complain);
		return;
	}
	put_set(v->evidence, text);
	fprintf(complain, "nobody expected a verdict on %s: %s (%s)\n",
		sock < 0 ? "?" : s->socks[sock].name, cause_row(v->cause)->slug, text);
}

static void check_mini(const struct scene *s, const struct outcome *out, size_t i, FILE *complain)
{
	struct asked a = {s, NULL, &out->minis[i].m, NULL, out};
	int sock = out->minis[i].sock;
	const struct expect *e;
	size_t nth = 0;

	for (size_t j = 0; j < i; j++)
		nth += out->minis[j].sock == sock;
	e = sock < 0 ? NULL : scene_expect(s, EXPECT_MINI, sock, nth);
	if (e)
		check_fields(&a, e, complain);
	else
		fprintf(complain, "nobody expected a minisocket of %s: %s\n",
			sock < 0 ? "?" : s->socks[sock].name, mini_end_slug(a.m->end));
	if (sock >= 0 && !(scene_expected(e, "tuple")) &&
	    !tuple_equal(&a.m->tuple, &s->socks[sock].base.tuple))
		fprintf(complain, "%s: minisocket with a wrong tuple\n", s->socks[sock].name);
}

void scene_check(const struct scene *s, enum regime regime, const struct outcome *out,
		 FILE *complain)
{
	struct asked a = {s, NULL, NULL, &out->counts, out};

	scene_check_always(s, out, complain);
	for (size_t i = 0; i < out->n_verdicts; i++)
		check_verdict(s, out, i, complain);
	for (size_t i = 0; i < out->n_minis; i++)
		check_mini(s, out, i, complain);
	for (size_t i = 0; i < s->n_expects; i++) {
		const struct expect *e = &s->expects[i];
		size_t have = 0, before = 0;

		if (e->kind == EXPECT_COUNTS) {
			if (regime == REGIME_POLL)
				check_fields(&a, e, complain);
			continue;
		}
		for (size_t j = 0; j < i; j++)
			before += s->expects[j].kind == e->kind && s->expects[j].sock == e->sock;
		for (size_t j = 0; e->kind == EXPECT_VERDICT && j < out->n_verdicts; j++)
			have += out->verdicts[j].sock == e->sock;
		for (size_t j = 0; e->kind == EXPECT_MINI && j < out->n_minis; j++)
			have += out->minis[j].sock == e->sock;
		if (have <= before)
			fprintf(complain, "line %d: no %s on %s\n", e->line,
				e->kind == EXPECT_MINI ? "minisocket" : "verdict",
				s->socks[e->sock].name);
	}
}
