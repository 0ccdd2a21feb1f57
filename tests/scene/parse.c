/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* parse: the text of scenes, strictly. A word that is not known stops the file. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

void wrong(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", p->file, p->line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	longjmp(p->wrong, 1);
}

bool scene_time(const char *text, uint64_t *ret)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 6e10}};
	char *end;
	double value;

	if (!isdigit((unsigned char)*text))
		return false;
	value = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!strcmp(end, units[i].name)) {
			*ret = (uint64_t)(value * units[i].ns + 0.5);
			return true;
		}
	}
	return false;
}

bool scene_endpoint(const char *text, uint8_t *family, struct endpoint *ret)
{
	char addr[64], *end;
	const char *colon = strrchr(text, ':');
	size_t skip = *text == '[', len;

	memset(ret, 0, sizeof(*ret));
	if (!colon || colon - text < 2 || colon - text > (long)sizeof(addr) - 1)
		return false;
	len = (size_t)(colon - text) - 2 * skip;
	memcpy(addr, text + skip, len);
	addr[len] = '\0';
	*family = skip ? 6 : 4;
	ret->port = (uint16_t)strtoul(colon + 1, &end, 10);
	return !*end && inet_pton(skip ? AF_INET6 : AF_INET, addr, ret->addr) == 1;
}

uint64_t parse_number(struct parser *p, const char *word, const char *value)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(value, &end, 0);
	if (!isdigit((unsigned char)*value) || *end || errno)
		wrong(p, "%s: \"%s\" is no number", word, value);
	return n;
}

uint8_t parse_state(struct parser *p, const char *name)
{
	for (uint8_t s = 1; s <= ST_NEW_SYN_RECV; s++) {
		if (name && !strcmp(state_name(s), name))
			return s;
	}
	wrong(p, "\"%s\" is no state", name ? name : "");
}

int parse_sock_name(struct parser *p, const char *name)
{
	for (size_t i = 0; i < p->scene->n_socks; i++) {
		if (!strcmp(p->scene->socks[i].name, name))
			return (int)i;
	}
	wrong(p, "no socket \"%s\" was declared", name);
}

/* --- observations --- */

static const struct kind {
	const char *name;
	int kind; /* enum obs_kind or enum step_kind */
} kinds[] = {
	{"state", OBS_STATE},
	{"rst-active", OBS_RST_ACTIVE},
	{"rst-reply", OBS_RST_REPLY},
	{"rst-received", OBS_RST_RECEIVED},
	{"mini-born", OBS_MINI_BORN},
	{"mini-expired", OBS_MINI_EXPIRED},
	{"mini-cancel", OBS_MINI_CANCEL},
	{"mini-killed", OBS_MINI_KILLED},
	{"mini-armed", OBS_MINI_ARMED},
	{"mini-found", OBS_MINI_FOUND},
	{"mini-peek", OBS_MINI_PEEK},
	{"destroy", OBS_DESTROY},
	{"release", OBS_RELEASE},
	{"snapshot", OBS_SNAPSHOT},
	{"overflow", OBS_OVERFLOW},
	{"request-gone", OBS_REQUEST_GONE},
};

static bool is_mini(enum obs_kind kind)
{
	return kind >= OBS_MINI_BORN && kind <= OBS_MINI_PEEK;
}

/* As stack.bpf.c has it: what a state change is worth. */
static const char *state_layout(uint8_t old_state, uint8_t new_state)
{
	if ((old_state == ST_LISTEN) != (new_state == ST_LISTEN) && new_state != ST_SYN_RECV)
		return "brief";
	if (old_state == ST_LISTEN || old_state == new_state)
		return "lean";
	if (new_state == ST_CLOSE || new_state == ST_CLOSING || old_state == ST_ESTABLISHED || old_state == ST_CLOSE_WAIT)
		return "full";
	return new_state == ST_SYN_SENT || new_state == ST_ESTABLISHED ? "brief" : "lean";
}

