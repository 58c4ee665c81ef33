/* SPDX-License-Identifier: Apache-2.0 */
/* What a call answers for what the store and the disk said. */
#include "s3/errno.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "s3/call.h"

#define ALL(error)                                                                                 \
	{                                                                                          \
		S3_ERROR_##error, S3_ERROR_##error, S3_ERROR_##error, S3_ERROR_##error             \
	}
#define EACH(write, bucket, object, upload)                                                        \
	{                                                                                          \
		S3_ERROR_##write, S3_ERROR_##bucket, S3_ERROR_##object, S3_ERROR_##upload          \
	}
#define BAD_KEY EACH(INVALID_ARGUMENT, NO_SUCH_BUCKET, NO_SUCH_KEY, INVALID_ARGUMENT)
#define NO_FILE EACH(INTERNAL_ERROR, NO_SUCH_BUCKET, NO_SUCH_KEY, INTERNAL_ERROR)
#define EXISTS                                                                                     \
	EACH(PRECONDITION_FAILED, BUCKET_ALREADY_OWNED_BY_YOU, INTERNAL_ERROR, PRECONDITION_FAILED)

static const struct {
	int error;
	enum s3_error is[S3_ABOUT_COUNT];
} rows[] = {
	{ENOENT, EACH(NO_SUCH_BUCKET, NO_SUCH_BUCKET, NO_SUCH_KEY, NO_SUCH_UPLOAD)},
	{ENOKEY, ALL(NO_SUCH_KEY)},
	{EEXIST, EXISTS},
	{EKEYREJECTED, ALL(PRECONDITION_FAILED)},
	{EISDIR, BAD_KEY},
	{ENOTDIR, BAD_KEY},
	{ELOOP, BAD_KEY},
	{ENAMETOOLONG, BAD_KEY}, /* ecryptfs: 143 bytes */
	{EXDEV, NO_FILE},
	{ENXIO, NO_FILE},
	{ENODEV, NO_FILE},
	{ENOTEMPTY, EACH(INTERNAL_ERROR, BUCKET_NOT_EMPTY, INTERNAL_ERROR, INTERNAL_ERROR)},
	{EBADE, EACH(INTERNAL_ERROR, INTERNAL_ERROR, INTERNAL_ERROR, INVALID_PART)},
	{EMSGSIZE, EACH(INTERNAL_ERROR, INTERNAL_ERROR, INTERNAL_ERROR, ENTITY_TOO_SMALL)},
	{EFBIG, ALL(ENTITY_TOO_LARGE)},
	{EACCES, ALL(ACCESS_DENIED)},
	{EPERM, ALL(ACCESS_DENIED)},
	{EOPNOTSUPP, ALL(NOT_IMPLEMENTED)},
	{EMFILE, ALL(SLOW_DOWN)},
	{ENFILE, ALL(SLOW_DOWN)},
	{ENOMEM, ALL(SLOW_DOWN)},
	{EAGAIN, ALL(SLOW_DOWN)},
	{ENOSPC, ALL(INSUFFICIENT_STORAGE)},
	{EDQUOT, ALL(INSUFFICIENT_STORAGE)},
	{ENODATA, ALL(INTERNAL_ERROR)},
	{EROFS, ALL(INTERNAL_ERROR)},
	{EIO, ALL(INTERNAL_ERROR)},
	{ESTALE, ALL(INTERNAL_ERROR)},
	{EINVAL, ALL(INTERNAL_ERROR)},
};

Test(s3_errno, of_everything_that_is_asked_for)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int about = 0; about < S3_ABOUT_COUNT; about++)
			cr_expect_eq(s3_errno_meaning((enum s3_about)about, -rows[i].error).error,
				     rows[i].is[about], "%s about %d",
				     strerrorname_np(rows[i].error), about);
}

/* Every errno that there is has a meaning; only what trying again at once may cure is 503, and what
 * the server is to blame for is in its log. */
Test(s3_errno, statuses_and_logs)
{
	for (int error = 1; error < 134; error++) {
		for (int about = 0; about < S3_ABOUT_COUNT; about++) {
			const struct s3_meaning meaning =
				s3_errno_meaning((enum s3_about)about, -error);
			bool is_passing = error == EMFILE || error == ENFILE || error == ENOMEM ||
					  error == EAGAIN;
			int status = s3_error_status(meaning.error);
			cr_expect_eq(status == 503, is_passing, "%d", error);
			cr_expect(status != 507 || error == ENOSPC || error == EDQUOT);
			cr_expect(status < 500 || meaning.is_logged, "%d", error);
			cr_expect(status != 404 || (!meaning.is_logged && meaning.text == NULL));
		}
	}
}

Test(s3_errno, a_call_that_fails_with_it)
{
	const struct s3_store store = {.sys = &store_sys_kernel, .root_fd = AT_FDCWD};
	struct s3_call call = {.error = S3_ERROR_COUNT, .store = &store};

	s3_call_fail_errno(&call, -EDQUOT);
	cr_expect_eq(call.error, S3_ERROR_INSUFFICIENT_STORAGE);
	cr_expect_eq(s3_error_status(call.error), 507);
	cr_expect_str_eq(s3_error_code(call.error), "InsufficientStorage");
	cr_expect_eq(call.error_errno, EDQUOT);
	s3_call_fail_errno(&call, -EISDIR);
	cr_expect_eq(call.error, S3_ERROR_INVALID_ARGUMENT);
	cr_expect_not_null(strstr(call.error_text, "objects below this key"));
	cr_expect_eq(call.error_errno, 0);
}
