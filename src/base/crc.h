/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cyclic redundancy checks of S3, table-driven, eight bytes a step
 * ("slicing-by-8", Kounavis and Berry, 2005). Parameters: the catalogue of
 * parametrised CRC algorithms (reveng), entries CRC-32/ISO-HDLC, CRC-32/ISCSI and
 * CRC-64/NVME: all reflected, all ones before and inverted after.
 */
#ifndef SLUICE_BASE_CRC_H
#define SLUICE_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

enum crc_kind { CRC_32, CRC_32C, CRC_64_NVME, CRC_KIND_COUNT };

/* crc: of the bytes so far; 0 before the first. Any thread. */
uint64_t crc_update(enum crc_kind kind, uint64_t crc, const void *data, size_t len);
/* Of the bytes of first and, behind them, the len bytes of second, from their sums alone. */
uint64_t crc_combine(enum crc_kind kind, uint64_t first, uint64_t second, uint64_t len);

#endif
