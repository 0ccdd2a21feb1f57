/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "taping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define TAPING_BUFFER (256 * 1024)

static int refuse_terminal(const struct taping *t)
{
	if (!isatty(fileno(t->target.file)))
		return 0;
	log_error("a tape cannot be shown on a terminal: name a file, or let %s be a pipe", t->target.name);
	return TARGET_REFUSED;
}

/*
 * A turn of the loop on a busy machine goes out in few writes; see output.c. What
 * is written before taping_begin(), a head, has room in the buffer as well.
 */
static int give_buffer(struct taping *t)
{
	t->buffer = malloc(TAPING_BUFFER);
	return t->buffer ? -setvbuf(t->target.file, t->buffer, _IOFBF, TAPING_BUFFER) : -ENOMEM;
}

static int create(struct taping *t)
{
	int r = target_open(t->path, &t->target);

	if (!r)
		r = refuse_terminal(t);
	if (!r)
		r = give_buffer(t);
	if (!r) {
		r = tape_write_to(t->target.file, &t->tape);
	} else if (t->target.file) {
		target_leave(&t->target);
		fclose(t->target.file);
	}
	if (r == -EOPNOTSUPP)
		log_error("cannot write %s: this machine is big-endian, and a tape is not",
			  t->path);
	else if (r && r != TARGET_REFUSED)
		log_error("cannot write %s: %s", strcmp(t->path, "-") ? t->path : "standard output", strerror(-r));
	if (r) {
		free(t->buffer);
		t->buffer = NULL;
		t->target = (struct target){ 0 };
	}
	return r;
}

int taping_apart(const struct taping *t, const struct target *output)
{
	if (!t->target.file || !target_is(output, fileno(t->target.file)))
		return 0;
	log_error("the tape and what is printed cannot both go to %s", t->target.name);
	return TARGET_REFUSED;
}

int taping_begin(struct taping *t)
{
	t->error = target_begin(&t->target);
	return t->error;
}

int taping_want(struct taping *t, const char *name, const char *value)
{
	size_t n = t->head.wants.n;
	char *word;

	if (!t->path)
		return 0;
	if (n == OPTS_MAX_WANTS || strlen(name) + strlen(value) + 1 > TAPE_WORD_MAX) {
		log_error("--%s: too much of it for a tape", name);
		return -EINVAL;
	}
	if (asprintf(&word, "%s=%s", name, value) < 0) {
		log_error("cannot write %s: %s", t->path, strerror(ENOMEM));
		return -ENOMEM;
	}
	t->words[n] = word;
	t->head.wants.word[t->head.wants.n++] = word;
	return 0;
}

int taping_open(const char *path, const struct config *config, uint64_t wall_minus_mono_ns,
		struct taping *ret)
{
	struct taping *t = ret;
	int r = 0;

	*t = (struct taping){.path = path};
	t->head.program = "tcpclose " TCPCLOSE_VERSION;
	t->head.wall_minus_mono_ns = wall_minus_mono_ns;
	if (!path)
		return 0;
	for (int i = 0; i < config->n_wants && !r; i++)
		r = taping_want(t, config->wants[i].name, config->wants[i].value);
	return r ? r : create(t);
}

int taping_close(struct taping *t)
{
	int r;

	target_leave(&t->target);
	r = tape_end(t->tape);
	if (t->error)
		r = t->error;
	t->tape = NULL;
	t->target.file = NULL;
	free(t->buffer);
	t->buffer = NULL;
	if (r && r != -EPIPE)
		log_error("cannot write %s: %s", t->target.name, strerror(-r));
	for (size_t i = 0; i < t->head.wants.n; i++)
		free(t->words[i]);
	t->head.wants.n = 0;
	return r;
}
