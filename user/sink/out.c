/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "sink/out.h"

#include <errno.h>
#include <stdio_ext.h>

int out_write(FILE *out, const struct buf *b)
{
	if (b->err)
		return b->err;
	errno = 0;
	/* So that every write to the file ends with a line: who reads along sees no half of one. */
	if (__fpending(out) + b->len > __fbufsize(out) && fflush(out))
		return errno ? -errno : -EIO;
	/* The second question is for an error of an earlier flush that nobody asked about. */
	if (fwrite(b->data, 1, b->len, out) == b->len && !ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}
