/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of what requests ask for in fields: x-amz-*, If-*, Content-Range, and those
 * that are kept with an object and may stand once.
 * A request that writes is refused, before anything has happened, when one of them
 * asks for what is not done; nothing of that kind is dropped in silence.
 */
#ifndef SLUICE_S3_FIELDS_H
#define SLUICE_S3_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/operations.h"
#include "http/head.h"
#include "s3/error.h"

enum s3_field_use {
	S3_FIELD_REFUSED,  /* 501, unless its value is neutral */
	S3_FIELD_HARMLESS, /* dropped: the answer is the same without it */
	S3_FIELD_DONE
};

/* The first row that matches a field counts. */
struct s3_field_row {
	const char *name; /* lower case; is_prefix: how the name begins */
	size_t name_len;
	bool is_prefix;
	bool is_list;        /* may stand more than once, and is one list then */
	uint32_t done;       /* 1 << enum s3_operation */
	uint32_t harmless;   /* the same; what is in neither is refused */
	const char *neutral; /* values that ask for nothing, as a list; with the empty one.
			      * NULL: none does */
	const char *text;    /* of the refusal */
};

/* NULL: past the end. */
const struct s3_field_row *s3_field_row(size_t index);
enum s3_field_use s3_field_use(const struct s3_field_row *row, enum s3_operation operation);

/* 0, or -1 with the S3 error and its text, static: NotImplemented; InvalidRequest: a request that
 * writes has a field twice that may stand once. */
int s3_fields_check(const struct http_head *head, struct slice query, enum s3_operation operation,
		    enum s3_error *error, const char **text);

#endif
