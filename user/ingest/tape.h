/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tape: a file of blocks that holds all that a run was told. The format: docs/TAPE.md. */
#ifndef TCPCLOSE_INGEST_TAPE_H
#define TCPCLOSE_INGEST_TAPE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Not ASCII, and both ends of a line: what a transfer as text would spoil. */
#define TAPE_MAGIC      "\211TCT\r\n\032\n"
#define TAPE_MAGIC_SIZE 8
#define TAPE_VERSION    1
#define TAPE_FILE_HEAD  12 /* magic, version, nothing yet */
#define TAPE_BLOCK_HEAD 12 /* size, kind, nothing yet, CRC */
#define TAPE_BLOCK_MAX  65536

/* Numbers are appended, never reused. A reader counts and passes over what it does not know. */
enum tape_kind {
#define TAPE(id, number, least, says) TAPE_##id = (number),
#include "ingest/tape.def"
};

struct tape_block {
	uint16_t kind;
	uint32_t size;
	const uint8_t *data; /* until the next one is read */
};

/* "RECORD"; NULL for a kind that this version does not know. */
const char *tape_kind_name(uint16_t kind);
/* Bytes that a block of that kind has at least. */
uint32_t tape_kind_least(uint16_t kind);

struct tape_writer;

/* Takes the file, also on failure. 0, -ENOMEM, or -EOPNOTSUPP: records are kept as this machine has them, and it is big-endian. */
int tape_write_to(FILE *file, struct tape_writer **ret);
/* One block of both parts in turn. What goes wrong sticks until tape_flush(). */
void tape_put(struct tape_writer *tape, enum tape_kind kind, const void *part, size_t n,
	      const void *more, size_t m);
/* All whole blocks are in the file now. 0, or the negative errno that stuck. */
int tape_flush(struct tape_writer *tape);
/* Flushes and closes. As tape_flush(); NULL is fine. */
int tape_end(struct tape_writer *tape);

struct tape_reader;

/* Whether these, up to TAPE_FILE_HEAD of them, begin a tape: 0, or as tape_read_from(). */
int tape_check(const void *bytes, size_t n);
/*
 * Takes the file, also on failure, and reads its head. -ENOEXEC: it is no tape;
 * -EPROTO: of another version; -ENODATA: shorter than a head; or the file's error.
 */
int tape_read_from(FILE *file, struct tape_reader **ret);
/* 1 and *ret; 0 at the end of the file; -EBADMSG: damaged; -ENODATA: the file ends within a block; or the file's error. */
int tape_next(struct tape_reader *tape, struct tape_block *ret);
/* Where in the file the last block begins that was asked for. */
uint64_t tape_at(const struct tape_reader *tape);
void tape_close(struct tape_reader *tape); /* NULL is fine */

#endif
