/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of uploads, their parts and their objects. */
#include "wire/wire.h"
#include "wire/wire_sums.h"

#include <stdio.h>
#include <string.h>

TestSuite(multipart_checksums, .timeout = WIRE_TIMEOUT);

/* ---- The way of an upload -------------------------------------------------------------------- */

struct way {
	struct wire_sum algorithm;
	const char *type; /* that is asked for; NULL: none */
	bool is_composite;
};

static void attributes_say(struct wire_sums *upload, const struct way *way, const char *value)
{
	char target[256], text[256], modified[WIRE_VALUE_MAX];

	snprintf(target, sizeof(target), "%s?attributes", upload->target);
	wire_sums_ask(upload, "GET", target, "x-amz-object-attributes: Checksum,ObjectParts\r\n",
		      "", 0);
	wire_sums_element(text, &way->algorithm, value);
	strcat(text, way->is_composite ? "<ChecksumType>COMPOSITE</ChecksumType></Checksum>"
				       : "<ChecksumType>FULL_OBJECT</ChecksumType></Checksum>");
	wire_sums_says(upload, text);
	cr_assert_not_null(wire_field(&upload->response, "Last-Modified", modified),
			   "minio-go takes an answer without it for an error");
	wire_sums_says(upload, "<PartsCount>2</PartsCount>");
	wire_sums_says(upload, "<IsTruncated>false</IsTruncated>");
	wire_sums_says(upload, "<Part><PartNumber>1</PartNumber><Size>5242880</Size>");
	wire_sums_says(upload, "<Part><PartNumber>2</PartNumber><Size>3</Size>");
	wire_sums_element(text, &way->algorithm, way->algorithm.part[1]);
	if (way->is_composite)
		wire_sums_says(upload, text);
	else
		wire_sums_lacks(upload, text);
}

/* Create, parts, lists, Complete, GET, HEAD, GetObjectAttributes. */
static void goes(struct wire_sums *upload, const struct way *way)
{
	const struct wire_sum *algorithm = &way->algorithm;
	const char *type = way->is_composite ? "COMPOSITE" : "FULL_OBJECT";
	char fields[256], value[128], sums[2][256], name[64], target[256], both[256];

	snprintf(fields, sizeof(fields), "x-amz-checksum-algorithm: %s\r\n", algorithm->name);
	if (way->type != NULL)
		snprintf(fields + strlen(fields), 100, "x-amz-checksum-type: %s\r\n", way->type);
	wire_sums_begin(upload, fields);
	wire_field_is(&upload->response, "x-amz-checksum-algorithm", algorithm->name);
	wire_field_is(&upload->response, "x-amz-checksum-type", type);
	wire_sums_parts(upload, algorithm);

	snprintf(both, sizeof(both),
		 "<ChecksumAlgorithm>%s</ChecksumAlgorithm><ChecksumType>%s</ChecksumType>",
		 algorithm->name, type);
	snprintf(target, sizeof(target), "%s?uploadId=%s", upload->target, upload->id);
	wire_sums_ask(upload, "GET", target, "", "", 0);
	wire_sums_says(upload, both);
	for (int i = 0; i < 2; i++) {
		wire_sums_element(sums[i], algorithm, algorithm->part[i]);
		wire_sums_says(upload, sums[i]);
	}
	wire_sums_ask(upload, "GET", "/data?uploads", "", "", 0);
	wire_sums_says(upload, both);

	if (way->is_composite)
		snprintf(value, sizeof(value), "%s-2", algorithm->composite);
	else
		snprintf(value, sizeof(value), "%s", algorithm->full);
	snprintf(fields, sizeof(fields),
		 "%s: %s\r\nx-amz-checksum-type: %s\r\nx-amz-mp-object-size: %d\r\n",
		 wire_sums_field(algorithm->name, name), value, type, WIRE_SUMS_WHOLE);
	wire_sums_complete(upload, fields, sums[0], sums[1]);
	wire_sums_answered(upload, 200, NULL);
	wire_sums_element(both, algorithm, value);
	wire_sums_says(upload, both);
	snprintf(both, sizeof(both), "<ChecksumType>%s</ChecksumType>", type);
	wire_sums_says(upload, both);
	wire_sums_head(upload, "", 200, algorithm, value, type);
	attributes_say(upload, way, value);
	/* The answer was lost: asked again. */
	wire_sums_complete(upload, fields, sums[0], sums[1]);
	wire_sums_answered(upload, 200, NULL);
	wire_sums_element(both, algorithm, value);
	wire_sums_says(upload, both);
}

