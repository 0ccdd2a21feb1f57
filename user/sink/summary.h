/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* summary: what a run came to, for a person, on standard error. */
#ifndef TCPCLOSE_SINK_SUMMARY_H
#define TCPCLOSE_SINK_SUMMARY_H

#include <stdio.h>

#include "core/record.h"

/* 0, -ENOMEM, or negative errno of the output. */
int summary_print(FILE *out, const struct summary *summary);

#endif
