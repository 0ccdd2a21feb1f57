/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* cleanup: what a scope owns it gives back when it is left, by whatever way. */
#ifndef TCPCLOSE_BASE_CLEANUP_H
#define TCPCLOSE_BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* CLEANUP(free) char *s = NULL; the variable must be initialised where it stands. */
#define CLEANUP(how) __attribute__((cleanup(cleanup_##how)))

/* Hands ownership on: the value, and NULL (or -1) stays behind for the cleanup. */
#define TAKE(pointer)                                                                              \
	__extension__({                                                                            \
		__typeof__(pointer) *from_ = &(pointer);                                           \
		__typeof__(pointer) taken_ = *from_;                                               \
		*from_ = NULL;                                                                     \
		taken_;                                                                            \
	})
#define TAKE_FD(fd)                                                                                \
	__extension__({                                                                            \
		int *from_ = &(fd);                                                                \
		int taken_ = *from_;                                                               \
		*from_ = -1;                                                                       \
		taken_;                                                                            \
	})

/* Makes CLEANUP(name) of a function that frees one `type` (a pointer); it is not called for NULL. */
#define CLEANUP_DEFINE(name, type, release)                                                        \
	static inline void cleanup_##name(type *variable)                                          \
	{                                                                                          \
		if (*variable)                                                                     \
			release(*variable);                                                        \
	}

static inline void cleanup_free(void *variable)
{
	free(*(void **)variable);
}

/* A file that is only read: what fclose() could say about unwritten data is lost. */
static inline void cleanup_fclose(FILE **variable)
{
	int saved = errno;

	if (*variable)
		fclose(*variable);
	errno = saved;
}

static inline void cleanup_close(int *variable)
{
	int saved = errno;

	if (*variable >= 0)
		close(*variable);
	errno = saved;
}

#endif
