/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies: every framing, every size, cut, malformed, slow; and what is left of them. */
#include "wire/wire.h"
#include "wire/wire_put.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

TestSuite(upload, .timeout = WIRE_TIMEOUT);

/* A server to write to, with a root of its own and the bucket "data". */
static void start(struct wire_server *server)
{
	server->writable = true;
	wire_server_root(server);
	wire_server_start(server);
}

/* Files in the bucket's private folder: of writers that live, or have left something. */
static int private_files(const struct wire_server *server)
{
	char path[PATH_MAX + 16];
	int count = 0;

	snprintf(path, sizeof(path), "%s/data/.sluice", server->own_root);
	DIR *dir = opendir(path);
	if (dir == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* None is left: what has failed is removed by a thread, after the answer or the end. */
static void no_private_files(const struct wire_server *server)
{
	uint64_t end_ms = wire_patience_end(&server->env);

	while (private_files(server) > 0) {
		cr_assert_lt(wire_now_ms(), end_ms, "%d files are left", private_files(server));
		poll(NULL, 0, 5);
	}
}

static void expect_written(struct wire_client *client, int status)
{
	struct wire_response response;
	wire_read_head(client, &response);
	cr_assert_eq(response.status, status, "%s", response.head);
	if (status == 200)
		cr_assert_eq(response.content_length, 0);
}

static void expect_absent(const struct wire_server *server, const char *target)
{
	struct wire_client client = {0};
	struct wire_response response;

	wire_connect(&client, server);
	wire_get(&client, target, "", &response);
	wire_read_error(&client, &response, 404, "NoSuchKey");
	wire_disconnect(&client);
}

/* ---- Framings ---------------------------------------------------------------------------------
 */

enum framing { PLAIN, CHUNKED, AWS_CHUNKED, AWS_IN_CHUNKED, FRAMINGS };

/* Grows by what is written; of one test. */
struct bytes {
	char *at;
	size_t len;
};

static void add(struct bytes *bytes, const void *data, size_t len)
{
	bytes->at = realloc(bytes->at, bytes->len + len + 1);
	memcpy(bytes->at + bytes->len, data, len);
	bytes->len += len;
	bytes->at[bytes->len] = '\0';
}

static void add_text(struct bytes *bytes, const char *text)
{
	add(bytes, text, strlen(text));
}

/* payload in chunks of different sizes, with an extension behind each size. */
static struct bytes chunked(struct bytes payload, const char *extension, const char *trailer)
{
	struct bytes out = {0};
	char line[256];
	for (size_t at = 0, size = 1; at<payload.len; size = size> 100000 ? 1 : size * 5 + 3) {
		size_t some = size < payload.len - at ? size : payload.len - at;
		snprintf(line, sizeof(line), "%zx%s\r\n", some, extension);
		add_text(&out, line);
		add(&out, payload.at + at, some);
		add_text(&out, "\r\n");
		at += some;
	}
	snprintf(line, sizeof(line), "0%s\r\n%s\r\n", extension, trailer);
	add_text(&out, line);
	return out;
}

static struct bytes pattern(uint64_t seed, size_t len)
{
	struct bytes out = {.at = malloc(len + 1), .len = len};
	wire_pattern_fill(seed, 0, out.at, len);
	return out;
}

/* A whole request that puts the payload. */
static struct bytes request_make(const char *target, struct bytes payload, enum framing framing)
{
	static const char signature[] = ";chunk-signature="
					"0123456789abcdef0123456789abcdef"
					"0123456789abcdef0123456789abcdef";
	struct bytes out = {0}, body = payload;
	char head[600];
	bool is_aws = framing == AWS_CHUNKED || framing == AWS_IN_CHUNKED;
	bool is_chunked = framing == CHUNKED || framing == AWS_IN_CHUNKED;

	if (is_aws)
		body = chunked(body, signature, "x-amz-trailer-signature:00\r\n");
	if (is_chunked)
		body = chunked(body, "", "");
	int n = snprintf(head, sizeof(head), "PUT %s HTTP/1.1\r\nHost: h\r\n", target);
	if (is_aws)
		n += snprintf(head + n, sizeof(head) - (size_t)n,
			      "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n"
			      "x-amz-decoded-content-length: %zu\r\n",
			      payload.len);
	if (is_chunked)
		snprintf(head + n, sizeof(head) - (size_t)n, "Transfer-Encoding: chunked\r\n\r\n");
	else
		snprintf(head + n, sizeof(head) - (size_t)n, "Content-Length: %zu\r\n\r\n",
			 body.len);
	add_text(&out, head);
	add(&out, body.at, body.len);
	return out;
}

static const size_t sizes[] = {0,     1,     5,     63,     64,     65,     127,    1000,
			       16383, 16384, 16385, 131071, 131072, 131073, 300000, 1500000};

Test(upload, every_framing_and_size)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	start(&server);
	wire_connect(&client, &server);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (int framing = 0; framing < FRAMINGS; framing++) {
			uint64_t seed = 1000 + i * FRAMINGS + (unsigned)framing;
			struct bytes put = request_make("/data/dir/object", pattern(seed, sizes[i]),
							(enum framing)framing);
			cr_assert(wire_write(&client, put.at, put.len));
			expect_written(&client, 200);
			wire_fetch(&client, "/data/dir/object", seed, sizes[i]);
		}
	}
	wire_disconnect(&client);
	no_private_files(&server);
	wire_log_has(&server, "msg=request", "method=PUT", "received=1500000",
		     server.env.is_kernel ? "rx=kernel" : "rx=user");
	wire_server_stop(&server);
}

