/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges: every shape, at every edge (RFC 9110 section 14). */
#include "wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(range, .timeout = WIRE_TIMEOUT);

struct range_row {
	uint64_t size;
	const char *range;
	int status;
	uint64_t first;
	uint64_t bytes;
};

static void range_ask(struct wire_client *client, const struct range_row *row, const char *target)
{
	struct wire_response response, head;
	char fields[128], value[WIRE_VALUE_MAX], wanted[WIRE_VALUE_MAX];

	snprintf(fields, sizeof(fields), "Range: %s\r\n", row->range);
	wire_get(client, target, fields, &response);
	cr_assert_eq(response.status, row->status, "%s of %" PRIu64 ": status %d, not %d",
		     row->range, row->size, response.status, row->status);
	if (row->status == 416) {
		snprintf(wanted, sizeof(wanted), "bytes */%" PRIu64, row->size);
		wire_field_is(&response, "Content-Range", wanted);
		wire_read_error(client, &response, 416, "InvalidRange");
		return;
	}
	if (row->status == 206) {
		snprintf(wanted, sizeof(wanted), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			 row->first, row->first + row->bytes - 1, row->size);
		wire_field_is(&response, "Content-Range", wanted);
	} else {
		cr_assert_null(wire_field(&response, "Content-Range", value));
	}
	wire_field_is(&response, "Accept-Ranges", "bytes");
	wire_read_object(client, &response, row->size, row->first, row->bytes);

	/* S3 answers a HEAD as it would a GET. */
	wire_ask(client, "HEAD", target, fields, &head);
	cr_assert_eq(head.status, row->status);
	cr_assert_eq(head.content_length, row->bytes);
	cr_assert_str_eq(head.etag, response.etag);
}

static void ranges_ask(const struct range_row *rows, size_t count)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char target[64];

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (size_t i = 0; i < count; i++) {
		snprintf(target, sizeof(target), "/data/size-%" PRIu64, rows[i].size);
		range_ask(&client, &rows[i], target);
	}
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(range, one_range)
{
	static const struct range_row rows[] = {
		{100, "bytes=0-0", 206, 0, 1},  {100, "bytes=0-99", 206, 0, 100},
		{100, "bytes=0-", 206, 0, 100}, {100, "bytes=99-99", 206, 99, 1},
		{100, "bytes=99-", 206, 99, 1}, {100, "bytes=10-19", 206, 10, 10},
		{100, "bytes=-1", 206, 99, 1},  {100, "bytes=-100", 206, 0, 100},
		{100, "BYTES=1-2", 206, 1, 2},  {1, "bytes=0-0", 206, 0, 1},
		{1, "bytes=-1", 206, 0, 1},
	};
	ranges_ask(rows, ARRAY_LEN(rows));
}

Test(range, clipped_past_the_end)
{
	static const struct range_row rows[] = {
		{100, "bytes=0-100", 206, 0, 100},
		{100, "bytes=50-1000000", 206, 50, 50},
		{100, "bytes=99-18446744073709551615", 206, 99, 1},
		{100, "bytes=99-99999999999999999999999999", 206, 99, 1},
		{100, "bytes=-101", 206, 0, 100},
		{100, "bytes=-18446744073709551616", 206, 0, 100},
	};
	ranges_ask(rows, ARRAY_LEN(rows));
}

Test(range, beyond_the_end)
{
	static const struct range_row rows[] = {
		{100, "bytes=100-", 416, 0, 0},
		{100, "bytes=100-100", 416, 0, 0},
		{100, "bytes=18446744073709551615-", 416, 0, 0},
		{100, "bytes=99999999999999999999999999-", 416, 0, 0},
		{100, "bytes=-0", 416, 0, 0},
		{0, "bytes=0-", 416, 0, 0},
		{0, "bytes=0-0", 416, 0, 0},
		{0, "bytes=-1", 416, 0, 0},
		{1, "bytes=1-", 416, 0, 0},
	};
	ranges_ask(rows, ARRAY_LEN(rows));
}

/* What is malformed or unknown is no Range at all (RFC 9110 section 14.2); several are served
 * whole, as S3 does. */
Test(range, ignored)
{
	static const struct range_row rows[] = {
		{100, "bytes=2-1", 200, 0, 100},     {100, "bytes=", 200, 0, 100},
		{100, "bytes=-", 200, 0, 100},       {100, "bytes=a-b", 200, 0, 100},
		{100, "bytes=0x1-2", 200, 0, 100},   {100, "bytes=1-2-3", 200, 0, 100},
		{100, "bytes=+1-2", 200, 0, 100},    {100, "bytes 1-2", 200, 0, 100},
		{100, "items=1-2", 200, 0, 100},     {100, "1-2", 200, 0, 100},
		{100, "bytes=0-0,2-3", 200, 0, 100}, {100, "bytes=0-0, -1", 200, 0, 100},
		{0, "bytes=2-1", 200, 0, 0},
	};
	ranges_ask(rows, ARRAY_LEN(rows));
}

/* Around records, buffers, and the choice of engine. */
Test(range, edges_of_records_and_buffers)
{
	static const struct range_row rows[] = {
		{1048577, "bytes=0-16383", 206, 0, 16384},
		{1048577, "bytes=1-16384", 206, 1, 16384},
		{1048577, "bytes=16383-16384", 206, 16383, 2},
		{1048577, "bytes=16384-32767", 206, 16384, 16384},
		{1048577, "bytes=4095-4096", 206, 4095, 2},
		{1048577, "bytes=0-65534", 206, 0, 65535},
		{1048577, "bytes=0-65535", 206, 0, 65536},
		{1048577, "bytes=0-65536", 206, 0, 65537},
		{1048577, "bytes=1-131072", 206, 1, 131072},
		{1048577, "bytes=4097-135169", 206, 4097, 131073},
		{1048577, "bytes=1048576-", 206, 1048576, 1},
		{1048577, "bytes=1-", 206, 1, 1048576},
		{1048577, "bytes=-65536", 206, 983041, 65536},
		{1048577, "bytes=12345-1000000", 206, 12345, 987656},
	};
	ranges_ask(rows, ARRAY_LEN(rows));
}

/* The lengths and places that a store's reader asks for; the seed is fixed, so it repeats. */
Test(range, many_places_of_a_big_object)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char fields[128];
	uint64_t random[2];

	wire_server_start(&server);
	wire_connect(&client, &server);
	int count = server.env.is_guest ? 40 : 200;
	for (int i = 0; i < count; i++) {
		wire_pattern_fill(77, (uint64_t)i * sizeof(random), random, sizeof(random));
		uint64_t first = random[0] % server.env.big_bytes;
		uint64_t bytes = 1 + random[1] % (random[1] & 1 ? 300 : 300000);
		if (bytes > server.env.big_bytes - first)
			bytes = server.env.big_bytes - first;
		snprintf(fields, sizeof(fields), "Range: bytes=%" PRIu64 "-%" PRIu64 "\r\n", first,
			 first + bytes - 1);
		wire_get(&client, "/data/big", fields, &response);
		cr_assert_eq(response.status, 206);
		wire_read_object(&client, &response, WIRE_BIG_SEED, first, bytes);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}
