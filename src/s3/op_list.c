/* SPDX-License-Identifier: Apache-2.0 */
/* ListObjects, versions 1 and 2, and ListObjectVersions: one listing in three dialects. */
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "s3/call.h"
#include "s3/op.h"
#include "s3/xml_out.h"
#include "store/list.h"
#include "store/object.h"

/* A position may be a key or a common prefix, which can be a byte longer than a key. */
#define POSITION_BYTES (OBJECT_KEY_BYTES_MAX + 2)
#define TOKEN_BYTES    BASE64_TEXT_BYTES(POSITION_BYTES)

enum dialect { LIST_V1, LIST_V2, LIST_VERSIONS };

struct listing {
	enum dialect dialect;
	char prefix[POSITION_BYTES];
	char delimiter[POSITION_BYTES];
	char start[POSITION_BYTES]; /* marker, start-after or key-marker */
	char token[TOKEN_BYTES];    /* continuation-token, as it came */
	char after[POSITION_BYTES]; /* what counts of both */
	unsigned max;
	bool is_url;
	bool has_owner;
	bool has_token;
	bool is_after_told; /* as of struct list_query */
};

static int take_text(struct s3_call *call, const char *name, char *out, size_t size)
{
	int n = s3_query_text(call->target->query, name, out, size);
	if (n < 0)
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "A parameter of the listing is too long, or cannot be decoded.");
	return n;
}

/* A token is the position in base64: opaque to clients, and good for any server on the root.
 *
 * With a delimiter, start-after=foo/bar is followed by the common prefix foo/ if it has a key
 * greater than that, as at Amazon. A marker is, too, but one that is itself foo/ is where a page of
 * ours has ended (NextMarker), as a token is: foo/ was told then. */
static int take_position(struct s3_call *call, struct listing *listing)
{
	static const char *const starts[] = {"marker", "start-after", "key-marker"};
	int n = take_text(call, starts[listing->dialect], listing->start, sizeof(listing->start));

	memcpy(listing->after, listing->start, sizeof(listing->after));
	listing->is_after_told = listing->dialect != LIST_V2;
	if (n < 0 || listing->dialect != LIST_V2)
		return n;
	listing->has_token = s3_query_param(call->target->query, "continuation-token").at != NULL;
	n = take_text(call, "continuation-token", listing->token, sizeof(listing->token));
	if (n <= 0)
		return n;
	ssize_t len = base64_decode(listing->token, (size_t)n, listing->after,
				    sizeof(listing->after) - 1);
	if (len < 0 || memchr(listing->after, '\0', (size_t)len) != NULL) {
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "The continuation token is not one of ours.");
		return -EINVAL;
	}
	listing->after[len] = '\0';
	listing->is_after_told = true;
	return 0;
}

static bool take_query(struct s3_call *call, struct listing *listing)
{
	struct slice query = call->target->query;

	*listing = (struct listing){.dialect = LIST_V1, .max = LIST_PAGE_MAX};
	if (s3_query_param(query, "versions").at != NULL)
		listing->dialect = LIST_VERSIONS;
	else if (s3_query_param(query, "list-type").at != NULL)
		listing->dialect = LIST_V2;
	if (listing->dialect == LIST_V2 && !slice_is(s3_query_param(query, "list-type"), "2")) {
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT, "list-type is 2, or left out.");
		return false;
	}
	listing->has_owner = listing->dialect != LIST_V2 ||
			     slice_is(s3_query_param(query, "fetch-owner"), "true");
	return s3_call_take_encoding(call, &listing->is_url) &&
	       take_text(call, "prefix", listing->prefix, sizeof(listing->prefix)) >= 0 &&
	       take_text(call, "delimiter", listing->delimiter, sizeof(listing->delimiter)) >= 0 &&
	       s3_call_take_page_max(call, "max-keys", &listing->max) &&
	       take_position(call, listing) >= 0;
}

/* ---- Out ------------------------------------------------------------------------------------- */

