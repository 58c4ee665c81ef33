/* SPDX-License-Identifier: Apache-2.0 */
/* GET and HEAD: every size, every key, every field. */
#include "wire/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

TestSuite(request, .timeout = WIRE_TIMEOUT);

static void size_target(char out[64], uint64_t size)
{
	snprintf(out, 64, "/data/size-%llu", (unsigned long long)size);
}

/* All objects, twice over one connection, and their HEADs. */
static void sizes(const char *cipher)
{
	struct wire_server server = {0};
	struct wire_client client = {.ciphers = cipher};
	struct wire_response response;
	char target[64];

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (unsigned i = 0; i < 2 * wire_size_count; i++) {
		uint64_t size = wire_sizes[i % wire_size_count];
		size_target(target, size);
		wire_fetch(&client, target, size, size);
		wire_ask(&client, "HEAD", target, "", &response);
		cr_assert_eq(response.status, 200);
		cr_assert_eq(response.content_length, size);
	}
	wire_disconnect(&client);
	wire_closed(&server, "client_done", 1);
	wire_server_stop(&server);
}

Test(request, every_size_aes_128_gcm)
{
	sizes("TLS_AES_128_GCM_SHA256");
}

Test(request, every_size_aes_256_gcm)
{
	sizes("TLS_AES_256_GCM_SHA384");
}

Test(request, every_size_chacha20)
{
	sizes("TLS_CHACHA20_POLY1305_SHA256");
}

static void big(const char *cipher)
{
	struct wire_server server = {0};
	struct wire_client client = {.ciphers = cipher};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/big", WIRE_BIG_SEED, server.env.big_bytes);
	wire_fetch(&client, "/data/size-1", 1, 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(request, big_object_aes_128_gcm)
{
	big("TLS_AES_128_GCM_SHA256");
}

Test(request, big_object_aes_256_gcm)
{
	big("TLS_AES_256_GCM_SHA384");
}

Test(request, big_object_chacha20)
{
	big("TLS_CHACHA20_POLY1305_SHA256");
}

Test(request, unusual_keys)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char target[256];

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (unsigned i = 0; i < wire_key_count; i++) {
		snprintf(target, sizeof(target), "/data/%s", wire_keys[i].spelling);
		wire_fetch(&client, target, WIRE_KEY_SEED + i, WIRE_KEY_BYTES);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Signed requests of S3 clients carry such; they name no other operation. */
Test(request, query_that_means_nothing_here)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100?x-id=GetObject", 100, 100);
	wire_fetch(&client, "/data/size-100?X-Amz-Signature=00&X-Amz-Date=1", 100, 100);
	wire_fetch(&client, "/data/size-100?", 100, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The longest component and a key of 1,024 bytes. */
Test(request, longest_keys)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char component[256], key[1100] = "", target[1200];
	const char *root = wire_server_root(&server);

	memset(component, 'c', 255);
	component[255] = '\0';
	for (int i = 0; i < 4; i++) {
		strcat(key, component);
		strcat(key, "/");
	}
	key[1023] = 'k'; /* instead of the last '/' */
	snprintf(target, sizeof(target), "data/%.*s", 1023, key);
	wire_pattern_write(root, target, 3, 100);
	wire_server_start(&server);
	wire_connect(&client, &server);
	snprintf(target, sizeof(target), "/data/%.*s", 1023, key);
	wire_fetch(&client, target, 3, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(request, fields_are_exact)
{
	/* Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's own example */
	const struct timespec times[2] = {{.tv_sec = 784111777, .tv_nsec = 999999999},
					  {.tv_sec = 784111777, .tv_nsec = 999999999}};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response get, head;
	char path[PATH_MAX], value[WIRE_VALUE_MAX];

	wire_pattern_write(wire_server_root(&server), "data/dated", 7, 12345);
	snprintf(path, sizeof(path), "%.1000s/data/dated", server.root);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_get(&client, "/data/dated", "", &get);
	wire_read_object(&client, &get, 7, 0, 12345);
	wire_field_is(&get, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
	wire_field_is(&get, "Content-Length", "12345");
	wire_field_is(&get, "Accept-Ranges", "bytes");
	wire_field_is(&get, "Content-Type", "application/octet-stream");
	cr_assert_null(wire_field(&get, "Content-Range", value));
	cr_assert_null(wire_field(&get, "Connection", value));

	wire_ask(&client, "HEAD", "/data/dated", "", &head);
	static const char *const same[] = {"Last-Modified", "Content-Length", "Accept-Ranges",
					   "Content-Type",  "ETag",           "Server"};
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		cr_assert_not_null(wire_field(&get, same[i], value), "%s", same[i]);
		wire_field_is(&head, same[i], value);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(request, etag_is_stable_until_the_content_changes)
{
	struct wire_server server = {0}, again = {0};
	struct wire_client client = {0};
	struct wire_response first, other;

	wire_pattern_write(wire_server_root(&server), "data/a", 1, 1000);
	wire_pattern_write(server.root, "data/b", 1, 1001);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask(&client, "HEAD", "/data/a", "", &first);
	wire_ask(&client, "HEAD", "/data/a", "", &other);
	cr_assert_str_eq(first.etag, other.etag);
	wire_get(&client, "/data/a", "Range: bytes=1-5\r\n", &other);
	wire_read_object(&client, &other, 1, 1, 5);
	cr_assert_str_eq(first.etag, other.etag);
	wire_ask(&client, "HEAD", "/data/b", "", &other);
	cr_assert_str_neq(first.etag, other.etag);
	wire_disconnect(&client);

	/* Another server over the same files says the same. */
	again.root = server.root;
	wire_server_start(&again);
	struct wire_client second = {0};
	wire_connect(&second, &again);
	wire_ask(&second, "HEAD", "/data/a", "", &other);
	cr_assert_str_eq(first.etag, other.etag);
	wire_pattern_write(server.root, "data/a", 2, 1000);
	wire_ask(&second, "HEAD", "/data/a", "", &other);
	cr_assert_str_neq(first.etag, other.etag);
	wire_disconnect(&second);
	wire_server_stop(&again);
	wire_server_stop(&server);
}

Test(request, head_of_a_bucket)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask(&client, "HEAD", "/data", "", &response);
	cr_assert_eq(response.status, 200);
	wire_ask(&client, "HEAD", "/data/", "", &response);
	cr_assert_eq(response.status, 200);
	wire_ask(&client, "HEAD", "/nothing-here", "", &response);
	cr_assert_eq(response.status, 404);
	wire_fetch(&client, "/other-bucket/object", 1, 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(request, absolute_form)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "http://localhost/data/size-100", 100, 100);
	wire_fetch(&client, "https://localhost:8443/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}
