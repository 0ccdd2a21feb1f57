/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the ladder draws, byte for byte, in UTF-8 and in ASCII. UPDATE=1 rewrites
 * the expected files. Runs at the top of the tree; prints TAP.
 */
#include "ladder_stories.h"

#include "base/cleanup.h"
#include "base/utf8.h"

static unsigned n_tests, n_failed;

static void result(bool passed, const char *name, const char *what)
{
	n_tests++;
	n_failed += !passed;
	printf("%sok %u - %s: %s\n", passed ? "" : "not ", n_tests, name, what);
}

typedef void (*teller)(const struct sink_ops *ops, struct sink *sink);

/* What a sink says to one run; the caller frees it. */
static char *told(teller tell, bool utf8, bool colour)
{
	struct sink_config config = {.utf8 = utf8, .colour = colour};
	struct sink *sink = NULL;
	char *text = NULL;
	size_t size = 0;

	config.out = open_memstream(&text, &size);
	if (!config.out || sink_ladder.open(&config, &sink))
		abort();
	tell(&sink_ladder, sink);
	sink_ladder.close(sink);
	fclose(config.out);
	return text;
}

static char *slurp(const char *path)
{
	CLEANUP(fclose) FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (f && text && !fread(text, 1, (1 << 20) - 1, f))
		text[0] = '\0';
	return text;
}

static void compare(const char *name, const char *form, const char *text)
{
	CLEANUP(free) char *expected = NULL;
	char path[160];

	snprintf(path, sizeof(path), "tests/golden/ladder_%s.%s.txt", name, form);
	if (!strcmp(getenv("UPDATE") ?: "", "1")) {
		FILE *f = fopen(path, "w");

		if (!f || fputs(text, f) < 0 || fclose(f))
			abort();
	}
	expected = slurp(path);
	if (strcmp(expected, text))
		fprintf(stderr, "--- %s expects\n%s--- but it is\n%s", path, expected, text);
	result(!strcmp(expected, text), name, form);
}

/* Every line at most 100 columns; no control character but the newline; only ASCII if wished. */
static bool is_clean(const char *text, bool utf8)
{
	unsigned columns = 0;

	while (*text) {
		uint32_t c = 0;
		size_t n = utf8_decode(text, strnlen(text, 4), &c);

		if (!n || (c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0) ||
		    (c >= 0x80 && !utf8))
			return false;
		columns = c == '\n' ? 0 : columns + 1;
		if (columns > 100)
			return false;
		text += n;
	}
	return true;
}

static void check(const char *name, teller tell)
{
	CLEANUP(free) char *utf8 = told(tell, true, false);
	CLEANUP(free) char *ascii = told(tell, false, false);

	compare(name, "utf8", utf8);
	compare(name, "ascii", ascii);
	result(is_clean(utf8, true), name, "UTF-8 fits 100 columns and is clean");
	result(is_clean(ascii, false), name, "ASCII fits 100 columns and is clean");
}

static void tell_default(const struct sink_ops *ops, struct sink *sink)
{
	play_story(ops, sink, &default_story, STEPS(default_steps));
	play_summary(ops, sink);
}

static void tell_followed(const struct sink_ops *ops, struct sink *sink)
{
	play_story(ops, sink, &default_story, STEPS(followed_steps));
	play_summary(ops, sink);
}

static void tell_again(const struct sink_ops *ops, struct sink *sink)
{
	play_story(ops, sink, &default_story, STEPS(again_steps));
	play_summary(ops, sink);
}

static void tell_zero(const struct sink_ops *ops, struct sink *sink)
{
	play_story(ops, sink, &zero_story, STEPS(zero_steps));
}

static void tell_both(const struct sink_ops *ops, struct sink *sink)
{
	play_story(ops, sink, &default_story, STEPS(default_steps));
	play_story(ops, sink, &zero_story, STEPS(zero_steps));
	play_summary(ops, sink);
}

