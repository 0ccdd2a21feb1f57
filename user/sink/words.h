/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* words: what sinks call the things that core only numbers. */
#ifndef TCPCLOSE_SINK_WORDS_H
#define TCPCLOSE_SINK_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/obs.h"

/* 8 flags and a NUL; "none" too. */
#define TCP_FLAGS_STRLEN 9

/* Slug of an event's kind, "close-called"; NULL for a number that is no kind. */
const char *obs_kind_slug(enum obs_kind kind);
/* In tcpdump's letters: "S", "S.", "F.", "R", "none". Into buf (TCP_FLAGS_STRLEN bytes), which is returned. */
const char *tcp_flags_format(uint8_t flags, char *buf);
/*
 * "comm:pid", made harmless for a terminal and at most `columns` wide: the name
 * gives way, never the pid. comm is NUL-terminated. Returns the columns it took.
 */
size_t process_put(struct buf *out, const char *comm, uint32_t pid, size_t columns, bool utf8);

#endif