static void put_owner(struct text *out)
{
	xml_open(out, "Owner");
	xml_text(out, "ID", "sluice");
	xml_text(out, "DisplayName", "sluice");
	xml_close(out, "Owner");
}

static void put_object(struct text *out, const struct listing *listing,
		       const struct list_entry *entry)
{
	const char *name = listing->dialect == LIST_VERSIONS ? "Version" : "Contents";

	xml_open(out, name);
	xml_key(out, "Key", entry->text, listing->is_url);
	if (listing->dialect == LIST_VERSIONS) {
		xml_text(out, "VersionId", "null");
		xml_bool(out, "IsLatest", true);
	}
	xml_time(out, "LastModified", entry->modified);
	xml_text(out, "ETag", entry->etag);
	xml_u64(out, "Size", entry->size);
	xml_text(out, "StorageClass", "STANDARD");
	if (listing->has_owner)
		put_owner(out);
	xml_close(out, name);
}

static void put_positions(struct text *out, const struct listing *listing,
			  const struct list_page *page)
{
	const char *next = page->is_truncated ? page->entry[page->count - 1].text : NULL;
	char token[TOKEN_BYTES];

	switch (listing->dialect) {
	case LIST_V1:
		xml_key(out, "Marker", listing->start, listing->is_url);
		if (next != NULL)
			xml_key(out, "NextMarker", next, listing->is_url);
		break;
	case LIST_VERSIONS:
		xml_key(out, "KeyMarker", listing->start, listing->is_url);
		xml_text(out, "VersionIdMarker", "");
		if (next != NULL) {
			xml_key(out, "NextKeyMarker", next, listing->is_url);
			xml_text(out, "NextVersionIdMarker", "null");
		}
		break;
	case LIST_V2:
		xml_u64(out, "KeyCount", page->count);
		if (listing->has_token)
			xml_text(out, "ContinuationToken", listing->token);
		if (listing->start[0] != '\0')
			xml_key(out, "StartAfter", listing->start, listing->is_url);
		if (next != NULL) {
			base64_encode(next, strlen(next), token);
			xml_text(out, "NextContinuationToken", token);
		}
		break;
	}
}

static void put_listing(struct s3_call *call, const struct listing *listing,
			const struct list_page *page)
{
	const char *root =
		listing->dialect == LIST_VERSIONS ? "ListVersionsResult" : "ListBucketResult";
	struct text *out = &call->text;

	xml_begin(out, root);
	xml_text(out, "Name", call->target->bucket);
	xml_key(out, "Prefix", listing->prefix, listing->is_url);
	if (listing->delimiter[0] != '\0')
		xml_key(out, "Delimiter", listing->delimiter, listing->is_url);
	xml_u64(out, "MaxKeys", listing->max);
	if (listing->is_url)
		xml_text(out, "EncodingType", "url");
	xml_bool(out, "IsTruncated", page->is_truncated);
	put_positions(out, listing, page);
	for (unsigned i = 0; i < page->count; i++)
		if (!page->entry[i].is_prefix)
			put_object(out, listing, &page->entry[i]);
	for (unsigned i = 0; i < page->count; i++)
		if (page->entry[i].is_prefix)
			xml_common_prefix(out, page->entry[i].text, listing->is_url);
	xml_close(out, root);
}

void op_list_objects(struct s3_call *call)
{
	struct listing listing;
	struct list_page page;

	if (!take_query(call, &listing))
		return;
	const struct list_query query = {.prefix = listing.prefix,
					 .delimiter = listing.delimiter,
					 .after = listing.after,
					 .is_after_told = listing.is_after_told,
					 .max = listing.max};
	int r = list_run(call->store->sys, call->store->root_fd, call->target->bucket, &query,
			 &page);
	if (r < 0) {
		s3_call_fail_errno(call, r);
		return;
	}
	put_listing(call, &listing, &page);
	list_fini(&page);
}