static void tell_refused(const struct sink_ops *ops, struct sink *sink)
{
	play_story(ops, sink, &refused_story, STEPS(refused_steps));
}

static void tell_failed(const struct sink_ops *ops, struct sink *sink)
{
	play_story(ops, sink, &refused_story, STEPS(refused_steps));
	play_story(ops, sink, &failed_story, STEPS(failed_steps));
	play_summary(ops, sink);
}

static void tell_blind(const struct sink_ops *ops, struct sink *sink)
{
	play_story(ops, sink, &zero_story, STEPS(blind_steps));
}

/* Told out of order, twice: two attempts, the first one refused. */
static void tell_attempts(const struct sink_ops *ops, struct sink *sink)
{
	struct step steps[64];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(default_steps) / sizeof(default_steps[0]); i++) {
		steps[n] = default_steps[i];
		steps[n].client_port = CLIENT_PORT + 2;
		steps[n++].us += 50000;
	}
	memcpy(&steps[n], refused_steps, sizeof(refused_steps));
	n += sizeof(refused_steps) / sizeof(refused_steps[0]);
	play_story(ops, sink, &default_story, steps, n);
}

/* Much data into a window that shuts; close() gives up after a second; the rest goes out later. */
static size_t expired_data(struct step *steps, uint32_t us, uint32_t *seq, size_t segments)
{
	size_t n = 0;

	for (size_t i = 0; i < segments; i++, us += 20) {
		steps[n++] = (struct step)SEG(us, S, ACK, *seq, 12, 65483);
		*seq += 65483;
		if (i % 2)
			steps[n++] = (struct step)SEG(us + 6, C, ACK, 12, *seq, 0,
						      .window_shut = i + 1 == segments);
	}
	return n;
}

static void tell_expired(const struct sink_ops *ops, struct sink *sink)
{
	static const struct step start[] = {HANDSHAKE, ECHO};
	struct step steps[256];
	uint32_t seq = 12;
	size_t n = sizeof(start) / sizeof(start[0]);

	memcpy(steps, start, sizeof(start));
	steps[n++] = (struct step)CALL(240, S, "setsockopt", 0, .args = "5, SO_LINGER, {on, 1 s}");
	steps[n++] = (struct step)CALL(900, S, "write", 2621440,
				       .args = "5, zeros until it takes no more", .took_us = 650);
	n += expired_data(steps + n, 260, &seq, 30);
	steps[n++] = (struct step)CALL(1001000, S, "close", 0, .took_us = 1000050);
	steps[n++] = (struct step)STATE(960, S, ESTABLISHED, FIN_WAIT1);
	steps[n++] = (struct step)SEG(210000, S, ACK, seq - 1, 12, 0);
	steps[n++] = (struct step)SEG(210010, C, ACK, 12, seq, 0, .window_shut = true);
	for (uint32_t i = 0; i < 40; i++)
		steps[n++] = (struct step)CALL(2000000 + i * 11, C, "read", 65536, .took_us = 3);
	steps[n++] = (struct step)SEG(2000005, C, ACK, 12, seq, 0);
	n += expired_data(steps + n, 2000020, &seq, 10);
	steps[n++] = (struct step)SEG(2000300, S, FIN | PSH | ACK, seq, 12, 1620);
	steps[n++] = (struct step)STATE(2000306, C, ESTABLISHED, CLOSE_WAIT);
	steps[n++] = (struct step)SEG(2000310, C, ACK, 12, seq + 1621, 0);
	steps[n++] = (struct step)STATE(2000315, S, FIN_WAIT1, FIN_WAIT2);
	steps[n++] = (struct step)CALL(2000460, C, "read", 0);
	steps[n++] = (struct step)CALL(2000480, C, "close", 0, .took_us = 10);
	steps[n++] = (struct step)STATE(2000473, C, CLOSE_WAIT, LAST_ACK);
	steps[n++] = (struct step)SEG(2000475, C, FIN | ACK, 12, seq + 1621, 0);
	steps[n++] = (struct step)OBS(2000476, S, MINI_BORN, .to = ST_TIME_WAIT, .seconds = 60);
	steps[n++] = (struct step)STATE(2000477, S, FIN_WAIT2, CLOSE);
	steps[n++] = (struct step)SEG(2000478, S, ACK, seq + 1621, 13, 0);
	steps[n++] = (struct step)STATE(2000479, C, LAST_ACK, CLOSE);
	steps[n++] = (struct step)VERDICT(2000500, S, expired_server);
	steps[n++] = (struct step)VERDICT(2000500, C, default_client);
	play_story(ops, sink, &expired_story, steps, n);
}

