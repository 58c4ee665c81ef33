/* SPDX-License-Identifier: Apache-2.0 */
/* Between multipart.c and multipart_list.c: names in the private folder. */
#ifndef SLUICE_STORE_MULTIPART_PRIVATE_H
#define SLUICE_STORE_MULTIPART_PRIVATE_H

#include "store/multipart.h"

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

#endif
