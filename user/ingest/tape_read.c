/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/crc32.h"
#include "base/le.h"
#include "ingest/tape.h"

struct tape_reader {
	FILE *file;
	uint64_t at,
		next; /* where the block begins that was asked for last, and the one behind it */
	uint8_t block[TAPE_BLOCK_HEAD + TAPE_BLOCK_MAX];
};

static const struct {
	uint16_t kind;
	uint32_t least;
	const char *name;
} rows[] = {
#define TAPE(id, number, least, says) {number, least, #id},
#include "ingest/tape.def"
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

const char *tape_kind_name(uint16_t kind)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].kind == kind)
			return rows[i].name;
	return NULL;
}

uint32_t tape_kind_least(uint16_t kind)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].kind == kind)
			return rows[i].least;
	return 0;
}

/* n when all of them could be read, less at the end of the file; or its negative errno. */
static ssize_t get_bytes(struct tape_reader *tape, uint8_t *ret, size_t n)
{
	size_t got;

	errno = 0;
	got = fread(ret, 1, n, tape->file);
	if (got < n && ferror(tape->file))
		return errno ? -errno : -EIO;
	return (ssize_t)got;
}

int tape_check(const void *bytes, size_t n)
{
	const uint8_t *head = bytes;

	/* a foreign file may be shorter than our head */
	if (memcmp(head, TAPE_MAGIC, n < TAPE_MAGIC_SIZE ? n : TAPE_MAGIC_SIZE))
		return -ENOEXEC;
	if (n < TAPE_FILE_HEAD)
		return -ENODATA;
	if (le_get(head + TAPE_MAGIC_SIZE, 2) != TAPE_VERSION)
		return -EPROTO;
	return le_get(head + TAPE_MAGIC_SIZE + 2, 2) ? -EBADMSG : 0;
}

int tape_read_from(FILE *file, struct tape_reader **ret)
{
	struct tape_reader *tape = calloc(1, sizeof(*tape));
	ssize_t got;
	int r;

	if (!tape) {
		fclose(file);
		return -ENOMEM;
	}
	tape->file = file;
	tape->next = TAPE_FILE_HEAD;
	r = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : -EOPNOTSUPP;
	got = r ? r : get_bytes(tape, tape->block, TAPE_FILE_HEAD);
	r = got < 0 ? (int)got : tape_check(tape->block, (size_t)got);
	if (r) {
		tape_close(tape);
		return r;
	}
	*ret = tape;
	return 0;
}

static bool is_whole(const uint8_t *block, uint32_t size)
{
	uint32_t crc = crc32_add(0, block, 8);

	return crc32_add(crc, block + TAPE_BLOCK_HEAD, size) == le_get(block + 8, 4);
}

int tape_next(struct tape_reader *tape, struct tape_block *ret)
{
	uint8_t *block = tape->block;
	ssize_t got;
	uint32_t size;

	tape->at = tape->next;
	got = get_bytes(tape, block, TAPE_BLOCK_HEAD);
	if (got <= 0)
		return (int)got;
	if (got < TAPE_BLOCK_HEAD)
		return -ENODATA;
	size = (uint32_t)le_get(block, 4);
	if (size > TAPE_BLOCK_MAX || le_get(block + 6, 2))
		return -EBADMSG;
	got = get_bytes(tape, block + TAPE_BLOCK_HEAD, size);
	if (got < 0)
		return (int)got;
	if (got < (ssize_t)size)
		return -ENODATA;
	ret->kind = (uint16_t)le_get(block + 4, 2);
	ret->size = size;
	ret->data = block + TAPE_BLOCK_HEAD;
	if (!is_whole(block, size) || size < tape_kind_least(ret->kind))
		return -EBADMSG;
	tape->next += TAPE_BLOCK_HEAD + size;
	return 1;
}

uint64_t tape_at(const struct tape_reader *tape)
{
	return tape->at;
}

void tape_close(struct tape_reader *tape)
{
	if (!tape)
		return;
	fclose(tape->file);
	free(tape);
}