/* SIGKILL closes, FIN_WAIT2 goes on without its socket, nobody followed. */
static void tell_killed(const struct sink_ops *ops, struct sink *sink)
{
	static const struct step steps[] = {
		HANDSHAKE,
		ECHO,
		OBS(100290, S, RELEASE, .exiting = true, .exit_code = 9),
		STATE(100300, S, ESTABLISHED, FIN_WAIT1),
		SEG(100306, S, FIN | ACK, 12, 12, 0),
		STATE(100315, C, ESTABLISHED, CLOSE_WAIT),
		SEG(100322, C, ACK, 12, 13, 0),
		STATE(100329, S, FIN_WAIT1, FIN_WAIT2),
		OBS(100331, S, MINI_BORN, .to = ST_FIN_WAIT2, .seconds = 60),
		STATE(100332, S, FIN_WAIT2, CLOSE),
		CALL(100352, C, "read", 0, .took_us = 100100),
		STATE(150436, C, CLOSE_WAIT, LAST_ACK),
		SEG(150441, C, FIN | ACK, 12, 13, 0),
		OBS(150449, S, MINI_ARMED, .to = ST_TIME_WAIT, .seconds = 60),
		SEG(150457, S, ACK, 13, 13, 0),
		STATE(150465, C, LAST_ACK, CLOSE),
		CALL(150480, C, "close", 0, .took_us = 55),
		VERDICT(150480, C, default_client),
	};
	struct story story = default_story;

	story.ending = "killed";
	story.title = "SIGKILL: the kernel closes for the dead process, and nobody can tell from "
		      "the wire";
	story.as_expected = false;
	story.differs = "the server's socket has no verdict";
	play_story(ops, sink, &story, STEPS(steps));
}

static void tell_brief(const struct sink_ops *ops, struct sink *sink)
{
	struct story story = default_story;

	story.brief = true;
	play_story(ops, sink, &story, STEPS(default_steps));
	story = zero_story;
	story.brief = true;
	play_story(ops, sink, &story, STEPS(zero_steps));
	story = refused_story;
	story.brief = true;
	play_story(ops, sink, &story, STEPS(refused_steps));
	story = zero_story;
	story.brief = true;
	story.as_expected = false;
	story.expect[0] = CAUSE_UNREAD_DATA;
	story.differs = "server: linger-zero, should be unread-data";
	play_story(ops, sink, &story, STEPS(zero_steps));
	play_summary(ops, sink);
}

