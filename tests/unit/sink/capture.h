/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* capture: what a sink writes, and how often; can fail like a pipe without a reader. */
#ifndef TCPCLOSE_TESTS_SINK_CAPTURE_H
#define TCPCLOSE_TESTS_SINK_CAPTURE_H

#include <stdbool.h>
#include <stdio.h>

#include "sink/sink.h"

struct capture {
	FILE *file;	 /* unbuffered: each fwrite() of a sink is one write here */
	char text[65536];
	size_t len;
	unsigned writes;
	int error;	 /* errno of every write from now on; 0 = they work */
	struct sink *sink;
};

/* A sink that writes into c; config.out is set here. */
void capture_open(struct capture *c, const struct sink_ops *ops, struct sink_config config);
int capture_take(struct capture *c, const struct record *record);
int capture_close(struct capture *c, const struct verdict *verdict); /* takes REC_CLOSE */
/* What was written since the last call, NUL-terminated. */
const char *capture_text(struct capture *c);
void capture_end(struct capture *c);

/* A verdict that a sink has no reason to say anything special about. */
struct verdict plain_verdict(void);

#endif
