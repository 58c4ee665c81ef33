/* SPDX-License-Identifier: Apache-2.0 */
/* A file that changes while it is sent. */
#include "wire/wire.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(truncate, .timeout = WIRE_TIMEOUT);

#define FILE_BYTES (24ull << 20) /* more than the sockets on both sides hold */
#define READ_FIRST (256u << 10)
#define BUFFER     (64 * 1024)

static void file_path(const struct wire_server *server, const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%.1000s/data/%s", server->root, name);
}

/* A client that has read the start of a download that the server cannot have finished. */
static void download_begin(struct wire_server *server, struct wire_client *client)
{
	struct wire_response response;

	client->receive_buffer_bytes = BUFFER;
	wire_pattern_write(wire_server_root(server), "data/file", 21, FILE_BYTES);
	wire_pattern_write(server->root, "data/size-100", 100, 100);
	wire_server_start(server);
	wire_connect(client, server);
	wire_get(client, "/data/file", "", &response);
	cr_assert_eq(response.status, 200);
	cr_assert_eq(response.content_length, FILE_BYTES);
	cr_assert_eq(wire_read_some(client, 21, 0, READ_FIRST), READ_FIRST);
}

/* What came is right, the rest never comes, nobody hangs, and the reason is counted. */
static void truncated_to(uint64_t bytes)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char path[PATH_MAX];

	download_begin(&server, &client);
	file_path(&server, "file", path);
	cr_assert_eq(truncate(path, (off_t)bytes), 0);
	uint64_t have = READ_FIRST;
	have += wire_read_some(&client, 21, READ_FIRST, FILE_BYTES - READ_FIRST);
	cr_assert_lt(have, FILE_BYTES, "a truncated file was sent whole");
	/* A close_notify would say that all is well. */
	cr_assert(client.end == WIRE_END_FIN || client.end == WIRE_END_RESET,
		  "the connection ended %s", wire_end_text(client.end));
	wire_closed(&server, "file_truncated", 1);
	wire_log_has(&server, "msg=request ", "path=/data/file ", "cut=file_truncated");
	wire_log_has(&server, "level=warn", "reason=file_truncated ");
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

Test(truncate, to_the_middle)
{
	truncated_to(FILE_BYTES / 2 + 1234);
}

/* Below what has been sent already. */
Test(truncate, to_nothing)
{
	truncated_to(0);
}

Test(truncate, by_one_byte)
{
	truncated_to(FILE_BYTES - 1);
}

/* Others of the same thread do not notice. */
Test(truncate, beside_others)
{
	struct wire_server server = {.option = {"--workers=1"}};
	struct wire_client client = {0}, other = {0};
	char path[PATH_MAX];

	download_begin(&server, &client);
	wire_connect(&other, &server);
	file_path(&server, "file", path);
	wire_fetch(&other, "/data/size-100", 100, 100);
	cr_assert_eq(truncate(path, 1 << 20), 0);
	wire_fetch(&other, "/data/size-100", 100, 100);
	wire_fetch(&other, "/data/file", 21, 1 << 20);
	wire_read_some(&client, 21, READ_FIRST, FILE_BYTES - READ_FIRST);
	wire_closed(&server, "file_truncated", 1);
	wire_fetch(&other, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_disconnect(&other);
	wire_server_stop(&server);
}

/* The promise of the head stands: not a byte of the new content. */
static void completed_after(void (*change)(const struct wire_server *server))
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	download_begin(&server, &client);
	change(&server);
	uint64_t rest = FILE_BYTES - READ_FIRST;
	cr_assert_eq(wire_read_some(&client, 21, READ_FIRST, rest), rest, "the connection ended %s",
		     wire_end_text(client.end));
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

static void replace(const struct wire_server *server)
{
	char path[PATH_MAX], next[PATH_MAX];

	wire_pattern_write(server->root, "data/next", 22, FILE_BYTES);
	file_path(server, "file", path);
	file_path(server, "next", next);
	cr_assert_eq(rename(next, path), 0);
}

Test(truncate, replaced_by_rename)
{
	completed_after(replace);
}

static void removed(const struct wire_server *server)
{
	char path[PATH_MAX];

	file_path(server, "file", path);
	cr_assert_eq(unlink(path), 0);
}

Test(truncate, removed)
{
	completed_after(removed);
}

static void grow(const struct wire_server *server)
{
	char path[PATH_MAX];

	file_path(server, "file", path);
	cr_assert_eq(truncate(path, FILE_BYTES * 2), 0);
}

Test(truncate, grown)
{
	completed_after(grow);
}
