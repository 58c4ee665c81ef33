/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request target -> bucket, object key and query, decoded exactly once. The
 * bytes that come out are the bytes that are authorised and the bytes that are
 * opened.
 */
#ifndef SLUICE_S3_TARGET_H
#define SLUICE_S3_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "http/head.h"

struct s3_target {
	char bucket[BUCKET_BYTES_MAX + 1];         /* "" : the service itself ("/") */
	char object_key[OBJECT_KEY_BYTES_MAX + 1]; /* "" : the bucket itself; never holds NUL */
	size_t object_key_len;
	struct slice query; /* after '?', still encoded; at NULL: none */
};

/* Why a target was refused; each has its S3 error in s3/error.h. */
enum s3_target_error {
	S3_TARGET_BAD_ENCODING,  /* '%' without two hex digits, or a byte that stands in no target:
				  * '#', white space, control, 0x7f and above: 400 InvalidURI */
	S3_TARGET_NUL,           /* %00: 400 InvalidArgument */
	S3_TARGET_NOT_UTF8,      /* 400 InvalidArgument */
	S3_TARGET_BAD_BUCKET,    /* 400 InvalidBucketName */
	S3_TARGET_KEY_TOO_LONG,  /* 400 KeyTooLongError */
	S3_TARGET_BAD_COMPONENT, /* empty, "." or "..", over 255 bytes, the server's own folder: 400
				  * InvalidArgument */
	S3_TARGET_ERROR_COUNT
};

/*
 * 0, or -EINVAL with *error (and nothing in *out). Path style: /BUCKET[/KEY][?QUERY]. A '+' in
 * the path is a plus. The bucket ends at the first '/' that is not encoded; in the key, "%2F" is
 * a '/' like any other. A key that ends in '/' is kept with it: it is the marker of a folder
 * (store/names.h).
 * Bucket names: 3-63 letters, digits, '-', '_', '.'; a letter or digit at both ends, no "..".
 */
int s3_target_parse(struct slice target, struct s3_target *out, enum s3_target_error *error);

/* A copy's source: [/]BUCKET/KEY[?QUERY], percent-encoded as a whole, in part, or (but for control
 * bytes) not at all. As
 * s3_target_parse, but that there must be a key; query points into value. */
int s3_source_parse(struct slice value, struct s3_target *out, enum s3_target_error *error);

/* Is this key, decoded by other means (XML), one that an object can have? As s3_target_parse. */
int s3_key_check(const char *object_key, size_t len, enum s3_target_error *error);

/* The value of a query parameter, decoded ('+' is a space), NUL behind it. Returns its length (0
 * also where it is absent), -EINVAL: not to be decoded, holds NUL, or is longer than size - 1. */
int s3_query_text(struct slice query, const char *name, char *out, size_t size);

/* A parameter, its name decoded as far as it fits, its value still encoded. */
struct s3_param {
	char name[64];
	struct slice value;
};
/* The next one behind *at (at first 0), whose name can be decoded. False: there is none. */
bool s3_query_next(struct slice query, size_t *at, struct s3_param *param);

/* The value of a query parameter (still encoded); at NULL: absent; len 0: present, empty. The
 * first one whose name, decoded, is this. */
struct slice s3_query_param(struct slice query, const char *name);

#endif
