/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of uploads, their parts and their objects; and objects by their parts. Each by the
 * bytes that clients send; the values are those of zlib and hashlib. */
#include "wire/wire.h"
#include "wire/wire_put.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(multipart_checksums, .timeout = WIRE_TIMEOUT);

#define FIRST_BYTES 5242880 /* of 'a'; the second part is "bcd" */
#define WHOLE_BYTES (FIRST_BYTES + 3)

/* Algorithm; of the first, of the second part; of both together; of their checksums. */
#define CRC32                                                                                      \
	{                                                                                          \
		"CRC32", {"r/zBbw==", "sB1beQ=="}, "lXyP8w==", "DV1k1w=="                          \
	}
#define CRC32C                                                                                     \
	{                                                                                          \
		"CRC32C", {"WpuOeg==", "Gw0DWA=="}, "PolW0g==", "zz7ZmQ=="                         \
	}
#define CRC64NVME                                                                                  \
	{                                                                                          \
		"CRC64NVME", {"PbvLEkWUSgg=", "/yljnw400i8="}, "u96pAcaTOVw=", NULL                \
	}
#define SHA256                                                                                     \
	{                                                                                          \
		"SHA256",                                                                          \
			{"oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw=",                           \
			 "prD5DSrCuNHyUMaHMBrvEyBJ6QFt+TZoDoH6e8fYHXA="},                          \
			"CylVUtKWnkb3uhcFkHldIwAEIc6O9P3FAVNsKu6KkNA=",                            \
			"aBxg5xUCq8oONRfEJkE3D1OJh8ixBWQys/aqZP3HB9M="                             \
	}

struct algorithm {
	const char *name, *part[2], *full, *composite;
};

/* One upload, and the texts that its requests are made of. */
struct upload {
	struct wire_client *client;
	const char *target;
	char id[40];
	char etag[2][WIRE_VALUE_MAX];
	struct wire_response response; /* the last */
};

static void start(struct wire_server *server, struct wire_client *client)
{
	server->writable = true;
	wire_server_root(server);
	wire_server_start(server);
	wire_connect(client, server);
}

static void ask_with(struct upload *upload, const char *method, const char *target,
		     const char *fields, const char *body, size_t len)
{
	cr_assert(wire_send(upload->client,
			    "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n%s\r\n", method,
			    target, len, fields));
	cr_assert(len == 0 || wire_write(upload->client, body, len));
	wire_read_head(upload->client, &upload->response);
	wire_read_text(upload->client, &upload->response);
}

/* Is (or is not) text in what was answered? */
static void says(const struct upload *upload, const char *text)
{
	cr_assert_not_null(strstr(upload->response.text, text), "%s is not in %s%s", text,
			   upload->response.head, upload->response.text);
}

static void says_nothing_of(const struct upload *upload, const char *text)
{
	cr_assert_null(strstr(upload->response.text, text), "%s", upload->response.text);
}

static void is_answered(const struct upload *upload, int status, const char *code)
{
	cr_assert_eq(upload->response.status, status, "%s%s", upload->response.head,
		     upload->response.text);
	if (code != NULL)
		says(upload, code);
}

static void lacks_field(const struct wire_response *response, const char *name)
{
	char value[WIRE_VALUE_MAX];
	cr_assert_null(wire_field(response, name, value), "%s", response->head);
}

static const char *lower(const char *algorithm, char out[64])
{
	snprintf(out, 64, "x-amz-checksum-%s", algorithm);
	for (char *at = out; *at != '\0'; at++)
		*at |= *at >= 'A' && *at <= 'Z' ? 0x20 : 0;
	return out;
}

static void begin(struct upload *upload, const char *fields)
{
	char target[128];

	snprintf(target, sizeof(target), "%s?uploads", upload->target);
	ask_with(upload, "POST", target, fields, "", 0);
	is_answered(upload, 200, NULL);
	const char *at = strstr(upload->response.text, "<UploadId>");
	cr_assert(at != NULL && sscanf(at, "<UploadId>%39[0-9a-f]", upload->id) == 1);
}

