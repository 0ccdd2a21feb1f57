/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* errname: an errno number by its name, the same with every C library. */
#ifndef TCPCLOSE_BASE_ERRNAME_H
#define TCPCLOSE_BASE_ERRNAME_H

/* "ECONNRESET" for 104 (its number here); "E?" for one that Linux has not. Never NULL. */
const char *errname(int err);

#endif
