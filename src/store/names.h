/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of buckets, and the names in a bucket's folder that are the server's own. A private folder
 * is in each bucket, and at the top of what is mounted below one: only there is it sure to be in
 * the file system that the objects are in, as link and rename need. No component of a key may be
 * it, and no listing shows it.
 *
 * An object whose key ends in '/', the marker of a folder, is an empty file of the name
 * STORE_MARKER in that folder: with attributes, a time and an ETag as any object; and the folder is
 * not empty.
 */
#ifndef SLUICE_STORE_NAMES_H
#define SLUICE_STORE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define STORE_PRIVATE     ".sluice"
#define STORE_MARKER      ".sluice-marker"
/* In the private folder: files that are written, or wait for their name. */
#define STORE_TEMP_PREFIX "tmp-"
#define STORE_TEMP_BYTES  (sizeof(STORE_TEMP_PREFIX) + 32) /* 32 hex digits, NUL */

/* Of what we make; and the umask. */
#define STORE_FOLDER_MODE 0777
#define STORE_FILE_MODE   0666

/* Has this key (decoded, as s3_target_parse made it) a component that is STORE_PRIVATE or
 * STORE_MARKER, in letters of any case (there are folders where that is the same name)? */
bool store_key_is_private(const char *key);
bool store_key_is_marker(const char *key);
/* The name of a key's last component, behind its last '/', in its folder. */
static inline const char *store_leaf(const char *component)
{
	return *component != '\0' ? component : STORE_MARKER;
}

/* 128 random bits in hex, for names that nobody else makes. 0 or a negative errno. */
#define STORE_RANDOM_BYTES 33 /* with NUL */
int store_random(char out[STORE_RANDOM_BYTES]);

/* S3's bucket names, and what its clients let through besides: upper case and '_'. No two dots in a
 * row and a letter or digit at both ends, so never "." or ".."; never the private folder. */
bool store_bucket_name_is_valid(const char *name, size_t len);

#endif
