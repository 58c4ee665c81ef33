/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "s3/values.h"
#include "store/folder.h"
#include "store/md5.h"
#include "store/root.h"

void s3_call_init(struct s3_call *call, const struct s3_store *store, const struct http_head *head,
		  const struct s3_target *target, const struct s3_route *route)
{
	memset(call, 0, sizeof(*call));
	call->store = store;
	call->head = head;
	call->target = target;
	call->route = *route;
	call->error = S3_ERROR_COUNT;
	call->status = 200;
	text_init(&call->body, REQUEST_TEXT_BYTES_MAX);
	text_init(&call->kept, META_BYTES_MAX);
	text_init(&call->fields, 2 * META_BYTES_MAX);
	text_init(&call->text, ANSWER_TEXT_BYTES_MAX);
}

void s3_call_fini(struct s3_call *call)
{
	if (call->has_put)
		put_end(&call->put);
	call->has_put = false;
	text_fini(&call->body);
	text_fini(&call->kept);
	text_fini(&call->fields);
	text_fini(&call->text);
}

void s3_call_fail(struct s3_call *call, enum s3_error error, const char *text)
{
	call->error = error;
	call->error_text = text;
}

void s3_call_fail_about(struct s3_call *call, enum s3_about about, int negative_errno)
{
	const struct s3_meaning meaning = s3_errno_meaning(about, negative_errno);
	const struct s3_store *store = call->store;

	s3_call_fail(call, meaning.error, meaning.text);
	call->error_errno = meaning.is_logged ? -negative_errno : 0;
	if (meaning.error == S3_ERROR_NO_SUCH_BUCKET &&
	    root_is_removed(store->root_fd, store->root_counts_links))
		s3_call_fail(call, S3_ERROR_SERVICE_UNAVAILABLE, NULL);
}

void s3_call_fail_errno(struct s3_call *call, int negative_errno)
{
	s3_call_fail_about(call, S3_ABOUT_WRITE, negative_errno);
}

/* ---- Is there the bucket? -------------------------------------------------------------------- */

/* 0 or a negative errno. */
static int look_for_bucket(const struct s3_store *store, const char *bucket)
{
	int fd = folder_open(store->sys, store->root_fd, bucket);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

bool s3_call_find_bucket(struct s3_call *call)
{
	int r = look_for_bucket(call->store, call->target->bucket);

	if (r < 0)
		s3_call_fail_about(call, S3_ABOUT_BUCKET, r);
	return r == 0;
}

/* A call that has failed for a reason of the client's: is that because there is no such bucket, or
 * because it is gone from its place? That comes before any other. */
static void blame_bucket(struct s3_call *call, const char *bucket)
{
	const struct s3_store *store = call->store;
	int status = s3_error_status(call->error);

	if (call->error == S3_ERROR_ACCESS_DENIED || (status >= 500 && status != 501))
		return;
	if (store->has_lost != NULL && store->has_lost(store->has_lost_arg, bucket)) {
		s3_call_fail(call, S3_ERROR_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	int r = look_for_bucket(store, bucket);
	if (r < 0 && s3_errno_meaning(S3_ABOUT_BUCKET, r).error == S3_ERROR_NO_SUCH_BUCKET)
		s3_call_fail_about(call, S3_ABOUT_BUCKET, r);
}

void s3_call_run(struct s3_call *call, void (*step)(struct s3_call *call))
{
	step(call);
	if (s3_call_has_failed(call) && call->target->bucket[0] != '\0' &&
	    call->route.operation != S3_CREATE_BUCKET)
		blame_bucket(call, call->target->bucket);
}

bool s3_call_check_size(struct s3_call *call, uint64_t bytes)
{
	if (bytes == 0 || !store_key_is_marker(call->target->object_key))
		return true;
	s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
		     "A key that ends in '/' is a folder here: an object of such a key is empty.");
	return false;
}

bool s3_call_take_terms(struct s3_call *call)
{
	struct slice match = call->head->known[HTTP_FIELD_IF_MATCH];
	struct slice none_match = call->head->known[HTTP_FIELD_IF_NONE_MATCH];

	call->terms = (struct put_terms){.mode = PUT_REPLACES};
	if ((none_match.at != NULL && (match.at != NULL || !slice_is(none_match, "*"))) ||
	    memchr(match.at != NULL ? match.at : "", ',', match.len) != NULL) {
		s3_call_fail(call, S3_ERROR_NOT_IMPLEMENTED,
			     "A write has one condition: If-None-Match: * or If-Match with one "
			     "ETag.");
		return false;
	}
	if (none_match.at != NULL)
		call->terms.mode = PUT_IF_ABSENT;
	if (match.at == NULL)
		return true;
	call->terms.mode = PUT_IF_PRESENT;
	if (!slice_is(match, "*")) {
		object_etag_quote(call->terms_etag, match.at, match.len);
		call->terms.etag = call->terms_etag;
	}
	return true;
}

bool s3_call_take_removal_terms(struct s3_call *call)
{
	struct slice size = http_head_find(call->head, "x-amz-if-match-size");
	struct slice modified = http_head_find(call->head, "x-amz-if-match-last-modified-time");
	struct put_terms *terms = &call->terms;

	if (!s3_call_take_terms(call))
		return false;
	terms->has_size = size.at != NULL;
	terms->has_modified = modified.at != NULL;
	if (terms->has_size || terms->has_modified)
		terms->mode = PUT_IF_PRESENT;
	if ((!terms->has_size || s3_size_parse(size, &terms->size)) &&
	    (!terms->has_modified || s3_time_parse(modified, &terms->modified)))
		return true;
	s3_call_fail(
		call, S3_ERROR_INVALID_ARGUMENT,
		"x-amz-if-match-size is a number of bytes, x-amz-if-match-last-modified-time a "
		"time as Last-Modified has it.");
	return false;
}

/* ---- The query ------------------------------------------------------------------------------- */

bool s3_call_take_number(struct s3_call *call, const char *name, unsigned least, unsigned most,
			 unsigned *number)
{
	char text[16];
	uint64_t value = 0;
	int n = s3_query_text(call->target->query, name, text, sizeof(text));

	if (n == 0) /* absent or empty: as it was */
		return true;
	if (n < 0 || !slice_number((struct slice){text, (size_t)n}, most, &value) ||
	    value < least) {
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "A number of the query is not one, or is out of its range.");
		return false;
	}
	*number = (unsigned)value;
	return true;
}

bool s3_call_take_page_max(struct s3_call *call, const char *name, unsigned *max)
{
	unsigned wanted = *max;

	if (!s3_call_take_number(call, name, 0, INT32_MAX, &wanted))
		return false;
	if (wanted < *max)
		*max = wanted;
	return true;
}

bool s3_call_take_encoding(struct s3_call *call, bool *is_url)
{
	struct slice encoding = s3_query_param(call->target->query, "encoding-type");

	*is_url = encoding.len > 0;
	if (encoding.len == 0 || slice_is(encoding, "url"))
		return true;
	s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT, "encoding-type is url.");
	return false;
}

