/* SPDX-License-Identifier: Apache-2.0 */
/* A root that cannot be used is refused at the start, and one that goes is told by /-/ready; never
 * is it an empty store. */
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/wire_put.h"

TestSuite(root, .timeout = WIRE_TIMEOUT);

static void is_ready(struct wire_server *server)
{
	char answer[WIRE_ADMIN_MAX];
	cr_assert_eq(wire_ready(server, answer), 200, "%s", answer);
}

static void is_not_ready(struct wire_server *server, const char *word)
{
	static char answer[WIRE_ADMIN_MAX];

	cr_assert_eq(wire_ready(server, answer), 503, "%s", answer);
	cr_assert_not_null(strstr(answer, word), "no \"%s\" in: %s", word, answer);
	cr_assert_eq(wire_admin_get(server, "/-/healthy", NULL), 200, "it runs");
}

/* A server with a root of its own, an object in it, and a client. */
static void begin(struct wire_server *server, struct wire_client *client)
{
	server->may_differ = true;
	wire_server_root(server);
	wire_server_start(server);
	wire_connect(client, server);
	if (server->writable)
		wire_put_well(client, "/data/key", 1, 100);
	is_ready(server);
}

Test(root, moved)
{
	for (int writable = 0; writable < 2; writable++) {
		struct wire_server server = {.writable = writable != 0};
		struct wire_client client = {0};
		char moved[PATH_MAX + 8];

		begin(&server, &client);
		snprintf(moved, sizeof(moved), "%s.moved", server.root);
		cr_assert_eq(rename(server.root, moved), 0);
		is_not_ready(&server, "moved or removed");
		cr_assert_eq(mkdir(server.root, 0755), 0);
		is_not_ready(&server, "not the folder that was opened");
		wire_log_has(&server, "level=error", "not the folder that was opened");
		if (writable) /* what it opened it serves */
			wire_fetch(&client, "/data/key", 1, 100);
		cr_assert_eq(rmdir(server.root), 0);
		cr_assert_eq(rename(moved, server.root), 0);
		is_ready(&server);
		wire_log_has(&server, "level=info", "served again");
		wire_disconnect(&client);
		wire_server_stop(&server);
	}
}

/* Removed, or removed and made anew: every answer is 503 and none says that there is nothing. */
Test(root, removed)
{
	static const struct {
		const char *method, *target, *fields;
	} rows[] = {
		{"GET", "/", ""},
		{"GET", "/data", ""},
		{"GET", "/data?list-type=2", ""},
		{"GET", "/data?uploads", ""},
		{"GET", "/data?location", ""},
		{"GET", "/data/key", ""},
		{"GET", "/other/key", ""},
		{"PUT", "/data/key", "Content-Length: 0\r\n"},
		{"PUT", "/data/copy", "x-amz-copy-source: /data/key\r\nContent-Length: 0\r\n"},
		{"PUT", "/another", "Content-Length: 0\r\n"},
		{"POST", "/data/key?uploads", "Content-Length: 0\r\n"},
		{"DELETE", "/data/key", ""},
		{"DELETE", "/data", ""},
	};
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct wire_response response;
	char command[PATH_MAX + 32];

	begin(&server, &client);
	for (int again = 0; again < 2; again++) {
		if (again)
			cr_assert_eq(mkdir(server.root, 0755), 0);
		else {
			snprintf(command, sizeof(command), "rm -rf '%s'", server.root);
			cr_assert_eq(system(command), 0);
		}
		is_not_ready(&server, "removed");
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			wire_ask(&client, rows[i].method, rows[i].target, rows[i].fields,
				 &response);
			wire_read_text(&client, &response);
			cr_assert_eq(response.status, 503, "%s %s: %d %s", rows[i].method,
				     rows[i].target, response.status, response.text);
			cr_assert_not_null(strstr(response.text, "<Code>ServiceUnavailable</Code>"),
					   "%s %s: %s", rows[i].method, rows[i].target,
					   response.text);
		}
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The file system of a bucket, or of the root, in a namespace of its own; false: not as this user.
 */
static bool can_mount(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("", "/", "", MS_REC | MS_PRIVATE, NULL) == 0;
}

Test(root, bucket_that_is_unmounted)
{
	struct wire_server server = {.may_differ = true};
	struct wire_client client = {0};
	struct wire_response response;
	char bucket[PATH_MAX + 8], object[PATH_MAX + 16];

	wire_server_root(&server);
	if (!can_mount())
		cr_skip_test("it takes root to mount");
	snprintf(bucket, sizeof(bucket), "%s/mounted", server.root);
	snprintf(object, sizeof(object), "%s/key", bucket);
	cr_assert_eq(mkdir(bucket, 0755), 0);
	cr_assert_eq(mount("tmpfs", bucket, "tmpfs", 0, "size=1m"), 0, "%s", strerror(errno));
	int fd = open(object, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	must(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
	wire_server_start(&server);
	wire_connect(&client, &server);
	is_ready(&server);
	wire_get(&client, "/mounted/key", "", &response);
	wire_read_text(&client, &response);
	cr_assert_eq(response.status, 200);
	/* As soon as nothing is open in it: a worker may still hold the object that it sent. */
	uint64_t end_ms = wire_patience_end(&server.env);
	while (umount(bucket) < 0)
		cr_assert(errno == EBUSY && wire_now_ms() < end_ms, "%s", strerror(errno));
	is_not_ready(&server, "bucket mounted: its file system is no longer mounted");
	wire_get(&client, "/mounted/key", "", &response);
	wire_read_error(&client, &response, 503, "ServiceUnavailable");
	wire_get(&client, "/mounted?list-type=2", "", &response);
	wire_read_error(&client, &response, 503, "ServiceUnavailable");
	wire_get(&client, "/data/missing", "", &response);
	wire_read_error(&client, &response, 404, "NoSuchKey");
	cr_assert_eq(mount("tmpfs", bucket, "tmpfs", 0, "size=1m"), 0);
	is_ready(&server);
	wire_get(&client, "/mounted/key", "", &response);
	wire_read_error(&client, &response, 404, "NoSuchKey");
	cr_assert_eq(umount2(bucket, MNT_DETACH), 0);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A root on a file system that turns read-only, as ext4 does after an error. */
Test(root, read_only_later)
{
	struct wire_server server = {.writable = true, .may_differ = true};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_root(&server);
	if (!can_mount())
		cr_skip_test("it takes root to mount");
	cr_assert_eq(mount("tmpfs", server.root, "tmpfs", 0, "size=8m,mode=755"), 0);
	char bucket[PATH_MAX + 8];
	snprintf(bucket, sizeof(bucket), "%s/data", server.root);
	cr_assert_eq(mkdir(bucket, 0755), 0);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/key", 1, 100);
	is_ready(&server);
	/* As soon as nothing is open for writing: a thread may still hold the upload's file. */
	uint64_t end_ms = wire_patience_end(&server.env);
	while (mount("", server.root, "", MS_REMOUNT | MS_RDONLY, NULL) < 0)
		cr_assert(errno == EBUSY && wire_now_ms() < end_ms, "%s", strerror(errno));
	is_not_ready(&server, "EROFS");
	wire_fetch(&client, "/data/key", 1, 100);
	cr_assert_eq(mount("", server.root, "", MS_REMOUNT, NULL), 0);
	is_ready(&server);
	wire_put(&client, "/data/key", 2, 200, &response);
	wire_read_text(&client, &response);
	cr_assert_eq(response.status, 200);
	wire_disconnect(&client);
	wire_server_stop(&server);
	umount2(server.root, MNT_DETACH);
}
