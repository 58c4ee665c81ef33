/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sizes of the parts that an object was made of, in their order, as text that is kept with it
 * (META_PARTS): "8388608x120 1234" are 120 parts of 8 MiB and one of 1,234 bytes. Parts of an
 * object are counted from 1 without gaps, whatever numbers the upload gave them.
 */
#ifndef SLUICE_STORE_PARTS_H
#define SLUICE_STORE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* All zero: none yet. */
struct parts_text {
	char at[META_BYTES_MAX];
	size_t len;
	uint64_t size; /* of the run that is not in the text yet */
	unsigned run;  /* parts of it */
	bool is_full;
};

void parts_add(struct parts_text *text, uint64_t size);
/* After the last. The bytes at at; 0: the sizes do not fit. */
size_t parts_end(struct parts_text *text);

/* Reads such a text. */
struct parts_reader {
	const char *at;
	size_t left;
	uint64_t size;
	unsigned run;
	bool is_first;
};

void parts_read(struct parts_reader *reader, const char *text, size_t len);
/* 1: *size is the next one's; 0: there is none; -EBADMSG: it is no such text. */
int parts_next(struct parts_reader *reader, uint64_t *size);

/* One part, or (number 0) the whole. */
struct object_part {
	unsigned number; /* that is asked for */
	unsigned count;  /* of the object's parts; 0: it is not known to have any, so it is one */
	uint64_t first;  /* count > 0 and number <= count: where the part is */
	uint64_t bytes;
};

/* Fills in all but number. A text that is none, or not of an object of object_bytes: count is 0. */
void parts_find(struct object_part *part, const char *text, size_t len, uint64_t object_bytes);

#endif
