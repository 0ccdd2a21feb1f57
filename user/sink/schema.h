/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* schema: the JSON Schema (draft 2020-12) of one line of --json, from core/verdict.def. */
#ifndef TCPCLOSE_SINK_SCHEMA_H
#define TCPCLOSE_SINK_SCHEMA_H

#include <stdio.h>

/* 0, -ENOMEM, or negative errno of the output. */
int schema_print(FILE *out);

#endif
