/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tcpclose replay: the verdicts of a tape, without root and without its kernel. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cmd.h"
#include "opts.h"
#include "output.h"
#include "run.h"
#include "sink/summary.h"
#include "spool.h"

struct replay {
	struct config config;
	struct config taped; /* what was asked for when it was recorded */
	const char *path;
	struct tape_reader *tape;
	int fd; /* of its file */
	struct tape_head head;
	struct output output;
};

static int on_record(void *ctx, const struct record *record)
{
	struct replay *replay = ctx;
	int r;

	if (record->kind == REC_EVENT && !opts_want_tuple(&replay->config, &record->event->tuple))
		return 0;
	r = output_take(&replay->output, record);
	if (record->kind != REC_SUMMARY || replay->config.quiet)
		return r;
	if (!r)
		r = output_flush(&replay->output);
	summary_print(stderr, record->summary);
	return r;
}

static bool on_want_then(void *ctx, const struct verdict *v)
{
	return opts_want(&((struct replay *)ctx)->taped, v);
}

static bool on_want(void *ctx, const struct verdict *v)
{
	return opts_want_replayed(&((struct replay *)ctx)->config, v);
}

static bool on_want_mini(void *ctx, const struct minisocket *m)
{
	struct replay *replay = ctx;

	return opts_want_older(&replay->taped, m) && opts_want_older(&replay->config, m) &&
	       opts_want_tuple(&replay->config, &m->tuple) && opts_want_netns(&replay->config, m->netns);
}

static int on_turn(void *ctx)
{
	return output_flush(&((struct replay *)ctx)->output);
}

/* --- the tape ---------------------------------------------------------------------- */

/* What is no file keeps a reader waiting, and a signal too: so it is read to its end before. */
static int open_file(const char *path, FILE **ret)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	struct stat st;

	if (!file)
		return -errno;
	if (!fstat(fileno(file), &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return spool(file, SPOOL_MOST, ret);
	*ret = file;
	return 0;
}

/* One sentence. `told`: verdicts of what stands before are out. */
static void say_why(const struct replay *replay, int r, bool told)
{
	const char *path = replay->path;
	unsigned long long at = replay->tape ? tape_at(replay->tape) : 0;

	if (r == -ENOEXEC)
		log_error("%s is no tape of tcpclose", path);
	else if (r == -EPROTO)
		log_error("%s is a tape in another version of the format than this program reads "
			  "(%d)",
			  path, TAPE_VERSION);
	else if (r == -EOPNOTSUPP)
		log_error("cannot read %s: this machine is big-endian, and a tape is not", path);
	else if (r == -E2BIG)
		log_error("%s is longer than %llu MiB, and no file: make one of it first", path,
			  (unsigned long long)(SPOOL_MOST >> 20));
	else if (r == -ENOSPC || r == -EFBIG)
		log_error("there is no room to hold %s until its end: %s", path, strerror(-r));
	else if (r == -ENODATA)
		log_error("%s is cut off at byte %llu%s", path, at,
			  told ? ": the verdicts are those of what stands before, and what was "
				 "open has a gap"
			       : "");
	else if (r == -EBADMSG)
		log_error("%s is damaged at byte %llu%s", path, at,
			  told ? ": the verdicts are those of what stands before, and what was "
				 "open has a gap"
			       : "");
	else
		log_error("cannot read %s: %s", path, strerror(-r));
}

static int take_wants(struct replay *replay)
{
	for (size_t i = 0; i < replay->head.wants.n; i++) {
		if (!opts_want_again(replay->head.wants.word[i], &replay->taped))
			continue;
		log_error("%s was recorded with a filter that this version does not know: %s",
			  replay->path, replay->head.wants.word[i]);
		return -EINVAL;
	}
	return 0;
}

static int open_tape(struct replay *replay)
{
	FILE *file = NULL;
	int r = open_file(replay->path, &file);

	replay->fd = file ? fileno(file) : -1;
	if (!r)
		r = tape_read_from(file, &replay->tape);
	if (!r)
		r = tape_head_read(replay->tape, &replay->head);
	if (r) {
		say_why(replay, r, false);
		return r;
	}
	if (replay->config.max_flows)
		replay->head.max_flows = replay->config.max_flows;
	log_debug("%s: %s on Linux %s", replay->path,
		  replay->head.program ? replay->head.program : "?",
		  replay->head.kernel ? replay->head.kernel : "?");
	for (size_t i = 0; i < replay->head.hooks.n; i++)
		log_debug("%s: %s", replay->path, replay->head.hooks.word[i]);
	return take_wants(replay);
}

/* --- replaying it ------------------------------------------------------------------ */

static int run(struct replay *replay)
{
	struct run_config config = {
		.replay = replay->tape,
		.head = &replay->head,
		.events = replay->config.events,
		.count = replay->config.count,
		.emit = on_record,
		.want_then = on_want_then,
		.want = on_want,
		.want_mini = on_want_mini,
		.strays = true,
		.turn = on_turn,
		.ctx = replay,
	};
	struct run *run = NULL;
	int r = run_open(&config, &run), finish;

	if (r)
		return r;
	r = output_begin(&replay->output);
	if (!r)
		r = run_loop(run, NULL, NULL);
	finish = run_finish(run);
	run_close(run);
	if (!r)
		r = finish;
	if (replay->output.error) /* output_close() says so */
		return r;
	if (r == -ENODATA || r == -EBADMSG || r == -EIO)
		say_why(replay, r, true);
	else if (r)
		log_error("cannot go on: %s", strerror(-r));
	return r;
}

/* It would be empty before it is read. */
static int refuse_the_tape(const struct replay *replay)
{
	const struct target *target = &replay->output.target;

	if (!target_is(target, replay->fd))
		return 0;
	log_error("the tape that is read cannot be written to: it is %s", target->name);
	return TARGET_REFUSED;
}

static int replay(struct replay *replay)
{
	int r = open_tape(replay), closed;

	if (r)
		return r;
	r = output_open(&replay->config, replay->config.json ? &sink_ndjson : &sink_text,
			replay->head.wall_minus_mono_ns, &replay->output);
	if (r)
		return r;
	r = refuse_the_tape(replay);
	if (!r)
		r = run(replay);
	closed = output_close(&replay->output);
	return r ? r : closed;
}

static int check(const struct config *c)
{
	if (c->n_words == 1 && !c->run)
		return 0;
	log_error("replay wants one tape: tcpclose replay FILE");
	return -EINVAL;
}

int cmd_replay(int argc, char **argv)
{
	static const struct cmd_help help = {
		.usage = "Usage: tcpclose replay FILE [OPTIONS]\n\n"
			 "The verdicts of a tape that tcpclose record (or --tape) has left: the same as then, with\n"
			 "the same times, without root and without that kernel. FILE may be - for standard input.\n\n",
		.status = "0 done, 1 could not do it (also: the tape is damaged or cut off; the\n"
			  "verdicts of what stands before are given), 2 bad usage.",
	};
	struct replay r = {0};
	int result;

	if (!cmd_begin(CMD_REPLAY, &help, argc, argv, &r.config, &result))
		return result;
	if (check(&r.config))
		return EXIT_USAGE;
	r.path = r.config.words[0];
	result = replay(&r);
	tape_head_free(&r.head);
	tape_close(r.tape);
	if (result == TARGET_REFUSED)
		return EXIT_USAGE;
	return result && result != -EPIPE ? EXIT_FAILED : EXIT_DONE;
}