/* What the wire carries for this kind of record when the scene does not say otherwise. */
static void put_default_layout(struct parser *p, struct obs *obs)
{
	const char *layout = "full";

	if (is_mini(obs->kind)) {
		obs->sk = 0;
		return;
	}
	if (obs->kind == OBS_OVERFLOW || obs->kind == OBS_REQUEST_GONE) {
		obs->sk = 0;
		obs->has_sock = obs->has_task = false;
		return;
	}
	if (obs->kind == OBS_STATE)
		layout = state_layout(obs->old_state, obs->new_state);
	else if (obs->kind == OBS_DESTROY || obs->kind == OBS_RELEASE)
		layout = "brief";
	if (obs->kind != OBS_RST_RECEIVED && obs->kind != OBS_SNAPSHOT)
		put_task(p, obs, false, "on-the-cpu:666");
	put_layout(p, obs, layout);
}

/* obs.tuple is "also set where has_sock": one of them, twice. */
static void settle(struct parser *p, struct obs *obs)
{
	obs->sock.tuple = obs->tuple;
	if (obs->kind == OBS_RELEASE || obs->kind == OBS_SNAPSHOT)
		obs->old_state = obs->new_state = obs->sock.state;
	if (obs->has_task && obs->task.pid == SCENE_STRANGER &&
	    (obs->sock.owned || obs->kind == OBS_RELEASE))
		wrong(p, "by whom? say task= or on-cpu=");
	if (obs->kind == OBS_RST_REPLY && obs->sk)
		obs->mini.addr = 0;
	if (!is_mini(obs->kind) && obs->kind != OBS_RST_REPLY)
		memset(&obs->mini, 0, sizeof(obs->mini));
}

static void parse_obs(struct parser *p, struct step *step, char **save)
{
	char *name = strtok_r(NULL, " \t", save);
	struct obs *base = &p->scene->socks[step->sock].base, *obs = &step->obs;
	const struct kind *kind = NULL;

	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(*kinds); i++)
		kind = strcmp(kinds[i].name, name) ? kind : &kinds[i];
	if (!kind)
		wrong(p, "unknown kind of observation \"%s\"", name ? name : "");
	*obs = *base;
	obs->kind = (enum obs_kind)kind->kind;
	obs->mono_ns = step->at_ns;
	if (obs->kind == OBS_STATE) {
		obs->old_state = obs->sock.state = parse_state(p, strtok_r(NULL, " \t", save));
		obs->new_state = base->sock.state = parse_state(p, strtok_r(NULL, " \t", save));
	}
	if (is_mini(obs->kind)) {
		char *sub = strtok_r(NULL, " \t", save);

		obs->mini.substate = sub && !strcmp(sub, "gone") ? 0 : parse_state(p, sub);
	}
	put_default_layout(p, obs);
	put_words(p, obs, save);
	settle(p, obs);
}

static const struct kind controls[] = {
	{"gap", STEP_GAP},
	{"given", STEP_GIVEN},
	{"waiting", STEP_WAITING},
	{"peeks", STEP_PEEKS},
	{"owners-wanted", STEP_OWNERS_WANTED},
	{"owners-known", STEP_OWNERS_KNOWN},
	{"end", STEP_END},
};

static void parse_control(struct parser *p, struct step *step, char **save)
{
	char *name = strtok_r(NULL, " \t", save), *arg = strtok_r(NULL, " \t", save);
	const struct kind *kind = NULL;
	bool takes;

	for (size_t i = 0; name && i < sizeof(controls) / sizeof(*controls); i++)
		kind = strcmp(controls[i].name, name) ? kind : &controls[i];
	if (!kind)
		wrong(p, "unknown control \"%s\"", name ? name : "");
	step->kind = (enum step_kind)kind->kind;
	takes = step->kind == STEP_GIVEN || step->kind == STEP_WAITING || step->kind == STEP_PEEKS;
	if (takes != !!arg || strtok_r(NULL, " \t", save))
		wrong(p, "%s takes %s socket", name, takes ? "one" : "no");
	step->sock = arg && strcmp(arg, "none") ? parse_sock_name(p, arg) : -1;
}

