/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* wanted: the programs' filter on tuples and namespaces, for records that no program wrote. */
#ifndef TCPCLOSE_LOAD_WANTED_H
#define TCPCLOSE_LOAD_WANTED_H

#include <stdbool.h>
#include <stdint.h>

struct wire_filter;
struct wire_tuple;

bool wanted_tuple(const struct wire_filter *filter, const struct wire_tuple *tuple);
bool wanted_netns(const struct wire_filter *filter, uint32_t netns_ino);

#endif
