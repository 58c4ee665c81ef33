/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on buckets. */
#include <errno.h>
#include <stdlib.h>

#include "s3/call.h"
#include "s3/op.h"
#include "s3/xml_in.h"
#include "s3/xml_out.h"
#include "store/bucket.h"
#include "store/root.h"

void op_list_buckets(struct s3_call *call)
{
	struct bucket *buckets;
	struct text *out = &call->text;
	int count = bucket_list(call->store->sys, call->store->root_fd, &buckets);

	if (count == 0 && root_is_removed(call->store->root_fd, call->store->root_counts_links))
		count = -ENOENT;
	if (count < 0) {
		s3_call_fail_errno(call, count);
		return;
	}
	xml_begin(out, "ListAllMyBucketsResult");
	xml_open(out, "Owner");
	xml_text(out, "ID", "sluice");
	xml_close(out, "Owner");
	xml_open(out, "Buckets");
	for (int i = 0; i < count; i++) {
		xml_open(out, "Bucket");
		xml_text(out, "Name", buckets[i].name);
		xml_time(out, "CreationDate", buckets[i].made);
		xml_close(out, "Bucket");
	}
	xml_close(out, "Buckets");
	xml_close(out, "ListAllMyBucketsResult");
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