/* A program may call itself anything, and say anything of what it did. */
static void tell_hostile(const struct sink_ops *ops, struct sink *sink)
{
	struct verdict verdict = default_server;
	struct verdict wrong = default_client;
	struct step steps[] = {
		HANDSHAKE,
		CALL(100, S, "\033[2Jwrite\n", 1,
		     .args = "\033]0;owned\007, \xff\xc3, \xe2\x80\xae evil"),
		CALL(120, C, "shutdown", 0,
		     .args = "\r\n\t\x9b"
			     "31m aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		DEFAULT_END,
		VERDICT(100480, S, verdict),
		VERDICT(100480, C, wrong),
	};
	struct story story = default_story;

	memcpy(verdict.owner.comm, "\033[31m\n\x9b\xe2\x80\xae evil", 16);
	verdict.owner.comm[15] = '\0';
	wrong.cause = CAUSE_UNKNOWN;
	wrong.how = HOW_SILENT;
	wrong.complete = false;
	wrong.blind = ~(evidence_set)0 >> (128 - EV_MAX);
	wrong.evidence = EV(OLDER) | EV(GAP);
	story.as_expected = false;
	story.differs = "client: unknown\033[2J, should be passive-close";
	play_story(ops, sink, &story, STEPS(steps));
}

/* More than there is room for; the end of it must still be drawn. */
static void tell_flood(const struct sink_ops *ops, struct sink *sink)
{
	static struct step steps[20064];
	static const struct step end[] = {DEFAULT_END, VERDICT(100480, C, default_client),
					  VERDICT(100480, S, default_server)};
	size_t n = 0;

	for (uint32_t i = 0; i < 20000; i++)
		steps[n++] = (struct step)SEG(i, C, ACK, 1 + i, 1, 1);
	memcpy(&steps[n], end, sizeof(end));
	play_story(ops, sink, &default_story, steps, n + sizeof(end) / sizeof(end[0]));
}

static void tell_nothing(const struct sink_ops *ops, struct sink *sink)
{
	play_story(ops, sink, &default_story, NULL, 0);
}

/* demo --count: what is left behind, in a table below all. */
static void tell_left(const struct sink_ops *ops, struct sink *sink)
{
	static const struct left lefts[] = {
		{.ending = "default", .closer = "client", .runs = 100, .as_expected = 100, .time_wait = 98,
		 .fin_wait2 = 1, .others = 1, .ephemeral_ports = 100, .range_ports = 28232, .mini_bytes = 256,
		 .kernel_bytes = 99 * 256},
		{.ending = "linger-zero\033[2J", .closer = "server", .runs = 100, .rst_sent = 100,
		 .lost_bytes = 37, .range_ports = 28232, .mini_bytes = 256},
	};

	for (size_t i = 0; i < 2; i++) {
		struct record record = {.kind = REC_LEFT, .left = &lefts[i]};

		ops->take(sink, &record);
	}
	play_summary(ops, sink);
}

static void check_colour(void)
{
	CLEANUP(free) char *plain = told(tell_both, true, false);
	CLEANUP(free) char *colour = told(tell_both, true, true);
	char *to = colour;

	result(strstr(colour, "\033[") && !strchr(plain, '\033'), "colour",
	       "only when it is wished");
	for (char *from = colour; *from;) {
		if (*from == '\033')
			from = strchr(from, 'm') + 1;
		else
			*to++ = *from++;
	}
	*to = '\0';
	result(!strcmp(plain, colour), "colour", "changes nothing else");
}

static void check_output_error(void)
{
	struct sink_config config = {.utf8 = true};
	struct sink *sink = NULL;

	config.out = fopen("/dev/full", "w");
	if (!config.out || sink_ladder.open(&config, &sink))
		abort();
	result(play_story(&sink_ladder, sink, &zero_story, STEPS(zero_steps)) == -ENOSPC,
	       "output error", "is told");
	sink_ladder.close(sink);
	sink_ladder.close(NULL);
	fclose(config.out);
}

int main(void)
{
	check("default", tell_default);
	check("followed", tell_followed);
	check("again", tell_again);
	check("linger-zero", tell_zero);
	check("refused", tell_refused);
	check("connect-failed", tell_failed);
	check("linger-expired", tell_expired);
	check("killed", tell_killed);
	check("blind", tell_blind);
	check("attempts", tell_attempts);
	check("both", tell_both);
	check("brief", tell_brief);
	check("hostile", tell_hostile);
	check("flood", tell_flood);
	check("nothing", tell_nothing);
	check("left", tell_left);
	check_colour();
	check_output_error();
	printf("1..%u\n", n_tests);
	return n_failed > 0;
}