static void parse_step(struct parser *p, char *first, char **save)
{
	struct step *step = &p->scene->steps[p->scene->n_steps];
	bool since_last = *first == '+';
	char *who = strtok_r(NULL, " \t", save);
	uint64_t ns;

	if (p->scene->n_steps == SCENE_MAX_STEPS)
		wrong(p, "too many steps");
	if (!scene_time(first + since_last, &ns))
		wrong(p, "\"%s\" is neither a time nor a keyword", first);
	/* not from zero: a clock that says 0 would hide uninitialised times */
	ns += since_last ? p->now_ns : SEC(1000);
	if (ns < p->now_ns)
		wrong(p, "time runs backwards");
	if (!who)
		wrong(p, "who?");
	step->line = p->line;
	step->at_ns = p->now_ns = ns;
	if (!strcmp(who, "*")) {
		parse_control(p, step, save);
	} else {
		step->sock = parse_sock_name(p, who);
		parse_obs(p, step, save);
	}
	p->scene->n_steps++;
}

/* --- what frames them --- */

static void parse_socket(struct parser *p, char **save)
{
	char *name = strtok_r(NULL, " \t", save), *local = strtok_r(NULL, " \t", save);
	char *peer = strtok_r(NULL, " \t", save);
	size_t i = p->scene->n_socks;
	struct scene_sock *s = &p->scene->socks[i];

	if (i == SCENE_MAX_SOCKS || !peer || strlen(name) >= SCENE_NAME)
		wrong(p, "socket NAME LOCAL PEER, and not too many of them");
	memset(s, 0, sizeof(*s));
	strcpy(s->name, name);
	s->base.sk = UINT64_C(0xffff888100000000) + 0x1000 * i;
	s->base.mini.addr = UINT64_C(0xffff888200000000) + 0x1000 * i;
	s->base.sock.netns_ino = 4026531840;
	s->base.sock.uid = 1000;
	s->base.sock.snd_wnd = 65536;
	if (!scene_endpoint(local, &s->base.tuple.family, &s->base.tuple.local) ||
	    !scene_endpoint(peer, &s->base.tuple.family, &s->base.tuple.peer))
		wrong(p, "\"%s %s\" is no pair of endpoints", local, peer);
	p->scene->n_socks++;
	put_words(p, &s->base, save);
}

static uint32_t vantage_bit(struct parser *p, const char *slug)
{
	for (int v = 0; v < VANTAGE_MAX; v++) {
		if (!strcmp(vantage_slug((enum vantage)v), slug))
			return UINT32_C(1) << v;
	}
	wrong(p, "no vantage \"%s\"", slug);
}

static void parse_covered(struct parser *p, char **save)
{
	p->scene->covered = 0;
	for (char *w; (w = strtok_r(NULL, " \t", save));) {
		if (!strcmp(w, "all"))
			p->scene->covered = (UINT32_C(1) << VANTAGE_MAX) - 1;
		else if (*w == '-')
			p->scene->covered &= ~vantage_bit(p, w + 1);
		else
			p->scene->covered |= vantage_bit(p, w);
	}
}

static void parse_expect(struct parser *p, char **save)
{
	struct expect *e = &p->scene->expects[p->scene->n_expects];
	char *who = strtok_r(NULL, " \t", save), *word, *value;
	const char *bad;

	if (!who || p->scene->n_expects == SCENE_MAX_EXPECTS)
		wrong(p, "expect whom? or too many of them");
	*e = (struct expect){.line = p->line, .sock = -1};
	if (!strcmp(who, "counts"))
		e->kind = EXPECT_COUNTS;
	else
		e->sock = parse_sock_name(p, who);
	while ((word = strtok_r(NULL, " \t", save))) {
		if (!e->n && e->kind == EXPECT_VERDICT && !strcmp(word, "minisocket")) {
			e->kind = EXPECT_MINI;
			continue;
		}
		value = strchr(word, '=');
		if (!value || e->n == SCENE_MAX_FIELDS)
			wrong(p, "field=value, not \"%s\"", word);
		*value++ = '\0';
		bad = scene_field_wrong(e->kind, word, value);
		if (bad)
			wrong(p, "%s=%s: %s", word, value, bad);
		e->field[e->n].name = strdup(word);
		e->field[e->n++].value = strdup(value);
	}
	if (!e->n || (e->kind == EXPECT_VERDICT && strcmp(e->field[0].name, "cause")))
		wrong(p, "an expectation of a verdict begins with its cause");
	p->scene->n_expects++;
}

