/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/errno.h"

#include <errno.h>
#include <stddef.h>

#include "base/must.h"

#define IS(write, bucket, object, upload)                                                          \
	{                                                                                          \
		S3_ERROR_##write, S3_ERROR_##bucket, S3_ERROR_##object, S3_ERROR_##upload          \
	}
#define IN_ALL(error) IS(error, error, error, error)
/* A key that cannot be; in opening, what is on the way is no bucket and no object. */
#define BAD_KEY       IS(INVALID_ARGUMENT, NO_SUCH_BUCKET, NO_SUCH_KEY, INVALID_ARGUMENT)
/* What is there is no object; nothing to be read. */
#define NOT_OURS      IS(INTERNAL_ERROR, NO_SUCH_BUCKET, NO_SUCH_KEY, INTERNAL_ERROR)

static const char no_room[] = "The file system of the server's root is full, or its quota is used.";

static const struct row {
	int error;
	enum s3_error is[S3_ABOUT_COUNT];
	bool is_logged;
	const char *text; /* of what is no NoSuch... */
} rows[] = {
	{ENOENT, IS(NO_SUCH_BUCKET, NO_SUCH_BUCKET, NO_SUCH_KEY, NO_SUCH_UPLOAD), false, NULL},
	{ENOTDIR, BAD_KEY, false, "A part of this key is an object: there can be none below it."},
	{EISDIR, BAD_KEY, false, "There are objects below this key: it cannot be one itself."},
	{ELOOP, BAD_KEY, false, "A part of this key is a symbolic link, which is not followed."},
	{ENAMETOOLONG, BAD_KEY, false,
	 "A part of this key is longer than a name may be in the file system."},
	{EXDEV, NOT_OURS, true, NULL},  /* out of the root */
	{ENXIO, NOT_OURS, true, NULL},  /* a socket, or a FIFO or device without its other side */
	{ENODEV, NOT_OURS, true, NULL}, /* a device without a driver */
	{ENOKEY, IN_ALL(NO_SUCH_KEY), false, NULL},
	{EKEYREJECTED, IN_ALL(PRECONDITION_FAILED), false, NULL},
	{EEXIST,
	 IS(PRECONDITION_FAILED, BUCKET_ALREADY_OWNED_BY_YOU, INTERNAL_ERROR, PRECONDITION_FAILED),
	 false, NULL},
	{ENOTEMPTY, IS(INTERNAL_ERROR, BUCKET_NOT_EMPTY, INTERNAL_ERROR, INTERNAL_ERROR), false,
	 NULL},
	{EBUSY, IS(INTERNAL_ERROR, BUCKET_NOT_EMPTY, INTERNAL_ERROR, INTERNAL_ERROR), false,
	 "A file system is mounted on the bucket, or below it."},
	{EBADE, IS(INTERNAL_ERROR, INTERNAL_ERROR, INTERNAL_ERROR, INVALID_PART), false, NULL},
	{EMSGSIZE, IS(INTERNAL_ERROR, INTERNAL_ERROR, INTERNAL_ERROR, ENTITY_TOO_SMALL), false,
	 NULL},
	{EBADR, IS(INTERNAL_ERROR, INTERNAL_ERROR, INTERNAL_ERROR, BAD_DIGEST), false,
	 "The object does not have the checksum, or the type of checksum, that the request says."},
	{EBADRQC, IS(INTERNAL_ERROR, INTERNAL_ERROR, INTERNAL_ERROR, INVALID_REQUEST), false,
	 "The object does not have the size of x-amz-mp-object-size."},
	{ENODATA, IN_ALL(INTERNAL_ERROR), true, "The source became shorter while it was copied."},
	{EFBIG, IN_ALL(ENTITY_TOO_LARGE), true,
	 "The file system, or a limit of the server, takes no file this large."},
	{EACCES, IN_ALL(ACCESS_DENIED), true,
	 "The server may not do this in its root folder; see owner and mode."},
	{EPERM, IN_ALL(ACCESS_DENIED), true,
	 "The server may not do this in its root folder; see owner and mode."},
	{EOPNOTSUPP, IN_ALL(NOT_IMPLEMENTED), true,
	 "The file system keeps no extended attributes, and so no metadata."},
	{ENOSPC, IN_ALL(INSUFFICIENT_STORAGE), true, no_room},
	{EDQUOT, IN_ALL(INSUFFICIENT_STORAGE), true, no_room},
	{EMFILE, IN_ALL(SLOW_DOWN), true, NULL},
	{ENFILE, IN_ALL(SLOW_DOWN), true, NULL},
	{ENOMEM, IN_ALL(SLOW_DOWN), true, NULL},
	{EAGAIN, IN_ALL(SLOW_DOWN), true, NULL},
};

static bool is_absence(enum s3_error error)
{
	return error == S3_ERROR_NO_SUCH_BUCKET || error == S3_ERROR_NO_SUCH_KEY ||
	       error == S3_ERROR_NO_SUCH_UPLOAD;
}

struct s3_meaning s3_errno_meaning(enum s3_about about, int negative_errno)
{
	must(about < S3_ABOUT_COUNT && negative_errno < 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].error != -negative_errno)
			continue;
		struct s3_meaning meaning = {rows[i].is[about], rows[i].text, rows[i].is_logged};
		if (is_absence(meaning.error))
			meaning = (struct s3_meaning){meaning.error, NULL, false};
		if (meaning.error == S3_ERROR_INTERNAL_ERROR)
			meaning.is_logged = true;
		return meaning;
	}
	return (struct s3_meaning){S3_ERROR_INTERNAL_ERROR, NULL, true};
}
