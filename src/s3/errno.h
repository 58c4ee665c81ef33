/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what an errno of the store is to a client of S3. */
#ifndef SLUICE_S3_ERRNO_H
#define SLUICE_S3_ERRNO_H

#include <stdbool.h>

#include "s3/error.h"

/* What the store was asked for when it said so. */
enum s3_about {
	S3_ABOUT_WRITE,  /* room for an object, or its place under its key; or to remove it */
	S3_ABOUT_BUCKET, /* a bucket's folder */
	S3_ABOUT_OBJECT, /* an object to be read */
	S3_ABOUT_UPLOAD, /* an unfinished upload, or what becomes of its parts */
	S3_ABOUT_COUNT
};

struct s3_meaning {
	enum s3_error error;
	const char *text; /* static; NULL: the error's own */
	bool is_logged;   /* it is not of the client's making */
};

/* Of any errno, negative; one that is not in the table is an InternalError. Only what trying again
 * at once may cure is 503. */
struct s3_meaning s3_errno_meaning(enum s3_about about, int negative_errno);

#endif
