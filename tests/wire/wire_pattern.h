/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of objects that can be checked byte by byte at any offset without the file: a
 * generator seeded by a number, so that a byte at the wrong place, of the wrong object or from
 * before a change is seen. Nothing in it repeats at any record, page or buffer size.
 */
#ifndef SLUICE_TESTS_WIRE_PATTERN_H
#define SLUICE_TESTS_WIRE_PATTERN_H

#include <stddef.h>
#include <stdint.h>

void wire_pattern_fill(uint64_t seed, uint64_t offset, void *out, size_t len);
/* The number of bytes of data that are right from its start on. */
size_t wire_pattern_match(uint64_t seed, uint64_t offset, const void *data, size_t len);
/* Writes (or overwrites) DIR/NAME, whose folders are made. Aborts when it cannot. */
void wire_pattern_write(const char *dir, const char *name, uint64_t seed, uint64_t bytes);

#endif
