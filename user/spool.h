/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* spool: a tape that is no file, read to its end before any of it is told. */
#ifndef TCPCLOSE_SPOOL_H
#define TCPCLOSE_SPOOL_H

#include <stdint.h>
#include <stdio.h>

/* So much of the place where temporary files are is taken. */
#define SPOOL_MOST (UINT64_C(1) << 30)

/*
 * Takes `from`; gives a copy of it, to be read from its beginning. As
 * tape_read_from() when its head is not that of a tape: then nothing more of it
 * has been read. -E2BIG: longer than that. Or what went wrong.
 */
int spool(FILE *from, uint64_t most, FILE **ret);

#endif