static void parse_table(struct parser *p, char **save)
{
	for (char *w; (w = strtok_r(NULL, " \t", save));) {
		if (!strncmp(w, "flows=", 6))
			p->scene->max_flows = (uint32_t)parse_number(p, "flows", w + 6);
		else if (!strncmp(w, "minis=", 6))
			p->scene->max_minis = (uint32_t)parse_number(p, "minis", w + 6);
		else
			wrong(p, "table has flows= and minis=, not \"%s\"", w);
	}
}

static void parse_in_scene(struct parser *p, char *first, char **save)
{
	if (!strcmp(first, "covered")) {
		parse_covered(p, save);
	} else if (!strcmp(first, "todo")) {
		p->scene->todo = strdup(*save ? *save : "");
	} else if (!strcmp(first, "table")) {
		parse_table(p, save);
	} else if (!strcmp(first, "socket")) {
		parse_socket(p, save);
	} else if (!strcmp(first, "set")) {
		char *name = strtok_r(NULL, " \t", save);

		put_words(p, &p->scene->socks[parse_sock_name(p, name ? name : "")].base, save);
	} else if (!strcmp(first, "expect")) {
		parse_expect(p, save);
	} else {
		parse_step(p, first, save);
	}
}

static void scene_begin(struct parser *p, const char *title)
{
	if (!title || !*title)
		wrong(p, "a scene has a title");
	memset(p->scene, 0, sizeof(*p->scene));
	p->scene->file = p->file;
	p->scene->line = p->line;
	p->scene->title = strdup(title);
	p->scene->covered = (UINT32_C(1) << VANTAGE_MAX) - 1;
	p->scene->max_flows = p->scene->max_minis = 64;
	p->now_ns = 0;
}

static void scene_free(struct scene *s)
{
	free(s->title);
	free(s->todo);
	for (size_t i = 0; i < s->n_expects; i++) {
		for (size_t j = 0; j < s->expects[i].n; j++) {
			free(s->expects[i].field[j].name);
			free(s->expects[i].field[j].value);
		}
	}
	s->title = NULL;
}

static void parse_line(struct parser *p, char *line, void (*each)(void *, struct scene *),
		       void *ctx)
{
	char *hash = strchr(line, '#'), *save, *first;

	line[strcspn(line, "\n")] = '\0';
	if (hash)
		*hash = '\0';
	first = strtok_r(line, " \t", &save);
	if (!first)
		return;
	if (!strcmp(first, "scene")) {
		if (p->scene->title) {
			each(ctx, p->scene);
			scene_free(p->scene);
		}
		scene_begin(p, save);
	} else if (!p->scene->title) {
		wrong(p, "before the first scene: \"%s\"", first);
	} else {
		parse_in_scene(p, first, &save);
	}
}

int scene_parse(const char *file, void (*each)(void *ctx, struct scene *scene), void *ctx)
{
	struct parser p = {.file = file, .scene = calloc(1, sizeof(struct scene))};
	FILE *in = fopen(file, "r");
	char line[1024];
	int failed = 0;

	if (!in || !p.scene) {
		fprintf(stderr, "%s: %s\n", file, strerror(errno));
		failed = -1;
	} else if (setjmp(p.wrong)) {
		failed = -1;
	} else {
		while (fgets(line, sizeof(line), in)) {
			p.line++;
			if (!strchr(line, '\n'))
				wrong(&p, "longer than %zu bytes", sizeof(line) - 2);
			parse_line(&p, line, each, ctx);
		}
		if (p.scene->title)
			each(ctx, p.scene);
	}
	if (p.scene)
		scene_free(p.scene);
	free(p.scene);
	if (in)
		fclose(in);
	return failed;
}
