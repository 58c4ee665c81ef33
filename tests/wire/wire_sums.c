/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

void wire_sums_start(struct wire_server *server, struct wire_client *client)
{
	server->writable = true;
	wire_server_root(server);
	wire_server_start(server);
	wire_connect(client, server);
}

void wire_sums_ask(struct wire_sums *upload, const char *method, const char *target,
		   const char *fields, const char *body, size_t len)
{
	cr_assert(wire_send(upload->client,
			    "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n%s\r\n", method,
			    target, len, fields));
	cr_assert(len == 0 || wire_write(upload->client, body, len));
	wire_read_head(upload->client, &upload->response);
	wire_read_text(upload->client, &upload->response);
}

void wire_sums_says(const struct wire_sums *upload, const char *text)
{
	cr_assert_not_null(strstr(upload->response.text, text), "%s is not in %s%s", text,
			   upload->response.head, upload->response.text);
}

void wire_sums_lacks(const struct wire_sums *upload, const char *text)
{
	cr_assert_null(strstr(upload->response.text, text), "%s", upload->response.text);
}

void wire_sums_answered(const struct wire_sums *upload, int status, const char *text)
{
	cr_assert_eq(upload->response.status, status, "%s%s", upload->response.head,
		     upload->response.text);
	if (text != NULL)
		wire_sums_says(upload, text);
}

void wire_sums_lacks_field(const struct wire_response *response, const char *name)
{
	char value[WIRE_VALUE_MAX];
	cr_assert_null(wire_field(response, name, value), "%s", response->head);
}

const char *wire_sums_field(const char *algorithm, char out[64])
{
	snprintf(out, 64, "x-amz-checksum-%s", algorithm);
	for (char *at = out; *at != '\0'; at++)
		*at |= *at >= 'A' && *at <= 'Z' ? 0x20 : 0;
	return out;
}

void wire_sums_begin(struct wire_sums *upload, const char *fields)
{
	char target[128];

	snprintf(target, sizeof(target), "%s?uploads", upload->target);
	wire_sums_ask(upload, "POST", target, fields, "", 0);
	wire_sums_answered(upload, 200, NULL);
	const char *at = strstr(upload->response.text, "<UploadId>");
	cr_assert(at != NULL && sscanf(at, "<UploadId>%39[0-9a-f]", upload->id) == 1);
}

void wire_sums_part(struct wire_sums *upload, int number, const char *fields)
{
	char target[256];
	size_t len = number == 1 ? WIRE_SUMS_FIRST : 3;
	char *bytes = malloc(len);

	memset(bytes, 'a', len);
	if (number == 2)
		memcpy(bytes, "bcd", 3);
	snprintf(target, sizeof(target), "%s?partNumber=%d&uploadId=%s", upload->target, number,
		 upload->id);
	wire_sums_ask(upload, "PUT", target, fields, bytes, len);
	free(bytes);
	if (upload->response.status == 200)
		snprintf(upload->etag[number - 1], WIRE_VALUE_MAX, "%s", upload->response.etag);
}

void wire_sums_parts(struct wire_sums *upload, const struct wire_sum *algorithm)
{
	char fields[256], name[64];

	for (int number = 1; number <= 2; number++) {
		snprintf(fields, sizeof(fields), "%s: %s\r\n",
			 wire_sums_field(algorithm->name, name), algorithm->part[number - 1]);
		wire_sums_part(upload, number, fields);
		wire_sums_answered(upload, 200, NULL);
		wire_field_is(&upload->response, wire_sums_field(algorithm->name, name),
			      algorithm->part[number - 1]);
	}
}

void wire_sums_complete(struct wire_sums *upload, const char *fields, const char *sums0,
			const char *sums1)
{
	char target[256], xml[4096];

	snprintf(target, sizeof(target), "%s?uploadId=%s", upload->target, upload->id);
	snprintf(xml, sizeof(xml),
		 "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		 "<Part><ETag>%s</ETag>%s<PartNumber>1</PartNumber></Part>"
		 "<Part><ETag>%s</ETag>%s<PartNumber>2</PartNumber></Part>"
		 "</CompleteMultipartUpload>",
		 upload->etag[0], sums0, upload->etag[1], sums1);
	wire_sums_ask(upload, "POST", target, fields, xml, strlen(xml));
}

void wire_sums_element(char out[256], const struct wire_sum *algorithm, const char *value)
{
	snprintf(out, 256, "<Checksum%s>%s</Checksum%s>", algorithm->name, value, algorithm->name);
}

void wire_sums_head(struct wire_sums *upload, const char *query, int status,
		    const struct wire_sum *algorithm, const char *value, const char *type)
{
	char target[256], name[64];

	snprintf(target, sizeof(target), "%s%s", upload->target, query);
	wire_ask(upload->client, "HEAD", target, "x-amz-checksum-mode: ENABLED\r\n",
		 &upload->response);
	cr_assert_eq(upload->response.status, status, "%s", upload->response.head);
	if (value == NULL) {
		wire_sums_lacks_field(&upload->response, wire_sums_field(algorithm->name, name));
		wire_sums_lacks_field(&upload->response, "x-amz-checksum-type");
		return;
	}
	wire_field_is(&upload->response, wire_sums_field(algorithm->name, name), value);
	wire_field_is(&upload->response, "x-amz-checksum-type", type);
}
