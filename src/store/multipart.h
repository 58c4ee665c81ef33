/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multipart uploads. Each is a folder in the bucket's private folder:
 *
 *   .sluice/up-ID/info          the key, NUL, the fields to be kept with the object
 *   .sluice/up-ID/checksum      which checksum the object is to have, if one was asked for
 *   .sluice/up-ID/part-00001    a part, received as an object is (store/put)
 *
 * made under another name first and renamed, so that it is there with both or
 * not at all; and renamed away (del-ID) before it is taken apart. What decides
 * among servers is in the file system: rename, link, and flock of info.
 *
 * Completing twice answers twice: the object carries the id of its upload. For
 * threads that may block. An id is a client's text: it is checked here.
 */
#ifndef SLUICE_STORE_MULTIPART_H
#define SLUICE_STORE_MULTIPART_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/limits.h"
#include "store/checksum.h"
#include "store/object.h"
#include "store/put.h"
#include "store/sys.h"

#define UPLOAD_ID_BYTES 33 /* 32 hex digits, NUL */

struct upload_part {
	unsigned number; /* 1 to UPLOAD_PARTS_MAX */
	char etag[ETAG_BYTES];
	struct checksum checksum; /* that is kept with it; upload_complete: that it must have */
	uint64_t size;
	time_t modified;
};

/* Whose upload, in which bucket. */
struct upload_place {
	const struct store_sys *sys;
	int root_fd;
	const char *bucket;
	const char *key;
	const char *id;
	bool is_durable;
	bool has_md5_etags; /* upload_complete: the object's is the MD5 of its parts' */
};

/* place->id is not used; the id is in id. fields: for META_FIELDS. plan: NULL: none. 0; -ENOENT: no
 * such bucket; or another negative errno. */
int upload_create(const struct upload_place *place, const struct put_text *fields,
		  const struct checksum_plan *plan, char id[UPLOAD_ID_BYTES]);
/* Is there such an upload of this key? It counts as touched (upload_sweep): what is to become a
 * part may take long to come in. 0, and *plan (unless NULL) is its; -ENOENT; or another negative
 * errno. */
int upload_check(const struct upload_place *place, struct checksum_plan *plan);
/* What put_begin has begun becomes a part, instead of put_commit. 0; -ENOENT: no such upload. */
int upload_part_commit(const struct upload_place *place, struct put *put, unsigned number,
		       const struct put_meta *meta);

/* What is to become an object, as its client says it; borrowed. */
struct upload_whole {
	const struct upload_part *part; /* ascending; number, etag and checksum of each are read */
	unsigned part_count;
	const struct put_terms *terms;
	struct checksum checksum; /* of the object; parts 0: how many was not said */
	bool has_type;            /* is_composite was said */
	bool is_composite;
	bool has_size;
	uint64_t size;
};
struct upload_made {
	struct object_stamp stamp;
	struct checksum checksum; /* that is kept with the object */
};
/*
 * Makes the object of the parts. Its checksum is the one that the upload was begun for, or the one
 * that whole says, or, where all parts have a CRC of the same kind, that of the whole. 0; -ENOENT:
 * no such upload; -EBADE: a part is not there, or has another ETag or checksum; -EMSGSIZE: a part
 * but the last is under UPLOAD_PART_BYTES_MIN; -EBADR: the whole has another checksum, or is to
 * have another kind; -EBADRQC: it has another size; or as put_commit.
 */
int upload_complete(const struct upload_place *place, const struct upload_whole *whole,
		    struct upload_made *made);
/* 0; -ENOENT; or another negative errno. */
int upload_abort(const struct upload_place *place);

struct upload_parts_page {
	struct upload_part *part; /* room for max */
	unsigned max;
	bool is_truncated;
	struct checksum_plan plan;
};
/* The parts with numbers above after, ascending. Returns how many. */
int upload_parts(const struct upload_place *place, unsigned after, struct upload_parts_page *page);

struct upload {
	char *key;      /* malloced */
	bool is_prefix; /* key is a common prefix, and the rest is nothing */
	char id[UPLOAD_ID_BYTES];
	time_t begun;
	struct checksum_plan plan;
};
struct upload_page {
	struct upload *upload;
	unsigned count;
	bool is_truncated;
};
/* Which of them: keys that begin with prefix, and those with delimiter ("": none) behind that as
 * one common prefix; in order of key, then id, behind the two markers ("": from the start); at most
 * max. A key marker that is a common prefix was told. */
struct upload_query {
	const char *prefix;
	const char *delimiter;
	const char *after_key;
	const char *after_id;
	unsigned max;
};
/* Uploads without those that are damaged. upload_page_fini in any case. 0 or a negative errno. */
int upload_list(const struct store_sys *sys, int root_fd, const char *bucket,
		const struct upload_query *query, struct upload_page *page);
void upload_page_fini(struct upload_page *page);

/* Is this name in a private folder an upload that somebody is just completing or ending? 1, 0 or a
 * negative errno. */
int upload_is_in_use(const struct store_sys *sys, int private_fd, const char *name);

struct upload_swept {
	unsigned gone;
	unsigned open; /* left alone: clients may still complete them */
};
#define UPLOAD_SWEEP_ALL INT64_MAX /* before: whenever they were touched */
/* Removes uploads that nobody has touched since before (seconds), and what crashes have left of
 * others; *swept grows by each. 0, or the last negative errno: the others were removed all the
 * same. */
int upload_sweep(const struct store_sys *sys, int root_fd, const char *bucket, time_t before,
		 struct upload_swept *swept);

#endif
