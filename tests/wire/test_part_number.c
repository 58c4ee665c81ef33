/* SPDX-License-Identifier: Apache-2.0 */
/* Objects by the numbers of their parts. */
#include "wire/wire.h"
#include "wire/wire_sums.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(part_number, .timeout = WIRE_TIMEOUT);

static void get_part(struct wire_sums *upload, const char *query, const char *fields, int status,
		     const char *range, const char *count)
{
	char target[256];

	for (int i = 0; i < 2; i++) {
		snprintf(target, sizeof(target), "%s%s", upload->target, query);
		wire_ask(upload->client, i == 0 ? "HEAD" : "GET", target, fields,
			 &upload->response);
		cr_assert_eq(upload->response.status, status, "%s", upload->response.head);
		if (range != NULL)
			wire_field_is(&upload->response, "Content-Range", range);
		else
			wire_sums_lacks_field(&upload->response, "Content-Range");
		if (count != NULL)
			wire_field_is(&upload->response, "x-amz-mp-parts-count", count);
		else
			wire_sums_lacks_field(&upload->response, "x-amz-mp-parts-count");
	}
}

static void body_is(struct wire_sums *upload, const char *text)
{
	wire_read_text(upload->client, &upload->response);
	cr_assert_str_eq(upload->response.text, text);
}

static void body_is_of_a(struct wire_sums *upload)
{
	char some[65536];

	cr_assert_eq(upload->response.content_length, WIRE_SUMS_FIRST);
	for (size_t left = WIRE_SUMS_FIRST; left > 0;) {
		size_t n =
			wire_read(upload->client, some, left < sizeof(some) ? left : sizeof(some));
		cr_assert_gt(n, 0);
		for (size_t i = 0; i < n; i++)
			cr_assert_eq(some[i], 'a');
		left -= n;
	}
}