/* Part 1 or 2, with these fields. */
static void send_part(struct upload *upload, int number, const char *fields)
{
	char target[256];
	size_t len = number == 1 ? FIRST_BYTES : 3;
	char *bytes = malloc(len);

	memset(bytes, 'a', len);
	if (number == 2)
		memcpy(bytes, "bcd", 3);
	snprintf(target, sizeof(target), "%s?partNumber=%d&uploadId=%s", upload->target, number,
		 upload->id);
	ask_with(upload, "PUT", target, fields, bytes, len);
	free(bytes);
	if (upload->response.status == 200)
		snprintf(upload->etag[number - 1], WIRE_VALUE_MAX, "%s", upload->response.etag);
}

static void send_parts(struct upload *upload, const struct algorithm *algorithm)
{
	char fields[256], name[64];

	for (int number = 1; number <= 2; number++) {
		snprintf(fields, sizeof(fields), "%s: %s\r\n", lower(algorithm->name, name),
			 algorithm->part[number - 1]);
		send_part(upload, number, fields);
		is_answered(upload, 200, NULL);
		wire_field_is(&upload->response, lower(algorithm->name, name),
			      algorithm->part[number - 1]);
	}
}

/* sums: elements of each part, or "". */
static void complete(struct upload *upload, const char *fields, const char *sums0,
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
	ask_with(upload, "POST", target, fields, xml, strlen(xml));
}

static void element(char out[256], const struct algorithm *algorithm, const char *value)
{
	snprintf(out, 256, "<Checksum%s>%s</Checksum%s>", algorithm->name, value, algorithm->name);
}

static void head_says(struct upload *upload, const char *query, int status,
		      const struct algorithm *algorithm, const char *value, const char *type)
{
	char target[256], name[64];

	snprintf(target, sizeof(target), "%s%s", upload->target, query);
	wire_ask(upload->client, "HEAD", target, "x-amz-checksum-mode: ENABLED\r\n",
		 &upload->response);
	cr_assert_eq(upload->response.status, status, "%s", upload->response.head);
	if (value == NULL) {
		lacks_field(&upload->response, lower(algorithm->name, name));
		lacks_field(&upload->response, "x-amz-checksum-type");
		return;
	}
	wire_field_is(&upload->response, lower(algorithm->name, name), value);
	wire_field_is(&upload->response, "x-amz-checksum-type", type);
}

/* ---- The way of an upload -------------------------------------------------------------------- */

struct way {
	struct algorithm algorithm;
	const char *type; /* that is asked for; NULL: none */
	bool is_composite;
};

static void attributes_say(struct upload *upload, const struct way *way, const char *value)
{
	char target[256], text[256], modified[WIRE_VALUE_MAX];

	snprintf(target, sizeof(target), "%s?attributes", upload->target);
	ask_with(upload, "GET", target, "x-amz-object-attributes: Checksum,ObjectParts\r\n", "", 0);
	element(text, &way->algorithm, value);
	strcat(text, way->is_composite ? "<ChecksumType>COMPOSITE</ChecksumType></Checksum>"
				       : "<ChecksumType>FULL_OBJECT</ChecksumType></Checksum>");
	says(upload, text);
	cr_assert_not_null(wire_field(&upload->response, "Last-Modified", modified),
			   "minio-go takes an answer without it for an error");
	says(upload, "<PartsCount>2</PartsCount>");
	says(upload, "<IsTruncated>false</IsTruncated>");
	says(upload, "<Part><PartNumber>1</PartNumber><Size>5242880</Size>");
	says(upload, "<Part><PartNumber>2</PartNumber><Size>3</Size>");
	element(text, &way->algorithm, way->algorithm.part[1]);
	if (way->is_composite)
		says(upload, text);
	else
		says_nothing_of(upload, text);
}

