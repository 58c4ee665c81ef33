/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of operations: method, place and query -> operation and the verb that
 * the access rules must allow. What is not in the table is not reachable.
 */
#ifndef SLUICE_S3_OPERATION_H
#define SLUICE_S3_OPERATION_H

#include "config/policy.h"
#include "http/head.h"
#include "s3/error.h"
#include "s3/target.h"

enum s3_operation { S3_GET_OBJECT, S3_HEAD_OBJECT, S3_HEAD_BUCKET };

struct s3_route {
	enum s3_operation operation;
	enum access_verb verb;
};

/* 0, or -1 with the S3 error: MethodNotAllowed for a verb that the place knows but this server does
 * not serve, NotImplemented for every other call of S3. */
int s3_operation_find(const struct http_head *head, const struct s3_target *target,
		      struct s3_route *route, enum s3_error *error);

#endif
