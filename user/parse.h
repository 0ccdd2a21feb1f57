/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* parse: words of the command line to values, with limits. Pure but for parse_netns and parse_cgroup. */
#ifndef TCPCLOSE_PARSE_H
#define TCPCLOSE_PARSE_H

#include <stdint.h>

struct config;

/* Decimal digits and nothing else, from min to max. 0, or -EINVAL. */
int parse_number(const char *word, uint64_t min, uint64_t max, uint64_t *ret);

/*
 * The others take the whole word of an option and put it where `field` points. 0, or
 * -EINVAL with in `why` (PARSE_WHY bytes) what is expected; the field is then
 * unchanged or partly filled, and not to be used.
 */
#define PARSE_WHY 128
typedef int (*parse_fn)(const char *word, void *field, char *why);

int parse_flag(const char *word, void *field, char *why);
int parse_flag_family4(const char *word, void *field, char *why);
int parse_flag_family6(const char *word, void *field, char *why);
int parse_string(const char *word, void *field, char *why);
int parse_output(const char *word, void *field, char *why); /* "-" is NULL: standard output */
int parse_pids(const char *word, void *filter, char *why);
int parse_ports(const char *word, void *filter, char *why);
int parse_local_ports(const char *word, void *filter, char *why);
int parse_remote_ports(const char *word, void *filter, char *why);
int parse_comm(const char *word, void *field, char *why);
int parse_cidr(const char *word, void *filter, char *why);
int parse_netns(const char *word, void *field, char *why);
int parse_cgroup(const char *word, void *field, char *why);
int parse_causes(const char *word, void *field, char *why);
int parse_hows(const char *word, void *field, char *why);
int parse_count(const char *word, void *field, char *why);
int parse_seconds(const char *word, void *field, char *why); /* to ns; fractions; up to a year */
int parse_duration(const char *word, void *field, char *why); /* the same, but not 0 */
int parse_way(const char *word, void *field, char *why);
int parse_ring(const char *word, void *field, char *why);
int parse_flows(const char *word, void *field, char *why);
int parse_closer(const char *word, void *field, char *why);

#endif