/* Each byte of the request in a record of its own. */
Test(upload, byte_by_byte)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	start(&server);
	wire_connect(&client, &server);
	for (int framing = 0; framing < FRAMINGS; framing++) {
		struct bytes put =
			request_make("/data/slow", pattern(7, 150), (enum framing)framing);
		for (size_t i = 0; i < put.len; i++)
			cr_assert(wire_write(&client, put.at + i, 1));
		expect_written(&client, 200);
		wire_fetch(&client, "/data/slow", 7, 150);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* What stands behind a body is the next request, and nothing of it is lost. */
Test(upload, pipelined)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	struct bytes all = {0};

	start(&server);
	wire_connect(&client, &server);
	for (int framing = 0; framing < FRAMINGS; framing++) {
		struct bytes put =
			request_make("/data/piped", pattern(20 + (unsigned)framing, 9000),
				     (enum framing)framing);
		add(&all, put.at, put.len);
		add_text(&all, "GET /data/piped HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	cr_assert(wire_write(&client, all.at, all.len));
	for (int framing = 0; framing < FRAMINGS; framing++) {
		expect_written(&client, 200);
		wire_read_head(&client, &response);
		cr_assert_eq(response.status, 200);
		wire_read_object(&client, &response, 20 + (unsigned)framing, 0, 9000);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

static void expect_continue(struct wire_client *client)
{
	static const char wanted[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char text[sizeof(wanted)] = "";
	for (size_t have = 0; have < sizeof(wanted) - 1;) {
		size_t n = wire_read(client, text + have, sizeof(wanted) - 1 - have);
		cr_assert_gt(n, 0);
		have += n;
	}
	cr_assert_str_eq(text, wanted);
}

/* Asked first, answered first; before an empty body, too. */
Test(upload, expect_100_continue)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	start(&server);
	wire_connect(&client, &server);
	for (size_t len = 0; len <= 3000; len += 1500) {
		struct bytes body = pattern(3, len);
		cr_assert(
			wire_send(&client,
				  "PUT /data/asked HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
				  "Content-Length: %zu\r\n\r\n",
				  len));
		expect_continue(&client);
		cr_assert(len == 0 || wire_write(&client, body.at, body.len));
		expect_written(&client, 200);
		wire_fetch(&client, "/data/asked", 3, len);
	}
	/* Refused: the final answer at once, and the connection ends, as nobody knows what follows.
	 */
	cr_assert(wire_send(&client,
			    "PUT /nowhere/x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
			    "Content-Length: 10\r\n\r\n"));
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 404, "NoSuchBucket");
	cr_expect(response.says_close);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Cut and malformed ------------------------------------------------------------------------
 */

/* The client is gone in the middle: nothing is visible, nothing stays on the disk, the old object
 * is as it was. */
Test(upload, cut_short)
{
	struct wire_server server = {0};

	start(&server);
	for (int framing = 0; framing < FRAMINGS; framing++) {
		for (int way = 0; way < 3; way++) {
			struct wire_client client = {0}, other = {0};
			struct bytes old = request_make("/data/cut", pattern(1, 100), PLAIN);
			struct bytes put = request_make("/data/cut", pattern(2, 400000),
							(enum framing)framing);
			wire_connect(&client, &server);
			cr_assert(wire_write(&client, old.at, old.len));
			expect_written(&client, 200);
			cr_assert(wire_write(&client, put.at, put.len - 1 - (size_t)way * 150000));
			if (way == 1)
				wire_reset(&client);
			else
				wire_disconnect(&client);
			wire_connect(&other, &server);
			wire_fetch(&other, "/data/cut", 1, 100);
			wire_disconnect(&other);
		}
	}
	wire_metric_reaches(&server, "sluice_connections_accepted_total", 24);
	wire_metric_falls(&server, "sluice_connections", 0);
	no_private_files(&server);
	wire_server_stop(&server);
}

Test(upload, malformed_bodies)
{
	static const struct {
		const char *fields;
		const char *body;
		const char *code;
	} rows[] = {
		{"Transfer-Encoding: chunked\r\n", "+5\r\nhello\r\n0\r\n\r\n", "IncompleteBody"},
		{"Transfer-Encoding: chunked\r\n", "-5\r\nhello\r\n0\r\n\r\n", "IncompleteBody"},
		{"Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "IncompleteBody"},
		{"Transfer-Encoding: chunked\r\n", "ffffffffffffffff5\r\nhello", "IncompleteBody"},
		{"Transfer-Encoding: chunked\r\n", "8000000000000000\r\nhello", "IncompleteBody"},
		{"Transfer-Encoding: chunked\r\n", "5\nhello\n0\n\n", "IncompleteBody"},
		{"Transfer-Encoding: chunked\r\n", "5\r\nhelloo\r\n0\r\n\r\n", "IncompleteBody"},
		{"Transfer-Encoding: chunked\r\n", "5\r\nhello0\r\n\r\n", "IncompleteBody"},
		{"Transfer-Encoding: chunked\r\n", "\r\nhello", "IncompleteBody"},
		{"x-amz-content-sha256: STREAMING-X\r\nx-amz-decoded-content-length: 4\r\n"
		 "Content-Length: 15\r\n",
		 "5\r\nhello\r\n0\r\n\r\n", "IncompleteBody"},
		{"x-amz-content-sha256: STREAMING-X\r\nx-amz-decoded-content-length: 6\r\n"
		 "Content-Length: 15\r\n",
		 "5\r\nhello\r\n0\r\n\r\n", "IncompleteBody"},
		{"x-amz-content-sha256: STREAMING-X\r\nx-amz-decoded-content-length: -1\r\n"
		 "Content-Length: 15\r\n",
		 "5\r\nhello\r\n0\r\n\r\n", "InvalidRequest"},
		{"x-amz-content-sha256: STREAMING-X\r\nx-amz-trailer: x-amz-checksum-crc32\r\n"
		 "Content-Length: 15\r\n",
		 "5\r\nhello\r\n0\r\n\r\n", "InvalidRequest"},
		{"x-amz-content-sha256: STREAMING-X\r\nx-amz-trailer: x-amz-checksum-crc32\r\n"
		 "Content-Length: 46\r\n",
		 "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"},
		/* Unannounced. */
		{"x-amz-content-sha256: STREAMING-X\r\nContent-Length: 46\r\n",
		 "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"},
		{"Transfer-Encoding: chunked\r\n",
		 "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"},
		{"Content-Length: 5\r\nContent-MD5: x\r\n", "hello", "InvalidDigest"},
		{"Content-Length: 5\r\nContent-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n", "hello",
		 "BadDigest"},
		{"Content-Length: 5\r\nx-amz-checksum-crc32: AAAAAA==\r\n", "hello", "BadDigest"},
		{"Content-Length: 5\r\nx-amz-checksum-sha1: AAAAAA==\r\n", "hello",
		 "InvalidRequest"},
		{"Content-Length: 5\r\nx-amz-content-sha256: "
		 "0000000000000000000000000000000000000000000000000000000000000000\r\n",
		 "hello", "XAmzContentSHA256Mismatch"},
	};
	struct wire_server server = {0};
	struct wire_response response;

	start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_client client = {0};
		wire_connect(&client, &server);
		cr_assert(wire_send(&client, "PUT /data/bad HTTP/1.1\r\nHost: h\r\n%s\r\n%s",
				    rows[i].fields, rows[i].body));
		wire_read_head(&client, &response);
		wire_read_error(&client, &response, 400, rows[i].code);
		wire_disconnect(&client);
		expect_absent(&server, "/data/bad");
	}
	no_private_files(&server);
	wire_server_stop(&server);
}

/* What is left of a body that is refused in its middle is no request, even where it looks like one:
 * a proxy that shares its connections would hand its answer to another client. */
Test(upload, malformed_body_is_not_read_as_a_request)
{
	static const char request[] = "GET /data/other HTTP/1.1\r\nHost: h\r\n\r\n";
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	start(&server);
	wire_connect(&client, &server);
	cr_assert(wire_send(&client,
			    "PUT /data/bad HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n"
			    "x-amz-content-sha256: STREAMING-X\r\n\r\n%s",
			    strlen(request), request));
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 400, "IncompleteBody");
	cr_expect(response.says_close);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Refused before its first byte: as short as it is, and its end told, it is dropped. */
Test(upload, refused_before_an_aws_chunked_body)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	struct bytes put = request_make("/data/a/b/", pattern(1, 10), AWS_CHUNKED);

	start(&server);
	wire_connect(&client, &server);
	cr_assert(wire_write(&client, put.at, put.len));
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 400, "InvalidArgument");
	cr_expect(!response.says_close);
	wire_ask(&client, "GET", "/data/other", "", &response);
	wire_read_error(&client, &response, 404, "NoSuchKey");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(upload, keys_that_cannot_be)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char key[1100];

	start(&server);
	wire_connect(&client, &server);
	struct bytes put = request_make("/data/a/b", pattern(1, 10), PLAIN);
	cr_assert(wire_write(&client, put.at, put.len));
	expect_written(&client, 200);
	static const struct {
		const char *target;
		const char *code;
	} rows[] = {
		{"/data/a", "InvalidArgument"},     /* a folder of others */
		{"/data/a/b/c", "InvalidArgument"}, /* below an object */
		{"/data/x/.sluice/y", "InvalidArgument"},
		{"/data/.sluice/x", "InvalidArgument"},
		{"/data/x/.sluice-marker", "InvalidArgument"},
		{"/data/.sluice-marker/", "InvalidArgument"},
		{"/data/a/b/", "InvalidArgument"},
		{"/data/.sluice", "InvalidArgument"},
		{"/data/../x", "InvalidArgument"},
		{"/data/%2e%2e/x", "InvalidArgument"},
		{"/data/x//y", "InvalidArgument"},
		{"/data/%00", "InvalidArgument"},
		{"/data/%ff", "InvalidArgument"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		wire_ask(&client, "PUT", rows[i].target, "Content-Length: 0\r\n", &response);
		wire_read_error(&client, &response, 400, rows[i].code);
	}
	memset(key, 'k', sizeof(key));
	memcpy(key, "/data/", 6);
	for (size_t i = 6 + 200; i < 6 + 1024; i += 201)
		key[i] = '/';
	key[6 + 1024] = '\0';
	wire_ask(&client, "PUT", key, "Content-Length: 0\r\n", &response);
	cr_expect_eq(response.status, 200, "1,024 bytes: %s", response.head);
	memcpy(key + 6 + 1024, "k", 2);
	wire_ask(&client, "PUT", key, "Content-Length: 0\r\n", &response);
	wire_read_error(&client, &response, 400, "KeyTooLongError");
	wire_fetch(&client, "/data/a/b", 1, 10);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Every byte of a key, 0 to 255, percent-encoded: written and read back, or refused. */
Test(upload, every_byte_in_a_key)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char target[32];

	start(&server);
	wire_connect(&client, &server);
	for (unsigned byte = 0; byte < 256; byte++) {
		snprintf(target, sizeof(target), "/data/k%%%02X", byte);
		wire_ask(&client, "PUT", target, "Content-Length: 0\r\n", &response);
		if (byte == 0 || byte >= 0x80) {
			wire_read_error(&client, &response, 400, "InvalidArgument");
			continue;
		}
		cr_assert_eq(response.status, 200, "%s: %s", target, response.head);
		wire_fetch(&client, target, 1, 0);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Limits -----------------------------------------------------------------------------------
 */

Test(upload, a_body_that_stalls)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char window[64];

	wire_limit_option(&server, "--rate-window", 1000, window);
	server.option[0] = window;
	start(&server);
	wire_connect(&client, &server);
	cr_assert(wire_send(
		&client,
		"PUT /data/stalled HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello"));
	wire_expect_gone(&client);
	wire_closed(&server, "body_timeout", 1);
	wire_disconnect(&client);
	no_private_files(&server);
	expect_absent(&server, "/data/stalled");
	wire_server_stop(&server);
}

/* The limit of the process, or of its file system: no signal ends the server. */
Test(upload, a_file_that_becomes_too_large)
{
	const size_t limit = 1 << 20;
	struct bytes put = request_make("/data/large", pattern(6, 2 * limit), PLAIN);
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	struct rlimit before, low;

	signal(SIGXFSZ, SIG_DFL); /* a parent may have it ignored */
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = (struct rlimit){.rlim_cur = limit, .rlim_max = before.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	start(&server);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	wire_connect(&client, &server);
	wire_write(&client, put.at, put.len); /* to its end, or not: it is refused before */
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 400, "EntityTooLarge");
	wire_disconnect(&client);
	expect_absent(&server, "/data/large");
	wire_server_stop(&server);
}

/* ---- Few buffers ---- */

/* All that those who begin may have: each of these holds one with a byte that is not in the file.
 */
#define HOLDERS 16

#define WAITS   "sluice_tx_buffer_waits_total"

/* Does who begins now get a buffer? Else he waits, and is told nothing. */
static bool is_any_buffer_free(struct wire_server *server)
{
	uint64_t before = wire_metric(server, WAITS);
	struct wire_client probe = {0};
	bool is_free = false;

	wire_connect(&probe, server);
	wire_send(&probe, "GET /data/none HTTP/1.1\r\nHost: h\r\n\r\n");
	while (!is_free && wire_metric(server, WAITS) == before)
		is_free = !wire_is_silent(&probe, 1);
	wire_reset(&probe);
	return is_free;
}

static void hold_buffers(struct wire_server *server, struct wire_client client[HOLDERS])
{
	server->option[0] = "--workers=1";
	server->option[1] = "--send-buffers=32";
	server->option[2] = "--min-rate=0";
	start(server);
	for (int i = 0; i < HOLDERS; i++) {
		wire_connect(&client[i], server);
		cr_assert(wire_send(&client[i],
				    "PUT /data/held-%d HTTP/1.1\r\nHost: h\r\n"
				    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
				    i));
	}
	uint64_t end_ms = wire_patience_end(&server->env);
	while (is_any_buffer_free(server))
		cr_assert_lt(wire_now_ms(), end_ms, "they do not hold all of the buffers");
}

static void let_buffers_go(struct wire_server *server, struct wire_client client[HOLDERS])
{
	for (int i = 0; i < HOLDERS; i++)
		wire_disconnect(&client[i]);
	wire_server_stop(server);
}

/* What was in its buffer is in nobody's way, least of all its own answer's. */
Test(upload, a_refusal_needs_no_second_buffer)
{
	static struct wire_client client[HOLDERS];
	struct wire_server server = {0};
	struct wire_response response;

	hold_buffers(&server, client);
	cr_assert(wire_send(&client[3], "no size\r\n"));
	wire_read_head(&client[3], &response);
	wire_read_error(&client[3], &response, 400, "IncompleteBody");
	let_buffers_go(&server, client);
}

/* "100 Continue" had no buffer: then it is not said, and nothing is written that was refused. */
Test(upload, refused_instead_of_continued)
{
	static struct wire_client client[HOLDERS];
	char window[64];
	struct wire_server server = {.option = {[3] = window}};
	struct wire_client last = {0};
	struct wire_response response;

	wire_limit_option(&server, "--rate-window", 1000, window);
	hold_buffers(&server, client);
	wire_connect(&last, &server);
	cr_assert(wire_send(&last, "PUT /data/last HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
				   "Expect: 100-continue\r\n\r\n"));
	wire_read_head(&last, &response);
	wire_read_error(&last, &response, 503, "SlowDown");
	wire_disconnect(&last);
	wire_disconnect(&client[0]);
	expect_absent(&server, "/data/last");
	let_buffers_go(&server, client);
}

Test(upload, without_the_right)
{
	struct wire_server server = {.option = {"--writable"}};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask(&client, "PUT", "/data/x", "Content-Length: 0\r\n", &response);
	wire_read_error(&client, &response, 403, "AccessDenied");
	wire_ask(&client, "DELETE", "/data/x", "", &response);
	wire_read_error(&client, &response, 403, "AccessDenied");
	wire_ask(&client, "POST", "/data?delete", "Content-Length: 0\r\n", &response);
	wire_read_error(&client, &response, 403, "AccessDenied");
	wire_ask(&client, "GET", "/data?list-type=2", "", &response);
	cr_expect_eq(response.status, 200);
	wire_read_text(&client, &response);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(upload, length_is_needed)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	start(&server);
	wire_connect(&client, &server);
	wire_ask(&client, "PUT", "/data/x", "", &response);
	wire_read_error(&client, &response, 411, "MissingContentLength");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The client changes its key in the middle of a body: followed where the kernel can. */
Test(upload, keyupdate_in_the_body)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct bytes put = request_make("/data/rekeyed", pattern(5, 200000), PLAIN);

	start(&server);
	wire_connect(&client, &server);
	cr_assert(wire_write(&client, put.at, 100000));
	wire_keyupdate(&client, true);
	if (server.env.is_kernel && !server.env.can_rekey) {
		wire_write(&client, put.at + 100000, put.len - 100000);
		wire_expect_gone(&client);
		wire_closed(&server, "keyupdate_unsupported", 1);
	} else {
		cr_assert(wire_write(&client, put.at + 100000, put.len - 100000));
		expect_written(&client, 200);
		wire_fetch(&client, "/data/rekeyed", 5, 200000);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}
