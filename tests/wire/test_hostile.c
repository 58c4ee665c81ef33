/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile requests, file by file: the rows are in tests/wire/hostile, see the README there. */
#include "wire/wire_hostile.h"

TestSuite(hostile, .timeout = WIRE_TIMEOUT);

static void rows_of(const char *name)
{
	struct hostile hostile = {0};

	hostile_begin(&hostile);
	hostile_file(&hostile, name);
	hostile_end(&hostile);
}

/* Content-Length, Transfer-Encoding, the chunked coding: smuggling. */
Test(hostile, length)
{
	rows_of("length");
}

Test(hostile, coding)
{
	rows_of("coding");
}

/* Line ends, white space, control bytes. */
Test(hostile, lines)
{
	rows_of("lines");
}

/* Methods, targets, versions. */
Test(hostile, request_line)
{
	rows_of("requestline");
}

/* Host, Connection, Expect; too many, too long. */
Test(hostile, fields)
{
	rows_of("fields");
}

/* Bodies that nobody wants, pipelined requests, and cut ones. */
Test(hostile, framing)
{
	rows_of("framing");
}

/* Range, If-*, dates. */
Test(hostile, conditions)
{
	rows_of("conditions");
}

/* aws-chunked and its trailers. */
Test(hostile, streaming)
{
	rows_of("streaming");
}

/* Content-MD5, x-amz-checksum-*, x-amz-content-sha256. */
Test(hostile, digests)
{
	rows_of("digests");
}

/* Part numbers, upload ids, the list of parts. */
Test(hostile, multipart)
{
	rows_of("multipart");
}

/* Keys and buckets. */
Test(hostile, keys)
{
	rows_of("keys");
}

/* Listings and subresources. */
Test(hostile, query)
{
	rows_of("query");
}

/* x-amz-copy-source and what belongs to it. */
Test(hostile, copy)
{
	rows_of("copy");
}

/* XML of DeleteObjects and CreateBucket. */
Test(hostile, delete_objects)
{
	rows_of("delete");
}
