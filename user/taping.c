/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "taping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define TAPING_BUFFER (256 * 1024)

static int create(struct taping *t)
{
	FILE *file = fopen(t->path, "we");
	int r = file ? 0 : -errno;

	/* a turn of the loop on a busy machine goes out in few writes; see output.c */
	t->buffer = file ? malloc(TAPING_BUFFER) : NULL;
	if (t->buffer)
		setvbuf(file, t->buffer, _IOFBF, TAPING_BUFFER);
	if (!r)
		r = tape_write_to(file, &t->tape);
	if (r == -EOPNOTSUPP)
		log_error("cannot write %s: this machine is big-endian, and a tape is not",
			  t->path);
	else if (r)
		log_error("cannot write %s: %s", t->path, strerror(-r));
	if (r) {
		free(t->buffer);
		t->buffer = NULL;
	}
	return r;
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
	int r = tape_end(t->tape);

	t->tape = NULL;
	free(t->buffer);
	t->buffer = NULL;
	if (r)
		log_error("cannot write %s: %s", t->path, strerror(-r));
	for (size_t i = 0; i < t->head.wants.n; i++)
		free(t->words[i]);
	t->head.wants.n = 0;
	return r;
}
