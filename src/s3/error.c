/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/error.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/limits.h"
#include "base/must.h"
#include "base/utf8.h"
#include "s3/xml_out.h"

/* Bytes of the escaped message and request id, which are ours and short; the rest is for the
 * template and, last, for the resource. */
#define MESSAGE_BYTES_MAX    1024
#define REQUEST_ID_BYTES_MAX 256
#define TEMPLATE_BYTES_MAX   256

static_assert(ERROR_BODY_BYTES_MAX >= MESSAGE_BYTES_MAX + REQUEST_ID_BYTES_MAX +
					      TEMPLATE_BYTES_MAX + 6 * OBJECT_KEY_BYTES_MAX,
	      "an escaped key fits");

struct error_row {
	int status;
	const char *code;
	const char *message;
};

#define ERROR_ROW(id, status, code, message) [S3_ERROR_##id] = {status, code, message},
static const struct error_row error_rows[S3_ERROR_COUNT] = {S3_ERRORS(ERROR_ROW)};

struct writer {
	char *out;
	size_t used;
	size_t size;
};

int s3_error_status(enum s3_error error)
{
	must(error < S3_ERROR_COUNT);
	return error_rows[error].status;
}

const char *s3_error_code(enum s3_error error)
{
	must(error < S3_ERROR_COUNT);
	return error_rows[error].code;
}

const char *s3_error_message(enum s3_error error)
{
	must(error < S3_ERROR_COUNT);
	return error_rows[error].message;
}

static void put(struct writer *writer, const char *text)
{
	size_t len = strlen(text);

	must(len <= writer->size - writer->used);
	memcpy(writer->out + writer->used, text, len);
	writer->used += len;
}

/* Escapes text into room bytes at most; what does not fit is cut, between characters. */
static void put_escaped(struct writer *writer, const char *text, size_t len, size_t room)
{
	size_t end = writer->used + room;

	must(room <= writer->size - writer->used);
	for (size_t i = 0; i < len;) {
		size_t bytes = utf8_char_bytes(text + i, len - i);
		const char *escape = xml_escape_of(text + i, bytes);
		size_t needed = escape ? strlen(escape) : bytes;

		if (needed > end - writer->used)
			return;
		memcpy(writer->out + writer->used, escape ? escape : text + i, needed);
		writer->used += needed;
		i += bytes ? bytes : 1;
	}
}

size_t s3_error_xml(enum s3_error error, const char *message, const char *condition,
		    const char *resource, size_t resource_len, const char *request_id, char *out,
		    size_t size)
{
	static const char behind_resource[] = "</Resource><RequestId>";
	static const char end[] = "</RequestId></Error>";
	struct writer writer = {.out = out, .size = size};
	size_t behind = strlen(behind_resource) + REQUEST_ID_BYTES_MAX + strlen(end);

	must(error < S3_ERROR_COUNT);
	must(size >= ERROR_BODY_BYTES_MAX);
	if (!message)
		message = error_rows[error].message;

	put(&writer, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>");
	put(&writer, error_rows[error].code);
	put(&writer, "</Code><Message>");
	put_escaped(&writer, message, strlen(message), MESSAGE_BYTES_MAX);
	put(&writer, "</Message>");
	if (condition != NULL) {
		put(&writer, "<Condition>");
		put(&writer, condition);
		put(&writer, "</Condition>");
	}
	put(&writer, "<Resource>");
	put_escaped(&writer, resource, resource_len, size - writer.used - behind);
	put(&writer, behind_resource);
	put_escaped(&writer, request_id, strlen(request_id), REQUEST_ID_BYTES_MAX);
	put(&writer, end);
	return writer.used;
}
