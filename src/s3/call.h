/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of S3 on its way through a thread that may block: what it was asked,
 * and what it answers. The functions that the table of operations names are in
 * s3/op_*.c; they use the store, and know no connection.
 *
 *   s3_call_init -> [begin -> body to put.file_fd ->] run -> answer -> s3_call_fini
 *
 * An error ends it: the functions that would follow are not called, but fini is,
 * on a thread that may block, too (it may free the blocks of a large file).
 */
#ifndef SLUICE_S3_CALL_H
#define SLUICE_S3_CALL_H

#include <sys/stat.h>

#include "access/policy.h"
#include "base/text.h"
#include "http/head.h"
#include "s3/checksums.h"
#include "s3/errno.h"
#include "s3/error.h"
#include "s3/operation.h"
#include "s3/target.h"
#include "store/put.h"

/* What all calls share. */
struct s3_store {
	const struct store_sys *sys;
	int root_fd;
	bool root_counts_links; /* for root_is_removed */
	bool is_durable;
	bool has_md5_etags; /* of what is written */
	/* Was this bucket a mount that is gone? From any thread. NULL: nobody watches. */
	bool (*has_lost)(void *arg, const char *bucket);
	void *has_lost_arg;
};

/* Asks the one place that allows: may this client do that, too? From any thread. */
struct s3_permission {
	bool (*is_allowed)(void *client, enum access_verb verb, const char *bucket,
			   const char *key);
	/* May it list this bucket? That is no request that is denied, if not. */
	bool (*may_see)(void *client, const char *bucket);
	void *client;
};

struct s3_call {
	/* In; borrowed, and left alone until the call has run. */
	const struct s3_store *store;
	const struct http_head *head;
	const struct s3_target *target;
	struct s3_route route;
	struct s3_permission permission;
	struct text body;                    /* S3_BODY_TEXT: all of it */
	char checksum[CHECKSUM_FIELD_BYTES]; /* of the body, verified: "Name: value\r\n", or "" */
	char md5_etag[ETAG_BYTES];           /* has_md5_etags: of the body; or "" */
	struct object *object;               /* GET, HEAD: it is open; else NULL */

	/* On the way. */
	struct put put;
	bool has_put;                /* put is begun */
	struct put_terms terms;      /* If-Match, If-None-Match */
	char terms_etag[ETAG_BYTES]; /* what terms points at */
	struct text kept;            /* fields to be kept with the object */
	struct checksum_plan plan; /* of the upload that the part is for; what a copy is to have */

	/* Out. error S3_ERROR_COUNT: success, and then status is 200 or 204. */
	enum s3_error error;
	const char *error_text; /* static; NULL: the table's */
	int error_errno;        /* what the disk said, for the log; 0: nothing */
	int status;
	struct object_stamp stamp; /* of what was written; etag "": no field of the answer */
	struct text fields;        /* more fields of the answer, "Name: value\r\n" each */
	struct text text;          /* XML, the body of the answer; empty: none */
};

void s3_call_init(struct s3_call *call, const struct s3_store *store, const struct http_head *head,
		  const struct s3_target *target, const struct s3_route *route);
void s3_call_fini(struct s3_call *call);

/* route.begin or route.run, on a thread that may block. A call of a bucket that is not there fails
 * with NoSuchBucket whatever else is wrong with it. */
void s3_call_run(struct s3_call *call, void (*step)(struct s3_call *call));

static inline bool s3_call_has_failed(const struct s3_call *call)
{
	return call->error != S3_ERROR_COUNT;
}

/* ---- For op_*.c ------------------------------------------------------------------------------ */

/* Ends the call with an error; text NULL: the table's. */
void s3_call_fail(struct s3_call *call, enum s3_error error, const char *text);
/* ... with what an errno of the store means (s3/errno.h). */
void s3_call_fail_about(struct s3_call *call, enum s3_about about, int negative_errno);
/* S3_ABOUT_WRITE. */
void s3_call_fail_errno(struct s3_call *call, int negative_errno);
/* Is there the bucket of the target? False: failed. */
bool s3_call_find_bucket(struct s3_call *call);

/* Can an object of this key have so many bytes? Where they are not known yet: 0. False: failed. */
bool s3_call_check_size(struct s3_call *call, uint64_t bytes);
/* Decodes If-Match and If-None-Match of a write into call->terms. False: failed. */
bool s3_call_take_terms(struct s3_call *call);
/* The same of a DELETE, with x-amz-if-match-size and -last-modified-time. */
bool s3_call_take_removal_terms(struct s3_call *call);
/* A number of the query, from least to most; absent or empty: *number stays. False: failed. */
bool s3_call_take_number(struct s3_call *call, const char *name, unsigned least, unsigned most,
			 unsigned *number);
/* How many a page may hold, from a parameter of the query that S3 reads as a number below 2^31;
 * *max, at first its default, becomes less or stays. False: failed. */
bool s3_call_take_page_max(struct s3_call *call, const char *name, unsigned *max);
/* encoding-type, which is "url" or nothing. False: failed. */
bool s3_call_take_encoding(struct s3_call *call, bool *is_url);
/* Makes the file that becomes an object of this key or, NULL, a part: call->put. False: failed. */
bool s3_call_begin_put(struct s3_call *call, const char *key);
/* An object to be looked at or copied: its descriptor, which is the caller's, and *facts. -1:
 * failed; absent_text: what NoSuchKey then says, NULL: the table's. */
int s3_call_open_object(struct s3_call *call, const struct s3_target *target, struct facts *facts,
			const char *absent_text);
/* What the ETag of what was written to call->put is to be, if it is not a version; call->md5_etag,
 * or computed from the file. *etag NULL: a version. False: failed. */
bool s3_call_choose_etag(struct s3_call *call, const char **etag);
/* The fields that are kept with an object, from the request's head into call->kept. False: failed.
 */
bool s3_call_take_kept(struct s3_call *call);

#endif