/* Create, parts, lists, Complete, GET, HEAD, GetObjectAttributes. */
static void goes(struct upload *upload, const struct way *way)
{
	const struct algorithm *algorithm = &way->algorithm;
	const char *type = way->is_composite ? "COMPOSITE" : "FULL_OBJECT";
	char fields[256], value[128], sums[2][256], name[64], target[256], both[256];

	snprintf(fields, sizeof(fields), "x-amz-checksum-algorithm: %s\r\n", algorithm->name);
	if (way->type != NULL)
		snprintf(fields + strlen(fields), 100, "x-amz-checksum-type: %s\r\n", way->type);
	begin(upload, fields);
	wire_field_is(&upload->response, "x-amz-checksum-algorithm", algorithm->name);
	wire_field_is(&upload->response, "x-amz-checksum-type", type);
	send_parts(upload, algorithm);

	snprintf(both, sizeof(both),
		 "<ChecksumAlgorithm>%s</ChecksumAlgorithm><ChecksumType>%s</ChecksumType>",
		 algorithm->name, type);
	snprintf(target, sizeof(target), "%s?uploadId=%s", upload->target, upload->id);
	ask_with(upload, "GET", target, "", "", 0);
	says(upload, both);
	for (int i = 0; i < 2; i++) {
		element(sums[i], algorithm, algorithm->part[i]);
		says(upload, sums[i]);
	}
	ask_with(upload, "GET", "/data?uploads", "", "", 0);
	says(upload, both);

	if (way->is_composite)
		snprintf(value, sizeof(value), "%s-2", algorithm->composite);
	else
		snprintf(value, sizeof(value), "%s", algorithm->full);
	snprintf(fields, sizeof(fields),
		 "%s: %s\r\nx-amz-checksum-type: %s\r\nx-amz-mp-object-size: %d\r\n",
		 lower(algorithm->name, name), value, type, WHOLE_BYTES);
	complete(upload, fields, sums[0], sums[1]);
	is_answered(upload, 200, NULL);
	element(both, algorithm, value);
	says(upload, both);
	snprintf(both, sizeof(both), "<ChecksumType>%s</ChecksumType>", type);
	says(upload, both);
	head_says(upload, "", 200, algorithm, value, type);
	attributes_say(upload, way, value);
	/* The answer was lost: asked again. */
	complete(upload, fields, sums[0], sums[1]);
	is_answered(upload, 200, NULL);
	element(both, algorithm, value);
	says(upload, both);
}

