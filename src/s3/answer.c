/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/answer.h"

#include <string.h>

#include "base/must.h"
#include "http/conditions.h"
#include "http/date.h"
#include "http/media_type.h"
#include "http/response.h"
#include "s3/operation.h"

/* Status line and the fields that every answer has. */
static void begin(struct http_response *response, const struct answer_request *request, int status,
		  char *out, size_t size)
{
	http_response_begin(response, out, size, status);
	http_response_field(response, "Date", request->date);
	http_response_field(response, "Server", "sluice");
	http_response_field(response, "x-amz-request-id", request->request_id);
	if (!request->keep_alive)
		http_response_field(response, "Connection", "close");
	else if (request->head != NULL && request->head->minor == 0)
		http_response_field(response, "Connection", "keep-alive");
}

static void validators(struct http_response *response, const struct object *object)
{
	char date[HTTP_DATE_BYTES];
	http_date_format(object->facts.modified.tv_sec, date);
	http_response_field(response, "ETag", object->etag);
	http_response_field(response, "Last-Modified", date);
}

static bool is_head_request(const struct answer_request *request)
{
	return request->head != NULL && request->head->method == HTTP_HEAD;
}

static void finish(struct http_response *response, struct answer *answer, int status)
{
	int n = http_response_end(response);
	must(n > 0); /* every field of ours has a bound, and their sum fits */
	answer->status = status;
	answer->text_bytes = (size_t)n;
}

/* The condition that a 412 is about, as S3 names it: some clients go by that. NULL: none. */
static const char *failed_condition(const struct answer_request *request, enum s3_error error)
{
	static const char *const names[] = {
		"If-Match",
		"If-Unmodified-Since",
		"If-None-Match", /* behind that: of a read it is never a 412 */
		"x-amz-if-match-size",
		"x-amz-if-match-last-modified-time",
		"x-amz-copy-source-If-Match",
		"x-amz-copy-source-If-None-Match",
		"x-amz-copy-source-If-Unmodified-Since",
		"x-amz-copy-source-If-Modified-Since",
	};

	if (error != S3_ERROR_PRECONDITION_FAILED || request->head == NULL)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (http_head_find(request->head, names[i]).at != NULL)
			return names[i];
	return NULL;
}

/* content_range_size: with InvalidRange, the object's size; otherwise unused. */
static void error_with_range(const struct answer_request *request, enum s3_error error,
			     const char *message, const uint64_t *content_range_size,
			     char out[ANSWER_BYTES_MAX], struct answer *answer)
{
	char *body = out + RESPONSE_HEAD_BYTES_MAX;
	size_t body_bytes = s3_error_xml(error, message, failed_condition(request, error),
					 request->resource.at, request->resource.len,
					 request->request_id, body, ERROR_BODY_BYTES_MAX);
	struct http_response response;

	*answer = (struct answer){.error = error};
	begin(&response, request, s3_error_status(error), out, RESPONSE_HEAD_BYTES_MAX);
	http_response_field(&response, "Content-Type", "application/xml");
	http_response_field_u64(&response, "Content-Length", body_bytes);
	if (error == S3_ERROR_METHOD_NOT_ALLOWED)
		http_response_field(&response, "Allow",
				    request->is_writable ? "GET, HEAD, PUT, DELETE" : "GET, HEAD");
	if (content_range_size != NULL)
		http_response_content_range(&response, 0, 0, *content_range_size);
	finish(&response, answer, s3_error_status(error));
	if (is_head_request(request)) /* RFC 9110 section 9.3.2: the fields, not the body */
		return;
	memmove(out + answer->text_bytes, body, body_bytes);
	answer->text_bytes += body_bytes;
	answer->body_bytes = body_bytes;
}

void answer_error(const struct answer_request *request, enum s3_error error, const char *message,
		  char out[ANSWER_BYTES_MAX], struct answer *answer)
{
	error_with_range(request, error, message, NULL, out, answer);
}

/* It is the first of the fields that are kept; of those that the request's query says, too. */
static bool has_content_type(const struct answer_request *request)
{
	static const char name[] = "Content-Type:";
	return request->fields != NULL && request->fields->len >= sizeof(name) - 1 &&
	       memcmp(request->fields->at, name, sizeof(name) - 1) == 0;
}

/* Of an object that has none kept with it. What was put there by hand is what its name says; of
 * what we have written, whoever sent it said nothing, and so do we. */
static const char *media_type(const struct answer_request *request, const struct object *object)
{
	bool is_written = object->has_meta || version_is_ours(&object->facts);
	return is_written ? MEDIA_TYPE_DEFAULT : media_type_of(request->object_key);
}

static void more_fields(struct http_response *response, const struct answer_request *request)
{
	if (request->fields != NULL && request->fields->len > 0)
		http_response_lines(response, request->fields->at, request->fields->len);
}

