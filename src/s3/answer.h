/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: the response head, with an error's XML behind it, and which bytes of
 * the object follow. Text goes straight into the caller's sending buffer.
 */
#ifndef SLUICE_S3_ANSWER_H
#define SLUICE_S3_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "http/head.h"
#include "s3/error.h"
#include "store/object.h"

#define REQUEST_ID_BYTES 17 /* 16 hex digits and NUL */

/* What every answer needs of its request. */
struct answer_request {
	const struct http_head *head; /* NULL: the request could not be parsed */
	struct slice resource;        /* the path as asked, for errors */
	const char *request_id;
	const char *date;          /* now, as http_date_format writes it */
	bool keep_alive;           /* false: Connection: close is said */
	bool is_writable;          /* what Allow says */
	const char *object_key;    /* of GET or HEAD of an object, for its media type */
	const struct text *fields; /* more fields, "Name: value\r\n" each; NULL: none */
};

struct answer {
	int status;
	enum s3_error error; /* S3_ERROR_COUNT: none */
	size_t text_bytes;   /* head and text written to out */
	size_t body_bytes;   /* of text_bytes, what is body */
	bool is_text_body;   /* the call's text is to follow */
	uint64_t file_offset;
	uint64_t file_bytes; /* of the object, to follow; 0 for HEAD */
};

/* Bytes of out that every answer fits in. */
#define ANSWER_BYTES_MAX (RESPONSE_HEAD_BYTES_MAX + ERROR_BODY_BYTES_MAX)

/* An error; message NULL: the table's own. */
void answer_error(const struct answer_request *request, enum s3_error error, const char *message,
		  char out[ANSWER_BYTES_MAX], struct answer *answer);
/* GET or HEAD of an object, or of a part of it: conditions, range, 200, 206, 304, 412 or 416. */
void answer_object(const struct answer_request *request, const struct object *object,
		   char out[ANSWER_BYTES_MAX], struct answer *answer);
/* HEAD of a bucket that exists. */
void answer_bucket(const struct answer_request *request, char out[ANSWER_BYTES_MAX],
		   struct answer *answer);
/* Of an operation that a thread has carried out: 200 or 204, an ETag if stamp has one, and text
 * (XML) as the body. */
void answer_call(const struct answer_request *request, const struct object_stamp *stamp,
		 const struct text *text, int status, char out[ANSWER_BYTES_MAX],
		 struct answer *answer);

#endif