/* ---- The store ------------------------------------------------------------------------------- */

bool s3_call_begin_put(struct s3_call *call, const char *key)
{
	int r = put_begin(&call->put, call->store->sys, call->store->root_fd, call->target->bucket,
			  key, call->store->is_durable);

	call->has_put = true; /* to be ended, also where it failed */
	if (r < 0)
		s3_call_fail_errno(call, r);
	return r == 0;
}

bool s3_call_choose_etag(struct s3_call *call, const char **etag)
{
	uint8_t md5[MD5_BYTES];

	*etag = NULL;
	if (!call->store->has_md5_etags)
		return true;
	if (call->md5_etag[0] == '\0') {
		int r = md5_of_file(call->store->sys, call->put.file_fd, md5);
		if (r < 0) {
			s3_call_fail_errno(call, r);
			return false;
		}
		md5_etag(md5, 0, call->md5_etag);
	}
	*etag = call->md5_etag;
	return true;
}

int s3_call_open_object(struct s3_call *call, const struct s3_target *target, struct facts *facts,
			const char *absent_text)
{
	char path[OBJECT_PATH_BYTES];

	object_path(path, target->bucket, target->object_key);
	int fd = folder_open_file(call->store->sys, call->store->root_fd, path,
				  O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	int r = fd < 0 ? fd : 0;
	if (r == 0)
		r = facts_of_fd(call->store->sys, fd, facts);
	if (r == 0 && S_ISREG(facts->mode))
		return fd;
	s3_call_fail_about(call, S3_ABOUT_OBJECT, r < 0 ? r : -ENOENT);
	if (call->error == S3_ERROR_NO_SUCH_KEY) {
		call->error_text = absent_text;
		blame_bucket(call, target->bucket);
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- Fields that are kept -------------------------------------------------------------------- */

/* Is this what an object has that nothing was said of? */
static bool is_default(const char *name, struct slice value)
{
	return strcmp(name, "Content-Type") == 0 && (slice_is(value, "application/octet-stream") ||
						     slice_is(value, "binary/octet-stream"));
}

static void keep(struct text *kept, const char *name, size_t name_len, struct slice value)
{
	text_add(kept, name, name_len);
	text_put(kept, ": ");
	text_add(kept, value.at, value.len);
	text_put(kept, "\r\n");
}

/* All fields of a name that is a list's as one; without aws-chunked, which was the transfer's. */
static void keep_list(struct text *kept, const char *name, const struct http_head *head)
{
	struct http_list at = {0};
	struct slice member;
	unsigned count = 0;

	while (http_head_list_next(head, name, &at, &member)) {
		if (slice_is(member, "aws-chunked"))
			continue;
		text_put(kept, count == 0 ? name : "");
		text_put(kept, count++ == 0 ? ": " : ", ");
		text_add(kept, member.at, member.len);
	}
	if (count > 0)
		text_put(kept, "\r\n");
}

bool s3_call_take_kept(struct s3_call *call)
{
	static const char *const names[] = {"Content-Type", "Content-Disposition", "Expires"};
	static const char *const lists[] = {"Cache-Control", "Content-Language",
					    "Content-Encoding"};
	static const char meta[] = "x-amz-meta-";

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct slice value = http_head_find(call->head, names[i]);
		if (value.len > 0 && !is_default(names[i], value))
			keep(&call->kept, names[i], strlen(names[i]), value);
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		keep_list(&call->kept, lists[i], call->head);
	for (unsigned i = 0; i < call->head->field_count; i++) {
		struct slice name = call->head->field[i].name;
		struct slice begin = {name.at, sizeof(meta) - 1};
		if (name.len > begin.len && slice_is(begin, meta))
			keep(&call->kept, name.at, name.len, call->head->field[i].value);
	}
	if (call->kept.error != 0) {
		s3_call_fail(call,
			     call->kept.error == -E2BIG ? S3_ERROR_METADATA_TOO_LARGE
							: S3_ERROR_SLOW_DOWN,
			     NULL);
		return false;
	}
	return true;
}
