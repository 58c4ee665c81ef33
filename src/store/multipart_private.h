/* SPDX-License-Identifier: Apache-2.0 */
/* Between multipart.c, multipart_checksum.c and multipart_list.c. */
#ifndef SLUICE_STORE_MULTIPART_PRIVATE_H
#define SLUICE_STORE_MULTIPART_PRIVATE_H

#include "store/multipart.h"
#include "store/parts.h"

#define UPLOAD_PREFIX        "up-"
#define UPLOAD_YOUNG_PREFIX  "new-" /* has no info yet */
#define UPLOAD_GONE_PREFIX   "del-" /* completed or aborted */
#define UPLOAD_HIDDEN_PREFIX "old-" /* a sweep looks whether it is in use */
#define UPLOAD_NAME_BYTES    (sizeof(UPLOAD_YOUNG_PREFIX) + UPLOAD_ID_BYTES)
#define UPLOAD_INFO_BYTES    (OBJECT_KEY_BYTES_MAX + 1 + META_BYTES_MAX + 1)

bool upload_is_id(const char *text);
/* The private folder of a bucket; -ENOENT: there is none, or no bucket. */
int upload_open_private(const struct store_sys *sys, int root_fd, const char *bucket);
/* Key, NUL, fields. Returns the bytes, or a negative errno. */
ssize_t upload_read_info(const struct store_sys *sys, int upload_fd, char info[UPLOAD_INFO_BYTES]);
/* The files in the folder, and the folder. upload_fd is it, not read so far: an upload can be taken
 * apart when there is no other descriptor. 0 or a negative errno. */
int upload_remove_folder(const struct store_sys *sys, int private_fd, const char *name,
			 int upload_fd);

/* A new file in the folder of an upload that is not in view yet. 0 or a negative errno. */
int upload_write_file(const struct upload_place *place, int upload_fd, const char *name,
		      const char *text, size_t len);
/* A part as the client named it, open. -EBADE: it is not there, or has another ETag. */
int upload_open_part(const struct upload_place *place, int upload_fd,
		     const struct upload_part *part, struct facts *facts);

/* ---- multipart_checksum.c -------------------------------------------------------------------- */

int upload_write_plan(const struct upload_place *place, int upload_fd,
		      const struct checksum_plan *plan);
/* 0, with none, too; -EIO: damaged; or another negative errno. */
int upload_read_plan(const struct store_sys *sys, int upload_fd, struct checksum_plan *plan);

/* What an object is to have besides its bytes, by its parts. */
struct upload_found {
	struct checksum checksum;
	struct parts_text sizes;       /* parts_end is to be called */
	char sums[META_BYTES_MAX + 1]; /* META_PART_SUMS; "": none, or they do not fit */
};
/* Are the parts, and their whole, what whole says? As upload_complete. */
int upload_check_parts(const struct upload_place *place, int upload_fd,
		       const struct upload_whole *whole, struct upload_found *found);

#endif
