/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a multipart upload into "bucket" of the store's fixture, on its faulty kernel. */
#ifndef SLUICE_UNIT_UPLOAD_FIXTURE_H
#define SLUICE_UNIT_UPLOAD_FIXTURE_H

#include "store/multipart.h"

/* The arguments are borrowed. */
struct upload_place uploads_place(const char *key, const char *id);
/* With one field, "Content-Type: text/x". As upload_create. */
int uploads_create(const char *key, char id[UPLOAD_ID_BYTES]);
/* A part of size bytes, all of them fill. *part: for completing. As
 * upload_part_commit. */
int uploads_send_part(const char *key, const char *id, unsigned number, char fill, size_t size,
		      struct upload_part *part);
/* In the place of what is there. As upload_complete. */
int uploads_complete(const char *key, const char *id, const struct upload_part *part,
		     unsigned count, struct object_stamp *stamp);
/* On these terms. */
int uploads_complete_as(const struct upload_place *place, const struct upload_part *part,
			unsigned count, const struct put_terms *terms, struct object_stamp *stamp);
/* upload_parts, at most max. */
int uploads_parts(const struct upload_place *place, unsigned after, unsigned max,
		  struct upload_part *part, bool *is_truncated);
/* upload_sweep: how many uploads are gone, or its error. */
int uploads_swept(time_t before);
/* Asserts that the object is of these runs of bytes: "a5242880 b3". path: beneath the root. */
void uploads_expect(const char *path, const char *runs);

/* upload_list of "bucket", without a delimiter. */
int uploads_list(const char *prefix, const char *after_key, const char *after_id, unsigned max,
		 struct upload_page *page);

#endif
