/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* words: what an observation in a scene can carry, a row each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

static int32_t errno_number(struct parser *p, const char *name)
{
	for (int e = 1; e < 134; e++) {
		if (strerrorname_np(e) && !strcmp(strerrorname_np(e), name))
			return e;
	}
	return (int32_t)parse_number(p, "err", name);
}

static uint8_t caller_number(struct parser *p, const char *slug)
{
	for (uint8_t i = 1; i < MINI_BY_MAX; i++)
		if (!strcmp(mini_caller_slug((enum mini_caller)i), slug))
			return i;
	wrong(p, "nothing that ends a mini-socket is called \"%s\"", slug);
}

static uint8_t request_caller_number(struct parser *p, const char *slug)
{
	for (uint8_t i = 1; i < REQUEST_BY_MAX; i++)
		if (!strcmp(request_caller_slug((enum request_caller)i), slug))
			return i;
	wrong(p, "nothing that ends a request is called \"%s\"", slug);
}

/* rst_reason lives as long as the run. */
static const char *intern(const char *text)
{
	static char *pool[64];

	for (size_t i = 0; i < sizeof(pool) / sizeof(*pool); i++) {
		if (!pool[i])
			pool[i] = strdup(text);
		if (!strcmp(pool[i], text))
			return pool[i];
	}
	abort();
}

enum word_type {
	W_FLAG,
	W_U8,
	W_U16,
	W_U32,
	W_U64,
	W_I32,
	W_ERRNO,
	W_STATE,
	W_MS,
	W_TIME,
	W_LINGER,
	W_TEXT,
	W_TASK,
	W_EXIT,
	W_RST_FLAG,
	W_TUPLE,
	W_LOCAL,
	W_SK,
	W_MINI,
	W_FROM,
	W_LAYOUT,
	W_CALLER,
	W_ENDED,
	W_OF,
};

static const struct word {
	const char *name;
	enum word_type type;
	size_t offset;
} words[] = {
#define AT(member) offsetof(struct obs, member)
	{"own", W_FLAG, AT(sock.owned)},
	{"dead", W_FLAG, AT(sock.dead)},
	{"done", W_FLAG, AT(sock.done)},
	{"has_socket", W_FLAG, AT(sock.has_socket)},
	{"keepalive", W_FLAG, AT(sock.keepalive)},
	{"repair", W_FLAG, AT(sock.repair)},
	{"mptcp", W_FLAG, AT(sock.mptcp)},
	{"psock", W_FLAG, AT(sock.psock)},
	{"understudy", W_FLAG, AT(understudy)},
	{"kthread", W_FLAG, AT(task.kthread)},
	{"at", W_STATE, AT(sock.state)},
	{"shutdown", W_U8, AT(sock.shutdown)},
	{"linger", W_LINGER, 0}, /* off, or a time */
	{"err", W_ERRNO, AT(sock.err)},
	{"err_soft", W_ERRNO, AT(sock.err_soft)},
	{"unread", W_U32, AT(sock.unread)},
	{"unsent", W_U32, AT(sock.unsent)},
	{"unacked", W_U32, AT(sock.unacked)},
	{"wnd", W_U32, AT(sock.snd_wnd)},
	{"retransmits", W_U32, AT(sock.retransmits)},
	{"probes", W_U32, AT(sock.probes_out)},
	{"linger2", W_I32, AT(sock.linger2)},
	{"user_timeout", W_MS, AT(sock.user_timeout_ms)},
	{"sent", W_U64, AT(sock.bytes_sent)},
	{"acked", W_U64, AT(sock.bytes_acked)},
	{"received", W_U64, AT(sock.bytes_received)},
	{"sent_again", W_U32, AT(sock.total_retrans)}, /* segments, over its life */
	{"uid", W_U32, AT(sock.uid)},
	{"netns", W_U32, AT(sock.netns_ino)},
	{"cgroup", W_U64, AT(sock.cgroup_id)},
	{"cpu", W_U16, AT(cpu)},
	{"had_err", W_ERRNO, AT(release_err)}, /* release: error that had waited before */
	{"by", W_CALLER, AT(mini.caller)}, /* what took the mini-socket's timer off */
	{"ended", W_ENDED, AT(request.caller)}, /* what ended the request */
	{"age", W_TIME, AT(request.age_ns)},
	{"had_ack", W_FLAG, AT(request.acked)},
	{"listening", W_FLAG, AT(request.listening)},
	{"deferred", W_FLAG, AT(request.deferred)},
	{"queue_full", W_FLAG, AT(request.queue_full)},
	{"answered", W_FLAG, AT(request.answered)},
	{"overflow", W_FLAG, AT(request.overflow)},
	{"of", W_OF, 0}, /* request: the listener that it belonged to */
	{"reason", W_TEXT, AT(rst_reason)},
	{"for", W_TIME, AT(mini.timeout_ns)},
	{"task", W_TASK, true},    /* name:pid, and the doing is its own */
	{"on-cpu", W_TASK, false}, /* name:pid that merely runs there */
	{"exit", W_EXIT, 0},       /* the task is exiting, with this exit_code */
	{"flag", W_RST_FLAG, 0},   /* rst | none: the hook saw the segment */
	{"tuple", W_TUPLE, 0},     /* local,peer */
	{"lport", W_LOCAL, true},
	{"pport", W_LOCAL, false},
	{"sk", W_SK, 0},         /* as another socket's address */
	{"mini", W_MINI, 0},     /* mini-socket at another's address, or 0 */
	{"from", W_FROM, 0},     /* mini | none: no full socket sends this reply */
	{"layout", W_LAYOUT, 0}, /* full | brief | lean, as on the wire */
#undef AT
};

