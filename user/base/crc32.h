/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* crc32: were these bytes changed on their way? The CRC of zip, PNG and Ethernet. */
#ifndef TCPCLOSE_BASE_CRC32_H
#define TCPCLOSE_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of what went before (0 at the beginning) and n more bytes. */
uint32_t crc32_add(uint32_t crc, const void *bytes, size_t n);

#endif
