/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the table of operations points at; see s3/call.h. Each runs on a thread
 * that may block, once its client was allowed the verb of its row.
 */
#ifndef SLUICE_S3_OP_H
#define SLUICE_S3_OP_H

#include <stdbool.h>

struct s3_call;
struct s3_target;

/* Instead of wrong bytes, and instead of a copy of them. */
#define S3_TEXT_DAMAGED                                                                            \
	"The object is damaged: a scrub has found that its bytes on the disk no longer have the "  \
	"checksum that they were stored with. Write it again."

/* op_bucket.c */
void op_list_buckets(struct s3_call *call);
void op_get_bucket_location(struct s3_call *call);
void op_create_bucket(struct s3_call *call);
void op_delete_bucket(struct s3_call *call);

/* op_list.c */
void op_list_objects(struct s3_call *call);

/* op_object.c */
/* GET, HEAD: of an object that is open, call->object, and has attributes or overrides. */
void op_object_fields(struct s3_call *call);
/* Does the query say fields of the answer (response-content-type and its like)? */
bool op_object_has_overrides(const struct s3_target *target);
void op_put_object_begin(struct s3_call *call);
void op_put_object(struct s3_call *call);
void op_delete_object(struct s3_call *call);

/* op_copy.c */
void op_copy_object(struct s3_call *call);
void op_upload_part_copy(struct s3_call *call);

/* op_attributes.c */
void op_get_object_attributes(struct s3_call *call);

/* op_settings.c */
void op_get_bucket_setting(struct s3_call *call);
void op_get_object_setting(struct s3_call *call);

/* op_multipart.c */
void op_create_multipart_upload(struct s3_call *call);
/* Is there the upload, and can the part be one? For op_copy.c, too. */
void op_upload_part_check(struct s3_call *call);
void op_upload_part_begin(struct s3_call *call);
void op_upload_part(struct s3_call *call);
/* call->put becomes the part, with its checksum, which is in call->checksum. False: failed. */
bool op_commit_part(struct s3_call *call);
void op_list_parts(struct s3_call *call);
void op_complete_multipart_upload(struct s3_call *call);
void op_abort_multipart_upload(struct s3_call *call);
void op_list_multipart_uploads(struct s3_call *call);

/* op_delete.c */
void op_delete_objects(struct s3_call *call);

#endif
