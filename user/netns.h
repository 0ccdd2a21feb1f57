/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* netns: what is to be asked inside of a network namespace. */
#ifndef TCPCLOSE_NETNS_H
#define TCPCLOSE_NETNS_H

#include <stdint.h>

#include "report/bill.h"

/*
 * What TCP is set to in the namespaces whose inodes stand in rules[].netns. Of one
 * that cannot be found or entered, known and counted are false.
 */
void netns_rules(struct bill_rules *rules, size_t n);
/* Bytes that the kernel spends on a mini-socket; 0 = it does not say. */
uint32_t netns_mini_bytes(void);

#endif
