/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_put.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "wire/wire_pattern.h"

#define CHUNK 32768

void wire_put_start(struct wire_server *server, struct wire_client *client)
{
	server->writable = true;
	wire_server_root(server);
	wire_server_start(server);
	wire_connect(client, server);
}

/* ---- Requests ------------------------------------------------------------------------------- */

void wire_put_send(struct wire_client *client, const char *target, uint64_t seed, uint64_t bytes,
		   bool is_chunked)
{
	char chunk[CHUNK], length[64] = "Transfer-Encoding: chunked";

	if (!is_chunked)
		snprintf(length, sizeof(length), "Content-Length: %llu", (unsigned long long)bytes);
	cr_assert(wire_send(client, "PUT %s HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", target, length));
	for (uint64_t at = 0; at < bytes; at += CHUNK) {
		size_t some = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;
		wire_pattern_fill(seed, at, chunk, some);
		cr_assert(!is_chunked || wire_send(client, "%zx\r\n", some));
		cr_assert(wire_write(client, chunk, some), "the server does not hear it out");
		cr_assert(!is_chunked || wire_send(client, "\r\n"));
	}
	cr_assert(!is_chunked || wire_send(client, "0\r\n\r\n"));
}

void wire_put(struct wire_client *client, const char *target, uint64_t seed, uint64_t bytes,
	      struct wire_response *response)
{
	wire_put_send(client, target, seed, bytes, false);
	wire_read_head(client, response);
}

void wire_put_well(struct wire_client *client, const char *target, uint64_t seed, uint64_t bytes)
{
	struct wire_response response;

	wire_put(client, target, seed, bytes, &response);
	cr_assert_eq(response.status, 200, "PUT %s: %s", target, response.head);
	wire_read_text(client, &response);
}

void wire_put_refused(const struct wire_server *server, const char *target, bool is_chunked,
		      int status, const char *code)
{
	struct wire_client client = {0};
	struct wire_response response;

	wire_connect(&client, server);
	wire_put_send(&client, target, 666, 4 * WIRE_MIB, is_chunked);
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, status, code);
	cr_assert(response.says_close);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
}

void wire_ask_fails(struct wire_client *client, const char *method, const char *target,
		    const char *fields, int status, const char *code)
{
	struct wire_response response;

	wire_ask(client, method, target, fields, &response);
	wire_read_error(client, &response, status, code);
	cr_assert(!response.says_close, "%s %s", method, target);
}

void wire_is_absent(struct wire_client *client, const char *target)
{
	wire_ask_fails(client, "GET", target, "", 404, "NoSuchKey");
}

const char *wire_ask_text(struct wire_client *client, const char *method, const char *target,
			  const char *fields, struct wire_response *response)
{
	wire_ask(client, method, target, fields, response);
	wire_read_text(client, response);
	return response->text;
}

unsigned wire_count(const char *text, const char *word)
{
	unsigned count = 0;
	for (; (text = strstr(text, word)) != NULL; text++)
		count++;
	return count;
}

void wire_lists(struct wire_client *client, unsigned keys)
{
	struct wire_response response;
	const char *text = wire_ask_text(client, "GET", "/data?list-type=2", "", &response);

	cr_assert_eq(response.status, 200, "%s", text);
	cr_assert_eq(wire_count(text, "<Key>"), keys, "%s", text);
}

/* ---- Multipart -------------------------------------------------------------------------------
 */

void wire_upload_begin(struct wire_client *client, struct wire_upload *upload, const char *target)
{
	struct wire_response response;
	char id[40] = "", create[128];

	snprintf(create, sizeof(create), "%s?uploads", target);
	const char *text =
		wire_ask_text(client, "POST", create, "Content-Length: 0\r\n", &response);
	const char *at = strstr(text, "<UploadId>");
	cr_assert(at != NULL && sscanf(at, "<UploadId>%39[0-9a-f]", id) == 1, "%s", text);
	snprintf(upload->query, sizeof(upload->query), "uploadId=%s", id);
	snprintf(upload->target, sizeof(upload->target), "%s?%s", target, upload->query);
	for (int i = 0; i < 2; i++)
		snprintf(upload->part[i], sizeof(upload->part[i]), "%s?partNumber=%d&%s", target,
			 i + 1, upload->query);
}

void wire_upload_fill(struct wire_client *client, struct wire_upload *upload,
		      const uint64_t bytes[2])
{
	struct wire_response response;
	int n = snprintf(upload->xml, sizeof(upload->xml), "<CompleteMultipartUpload>");

	for (int i = 0; i < 2; i++) {
		wire_put(client, upload->part[i], (uint64_t)i + 1, bytes[i], &response);
		cr_assert_eq(response.status, 200, "%s", response.head);
		n += snprintf(upload->xml + n, sizeof(upload->xml) - (size_t)n,
			      "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i + 1,
			      response.etag);
	}
	snprintf(upload->xml + n, sizeof(upload->xml) - (size_t)n, "</CompleteMultipartUpload>");
}

void wire_upload_has(struct wire_client *client, const struct wire_upload *upload, unsigned parts)
{
	struct wire_response response;
	const char *text = wire_ask_text(client, "GET", upload->target, "", &response);

	cr_assert_eq(response.status, 200, "%s", text);
	cr_assert_eq(wire_count(text, "<PartNumber>"), parts, "%s", text);
}

void wire_upload_complete(struct wire_client *client, const struct wire_upload *upload,
			  struct wire_response *response)
{
	cr_assert(wire_send(client, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
			    upload->target, strlen(upload->xml), upload->xml));
	wire_read_head(client, response);
}

void wire_upload_is_object(struct wire_client *client, const char *target, const uint64_t bytes[2])
{
	struct wire_response response;

	wire_get(client, target, "", &response);
	cr_assert_eq(response.status, 200, "%s", response.head);
	cr_assert_eq(response.content_length, bytes[0] + bytes[1]);
	cr_assert_eq(wire_read_some(client, 1, 0, bytes[0]), bytes[0]);
	cr_assert_eq(wire_read_some(client, 2, 0, bytes[1]), bytes[1]);
}

/* ---- What is left ----------------------------------------------------------------------------
 */

unsigned wire_leftovers(const struct wire_server *server)
{
	char path[WIRE_PATH_BYTES];
	unsigned count = 0;

	snprintf(path, sizeof(path), "%s/data/.sluice", server->own_root);
	DIR *dir = opendir(path);
	if (dir == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.' && strncmp(entry->d_name, "up-", 3) != 0;
	closedir(dir);
	return count;
}
