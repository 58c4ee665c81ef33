/* SPDX-License-Identifier: Apache-2.0 */
/* What a call answers for what the store and the disk said. */
#include <errno.h>
#include <fcntl.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "s3/call.h"

/* Only what trying again may cure is a 5xx. */
Test(call, errors_of_the_store)
{
	static const struct {
		int error;
		enum s3_error is;
		bool is_logged;
	} rows[] = {
		{ENOENT, S3_ERROR_NO_SUCH_BUCKET, false},
		{ENOKEY, S3_ERROR_NO_SUCH_KEY, false},
		{EEXIST, S3_ERROR_PRECONDITION_FAILED, false},
		{EKEYREJECTED, S3_ERROR_PRECONDITION_FAILED, false},
		{EISDIR, S3_ERROR_INVALID_ARGUMENT, false},
		{ENOTDIR, S3_ERROR_INVALID_ARGUMENT, false},
		{ENAMETOOLONG, S3_ERROR_INVALID_ARGUMENT, false}, /* ecryptfs: 143 bytes */
		{EFBIG, S3_ERROR_ENTITY_TOO_LARGE, true},
		{EACCES, S3_ERROR_ACCESS_DENIED, true},
		{EPERM, S3_ERROR_ACCESS_DENIED, true},
		{EOPNOTSUPP, S3_ERROR_NOT_IMPLEMENTED, true},
		{EMFILE, S3_ERROR_SLOW_DOWN, true},
		{ENFILE, S3_ERROR_SLOW_DOWN, true},
		{ENOMEM, S3_ERROR_SLOW_DOWN, true},
		{EAGAIN, S3_ERROR_SLOW_DOWN, true},
		{ENOSPC, S3_ERROR_SLOW_DOWN, true},
		{EDQUOT, S3_ERROR_SLOW_DOWN, true},
		{EROFS, S3_ERROR_INTERNAL_ERROR, true},
		{EIO, S3_ERROR_INTERNAL_ERROR, true},
		{ESTALE, S3_ERROR_INTERNAL_ERROR, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct s3_store store = {.sys = &store_sys_kernel, .root_fd = AT_FDCWD};
		struct s3_call call = {.error = S3_ERROR_COUNT, .store = &store};
		s3_call_fail_errno(&call, -rows[i].error);
		cr_expect_eq(call.error, rows[i].is, "%s", strerrorname_np(rows[i].error));
		cr_expect_eq(call.error_errno, rows[i].is_logged ? rows[i].error : 0, "%s",
			     strerrorname_np(rows[i].error));
	}
}
