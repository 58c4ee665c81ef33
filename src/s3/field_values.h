/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes what requests ask for in x-amz-... fields and in the query: numbers, words, checksums of
 * objects. */
#ifndef SLUICE_S3_FIELD_VALUES_H
#define SLUICE_S3_FIELD_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "http/head.h"
#include "s3/error.h"
#include "store/checksum.h"

struct s3_call;

#define S3_CHECKSUM_TYPE_FIELD    "x-amz-checksum-type"
#define S3_TEXT_BAD_CHECKSUM_TYPE "The checksum algorithm has no such x-amz-checksum-type."

/* Each: false: the call has failed. */

/* A number up to most; without the field, *has is false and *number stays. */
bool s3_field_number(struct s3_call *call, const char *name, uint64_t most, bool *has,
		     uint64_t *number);
/* x-amz-checksum-algorithm; *has false: it is not there. */
bool s3_field_checksum_algorithm(struct s3_call *call, bool *has, enum digest_kind *kind);
/* x-amz-checksum-type; *has false: it is not there. */
bool s3_field_checksum_type(struct s3_call *call, bool *has, bool *is_composite);
/* x-amz-checksum-crc32 and the like, one at most. */
bool s3_field_checksum(struct s3_call *call, struct checksum *checksum);

/* The parameter partNumber of a GET or HEAD; *number 0: there is none. 0, or -1 with the S3 error
 * and its text. */
int s3_query_part_number(const struct http_head *head, struct slice query, unsigned *number,
			 enum s3_error *error, const char **text);

#endif
