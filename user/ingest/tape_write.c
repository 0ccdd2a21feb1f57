/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "base/le.h"
#include "ingest/tape.h"

struct tape_writer {
	FILE *file;
	int err; /* sticks */
};

static void put_bytes(struct tape_writer *tape, const void *bytes, size_t n)
{
	if (tape->err || !n)
		return;
	errno = 0;
	if (fwrite(bytes, 1, n, tape->file) != n)
		tape->err = errno ? -errno : -EIO;
}

int tape_write_to(FILE *file, struct tape_writer **ret)
{
	uint8_t head[TAPE_FILE_HEAD] = TAPE_MAGIC;
	struct tape_writer *tape;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
		fclose(file);
		return -EOPNOTSUPP;
	}
	tape = calloc(1, sizeof(*tape));
	if (!tape) {
		fclose(file);
		return -ENOMEM;
	}
	tape->file = file;
	le_put(head + TAPE_MAGIC_SIZE, 2, TAPE_VERSION);
	put_bytes(tape, head, sizeof(head));
	*ret = tape;
	return 0;
}

void tape_put(struct tape_writer *tape, enum tape_kind kind, const void *part, size_t n,
	      const void *more, size_t m)
{
	uint8_t head[TAPE_BLOCK_HEAD] = {0};
	uint32_t crc;

	if (n + m > TAPE_BLOCK_MAX) {
		tape->err = tape->err ? tape->err : -EMSGSIZE;
		return;
	}
	le_put(head, 4, n + m);
	le_put(head + 4, 2, kind);
	crc = crc32_add(0, head, 8);
	crc = crc32_add(crc, part, n);
	crc = crc32_add(crc, more, m);
	le_put(head + 8, 4, crc);
	put_bytes(tape, head, sizeof(head));
	put_bytes(tape, part, n);
	put_bytes(tape, more, m);
}

int tape_flush(struct tape_writer *tape)
{
	errno = 0;
	if (!tape->err && fflush(tape->file))
		tape->err = errno ? -errno : -EIO;
	return tape->err;
}

int tape_end(struct tape_writer *tape)
{
	int r;

	if (!tape)
		return 0;
	r = tape_flush(tape);
	errno = 0;
	if (fclose(tape->file) && !r)
		r = errno ? -errno : -EIO;
	free(tape);
	return r;
}
