/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of operations: method, place, query and copy source -> operation, the
 * verb that the access rules must allow, and how it is carried out. What is not
 * in the table is not reachable.
 */
#ifndef SLUICE_S3_OPERATION_H
#define SLUICE_S3_OPERATION_H

#include "access/policy.h"
#include "base/operations.h"
#include "http/head.h"
#include "s3/error.h"
#include "s3/target.h"

struct s3_call;

/* Of every bucket. */
#define S3_REGION "us-east-1"

enum s3_body {
	S3_BODY_NONE, /* not wanted: a small one is dropped */
	S3_BODY_TEXT, /* read as a whole into call->body (REQUEST_TEXT_BYTES_MAX) */
	S3_BODY_FILE  /* goes to call->put.file_fd; its length must be told */
};

struct s3_route {
	enum s3_operation operation;
	enum access_verb verb;
	bool is_by_key; /* the verb is asked for each key that the body names, or bucket, by run */
	enum s3_body body;
	/* On a thread that may block; see s3/call.h. NULL: the connection does it itself. begin:
	 * before the body is received. */
	void (*begin)(struct s3_call *call);
	void (*run)(struct s3_call *call);
};

enum s3_place { S3_PLACE_SERVICE, S3_PLACE_BUCKET, S3_PLACE_OBJECT };

#define S3_ROW_QUERY_MAX 2

/* The first row that matches counts: those with a query stand before those without. */
struct s3_operation_row {
	enum http_method method;
	enum s3_place place;
	const char *query[S3_ROW_QUERY_MAX]; /* parameters that must be there, and the only ones
					      * of S3's subresources that may be */
	bool is_copy;                        /* x-amz-copy-source */
	struct s3_route route;
};

/* The table, for who asks something of all operations. NULL: past its end. */
const struct s3_operation_row *s3_operation_row(size_t index);

/*
 * 0, or -1 with the S3 error: NoSuchVersion for a version that is not "null"; MethodNotAllowed for
 * a verb that the place knows but this server does not serve (is_writable false: none that writes),
 * NotImplemented for every other call of S3; or that of s3_fields_check. *text: a message that says
 * more than the error's own, static; or NULL.
 */
int s3_operation_find(const struct http_head *head, const struct s3_target *target,
		      bool is_writable, struct s3_route *route, enum s3_error *error,
		      const char **text);

#endif
