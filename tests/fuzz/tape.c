// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * tape: bytes that nobody vouches for, as a tape: as they are, and with every
 * checksum made right, so that what is behind them is reached. It must not crash,
 * hang, or give a sink what it cannot print.
 *
 * With libFuzzer (make fuzz) it looks for such bytes; as a plain program it tries
 * the files and directories that it is given, and what a few thousand random
 * changes make of them: the same ones every time.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "tests/tape/play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct played played;

static void try(const uint8_t *bytes, size_t size)
{
	play(bytes, size, &played);
	if (played.unsaid_in || played.r > 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *mended = malloc(size + 1);

	if (!mended)
		return 0;
	memcpy(mended, data, size);
	try(mended, size);
	if (size >= TAPE_FILE_HEAD) {
		memcpy(mended, TAPE_MAGIC "\1\0\0\0", TAPE_FILE_HEAD);
		play_mend(mended, size);
		try(mended, size);
	}
	free(mended);
	return 0;
}

#ifndef LIBFUZZER

#define CHANGES   1000 /* to each file */
#define SIZE_MOST 8192 /* what is larger is changed less often */

static uint64_t rnd_state = 1;

static uint64_t rnd(uint64_t below)
{
	rnd_state = rnd_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (rnd_state >> 33) % below;
}

/* A byte, a number at the edge of its range, or one part in the place of another. */
static void change(uint8_t *bytes, size_t size)
{
	static const uint64_t edges[] = {0,      1,          0x7f,       0xff,      0x7fff,
					 0xffff, 0x7fffffff, UINT32_MAX, INT64_MAX, UINT64_MAX};
	size_t n = 1 + rnd(16), at = rnd(size), from = rnd(size);

	switch (rnd(4)) {
	case 0:
		bytes[at] ^= (uint8_t)(1 << rnd(8));
		break;
	case 1:
		bytes[at] = (uint8_t)rnd(256);
		break;
	case 2:
		n = (size_t)1 << rnd(4);
		if (at + n <= size)
			le_put(bytes + at, n, edges[rnd(sizeof(edges) / sizeof(edges[0]))]);
		break;
	default:
		if (at + n <= size && from + n <= size)
			memmove(bytes + at, bytes + from, n);
		break;
	}
}

static void try_changed(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size);
	uint64_t times = size > SIZE_MOST ? CHANGES * SIZE_MOST / size : CHANGES;

	for (uint64_t i = 0; copy && size && i < times; i++) {
		memcpy(copy, bytes, size);
		for (uint64_t n = 1 + rnd(8); n; n--)
			change(copy, size);
		LLVMFuzzerTestOneInput(copy, rnd(8) ? size : rnd(size));
	}
	free(copy);
}

/* The files that were tried; a directory's, but not those of the directories in it. */
static int try_path(const char *path, int depth)
{
	struct dirent **names = NULL;
	char below[4096];
	int n = depth ? -1 : scandir(path, &names, NULL, alphasort), files = 0;
	size_t size = 0;
	uint8_t *bytes;

	for (int i = 0; i < n; i++) {
		snprintf(below, sizeof(below), "%s/%s", path, names[i]->d_name);
		files += names[i]->d_name[0] == '.' ? 0 : try_path(below, depth + 1);
		free(names[i]);
	}
	free(names);
	if (n >= 0)
		return files;
	bytes = play_load(path, &size);
	if (!bytes)
		return 0;
	LLVMFuzzerTestOneInput(bytes, size);
	try_changed(bytes, size);
	free(bytes);
	return 1;
}

int main(int argc, char **argv)
{
	static char *at_home[] = {NULL, (char *)"tests/tape", (char *)"tests/fuzz/corpus"};
	int n = argc > 1 ? argc : 3, files;
	char **paths = argc > 1 ? argv : at_home;

	printf("1..%d\n", n - 1);
	for (int i = 1; i < n; i++) {
		files = try_path(paths[i], 0);
		printf("%s %d - %s: %d files and what chance makes of them are read, or refused\n",
		       files ? "ok" : "not ok", i, paths[i], files);
		fflush(stdout);
	}
	return 0;
}

#endif