Test(part_number, of_a_composite_object)
{
	static const struct wire_sum crc32 = WIRE_SUM_CRC32;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_sums upload = {.client = &client, .target = "/data/object"};
	char fields[WIRE_VALUE_MAX + 32];

	wire_sums_start(&server, &client);
	wire_sums_begin(&upload, "x-amz-checksum-algorithm: CRC32\r\n");
	wire_sums_parts(&upload, &crc32);
	wire_sums_complete(&upload, "", "", "");
	wire_sums_answered(&upload, 200, NULL);

	get_part(&upload, "?partNumber=1", "", 206, "bytes 0-5242879/5242883", "2");
	body_is_of_a(&upload);
	get_part(&upload, "?x-id=GetObject&partNumber=2&versionId=null", "", 206,
		 "bytes 5242880-5242882/5242883", "2");
	body_is(&upload, "bcd");
	get_part(&upload, "?partNumber=3", "", 416, "bytes */5242883", NULL);
	wire_read_error(&client, &upload.response, 416, "InvalidPartNumber");
	/* Of a part, its own checksum; without partNumber nothing is told of parts. */
	wire_sums_head(&upload, "?partNumber=2", 206, &crc32, crc32.part[1], "COMPOSITE");
	wire_sums_head(&upload, "", 200, &crc32, "DV1k1w==-2", "COMPOSITE");
	wire_sums_lacks_field(&upload.response, "x-amz-mp-parts-count");

	/* Conditions first. */
	snprintf(fields, sizeof(fields), "If-None-Match: %s\r\n", upload.response.etag);
	wire_ask(&client, "GET", "/data/object?partNumber=2", fields, &upload.response);
	cr_assert_eq(upload.response.status, 304);
	wire_ask(&client, "GET", "/data/object?partNumber=9", "If-Match: \"x\"\r\n",
		 &upload.response);
	wire_read_error(&client, &upload.response, 412, "PreconditionFailed");
	wire_ask(&client, "GET", "/data/object?partNumber=1", "Range: bytes=0-1\r\n",
		 &upload.response);
	wire_read_error(&client, &upload.response, 400, "InvalidRequest");
	static const char *const bad[] = {"0", "10001", "x", "-1", "1x", "99999999999999999999"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char target[64];
		snprintf(target, sizeof(target), "/data/object?partNumber=%s", bad[i]);
		wire_ask(&client, "GET", target, "", &upload.response);
		wire_read_error(&client, &upload.response, 400, "InvalidArgument");
	}
	wire_ask(&client, "GET", "/data/none?partNumber=1", "", &upload.response);
	wire_read_error(&client, &upload.response, 404, "NoSuchKey");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The checksum of a whole is not that of one of its parts; of its only part it is. */
Test(part_number, of_a_full_object)
{
	static const struct wire_sum crc32 = WIRE_SUM_CRC32;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_sums upload = {.client = &client, .target = "/data/object"};
	char target[256], xml[WIRE_VALUE_MAX + 256];

	wire_sums_start(&server, &client);
	wire_sums_begin(&upload,
			"x-amz-checksum-algorithm: CRC32\r\nx-amz-checksum-type: FULL_OBJECT\r\n");
	wire_sums_parts(&upload, &crc32);
	wire_sums_complete(&upload, "", "", "");
	wire_sums_head(&upload, "?partNumber=2", 206, &crc32, NULL, NULL);

	wire_sums_begin(&upload,
			"x-amz-checksum-algorithm: CRC32\r\nx-amz-checksum-type: FULL_OBJECT\r\n");
	wire_sums_part(&upload, 2, "");
	snprintf(target, sizeof(target), "%s?uploadId=%s", upload.target, upload.id);
	snprintf(xml, sizeof(xml),
		 "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>%s</ETag></Part>"
		 "</CompleteMultipartUpload>",
		 upload.etag[1]);
	wire_sums_ask(&upload, "POST", target, "", xml, strlen(xml));
	wire_sums_answered(&upload, 200, NULL);
	wire_sums_head(&upload, "?partNumber=1", 206, &crc32, "sB1beQ==", "FULL_OBJECT");
	wire_field_is(&upload.response, "x-amz-mp-parts-count", "1");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The whole of any other object is its part 1: also of one that another program has made, has
 * edited, or that holds nothing. */
Test(part_number, of_any_other_object)
{
	static const struct wire_sum crc32 = WIRE_SUM_CRC32;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_sums upload = {.client = &client, .target = "/data/object"};
	char path[WIRE_PATH_BYTES];

	wire_sums_start(&server, &client);
	wire_sums_ask(&upload, "PUT", "/data/object", "x-amz-checksum-crc32: sB1beQ==\r\n", "bcd",
		      3);
	wire_sums_answered(&upload, 200, NULL);
	wire_field_is(&upload.response, "x-amz-checksum-crc32", "sB1beQ==");
	wire_field_is(&upload.response, "x-amz-checksum-type", "FULL_OBJECT");
	get_part(&upload, "?partNumber=1", "", 206, "bytes 0-2/3", NULL);
	body_is(&upload, "bcd");
	wire_sums_head(&upload, "?partNumber=1", 206, &crc32, "sB1beQ==", "FULL_OBJECT");
	get_part(&upload, "?partNumber=2", "", 416, "bytes */3", NULL);
	wire_read_error(&client, &upload.response, 416, "InvalidPartNumber");
	wire_sums_ask(&upload, "PUT", "/data/object", "", "", 0);
	get_part(&upload, "?partNumber=1", "", 200, NULL, NULL);
	body_is(&upload, "");

	wire_sums_begin(&upload, "");
	wire_sums_part(&upload, 1, "");
	wire_sums_part(&upload, 2, "");
	wire_sums_complete(&upload, "", "", "");
	get_part(&upload, "?partNumber=2", "", 206, "bytes 5242880-5242882/5242883", "2");
	body_is(&upload, "bcd");
	snprintf(path, sizeof(path), "%s/data/object", server.own_root);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	cr_assert(fd >= 0 && write(fd, "e", 1) == 1);
	close(fd);
	wire_ask(&client, "HEAD", "/data/object?partNumber=1", "", &upload.response);
	wire_field_is(&upload.response, "Content-Range", "bytes 0-5242883/5242884");
	wire_sums_lacks_field(&upload.response, "x-amz-mp-parts-count");
	wire_disconnect(&client);
	wire_server_stop(&server);
}
