/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* netns: what is to be asked inside of a network namespace. */
#ifndef TCPCLOSE_NETNS_H
#define TCPCLOSE_NETNS_H

#include <stdint.h>

#include "report/bill.h"

/* Our own; 0 = not known. */
uint32_t netns_own(void);
/*
 * What TCP is set to in the namespace of that inode. Where nobody can be found who
 * is in it, or it may not be entered, ret->known and ret->counted are false.
 */
void netns_rules(uint32_t ino, struct bill_rules *ret);
/* Bytes that the kernel spends on a mini-socket; 0 = it does not say. */
uint32_t netns_mini_bytes(void);

#endif
