/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on buckets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/must.h"
#include "s3/call.h"
#include "s3/op.h"
#include "s3/xml_in.h"
#include "s3/xml_out.h"
#include "store/bucket.h"
#include "store/root.h"

/* S3's limit. */
#define BUCKETS_MAX 10000

struct buckets_query {
	char prefix[BUCKET_BYTES_MAX + 1];
	char after[BUCKET_BYTES_MAX + 1]; /* continuation-token, decoded */
	unsigned max;
	bool is_elsewhere; /* bucket-region is not ours */
};

static bool take_query(struct s3_call *call, struct buckets_query *wanted)
{
	char token[BASE64_TEXT_BYTES(BUCKET_BYTES_MAX)];
	struct slice query = call->target->query;
	struct slice region = s3_query_param(query, "bucket-region");

	*wanted = (struct buckets_query){.max = BUCKETS_MAX};
	wanted->is_elsewhere = region.len > 0 && !slice_is(region, S3_REGION);
	int token_len = s3_query_text(query, "continuation-token", token, sizeof(token));
	ssize_t len = token_len < 0 ? token_len
				    : base64_decode(token, (size_t)token_len, wanted->after,
						    sizeof(wanted->after) - 1);
	if (len < 0 || s3_query_text(query, "prefix", wanted->prefix, sizeof(wanted->prefix)) < 0) {
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "The prefix is longer than a bucket's name, or the continuation token "
			     "is not one of ours.");
		return false;
	}
	return s3_call_take_number(call, "max-buckets", 1, BUCKETS_MAX, &wanted->max);
}

/* What the client may see of count buckets, to the front. Returns how many. */
static int keep_visible(const struct s3_call *call, struct bucket *buckets, int count)
{
	const struct s3_permission *permission = &call->permission;
	int kept = 0;

	for (int i = 0; i < count; i++)
		if (permission->may_see(permission->client, buckets[i].name))
			buckets[kept++] = buckets[i];
	return kept;
}

static void put_buckets(struct s3_call *call, const struct buckets_query *wanted,
			const struct bucket *buckets, int count)
{
	char token[BASE64_TEXT_BYTES(BUCKET_BYTES_MAX)] = "";
	struct text *out = &call->text;
	const struct bucket *last = NULL;
	unsigned told = 0;

	xml_begin(out, "ListAllMyBucketsResult");
	xml_open(out, "Owner");
	xml_text(out, "ID", "sluice");
	xml_close(out, "Owner");
	xml_open(out, "Buckets");
	for (int i = 0; i < count && !wanted->is_elsewhere; i++) {
		if (strcmp(buckets[i].name, wanted->after) <= 0 ||
		    strncmp(buckets[i].name, wanted->prefix, strlen(wanted->prefix)) != 0)
			continue;
		if (told++ == wanted->max) {
			must(last != NULL); /* max is 1 at least */
			base64_encode(last->name, strlen(last->name), token);
			break;
		}
		last = &buckets[i];
		xml_open(out, "Bucket");
		xml_text(out, "Name", last->name);
		xml_time(out, "CreationDate", last->made);
		xml_text(out, "BucketRegion", S3_REGION);
		xml_close(out, "Bucket");
	}
	xml_close(out, "Buckets");
	if (wanted->prefix[0] != '\0')
		xml_text(out, "Prefix", wanted->prefix);
	if (token[0] != '\0')
		xml_text(out, "ContinuationToken", token);
	xml_close(out, "ListAllMyBucketsResult");
}

void op_list_buckets(struct s3_call *call)
{
	const struct s3_permission *permission = &call->permission;
	struct buckets_query wanted;
	struct bucket *buckets;

	if (!take_query(call, &wanted))
		return;
	int count = bucket_list(call->store->sys, call->store->root_fd, &buckets);
	if (count == 0 && root_is_removed(call->store->root_fd, call->store->root_counts_links))
		count = -ENOENT;
	if (count < 0) {
		s3_call_fail_errno(call, count);
		return;
	}
	count = keep_visible(call, buckets, count);
	/* Who may see none is told so, unless he may see the empty list. */
	if (count == 0 && !permission->is_allowed(permission->client, ACCESS_LIST, "", ""))
		s3_call_fail(call, S3_ERROR_ACCESS_DENIED, NULL);
	else
		put_buckets(call, &wanted, buckets, count);
	free(buckets);
}

void op_get_bucket_location(struct s3_call *call)
{
	if (!s3_call_find_bucket(call))
		return;
	/* An empty location is us-east-1, which clients without a region take, too. */
	xml_begin(&call->text, "LocationConstraint");
	xml_close(&call->text, "LocationConstraint");
}

void op_create_bucket(struct s3_call *call)
{
	if (xml_bucket_configuration_check(call->body.at, call->body.len) < 0) {
		s3_call_fail(call, S3_ERROR_MALFORMED_XML, NULL);
		return;
	}
	int r = bucket_make(call->store->sys, call->store->root_fd, call->target->bucket,
			    call->store->is_durable);
	if (r < 0)
		s3_call_fail_about(call, S3_ABOUT_BUCKET, r);
	text_printf(&call->fields, "Location: /%s\r\n", call->target->bucket);
}

void op_delete_bucket(struct s3_call *call)
{
	int r = bucket_remove(call->store->sys, call->store->root_fd, call->target->bucket,
			      call->store->is_durable);
	if (r < 0)
		s3_call_fail_about(call, S3_ABOUT_BUCKET, r);
	call->status = 204;
}
