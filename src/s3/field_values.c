/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/field_values.h"

#include <stdlib.h>
#include <string.h>

#include "s3/call.h"

/* Digits of a number that fits uint64_t, whatever they are. */
#define DIGITS_MAX 19

static bool parse_number(struct slice value, uint64_t most, uint64_t *number)
{
	return value.len <= DIGITS_MAX && slice_number(value, most, number);
}

bool s3_field_number(struct s3_call *call, const char *name, uint64_t most, bool *has,
		     uint64_t *number)
{
	struct slice value = http_head_find(call->head, name);

	*has = value.at != NULL;
	if (!*has || parse_number(value, most, number))
		return true;
	s3_call_fail(call, S3_ERROR_INVALID_REQUEST,
		     "An x-amz field is no number, or is out of its range.");
	return false;
}

bool s3_field_checksum_algorithm(struct s3_call *call, bool *has, enum digest_kind *kind)
{
	struct slice value = http_head_find(call->head, "x-amz-checksum-algorithm");

	*has = value.len > 0; /* an empty one asks for nothing */
	*kind = *has ? checksum_find(value.at, value.len) : CHECKSUM_KINDS;
	if (!*has || *kind != CHECKSUM_KINDS)
		return true;
	s3_call_fail(
		call, S3_ERROR_INVALID_REQUEST,
		"x-amz-checksum-algorithm is CRC32, CRC32C, CRC64NVME, SHA1, SHA256 or SHA512.");
	return false;
}

bool s3_field_checksum_type(struct s3_call *call, bool *has, bool *is_composite)
{
	struct slice value = http_head_find(call->head, S3_CHECKSUM_TYPE_FIELD);

	*has = value.len > 0;
	*is_composite = *has && slice_is(value, checksum_type(true));
	if (!*has || *is_composite || slice_is(value, checksum_type(false)))
		return true;
	s3_call_fail(call, S3_ERROR_INVALID_REQUEST,
		     S3_CHECKSUM_TYPE_FIELD " is COMPOSITE or FULL_OBJECT.");
	return false;
}

bool s3_field_checksum(struct s3_call *call, struct checksum *checksum)
{
	*checksum = (struct checksum){0};
	for (unsigned kind = 0; kind < CHECKSUM_KINDS; kind++) {
		char name[CHECKSUM_ELEMENT_BYTES];
		checksum_field_name((enum digest_kind)kind, name);
		for (unsigned i = 0; i < call->head->field_count; i++) {
			const struct http_field *field = &call->head->field[i];
			if (!slice_is(field->name, name))
				continue;
			if (checksum->is_set ||
			    checksum_parse(checksum, (enum digest_kind)kind, field->value.at,
					   field->value.len) < 0) {
				s3_call_fail(call, S3_ERROR_INVALID_REQUEST,
					     "A request has one x-amz-checksum field at most, the "
					     "base64 of such a checksum.");
				return false;
			}
		}
	}
	return true;
}

int s3_query_part_number(const struct http_head *head, struct slice query, unsigned *number,
			 enum s3_error *error, const char **text)
{
	char value[DIGITS_MAX + 2];
	uint64_t parsed = 0;

	*number = 0;
	if (query.len == 0 || s3_query_param(query, "partNumber").len == 0)
		return 0;
	if (head->known[HTTP_FIELD_RANGE].at != NULL) {
		*error = S3_ERROR_INVALID_REQUEST;
		*text = "A request has a Range or a partNumber, not both.";
		return -1;
	}
	int n = s3_query_text(query, "partNumber", value, sizeof(value));
	if (n < 0 || !parse_number((struct slice){value, (size_t)n}, UPLOAD_PARTS_MAX, &parsed) ||
	    parsed == 0) {
		*error = S3_ERROR_INVALID_ARGUMENT;
		*text = "partNumber is from 1 to 10000.";
		return -1;
	}
	*number = (unsigned)parsed;
	return 0;
}
