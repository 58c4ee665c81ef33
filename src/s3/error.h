/* SPDX-License-Identifier: Apache-2.0 */
/* The table of S3 errors, and their XML. */
#ifndef SLUICE_S3_ERROR_H
#define SLUICE_S3_ERROR_H

#include <stddef.h>

/* S(ID, HTTP status, Code, Message) */
#define S3_ERRORS(S)                                                                               \
	S(ACCESS_DENIED, 403, "AccessDenied",                                                      \
	  "The client certificate's identity has no such permission here.")                        \
	S(BAD_DIGEST, 400, "BadDigest",                                                            \
	  "The body does not have the digest that the request says.")                              \
	S(BAD_REQUEST, 400, "BadRequest", "The request is malformed.")                             \
	S(BUCKET_ALREADY_OWNED_BY_YOU, 409, "BucketAlreadyOwnedByYou",                             \
	  "The bucket is there already.")                                                          \
	S(BUCKET_NOT_EMPTY, 409, "BucketNotEmpty", "The bucket is not empty.")                     \
	S(ENTITY_TOO_LARGE, 400, "EntityTooLarge",                                                 \
	  "The request body is larger than this operation takes.")                                 \
	S(ENTITY_TOO_SMALL, 400, "EntityTooSmall",                                                 \
	  "Every part but the last must have 5 MiB at least.")                                     \
	S(EXPECTATION_FAILED, 417, "ExpectationFailed",                                            \
	  "The only expectation served is 100-continue.")                                          \
	S(INSUFFICIENT_STORAGE, 507, "InsufficientStorage", "There is no room for this.")          \
	S(INTERNAL_ERROR, 500, "InternalError", "The server met an error; please try again.")      \
	S(INCOMPLETE_BODY, 400, "IncompleteBody",                                                  \
	  "The body does not have the length or the form that the request says.")                  \
	S(INVALID_ARGUMENT, 400, "InvalidArgument",                                                \
	  "The key cannot exist here: empty, '.' or '..' components, components over 255 bytes, "  \
	  "NUL and invalid UTF-8 are refused.")                                                    \
	S(INVALID_BUCKET_NAME, 400, "InvalidBucketName", "The bucket name is not valid.")          \
	S(INVALID_DIGEST, 400, "InvalidDigest", "Content-MD5 is not the base64 of an MD5 digest.") \
	S(INVALID_PART, 400, "InvalidPart",                                                        \
	  "A part is missing, or its ETag or its checksum is another.")                            \
	S(INVALID_PART_NUMBER, 416, "InvalidPartNumber",                                           \
	  "The object has fewer parts than the part number that is asked for.")                    \
	S(INVALID_PART_ORDER, 400, "InvalidPartOrder", "The parts are not in ascending order.")    \
	S(INVALID_RANGE, 416, "InvalidRange", "The requested range is not satisfiable.")           \
	S(INVALID_REQUEST, 400, "InvalidRequest", "The request is not valid.")                     \
	S(INVALID_URI, 400, "InvalidURI", "The request target could not be parsed.")               \
	S(KEY_TOO_LONG, 400, "KeyTooLongError", "The key is longer than 1024 bytes.")              \
	S(MALFORMED_XML, 400, "MalformedXML",                                                      \
	  "The body is not the XML that this operation takes.")                                    \
	S(METADATA_TOO_LARGE, 400, "MetadataTooLarge",                                             \
	  "The object's fields and metadata are too large.")                                       \
	S(METHOD_NOT_ALLOWED, 405, "MethodNotAllowed",                                             \
	  "The method is not allowed on this resource.")                                           \
	S(MISSING_CONTENT_LENGTH, 411, "MissingContentLength",                                     \
	  "The request must say the length of its body.")                                          \
	S(NO_SUCH_ACCESS_BLOCK, 404, "NoSuchPublicAccessBlockConfiguration",                       \
	  "The bucket has no public access block.")                                                \
	S(NO_SUCH_BUCKET, 404, "NoSuchBucket", "The bucket does not exist.")                       \
	S(NO_SUCH_CONFIGURATION, 404, "NoSuchConfiguration", "There is no such configuration.")    \
	S(NO_SUCH_CORS, 404, "NoSuchCORSConfiguration", "The bucket has no CORS configuration.")   \
	S(NO_SUCH_KEY, 404, "NoSuchKey", "The object does not exist.")                             \
	S(NO_SUCH_LIFECYCLE, 404, "NoSuchLifecycleConfiguration",                                  \
	  "The bucket has no lifecycle configuration.")                                            \
	S(NO_SUCH_POLICY, 404, "NoSuchBucketPolicy",                                               \
	  "The bucket has no policy; the server's access rules say who may do what.")              \
	S(NO_SUCH_TAG_SET, 404, "NoSuchTagSet", "The bucket has no tags.")                         \
	S(NO_SUCH_UPLOAD, 404, "NoSuchUpload",                                                     \
	  "The multipart upload does not exist; it may have been aborted or completed.")           \
	S(NO_SUCH_VERSION, 404, "NoSuchVersion", "The only version of an object is \"null\".")     \
	S(NO_SUCH_WEBSITE, 404, "NoSuchWebsiteConfiguration", "The bucket is no website.")         \
	S(NOT_IMPLEMENTED, 501, "NotImplemented", "This operation is not implemented.")            \
	S(NO_OBJECT_LOCK, 404, "ObjectLockConfigurationNotFoundError",                             \
	  "The bucket has no object lock.")                                                        \
	S(NO_OWNERSHIP, 404, "OwnershipControlsNotFoundError",                                     \
	  "The bucket has no ownership controls.")                                                 \
	S(PRECONDITION_FAILED, 412, "PreconditionFailed",                                          \
	  "A condition of the request does not hold.")                                             \
	S(NO_REPLICATION, 404, "ReplicationConfigurationNotFoundError",                            \
	  "The bucket is not replicated by S3's means.")                                           \
	S(NO_ENCRYPTION, 404, "ServerSideEncryptionConfigurationNotFoundError",                    \
	  "The bucket is not encrypted by the server.")                                            \
	S(SERVICE_UNAVAILABLE, 503, "ServiceUnavailable",                                          \
	  "The root folder of the server was removed, or is not mounted; see its log.")            \
	S(HEAD_TOO_LARGE, 431, "RequestHeaderSectionTooLarge", "The request head is too large.")   \
	S(SLOW_DOWN, 503, "SlowDown", "The server is busy; please try again.")                     \
	S(URI_TOO_LONG, 414, "URITooLong", "The request target is too long.")                      \
	S(VERSION_NOT_SUPPORTED, 505, "HttpVersionNotSupported",                                   \
	  "Only HTTP/1.0 and HTTP/1.1 are served.")                                                \
	S(SHA256_MISMATCH, 400, "XAmzContentSHA256Mismatch",                                       \
	  "The body does not have the digest of x-amz-content-sha256.")

#define S3_ERROR_ENUM(id, ...) S3_ERROR_##id,
enum s3_error { S3_ERRORS(S3_ERROR_ENUM) S3_ERROR_COUNT };

int s3_error_status(enum s3_error error);
const char *s3_error_code(enum s3_error error);
const char *s3_error_message(enum s3_error error);

/*
 * <?xml ...?><Error><Code>..<Message>..<Condition>..<Resource>..<RequestId>..</Error>, everything
 * escaped; bytes that XML 1.0 cannot hold become '?'. message NULL: the table's. condition: the
 * name of the field that does not hold, static; NULL: none. resource: the path as it was asked for,
 * len bytes. Returns the length; never more than size (resource is cut). size >=
 * ERROR_BODY_BYTES_MAX.
 */
size_t s3_error_xml(enum s3_error error, const char *message, const char *condition,
		    const char *resource, size_t resource_len, const char *request_id, char *out,
		    size_t size);

#endif