Test(multipart_checksums, every_algorithm_and_type)
{
	static const struct way ways[] = {
		{CRC32, NULL, true},         {CRC32, "FULL_OBJECT", false},
		{CRC32C, "COMPOSITE", true}, {CRC32C, "FULL_OBJECT", false},
		{CRC64NVME, NULL, false},    {CRC64NVME, "FULL_OBJECT", false},
		{SHA256, "COMPOSITE", true}, {SHA256, NULL, true},
	};
	struct wire_server server = {0};
	struct wire_client client = {0};

	start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct upload upload = {.client = &client, .target = "/data/dir/object"};
		goes(&upload, &ways[i]);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(multipart_checksums, what_create_refuses)
{
	static const char *const fields[] = {
		"x-amz-checksum-type: FULL_OBJECT\r\n",
		"x-amz-checksum-algorithm: SHA512\r\n",
		"x-amz-checksum-algorithm: \r\n",
		"x-amz-checksum-algorithm: CRC32\r\nx-amz-checksum-type: WHOLE\r\n",
		"x-amz-checksum-algorithm: CRC64NVME\r\nx-amz-checksum-type: COMPOSITE\r\n",
		"x-amz-checksum-algorithm: SHA1\r\nx-amz-checksum-type: FULL_OBJECT\r\n",
		"x-amz-checksum-algorithm: SHA256\r\nx-amz-checksum-type: FULL_OBJECT\r\n",
	};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct upload upload = {.client = &client, .target = "/data/object"};

	start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		ask_with(&upload, "POST", "/data/object?uploads", fields[i], "", 0);
		is_answered(&upload, 400, "<Code>InvalidRequest</Code>");
	}
	ask_with(&upload, "GET", "/data?uploads", "", "", 0);
	says_nothing_of(&upload, "<Upload>");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A part with another algorithm's checksum is refused; one without any gets one. */
Test(multipart_checksums, parts)
{
	static const struct algorithm crc32 = CRC32, sha256 = SHA256;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct upload upload = {.client = &client, .target = "/data/object"};
	char target[256], sums[2][256];

	start(&server, &client);
	begin(&upload, "x-amz-checksum-algorithm: SHA256\r\n");
	send_part(&upload, 1, "x-amz-checksum-crc32: r/zBbw==\r\n");
	is_answered(&upload, 400, "<Code>InvalidRequest</Code>");
	snprintf(target, sizeof(target), "%s?uploadId=%s", upload.target, upload.id);
	ask_with(&upload, "GET", target, "", "", 0);
	says_nothing_of(&upload, "<Part>");
	for (int number = 1; number <= 2; number++) {
		send_part(&upload, number, "");
		wire_field_is(&upload.response, "x-amz-checksum-sha256", sha256.part[number - 1]);
	}
	/* The client may say another checksum of a part than the kept one: that is computed. */
	element(sums[0], &crc32, crc32.part[0]);
	element(sums[1], &crc32, crc32.part[0]);
	complete(&upload, "", sums[0], sums[1]);
	is_answered(&upload, 400, "<Code>InvalidPart</Code>");
	element(sums[1], &crc32, crc32.part[1]);
	complete(&upload, "", sums[0], sums[1]);
	is_answered(&upload, 200, NULL);
	says(&upload, "<ChecksumSHA256>aBxg5xUCq8oONRfEJkE3D1OJh8ixBWQys/aqZP3HB9M=-2<");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Nothing of what is said is dropped: the upload stays, and is completed by the right request. */
Test(multipart_checksums, what_complete_refuses)
{
	static const struct {
		const char *algorithm, *type, *fields, *sums, *code;
	} rows[] = {
		{"CRC32", "FULL_OBJECT", "x-amz-checksum-crc32: AAAAAA==\r\n", "", "BadDigest"},
		{"CRC32", "FULL_OBJECT",
		 "x-amz-checksum-crc32: DV1k1w==\r\nx-amz-checksum-type: FULL_OBJECT\r\n", "",
		 "BadDigest"},
		{"CRC32", "FULL_OBJECT",
		 "x-amz-checksum-crc32: DV1k1w==-2\r\nx-amz-checksum-type: COMPOSITE\r\n", "",
		 "BadDigest"},
		{"CRC32", "FULL_OBJECT", "x-amz-checksum-crc32: lXyP8w==-2\r\n", "", "BadDigest"},
		{"CRC32", "FULL_OBJECT", "x-amz-checksum-crc32c: PolW0g==\r\n", "", "BadDigest"},
		{"CRC32", "FULL_OBJECT", "x-amz-checksum-type: COMPOSITE\r\n", "", "BadDigest"},
		{"CRC32", "COMPOSITE", "x-amz-checksum-crc32: DV1k1w==-3\r\n", "", "BadDigest"},
		{"CRC32", "COMPOSITE", "x-amz-checksum-crc32: lXyP8w==\r\n", "", "BadDigest"},
		{"CRC32", "COMPOSITE", "x-amz-checksum-crc32: AAAA\r\n", "", "InvalidRequest"},
		{"CRC32", "COMPOSITE",
		 "x-amz-checksum-crc64nvme: u96pAcaTOVw=\r\n"
		 "x-amz-checksum-type: COMPOSITE\r\n",
		 "", "InvalidRequest"},
		{"CRC32", "COMPOSITE",
		 "x-amz-checksum-crc32: DV1k1w==\r\nx-amz-checksum-crc32c: zz7ZmQ==\r\n", "",
		 "InvalidRequest"},
		{"CRC32", "COMPOSITE", "x-amz-mp-object-size: 5242882\r\n", "", "InvalidRequest"},
		{"CRC32", "COMPOSITE", "x-amz-mp-object-size: x\r\n", "", "InvalidRequest"},
		{"CRC32", "COMPOSITE", "", "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>",
		 "InvalidPart"},
		{"CRC32", "COMPOSITE", "",
		 "<ChecksumSHA256>prD5DSrCuNHyUMaHMBrvEyBJ6QFt+TZoDoH6e8f"
		 "YHXA=</ChecksumSHA256>",
		 "InvalidPart"},
		{"CRC32", "COMPOSITE", "", "<ChecksumCRC32>x</ChecksumCRC32>", "MalformedXML"},
		{NULL, NULL, "x-amz-checksum-crc32: AAAAAA==\r\n", "", "BadDigest"},
		{NULL, NULL,
		 "x-amz-checksum-crc32c: AAAAAA==\r\nx-amz-checksum-type: FULL_OBJECT\r\n", "",
		 "BadDigest"},
		{NULL, NULL,
		 "x-amz-checksum-sha256: CylVUtKWnkb3uhcFkHldIwAEIc6O9P3FAVNsKu6KkNA=\r\n"
		 "x-amz-checksum-type: FULL_OBJECT\r\n",
		 "", "InvalidRequest"},
		{NULL, NULL, "x-amz-checksum-type: COMPOSITE\r\n", "", "BadDigest"},
		{NULL, NULL, "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n", "", "BadDigest"},
	};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct upload upload = {.client = &client, .target = "/data/object"};
	char fields[256], code[64];

	start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_like_last = i > 0 && rows[i].type == rows[i - 1].type;
		fields[0] = '\0';
		if (rows[i].algorithm != NULL)
			snprintf(fields, sizeof(fields),
				 "x-amz-checksum-algorithm: %s\r\nx-amz-checksum-type: %s\r\n",
				 rows[i].algorithm, rows[i].type);
		for (int number = is_like_last ? 3 : 0; number <= 2; number++) {
			if (number == 0)
				begin(&upload, fields);
			else
				send_part(&upload, number, "");
		}
		complete(&upload, rows[i].fields, rows[i].sums, "");
		snprintf(code, sizeof(code), "<Code>%s</Code>", rows[i].code);
		cr_assert_eq(upload.response.status, 400, "row %zu: %s%s", i, upload.response.head,
			     upload.response.text);
		says(&upload, code);
		wire_is_absent(&client, "/data/object");
	}
	complete(&upload, "", "<ChecksumSHA512>AAAA</ChecksumSHA512>", "");
	is_answered(&upload, 501, "<Code>NotImplemented</Code>");
	complete(&upload, "", "", "");
	is_answered(&upload, 200, NULL);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* What clients send: minio-go's composite one without "-N"; uploads that were begun for none, as
 * boto3's client calls do, whose parts have a CRC. */
Test(multipart_checksums, as_clients_send_it)
{
	static const struct algorithm crc32 = CRC32, crc32c = CRC32C, crc64 = CRC64NVME;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct upload upload = {.client = &client, .target = "/data/object"};

	start(&server, &client);
	begin(&upload, "x-amz-checksum-algorithm: CRC32C\r\n");
	send_parts(&upload, &crc32c);
	complete(&upload, "x-amz-checksum-crc32c: zz7ZmQ==\r\nx-amz-checksum-type: COMPOSITE\r\n",
		 "<ChecksumCRC32C>WpuOeg==</ChecksumCRC32C>",
		 "<ChecksumCRC32C>Gw0DWA==</ChecksumCRC32C>");
	is_answered(&upload, 200, NULL);
	head_says(&upload, "", 200, &crc32c, "zz7ZmQ==-2", "COMPOSITE");

	begin(&upload, "");
	lacks_field(&upload.response, "x-amz-checksum-algorithm");
	send_parts(&upload, &crc32);
	complete(&upload, "", "", "");
	is_answered(&upload, 200, NULL);
	head_says(&upload, "", 200, &crc32, "lXyP8w==", "FULL_OBJECT");

	begin(&upload, "");
	send_part(&upload, 1, "x-amz-checksum-crc32: r/zBbw==\r\n");
	send_part(&upload, 2, "x-amz-checksum-crc32c: Gw0DWA==\r\n");
	complete(&upload, "", "", "");
	is_answered(&upload, 200, NULL);
	says_nothing_of(&upload, "Checksum");
	head_says(&upload, "", 200, &crc32, NULL, NULL);

	begin(&upload, "");
	send_part(&upload, 1, "");
	send_part(&upload, 2, "");
	complete(&upload, "x-amz-checksum-crc64nvme: u96pAcaTOVw=\r\n", "", "");
	is_answered(&upload, 200, NULL);
	head_says(&upload, "", 200, &crc64, "u96pAcaTOVw=", "FULL_OBJECT");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Copies ---------------------------------------------------------------------------------- */

/* A copy is in one part: it keeps the checksum of all bytes, and where the source has one of parts,
 * gets one of the same algorithm; or of the one that is asked for. */
Test(multipart_checksums, copies)
{
	static const struct algorithm crc32 = CRC32, sha256 = SHA256, crc64 = CRC64NVME;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct upload upload = {.client = &client, .target = "/data/source"};
	struct upload copy = {.client = &client, .target = "/data/copy"};

	start(&server, &client);
	begin(&upload, "x-amz-checksum-algorithm: SHA256\r\n");
	send_part(&upload, 1, "");
	send_part(&upload, 2, "");
	complete(&upload, "", "", "");
	is_answered(&upload, 200, NULL);
	ask_with(&copy, "PUT", "/data/copy", "x-amz-copy-source: /data/source\r\n", "", 0);
	is_answered(&copy, 200, "<ChecksumSHA256>CylVUtKWnkb3uhcFkHldIwAEIc6O9P3FAVNsKu6KkNA=<");
	says(&copy, "<ChecksumType>FULL_OBJECT</ChecksumType>");
	head_says(&copy, "", 200, &sha256, sha256.full, "FULL_OBJECT");
	head_says(&copy, "?partNumber=1", 206, &sha256, sha256.full, "FULL_OBJECT");
	lacks_field(&copy.response, "x-amz-mp-parts-count");
	ask_with(&copy, "GET", "/data/copy?attributes", "x-amz-object-attributes: ObjectParts\r\n",
		 "", 0);
	says_nothing_of(&copy, "<ObjectParts>");

	ask_with(&copy, "PUT", "/data/copy",
		 "x-amz-copy-source: /data/source\r\nx-amz-checksum-algorithm: CRC64NVME\r\n", "",
		 0);
	is_answered(&copy, 200, "<ChecksumCRC64NVME>u96pAcaTOVw=<");
	head_says(&copy, "", 200, &crc64, crc64.full, "FULL_OBJECT");
	ask_with(&copy, "PUT", "/data/other",
		 "x-amz-copy-source: /data/source\r\nx-amz-checksum-algorithm: SHA512\r\n", "", 0);
	is_answered(&copy, 400, "<Code>InvalidRequest</Code>");
	wire_is_absent(&client, "/data/other");

	/* The source of a part, too: its checksum is of the bytes that were copied. */
	begin(&copy, "x-amz-checksum-algorithm: CRC32\r\n");
	char target[256];
	snprintf(target, sizeof(target), "/data/copy?partNumber=1&uploadId=%s", copy.id);
	ask_with(&copy, "PUT", target,
		 "x-amz-copy-source: /data/source\r\n"
		 "x-amz-copy-source-range: bytes=0-5242879\r\n",
		 "", 0);
	is_answered(&copy, 200, "<ChecksumCRC32>r/zBbw==</ChecksumCRC32></CopyPartResult>");
	lacks_field(&copy.response, "x-amz-checksum-crc32");
	sscanf(strstr(copy.response.text, "<ETag>"), "<ETag>&quot;%99[0-9a-f-]", copy.etag[0]);
	send_part(&copy, 2, "");
	complete(&copy, "", "<ChecksumCRC32>r/zBbw==</ChecksumCRC32>", "");
	is_answered(&copy, 200, NULL);
	head_says(&copy, "", 200, &crc32, "DV1k1w==-2", "COMPOSITE");
	/* Of CRCs it comes from those of the parts. */
	ask_with(&upload, "PUT", "/data/source", "x-amz-copy-source: /data/copy\r\n", "", 0);
	is_answered(&upload, 200, "<ChecksumCRC32>lXyP8w==</ChecksumCRC32>");
	head_says(&upload, "", 200, &crc32, crc32.full, "FULL_OBJECT");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Objects by their parts ------------------------------------------------------------------ */

static void get_part(struct upload *upload, const char *query, const char *fields, int status,
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
			lacks_field(&upload->response, "Content-Range");
		if (count != NULL)
			wire_field_is(&upload->response, "x-amz-mp-parts-count", count);
		else
			lacks_field(&upload->response, "x-amz-mp-parts-count");
	}
}

static void body_is(struct upload *upload, const char *text)
{
	wire_read_text(upload->client, &upload->response);
	cr_assert_str_eq(upload->response.text, text);
}

static void body_is_of_a(struct upload *upload)
{
	char some[65536];

	cr_assert_eq(upload->response.content_length, FIRST_BYTES);
	for (size_t left = FIRST_BYTES; left > 0;) {
		size_t n =
			wire_read(upload->client, some, left < sizeof(some) ? left : sizeof(some));
		cr_assert_gt(n, 0);
		for (size_t i = 0; i < n; i++)
			cr_assert_eq(some[i], 'a');
		left -= n;
	}
}

Test(multipart_checksums, by_part_number)
{
	static const struct algorithm crc32 = CRC32;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct upload upload = {.client = &client, .target = "/data/object"};
	char fields[WIRE_VALUE_MAX + 32];

	start(&server, &client);
	begin(&upload, "x-amz-checksum-algorithm: CRC32\r\n");
	send_parts(&upload, &crc32);
	complete(&upload, "", "", "");
	is_answered(&upload, 200, NULL);

	get_part(&upload, "?partNumber=1", "", 206, "bytes 0-5242879/5242883", "2");
	body_is_of_a(&upload);
	get_part(&upload, "?x-id=GetObject&partNumber=2&versionId=null", "", 206,
		 "bytes 5242880-5242882/5242883", "2");
	body_is(&upload, "bcd");
	get_part(&upload, "?partNumber=3", "", 416, "bytes */5242883", NULL);
	wire_read_error(&client, &upload.response, 416, "InvalidPartNumber");
	/* Of a part, its own checksum; without partNumber nothing is told of parts. */
	head_says(&upload, "?partNumber=2", 206, &crc32, crc32.part[1], "COMPOSITE");
	head_says(&upload, "", 200, &crc32, "DV1k1w==-2", "COMPOSITE");
	lacks_field(&upload.response, "x-amz-mp-parts-count");

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
	static const char *const bad[] = {
		"0", "10001", "x", "", "-1", "1x", "99999999999999999999"};
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
Test(multipart_checksums, by_part_number_full_object)
{
	static const struct algorithm crc32 = CRC32;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct upload upload = {.client = &client, .target = "/data/object"};
	char target[256], xml[WIRE_VALUE_MAX + 256];

	start(&server, &client);
	begin(&upload, "x-amz-checksum-algorithm: CRC32\r\nx-amz-checksum-type: FULL_OBJECT\r\n");
	send_parts(&upload, &crc32);
	complete(&upload, "", "", "");
	head_says(&upload, "?partNumber=2", 206, &crc32, NULL, NULL);

	begin(&upload, "x-amz-checksum-algorithm: CRC32\r\nx-amz-checksum-type: FULL_OBJECT\r\n");
	send_part(&upload, 2, "");
	snprintf(target, sizeof(target), "%s?uploadId=%s", upload.target, upload.id);
	snprintf(xml, sizeof(xml),
		 "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>%s</ETag></Part>"
		 "</CompleteMultipartUpload>",
		 upload.etag[1]);
	ask_with(&upload, "POST", target, "", xml, strlen(xml));
	is_answered(&upload, 200, NULL);
	head_says(&upload, "?partNumber=1", 206, &crc32, "sB1beQ==", "FULL_OBJECT");
	wire_field_is(&upload.response, "x-amz-mp-parts-count", "1");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The whole of any other object is its part 1: also of one that another program has made, has
 * edited, or that holds nothing. */
Test(multipart_checksums, by_part_number_of_one_part)
{
	static const struct algorithm crc32 = CRC32;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct upload upload = {.client = &client, .target = "/data/object"};
	char path[WIRE_PATH_BYTES];

	start(&server, &client);
	ask_with(&upload, "PUT", "/data/object", "x-amz-checksum-crc32: sB1beQ==\r\n", "bcd", 3);
	is_answered(&upload, 200, NULL);
	wire_field_is(&upload.response, "x-amz-checksum-crc32", "sB1beQ==");
	wire_field_is(&upload.response, "x-amz-checksum-type", "FULL_OBJECT");
	get_part(&upload, "?partNumber=1", "", 206, "bytes 0-2/3", NULL);
	body_is(&upload, "bcd");
	head_says(&upload, "?partNumber=1", 206, &crc32, "sB1beQ==", "FULL_OBJECT");
	get_part(&upload, "?partNumber=2", "", 416, "bytes */3", NULL);
	wire_read_error(&client, &upload.response, 416, "InvalidPartNumber");
	ask_with(&upload, "PUT", "/data/object", "", "", 0);
	get_part(&upload, "?partNumber=1", "", 200, NULL, NULL);
	body_is(&upload, "");

	begin(&upload, "");
	send_part(&upload, 1, "");
	send_part(&upload, 2, "");
	complete(&upload, "", "", "");
	get_part(&upload, "?partNumber=2", "", 206, "bytes 5242880-5242882/5242883", "2");
	body_is(&upload, "bcd");
	snprintf(path, sizeof(path), "%s/data/object", server.own_root);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	cr_assert(fd >= 0 && write(fd, "e", 1) == 1);
	close(fd);
	wire_ask(&client, "HEAD", "/data/object?partNumber=1", "", &upload.response);
	wire_field_is(&upload.response, "Content-Range", "bytes 0-5242883/5242884");
	lacks_field(&upload.response, "x-amz-mp-parts-count");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- GetObjectAttributes --------------------------------------------------------------------- */

Test(multipart_checksums, pages_of_parts)
{
	static const struct algorithm crc32 = CRC32;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct upload upload = {.client = &client, .target = "/data/object"};
	static const char page[] = "x-amz-object-attributes: ObjectParts\r\nx-amz-max-parts: 1\r\n";
	char fields[256];

	start(&server, &client);
	begin(&upload, "x-amz-checksum-algorithm: CRC32\r\n");
	send_parts(&upload, &crc32);
	complete(&upload, "", "", "");
	ask_with(&upload, "GET", "/data/object?attributes", page, "", 0);
	is_answered(&upload, 200,
		    "<ObjectParts><Part><PartNumber>1</PartNumber><Size>5242880</Size>"
		    "<ChecksumCRC32>r/zBbw==</ChecksumCRC32></Part>"
		    "<PartNumberMarker>0</PartNumberMarker>"
		    "<NextPartNumberMarker>1</NextPartNumberMarker><MaxParts>1</MaxParts>"
		    "<IsTruncated>true</IsTruncated><PartsCount>2</PartsCount></ObjectParts>");
	snprintf(fields, sizeof(fields), "%sx-amz-part-number-marker: 1\r\n", page);
	ask_with(&upload, "GET", "/data/object?attributes", fields, "", 0);
	is_answered(&upload, 200, "<ObjectParts><Part><PartNumber>2</PartNumber><Size>3</Size>");
	says(&upload, "<IsTruncated>false</IsTruncated>");
	ask_with(&upload, "GET", "/data/object?attributes",
		 "x-amz-object-attributes: ObjectParts\r\nx-amz-max-parts: x\r\n", "", 0);
	is_answered(&upload, 400, "<Code>InvalidRequest</Code>");
	wire_disconnect(&client);
	wire_server_stop(&server);
}