void put_task(struct parser *p, struct obs *obs, bool meant, const char *value)
{
	const char *colon = strrchr(value, ':');
	size_t len = colon ? (size_t)(colon - value) : 0;

	if (!len || len >= sizeof(obs->task.comm))
		wrong(p, "a task is name:pid, not \"%s\"", value);
	memset(obs->task.comm, 0, sizeof(obs->task.comm));
	memcpy(obs->task.comm, value, len);
	obs->task.pid = obs->task.tid = (uint32_t)parse_number(p, "pid", colon + 1);
	obs->task.uid = 1000;
	obs->task.meant = meant;
	obs->has_task = true;
}

void put_layout(struct parser *p, struct obs *obs, const char *value)
{
	if (strcmp(value, "full") && strcmp(value, "brief") && strcmp(value, "lean"))
		wrong(p, "layout is full, brief or lean, not \"%s\"", value);
	obs->has_sock = !strcmp(value, "full");
	if (strcmp(value, "lean"))
		return;
	obs->has_task = false;
	memset(&obs->tuple, 0, sizeof(obs->tuple));
}

static void put_from(struct parser *p, struct obs *obs, const char *value)
{
	if (strcmp(value, "mini") && strcmp(value, "none"))
		wrong(p, "from is mini or none, not \"%s\"", value);
	obs->sk = 0;
	obs->has_sock = obs->has_task = false;
	if (!strcmp(value, "none"))
		obs->mini.addr = 0;
}

static void put_tuple(struct parser *p, struct tuple *t, const char *value)
{
	char local[64];
	const char *comma = strchr(value, ',');

	if (!comma || comma - value >= (long)sizeof(local))
		wrong(p, "a tuple is local,peer, not \"%s\"", value);
	memcpy(local, value, (size_t)(comma - value));
	local[comma - value] = '\0';
	if (!scene_endpoint(local, &t->family, &t->local) ||
	    !scene_endpoint(comma + 1, &t->family, &t->peer))
		wrong(p, "\"%s\" is no pair of endpoints", value);
}

static void put_linger(struct parser *p, struct obs *obs, const char *value)
{
	uint64_t ns = 0;

	if (strcmp(value, "off") && strcmp(value, "0") && !scene_time(value, &ns))
		wrong(p, "linger is off, 0 or a time, not \"%s\"", value);
	obs->sock.linger = strcmp(value, "off");
	obs->sock.linger_ms = (uint32_t)(ns / 1000000);
}

