/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "spool.h"

#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "ingest/tape.h"

static int failed(void)
{
	return errno ? -errno : -EIO;
}

static int copy_head(FILE *from, FILE *to)
{
	char head[TAPE_FILE_HEAD];
	size_t n = fread(head, 1, sizeof(head), from);
	int r;

	if (ferror(from))
		return failed();
	r = tape_check(head, n);
	if (r)
		return r;
	return fwrite(head, 1, n, to) == n ? 0 : failed();
}

static int copy_rest(FILE *from, FILE *to, uint64_t most)
{
	char bytes[65536];
	uint64_t copied = TAPE_FILE_HEAD;
	size_t n;

	while ((n = fread(bytes, 1, sizeof(bytes), from)) > 0) {
		copied += n;
		if (copied > most)
			return -E2BIG;
		if (fwrite(bytes, 1, n, to) != n)
			return failed();
	}
	return ferror(from) || fseek(to, 0, SEEK_SET) ? failed() : 0;
}

/* Ctrl-C reaches the whole pipeline: who writes the tape ends it, and it is told. Twice, and this ends too. */
static void on_interrupt(int number)
{
	(void)number;
}

int spool(FILE *from, uint64_t most, FILE **ret)
{
	struct sigaction once = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND | SA_RESTART }, before;
	CLEANUP(fclose) FILE *source = from;
	CLEANUP(fclose) FILE *to = tmpfile();
	int r;

	if (!to)
		return failed();
	signal(SIGXFSZ, SIG_IGN);
	sigaction(SIGINT, NULL, &before);
	if (before.sa_handler != SIG_IGN)
		sigaction(SIGINT, &once, NULL);
	errno = 0;
	r = copy_head(source, to);
	if (!r)
		r = copy_rest(source, to, most);
	sigaction(SIGINT, &before, NULL);
	if (!r)
		*ret = TAKE(to);
	return r;
}