Test(multipart_checksums, every_algorithm_and_type)
{
	static const struct way ways[] = {
		{WIRE_SUM_CRC32, NULL, true},         {WIRE_SUM_CRC32, "FULL_OBJECT", false},
		{WIRE_SUM_CRC32C, "COMPOSITE", true}, {WIRE_SUM_CRC32C, "FULL_OBJECT", false},
		{WIRE_SUM_CRC64NVME, NULL, false},    {WIRE_SUM_CRC64NVME, "FULL_OBJECT", false},
		{WIRE_SUM_SHA256, "COMPOSITE", true}, {WIRE_SUM_SHA256, NULL, true},
	};
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_sums_start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct wire_sums upload = {.client = &client, .target = "/data/dir/object"};
		goes(&upload, &ways[i]);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(multipart_checksums, what_create_refuses)
{
	static const char *const fields[] = {
		"x-amz-checksum-type: FULL_OBJECT\r\n",
		"x-amz-checksum-algorithm: XXHASH64\r\n",
		"x-amz-checksum-algorithm: CRC32\r\nx-amz-checksum-type: WHOLE\r\n",
		"x-amz-checksum-algorithm: CRC64NVME\r\nx-amz-checksum-type: COMPOSITE\r\n",
		"x-amz-checksum-algorithm: SHA1\r\nx-amz-checksum-type: FULL_OBJECT\r\n",
		"x-amz-checksum-algorithm: SHA256\r\nx-amz-checksum-type: FULL_OBJECT\r\n",
	};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_sums upload = {.client = &client, .target = "/data/object"};

	wire_sums_start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		wire_sums_ask(&upload, "POST", "/data/object?uploads", fields[i], "", 0);
		wire_sums_answered(&upload, 400, "<Code>InvalidRequest</Code>");
	}
	wire_sums_ask(&upload, "GET", "/data?uploads", "", "", 0);
	wire_sums_lacks(&upload, "<Upload>");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A part with another algorithm's checksum is refused; one without any gets one. */
Test(multipart_checksums, parts)
{
	static const struct wire_sum crc32 = WIRE_SUM_CRC32, sha256 = WIRE_SUM_SHA256;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_sums upload = {.client = &client, .target = "/data/object"};
	char target[256], sums[2][256];

	wire_sums_start(&server, &client);
	wire_sums_begin(&upload, "x-amz-checksum-algorithm: SHA256\r\n");
	wire_sums_part(&upload, 1, "x-amz-checksum-crc32: r/zBbw==\r\n");
	wire_sums_answered(&upload, 400, "<Code>InvalidRequest</Code>");
	snprintf(target, sizeof(target), "%s?uploadId=%s", upload.target, upload.id);
	wire_sums_ask(&upload, "GET", target, "", "", 0);
	wire_sums_lacks(&upload, "<Part>");
	for (int number = 1; number <= 2; number++) {
		wire_sums_part(&upload, number, "");
		wire_field_is(&upload.response, "x-amz-checksum-sha256", sha256.part[number - 1]);
	}
	/* The client may say another checksum of a part than the kept one: that is computed. */
	wire_sums_element(sums[0], &crc32, crc32.part[0]);
	wire_sums_element(sums[1], &crc32, crc32.part[0]);
	wire_sums_complete(&upload, "", sums[0], sums[1]);
	wire_sums_answered(&upload, 400, "<Code>InvalidPart</Code>");
	wire_sums_element(sums[1], &crc32, crc32.part[1]);
	wire_sums_complete(&upload, "", sums[0], sums[1]);
	wire_sums_answered(&upload, 200, NULL);
	wire_sums_says(&upload, "<ChecksumSHA256>aBxg5xUCq8oONRfEJkE3D1OJh8ixBWQys/aqZP3HB9M=-2<");
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
	struct wire_sums upload = {.client = &client, .target = "/data/object"};
	char fields[256], code[64];

	wire_sums_start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_like_last = i > 0 && rows[i].type == rows[i - 1].type;
		fields[0] = '\0';
		if (rows[i].algorithm != NULL)
			snprintf(fields, sizeof(fields),
				 "x-amz-checksum-algorithm: %s\r\nx-amz-checksum-type: %s\r\n",
				 rows[i].algorithm, rows[i].type);
		for (int number = is_like_last ? 3 : 0; number <= 2; number++) {
			if (number == 0)
				wire_sums_begin(&upload, fields);
			else
				wire_sums_part(&upload, number, "");
		}
		wire_sums_complete(&upload, rows[i].fields, rows[i].sums, "");
		snprintf(code, sizeof(code), "<Code>%s</Code>", rows[i].code);
		cr_assert_eq(upload.response.status, 400, "row %zu: %s%s", i, upload.response.head,
			     upload.response.text);
		wire_sums_says(&upload, code);
		wire_is_absent(&client, "/data/object");
	}
	wire_sums_complete(&upload, "", "<ChecksumXXHASH64>AAAA</ChecksumXXHASH64>", "");
	wire_sums_answered(&upload, 501, "<Code>NotImplemented</Code>");
	wire_sums_complete(&upload, "", "", "");
	wire_sums_answered(&upload, 200, NULL);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* What clients send: minio-go's composite one without "-N"; uploads that were begun for none, as
 * boto3's client calls do, whose parts have a CRC. */
Test(multipart_checksums, as_clients_send_it)
{
	static const struct wire_sum crc32 = WIRE_SUM_CRC32, crc32c = WIRE_SUM_CRC32C,
				     crc64 = WIRE_SUM_CRC64NVME;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_sums upload = {.client = &client, .target = "/data/object"};

	wire_sums_start(&server, &client);
	wire_sums_begin(&upload, "x-amz-checksum-algorithm: CRC32C\r\n");
	wire_sums_parts(&upload, &crc32c);
	wire_sums_complete(&upload,
			   "x-amz-checksum-crc32c: zz7ZmQ==\r\nx-amz-checksum-type: COMPOSITE\r\n",
			   "<ChecksumCRC32C>WpuOeg==</ChecksumCRC32C>",
			   "<ChecksumCRC32C>Gw0DWA==</ChecksumCRC32C>");
	wire_sums_answered(&upload, 200, NULL);
	wire_sums_head(&upload, "", 200, &crc32c, "zz7ZmQ==-2", "COMPOSITE");

	wire_sums_begin(&upload, "");
	wire_sums_lacks_field(&upload.response, "x-amz-checksum-algorithm");
	wire_sums_parts(&upload, &crc32);
	wire_sums_complete(&upload, "", "", "");
	wire_sums_answered(&upload, 200, NULL);
	wire_sums_head(&upload, "", 200, &crc32, "lXyP8w==", "FULL_OBJECT");

	wire_sums_begin(&upload, "");
	wire_sums_part(&upload, 1, "x-amz-checksum-crc32: r/zBbw==\r\n");
	wire_sums_part(&upload, 2, "x-amz-checksum-crc32c: Gw0DWA==\r\n");
	wire_sums_complete(&upload, "", "", "");
	wire_sums_answered(&upload, 200, NULL);
	wire_sums_lacks(&upload, "Checksum");
	wire_sums_head(&upload, "", 200, &crc32, NULL, NULL);

	wire_sums_begin(&upload, "");
	wire_sums_part(&upload, 1, "");
	wire_sums_part(&upload, 2, "");
	wire_sums_complete(&upload, "x-amz-checksum-crc64nvme: u96pAcaTOVw=\r\n", "", "");
	wire_sums_answered(&upload, 200, NULL);
	wire_sums_head(&upload, "", 200, &crc64, "u96pAcaTOVw=", "FULL_OBJECT");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Copies ---------------------------------------------------------------------------------- */

/* A copy is in one part: it keeps the checksum of all bytes, and where the source has one of parts,
 * gets one of the same algorithm; or of the one that is asked for. */
Test(multipart_checksums, copies)
{
	static const struct wire_sum crc32 = WIRE_SUM_CRC32, sha256 = WIRE_SUM_SHA256,
				     crc64 = WIRE_SUM_CRC64NVME;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_sums upload = {.client = &client, .target = "/data/source"};
	struct wire_sums copy = {.client = &client, .target = "/data/copy"};

	wire_sums_start(&server, &client);
	wire_sums_begin(&upload, "x-amz-checksum-algorithm: SHA256\r\n");
	wire_sums_part(&upload, 1, "");
	wire_sums_part(&upload, 2, "");
	wire_sums_complete(&upload, "", "", "");
	wire_sums_answered(&upload, 200, NULL);
	wire_sums_ask(&copy, "PUT", "/data/copy", "x-amz-copy-source: /data/source\r\n", "", 0);
	wire_sums_answered(&copy, 200,
			   "<ChecksumSHA256>CylVUtKWnkb3uhcFkHldIwAEIc6O9P3FAVNsKu6KkNA=<");
	wire_sums_says(&copy, "<ChecksumType>FULL_OBJECT</ChecksumType>");
	wire_sums_head(&copy, "", 200, &sha256, sha256.full, "FULL_OBJECT");
	wire_sums_head(&copy, "?partNumber=1", 206, &sha256, sha256.full, "FULL_OBJECT");
	wire_sums_lacks_field(&copy.response, "x-amz-mp-parts-count");
	wire_sums_ask(&copy, "GET", "/data/copy?attributes",
		      "x-amz-object-attributes: ObjectParts\r\n", "", 0);
	wire_sums_lacks(&copy, "<ObjectParts>");

	wire_sums_ask(&copy, "PUT", "/data/copy",
		      "x-amz-copy-source: /data/source\r\nx-amz-checksum-algorithm: CRC64NVME\r\n",
		      "", 0);
	wire_sums_answered(&copy, 200, "<ChecksumCRC64NVME>u96pAcaTOVw=<");
	wire_sums_head(&copy, "", 200, &crc64, crc64.full, "FULL_OBJECT");
	wire_sums_ask(&copy, "PUT", "/data/other",
		      "x-amz-copy-source: /data/source\r\nx-amz-checksum-algorithm: XXHASH64\r\n",
		      "", 0);
	wire_sums_answered(&copy, 400, "<Code>InvalidRequest</Code>");
	wire_is_absent(&client, "/data/other");

	/* The source of a part, too: its checksum is of the bytes that were copied. */
	wire_sums_begin(&copy, "x-amz-checksum-algorithm: CRC32\r\n");
	char target[256];
	snprintf(target, sizeof(target), "/data/copy?partNumber=1&uploadId=%s", copy.id);
	wire_sums_ask(&copy, "PUT", target,
		      "x-amz-copy-source: /data/source\r\n"
		      "x-amz-copy-source-range: bytes=0-5242879\r\n",
		      "", 0);
	wire_sums_answered(&copy, 200, "<ChecksumCRC32>r/zBbw==</ChecksumCRC32></CopyPartResult>");
	wire_sums_lacks_field(&copy.response, "x-amz-checksum-crc32");
	sscanf(strstr(copy.response.text, "<ETag>"), "<ETag>&quot;%99[0-9a-f-]", copy.etag[0]);
	wire_sums_part(&copy, 2, "");
	wire_sums_complete(&copy, "", "<ChecksumCRC32>r/zBbw==</ChecksumCRC32>", "");
	wire_sums_answered(&copy, 200, NULL);
	wire_sums_head(&copy, "", 200, &crc32, "DV1k1w==-2", "COMPOSITE");
	/* Of CRCs it comes from those of the parts. */
	wire_sums_ask(&upload, "PUT", "/data/source", "x-amz-copy-source: /data/copy\r\n", "", 0);
	wire_sums_answered(&upload, 200, "<ChecksumCRC32>lXyP8w==</ChecksumCRC32>");
	wire_sums_head(&upload, "", 200, &crc32, crc32.full, "FULL_OBJECT");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- GetObjectAttributes --------------------------------------------------------------------- */

Test(multipart_checksums, pages_of_parts)
{
	static const struct wire_sum crc32 = WIRE_SUM_CRC32;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_sums upload = {.client = &client, .target = "/data/object"};
	static const char page[] = "x-amz-object-attributes: ObjectParts\r\nx-amz-max-parts: 1\r\n";
	char fields[256];

	wire_sums_start(&server, &client);
	wire_sums_begin(&upload, "x-amz-checksum-algorithm: CRC32\r\n");
	wire_sums_parts(&upload, &crc32);
	wire_sums_complete(&upload, "", "", "");
	wire_sums_ask(&upload, "GET", "/data/object?attributes", page, "", 0);
	wire_sums_answered(
		&upload, 200,
		"<ObjectParts><Part><PartNumber>1</PartNumber><Size>5242880</Size>"
		"<ChecksumCRC32>r/zBbw==</ChecksumCRC32></Part>"
		"<PartNumberMarker>0</PartNumberMarker>"
		"<NextPartNumberMarker>1</NextPartNumberMarker><MaxParts>1</MaxParts>"
		"<IsTruncated>true</IsTruncated><PartsCount>2</PartsCount></ObjectParts>");
	snprintf(fields, sizeof(fields), "%sx-amz-part-number-marker: 1\r\n", page);
	wire_sums_ask(&upload, "GET", "/data/object?attributes", fields, "", 0);
	wire_sums_answered(&upload, 200,
			   "<ObjectParts><Part><PartNumber>2</PartNumber><Size>3</Size>");
	wire_sums_says(&upload, "<IsTruncated>false</IsTruncated>");
	wire_sums_ask(&upload, "GET", "/data/object?attributes",
		      "x-amz-object-attributes: ObjectParts\r\nx-amz-max-parts: x\r\n", "", 0);
	wire_sums_answered(&upload, 400, "<Code>InvalidRequest</Code>");
	wire_disconnect(&client);
	wire_server_stop(&server);
}