static const struct obs *base_of(struct parser *p, const char *name)
{
	static const struct obs zero;

	return strcmp(name, "0") ? &p->scene->socks[parse_sock_name(p, name)].base : &zero;
}

static void put_number(struct parser *p, void *at, const struct word *w, const char *value)
{
	uint64_t ns;

	switch (w->type) {
	case W_U8:
		*(uint8_t *)at = (uint8_t)parse_number(p, w->name, value);
		return;
	case W_U16:
		*(uint16_t *)at = (uint16_t)parse_number(p, w->name, value);
		return;
	case W_U32:
		*(uint32_t *)at = (uint32_t)parse_number(p, w->name, value);
		return;
	case W_U64:
		*(uint64_t *)at = parse_number(p, w->name, value);
		return;
	case W_I32:
		*(int32_t *)at = *value == '-' ? -(int32_t)parse_number(p, w->name, value + 1)
					       : (int32_t)parse_number(p, w->name, value);
		return;
	default:
		if (!scene_time(value, &ns))
			wrong(p, "%s: \"%s\" is no time", w->name, value);
		if (w->type == W_MS)
			*(uint32_t *)at = (uint32_t)(ns / 1000000);
		else
			*(uint64_t *)at = ns;
	}
}

static void put_special(struct parser *p, struct obs *obs, const struct word *w, const char *value)
{
	switch (w->type) {
	case W_TASK:
		put_task(p, obs, w->offset, value);
		return;
	case W_EXIT:
		obs->task.exiting = true;
		obs->task.exit_code = (int32_t)parse_number(p, w->name, value);
		return;
	case W_RST_FLAG:
		if (strcmp(value, "rst") && strcmp(value, "none"))
			wrong(p, "flag is rst or none, not \"%s\"", value);
		obs->rst_flag_known = true;
		obs->rst_flag = !strcmp(value, "rst");
		return;
	case W_TUPLE:
		put_tuple(p, &obs->tuple, value);
		return;
	case W_LOCAL:
		*(w->offset ? &obs->tuple.local.port : &obs->tuple.peer.port) =
			(uint16_t)parse_number(p, w->name, value);
		return;
	case W_SK:
		obs->sk = base_of(p, value)->sk;
		return;
	case W_OF:
		obs->request.listener = base_of(p, value)->sk;
		return;
	case W_MINI:
		obs->mini.addr = base_of(p, value)->mini.addr;
		return;
	case W_FROM:
		put_from(p, obs, value);
		return;
	case W_LINGER:
		put_linger(p, obs, value);
		return;
	default:
		put_layout(p, obs, value);
	}
}

static void put_word(struct parser *p, struct obs *obs, char *text)
{
	char *value = strchr(text, '=');
	const struct word *w = NULL;
	void *at;

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		w = strcmp(words[i].name, text) ? w : &words[i];
	if (!w)
		wrong(p, "unknown word \"%s\"", text);
	if ((w->type == W_FLAG) != !value || (value && !*value))
		wrong(p, "%s %s value", text, w->type == W_FLAG ? "takes no" : "needs a");
	at = (char *)obs + w->offset;
	if (w->type == W_FLAG)
		*(bool *)at = true;
	else if (w->type <= W_I32 || w->type == W_MS || w->type == W_TIME)
		put_number(p, at, w, value);
	else if (w->type == W_ERRNO)
		*(int32_t *)at = errno_number(p, value);
	else if (w->type == W_STATE)
		*(uint8_t *)at = parse_state(p, value);
	else if (w->type == W_CALLER)
		*(uint8_t *)at = caller_number(p, value);
	else if (w->type == W_ENDED)
		*(uint8_t *)at = request_caller_number(p, value);
	else if (w->type == W_TEXT)
		*(const char **)at = intern(value);
	else
		put_special(p, obs, w, value);
}

void put_words(struct parser *p, struct obs *obs, char **save)
{
	for (char *word; (word = strtok_r(NULL, " \t", save));)
		put_word(p, obs, word);
}