void answer_call(const struct answer_request *request, const struct object_stamp *stamp,
		 const struct text *text, int status, char out[ANSWER_BYTES_MAX],
		 struct answer *answer)
{
	struct http_response response;

	*answer = (struct answer){.error = S3_ERROR_COUNT};
	begin(&response, request, status, out, RESPONSE_HEAD_BYTES_MAX);
	if (text->len > 0)
		http_response_field(&response, "Content-Type", "application/xml");
	if (status != 204) /* RFC 9110 section 8.6 */
		http_response_field_u64(&response, "Content-Length", text->len);
	if (stamp->etag[0] != '\0')
		http_response_field(&response, "ETag", stamp->etag);
	more_fields(&response, request);
	finish(&response, answer, status);
	answer->is_text_body = text->len > 0;
}

void answer_bucket(const struct answer_request *request, char out[ANSWER_BYTES_MAX],
		   struct answer *answer)
{
	struct http_response response;
	*answer = (struct answer){.error = S3_ERROR_COUNT};
	begin(&response, request, 200, out, RESPONSE_HEAD_BYTES_MAX);
	http_response_field(&response, "x-amz-bucket-region", S3_REGION);
	http_response_field_u64(&response, "Content-Length", 0);
	finish(&response, answer, 200);
}

static void not_modified(const struct answer_request *request, const struct object *object,
			 char out[ANSWER_BYTES_MAX], struct answer *answer)
{
	struct http_response response;
	begin(&response, request, 304, out, RESPONSE_HEAD_BYTES_MAX);
	validators(&response, object);
	finish(&response, answer, 304);
}

/* What a GET or HEAD of an object sends. */
struct extent {
	struct http_range range;
	int status; /* 200 or 206 */
};

/* The part that is asked for; of an object that has none, part 1 is the whole. False: it has no
 * such part. An empty one is no range that Content-Range could tell. */
static bool take_part(const struct object *object, struct extent *extent)
{
	const struct object_part *part = &object->part;

	if (part->number == 0)
		return true;
	if (part->number > (part->count > 0 ? part->count : 1))
		return false;
	if (part->count > 0)
		extent->range = (struct http_range){.first = part->first, .bytes = part->bytes};
	extent->status = extent->range.bytes > 0 ? 206 : 200;
	return true;
}

void answer_object(const struct answer_request *request, const struct object *object,
		   char out[ANSWER_BYTES_MAX], struct answer *answer)
{
	const struct http_head *head = request->head;
	struct http_validators compare = {.etag = object->etag,
					  .modified = object->facts.modified.tv_sec};
	struct extent extent = {{.first = 0, .bytes = object->facts.size}, 200};
	bool range_applies;

	*answer = (struct answer){.error = S3_ERROR_COUNT};
	switch (http_conditions_check(head, &compare, &range_applies)) {
	case 304:
		not_modified(request, object, out, answer);
		return;
	case 412:
		answer_error(request, S3_ERROR_PRECONDITION_FAILED, NULL, out, answer);
		return;
	default:
		break;
	}
	if (!take_part(object, &extent)) {
		error_with_range(request, S3_ERROR_INVALID_PART_NUMBER, NULL, &object->facts.size,
				 out, answer);
		return;
	}
	struct slice wanted = head->known[HTTP_FIELD_RANGE];
	if (wanted.at != NULL && range_applies) {
		switch (http_range_parse(wanted, object->facts.size, &extent.range)) {
		case HTTP_RANGE_UNSATISFIABLE:
			error_with_range(request, S3_ERROR_INVALID_RANGE, NULL, &object->facts.size,
					 out, answer);
			return;
		case HTTP_RANGE_OK:
			extent.status = 206;
			break;
		case HTTP_RANGE_NONE:
			extent.range = (struct http_range){.first = 0, .bytes = object->facts.size};
			break;
		}
	}
	struct http_response response;
	begin(&response, request, extent.status, out, RESPONSE_HEAD_BYTES_MAX);
	if (!has_content_type(request))
		http_response_field(&response, "Content-Type", media_type(request, object));
	more_fields(&response, request);
	http_response_field_u64(&response, "Content-Length", extent.range.bytes);
	validators(&response, object);
	http_response_field(&response, "Accept-Ranges", "bytes");
	if (extent.status == 206)
		http_response_content_range(&response, extent.range.first, extent.range.bytes,
					    object->facts.size);
	if (object->part.number > 0 && object->part.count > 0)
		http_response_field_u64(&response, "x-amz-mp-parts-count", object->part.count);
	finish(&response, answer, extent.status);
	if (!is_head_request(request)) {
		answer->file_offset = extent.range.first;
		answer->file_bytes = extent.range.bytes;
	}
}
