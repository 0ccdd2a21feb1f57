/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* gendoc: what its documents share, and those that have a file of their own. */
#ifndef TCPCLOSE_GENDOC_H
#define TCPCLOSE_GENDOC_H

#include <stdio.h>

/* To be given the files that the document is printed from. */
#define NOTE "<!-- Printed by gendoc from %s: change it there, then `make docs`. -->\n"

/* Prints KERNELS.md. */
int gendoc_kernels(FILE *out);

#endif
