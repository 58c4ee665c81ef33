/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations of S3 that are served: O(ID, name); the many that ask for a setting are two: one
 * of a bucket, one of an object (s3/settings.h). One row makes the enum of s3/operation.c's table
 * and the value of the metrics' label `operation`.
 */
#ifndef SLUICE_BASE_OPERATIONS_H
#define SLUICE_BASE_OPERATIONS_H

#define OPERATIONS(O)                                                                              \
	O(GET_OBJECT, "GetObject")                                                                 \
	O(HEAD_OBJECT, "HeadObject")                                                               \
	O(GET_OBJECT_ATTRIBUTES, "GetObjectAttributes")                                            \
	O(GET_OBJECT_TAGGING, "GetObjectTagging")                                                  \
	O(GET_OBJECT_SETTING, "GetObjectSetting")                                                  \
	O(PUT_OBJECT, "PutObject")                                                                 \
	O(COPY_OBJECT, "CopyObject")                                                               \
	O(DELETE_OBJECT, "DeleteObject")                                                           \
	O(DELETE_OBJECTS, "DeleteObjects")                                                         \
	O(LIST_OBJECTS, "ListObjects")                                                             \
	O(LIST_OBJECTS_V2, "ListObjectsV2")                                                        \
	O(LIST_OBJECT_VERSIONS, "ListObjectVersions")                                              \
	O(CREATE_MULTIPART_UPLOAD, "CreateMultipartUpload")                                        \
	O(UPLOAD_PART, "UploadPart")                                                               \
	O(UPLOAD_PART_COPY, "UploadPartCopy")                                                      \
	O(COMPLETE_MULTIPART_UPLOAD, "CompleteMultipartUpload")                                    \
	O(ABORT_MULTIPART_UPLOAD, "AbortMultipartUpload")                                          \
	O(LIST_PARTS, "ListParts")                                                                 \
	O(LIST_MULTIPART_UPLOADS, "ListMultipartUploads")                                          \
	O(LIST_BUCKETS, "ListBuckets")                                                             \
	O(GET_BUCKET_LOCATION, "GetBucketLocation")                                                \
	O(GET_BUCKET_SETTING, "GetBucketSetting")                                                  \
	O(HEAD_BUCKET, "HeadBucket")                                                               \
	O(CREATE_BUCKET, "CreateBucket")                                                           \
	O(DELETE_BUCKET, "DeleteBucket")

#define OPERATION_ENUM(id, name) S3_##id,
enum s3_operation {
	OPERATIONS(OPERATION_ENUM)
	/* No operation was found: a refused head, a call that is not served. */
	S3_OPERATION_NONE,
	S3_OPERATION_COUNT
};

#endif
