/* SPDX-License-Identifier: Apache-2.0 */
/* GetBucketVersioning, GetBucketPolicy, GetObjectAcl and their like: questions about what is not
 * set. */
#include <unistd.h>

#include "base/must.h"
#include "s3/call.h"
#include "s3/op.h"
#include "s3/settings.h"
#include "s3/xml_out.h"

static const struct row {
	enum s3_place place;
	const char *param;
	const char *root, *content; /* 200 */
	bool is_list;
	enum s3_error error; /* root NULL */
	const char *text;
} rows[] = {
#define ANSWER_ROW(where, what, element, inside)                                                   \
	{.place = S3_PLACE_##where, .param = what, .root = element, .content = inside},
#define LIST_ROW(where, what, element, inside)                                                     \
	{.place = S3_PLACE_##where,                                                                \
	 .param = what,                                                                            \
	 .root = element,                                                                          \
	 .content = inside,                                                                        \
	 .is_list = true},
#define ERROR_ROW(where, what, id, why)                                                            \
	{.place = S3_PLACE_##where, .param = what, .error = S3_ERROR_##id, .text = why},
	S3_SETTINGS(ANSWER_ROW, LIST_ROW, ERROR_ROW)
	/* An operation of its own: clients ask before they copy a large object. */
	ANSWER_ROW(OBJECT, "tagging", "Tagging", "<TagSet></TagSet>")};

static void answer(struct s3_call *call, enum s3_place place)
{
	const struct row *row = rows;

	while (row->place != place || s3_query_param(call->target->query, row->param).at == NULL) {
		row++;
		must(row < rows + ARRAY_LEN(rows)); /* it was found by the same table */
	}
	if (row->root == NULL) {
		s3_call_fail(call, row->error, row->text);
	} else if (row->is_list && s3_query_param(call->target->query, "id").at != NULL) {
		s3_call_fail(call, S3_ERROR_NO_SUCH_CONFIGURATION, NULL);
	} else {
		xml_begin(&call->text, row->root);
		text_put(&call->text, row->content);
		xml_close(&call->text, row->root);
	}
}

void op_get_bucket_setting(struct s3_call *call)
{
	if (s3_call_find_bucket(call))
		answer(call, S3_PLACE_BUCKET);
}

void op_get_object_setting(struct s3_call *call)
{
	struct facts facts;
	int fd = s3_call_open_object(call, call->target, &facts, NULL);

	if (fd < 0)
		return;
	close(fd);
	answer(call, S3_PLACE_OBJECT);
}
