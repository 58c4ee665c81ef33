/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client hears when the disk fails the server, and what is left then: nothing of what
 * failed, all of what was there, and a server that goes on.
 *
 * Full, out of inodes and read-only are real: a small tmpfs in a mount namespace of the test's
 * process, which ends with it. EDQUOT and EIO are not had that way: the unit tests of store/ have
 * them, by its seam.
 */
#include "wire/wire.h"
#include "wire/wire_put.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

TestSuite(disk, .timeout = WIRE_TIMEOUT);

/* ---- The disk --------------------------------------------------------------------------------
 */

/* Mounts a tmpfs for the server's root, where only this process and its children see it. */
static void disk_mount(struct wire_server *server, const char *options)
{
	char path[WIRE_PATH_BYTES];

	if (geteuid() != 0)
		cr_skip_test("only root can mount a small file system");
	server->writable = true;
	wire_server_root(server);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("disk", server->own_root, "tmpfs", 0, options) < 0) {
		cr_assert(errno == EPERM || errno == EACCES, "%s", strerror(errno));
		cr_skip_test("this root may not mount (no CAP_SYS_ADMIN)");
	}
	snprintf(path, sizeof(path), "%s/data", server->own_root);
	cr_assert_eq(mkdir(path, 0755), 0);
	wire_server_start(server);
}

static struct statvfs disk_state(const struct wire_server *server)
{
	struct statvfs state;
	cr_assert_eq(statvfs(server->own_root, &state), 0);
	return state;
}

static const char *ballast_path(const struct wire_server *server)
{
	static char path[WIRE_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/ballast", server->own_root);
	return path;
}

/* Leaves so many bytes of room, by a file that is in no bucket. */
static void disk_fill(const struct wire_server *server, uint64_t room_bytes)
{
	struct statvfs state = disk_state(server);
	uint64_t free_bytes = (uint64_t)state.f_bfree * state.f_frsize;
	int fd = open(ballast_path(server), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	cr_assert(fd >= 0 && fstat(fd, &st) == 0);
	cr_assert_geq(free_bytes, room_bytes);
	cr_assert_eq(posix_fallocate(fd, st.st_size, (off_t)(free_bytes - room_bytes)), 0);
	close(fd);
}

static void disk_empty(const struct wire_server *server)
{
	cr_assert_eq(unlink(ballast_path(server)), 0);
}

/* What failed gives back all that it took (after the answer, by a thread), names and space. */
static void disk_is_again(const struct wire_server *server, const struct statvfs *before)
{
	uint64_t end_ms = wire_patience_end(&server->env);

	for (;;) {
		struct statvfs now = disk_state(server);
		if (now.f_bfree == before->f_bfree && now.f_ffree == before->f_ffree)
			break;
		cr_assert_lt(wire_now_ms(), end_ms, "%ld blocks and %ld inodes are lost",
			     (long)before->f_bfree - (long)now.f_bfree,
			     (long)before->f_ffree - (long)now.f_ffree);
		poll(NULL, 0, WIRE_POLL_MS);
	}
	cr_assert_eq(wire_leftovers(server), 0);
}

/* ---- Full ------------------------------------------------------------------------------------
 */

/* In the middle of a body: the answer is heard by a client that sends on. */
Test(disk, full_in_a_put)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	disk_mount(&server, "size=16m,mode=755");
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/dir/key", 1, 5000);
	disk_fill(&server, WIRE_MIB);
	struct statvfs before = disk_state(&server);
	for (int is_chunked = 0; is_chunked < 2; is_chunked++) {
		wire_put_refused(&server, "/data/dir/key", is_chunked, 507, "InsufficientStorage");
		wire_put_refused(&server, "/data/dir/new", is_chunked, 507, "InsufficientStorage");
		wire_fetch(&client, "/data/dir/key", 1, 5000);
		wire_is_absent(&client, "/data/dir/new");
		wire_lists(&client, 1);
		disk_is_again(&server, &before);
	}
	wire_log_has(&server, "level=error", "PUT data/dir/new", "No space left on device");

	disk_empty(&server);
	wire_put_well(&client, "/data/dir/key", 2, 4 * WIRE_MIB);
	wire_fetch(&client, "/data/dir/key", 2, 4 * WIRE_MIB);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Not a block is left. A short body that is refused leaves the connection usable, and room can be
 * made. */
Test(disk, full_to_the_last_block)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	disk_mount(&server, "size=8m,mode=755");
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/key", 1, 5000);
	wire_put_well(&client, "/data/victim", 1, 60000);
	disk_fill(&server, 0);
	struct statvfs before = disk_state(&server);
	for (uint64_t bytes = 1; bytes <= 60000; bytes += 59999) {
		wire_put(&client, "/data/key", 2, bytes, &response);
		wire_read_error(&client, &response, 507, "InsufficientStorage");
		cr_assert(!response.says_close);
		wire_fetch(&client, "/data/key", 1, 5000);
		disk_is_again(&server, &before);
	}
	wire_metric_reaches(&server, "sluice_store_full_total", 2);
	wire_ask(&client, "DELETE", "/data/victim", "", &response);
	cr_assert_eq(response.status, 204);
	wire_put_well(&client, "/data/key", 2, 50000);
	wire_fetch(&client, "/data/key", 2, 50000);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A part and its copy: the upload is as before, and can be gone on with. */
Test(disk, full_in_a_part)
{
	static const uint64_t bytes[] = {5 * WIRE_MIB, 100000}, small[] = {20000, 100000};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_upload upload = {0};

	disk_mount(&server, "size=24m,mode=755");
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/source", 3, 4 * WIRE_MIB);
	wire_upload_begin(&client, &upload, "/data/key");
	wire_upload_fill(&client, &upload, small);
	disk_fill(&server, WIRE_MIB);
	struct statvfs before = disk_state(&server);
	wire_put_refused(&server, upload.part[0], false, 507, "InsufficientStorage");
	wire_put_refused(&server, upload.part[1], true, 507, "InsufficientStorage");
	wire_ask_fails(&client, "PUT", upload.part[0], "x-amz-copy-source: /data/source\r\n", 507,
		       "InsufficientStorage");
	wire_upload_has(&client, &upload, 2);
	wire_lists(&client, 1);
	disk_is_again(&server, &before);

	disk_empty(&server);
	wire_upload_fill(&client, &upload, bytes);
	wire_upload_has(&client, &upload, 2);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Can what we complete be marked? Before Linux 6.6 a tmpfs has no user attributes. */
static bool has_attributes(const struct wire_server *server)
{
	return setxattr(server->own_root, "user.test", "x", 1, 0) == 0;
}

/* What is put together from what is there: the old object stays, and so do the parts. */
Test(disk, full_in_a_completion)
{
	static const uint64_t bytes[] = {5 * WIRE_MIB, 100000};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	struct wire_upload upload = {0};

	disk_mount(&server, "size=24m,mode=755");
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/key", 3, 5000);
	wire_upload_begin(&client, &upload, "/data/key");
	wire_upload_fill(&client, &upload, bytes);
	disk_fill(&server, WIRE_MIB);
	struct statvfs before = disk_state(&server);
	for (int i = 0; i < 2; i++) {
		wire_upload_complete(&client, &upload, &response);
		wire_read_error(&client, &response, 507, "InsufficientStorage");
		wire_fetch(&client, "/data/key", 3, 5000);
		wire_upload_has(&client, &upload, 2);
		disk_is_again(&server, &before);
	}

	disk_empty(&server);
	wire_upload_complete(&client, &upload, &response);
	if (has_attributes(&server)) {
		wire_read_text(&client, &response);
		cr_assert_eq(response.status, 200, "%s", response.text);
		wire_upload_is_object(&client, "/data/key", bytes);
		wire_ask_fails(&client, "GET", upload.target, "", 404, "NoSuchUpload");
	} else {
		wire_read_error(&client, &response, 501, "NotImplemented");
		wire_fetch(&client, "/data/key", 3, 5000);
		wire_upload_has(&client, &upload, 2);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(disk, full_in_a_copy)
{
	static const char fields[] = "x-amz-copy-source: /data/source\r\n";
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	disk_mount(&server, "size=16m,mode=755");
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/source", 1, 4 * WIRE_MIB);
	wire_put_well(&client, "/data/key", 2, 5000);
	disk_fill(&server, WIRE_MIB);
	struct statvfs before = disk_state(&server);
	wire_ask_fails(&client, "PUT", "/data/key", fields, 507, "InsufficientStorage");
	wire_ask_fails(&client, "PUT", "/data/new", fields, 507, "InsufficientStorage");
	wire_fetch(&client, "/data/key", 2, 5000);
	wire_is_absent(&client, "/data/new");
	wire_fetch(&client, "/data/source", 1, 4 * WIRE_MIB);
	disk_is_again(&server, &before);

	disk_empty(&server);
	wire_ask_text(&client, "PUT", "/data/key", fields, &response);
	cr_assert_eq(response.status, 200, "%s", response.text);
	wire_fetch(&client, "/data/key", 1, 4 * WIRE_MIB);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Out of inodes ---------------------------------------------------------------------------
 */

static void inode_path(const struct wire_server *server, unsigned number,
		       char path[WIRE_PATH_BYTES])
{
	snprintf(path, WIRE_PATH_BYTES, "%s/ballast-%u", server->own_root, number);
}

/* Takes all that are left; returns how many. */
static unsigned inodes_take(const struct wire_server *server)
{
	char path[WIRE_PATH_BYTES];

	for (unsigned number = 0;; number++) {
		inode_path(server, number, path);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0) {
			cr_assert_eq(errno, ENOSPC, "%s", strerror(errno));
			return number;
		}
		close(fd);
	}
}

static void inode_free(const struct wire_server *server, unsigned number)
{
	char path[WIRE_PATH_BYTES];
	inode_path(server, number, path);
	cr_assert_eq(unlink(path), 0);
}

Test(disk, no_inodes)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	disk_mount(&server, "size=16m,nr_inodes=64,mode=755");
	wire_connect(&client, &server);
	for (int i = 0; i < 2; i++) /* the second makes the private folder, which stays */
		wire_put_well(&client, "/data/key", 1, 5000);
	unsigned taken = inodes_take(&server);
	struct statvfs before = disk_state(&server);
	wire_put(&client, "/data/key", 2, 6000, &response);
	wire_read_error(&client, &response, 507, "InsufficientStorage");
	wire_put(&client, "/data/new", 2, 6000, &response);
	wire_read_error(&client, &response, 507, "InsufficientStorage");
	wire_ask_fails(&client, "PUT", "/data/new", "x-amz-copy-source: /data/key\r\n", 507,
		       "InsufficientStorage");
	wire_ask_fails(&client, "POST", "/data/new?uploads", "Content-Length: 0\r\n", 507,
		       "InsufficientStorage");
	wire_ask_fails(&client, "PUT", "/bucket", "Content-Length: 0\r\n", 507,
		       "InsufficientStorage");
	wire_fetch(&client, "/data/key", 1, 5000);
	wire_is_absent(&client, "/data/new");
	wire_lists(&client, 1);
	disk_is_again(&server, &before);

	/* An upload needs two, a folder and a file in it. */
	inode_free(&server, --taken);
	before = disk_state(&server);
	wire_ask_fails(&client, "POST", "/data/new?uploads", "Content-Length: 0\r\n", 507,
		       "InsufficientStorage");
	disk_is_again(&server, &before);
	/* Enough for the object, not for its folders: it is nowhere until there is. */
	unsigned failures = 0;
	for (;; failures++) {
		wire_put(&client, "/data/a/b/c", 3, 6000, &response);
		if (response.status == 200)
			break;
		wire_read_error(&client, &response, 507, "InsufficientStorage");
		wire_is_absent(&client, "/data/a/b/c");
		wire_lists(&client, 1);
		cr_assert_eq(wire_leftovers(&server), 0);
		inode_free(&server, --taken);
	}
	cr_assert_gt(failures, 0);
	wire_fetch(&client, "/data/a/b/c", 3, 6000);
	wire_fetch(&client, "/data/key", 1, 5000);
	wire_lists(&client, 2);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Read-only -------------------------------------------------------------------------------
 */

/* Busy is a disk as long as a writer's file is open, which is closed after the answer. */
static void disk_remount(const struct wire_server *server, unsigned long flags)
{
	uint64_t end_ms = wire_patience_end(&server->env);

	while (mount(NULL, server->own_root, NULL, MS_REMOUNT | flags, NULL) < 0) {
		cr_assert(errno == EBUSY && wire_now_ms() < end_ms, "%s", strerror(errno));
		poll(NULL, 0, WIRE_POLL_MS);
	}
}

/* As ext4 makes itself when it finds itself damaged. */
Test(disk, read_only)
{
	static const char delete[] = "<Delete><Object><Key>key</Key></Object></Delete>";
	static const uint64_t bytes[] = {20000, 100};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	struct wire_upload upload = {0};

	disk_mount(&server, "size=16m,mode=755");
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/key", 1, 5000);
	wire_upload_begin(&client, &upload, "/data/key");
	wire_upload_fill(&client, &upload, bytes);
	disk_remount(&server, MS_RDONLY);
	wire_put_refused(&server, "/data/key", false, 500, "InternalError");
	wire_put(&client, "/data/new", 2, 6000, &response);
	wire_read_error(&client, &response, 500, "InternalError");
	wire_put(&client, upload.part[0], 2, 6000, &response);
	wire_read_error(&client, &response, 500, "InternalError");
	wire_ask_fails(&client, "PUT", "/data/new", "x-amz-copy-source: /data/key\r\n", 500,
		       "InternalError");
	wire_ask_fails(&client, "POST", "/data/new?uploads", "Content-Length: 0\r\n", 500,
		       "InternalError");
	wire_ask_fails(&client, "PUT", "/bucket", "Content-Length: 0\r\n", 500, "InternalError");
	wire_ask_fails(&client, "DELETE", "/data/key", "", 500, "InternalError");
	wire_ask_fails(&client, "DELETE", upload.target, "", 500, "InternalError");
	cr_assert(wire_send(&client,
			    "POST /data?delete HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n"
			    "%s",
			    strlen(delete), delete));
	wire_read_head(&client, &response);
	wire_read_text(&client, &response);
	cr_assert(response.status == 200 &&
			  strstr(response.text, "<Code>InternalError</Code>") != NULL &&
			  strstr(response.text, "<Deleted>") == NULL,
		  "%s", response.text);
	wire_fetch(&client, "/data/key", 1, 5000);
	wire_is_absent(&client, "/data/new");
	wire_lists(&client, 1);
	wire_upload_has(&client, &upload, 2);
	wire_log_has(&server, "level=error", "Read-only file system");

	disk_remount(&server, 0);
	wire_put_well(&client, "/data/key", 2, 6000);
	wire_fetch(&client, "/data/key", 2, 6000);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A folder that is not the server's to write to. */
Test(disk, not_ours)
{
	struct wire_server server = {.unprivileged = true, .writable = true};
	struct wire_client client = {0};
	struct wire_response response;
	char path[WIRE_PATH_BYTES];

	if (geteuid() != 0)
		cr_skip_test("only root can have a folder that is another user's");
	wire_pattern_write(wire_server_root(&server), "data/theirs/key", 1, 5000);
	snprintf(path, sizeof(path), "%s/data", server.own_root);
	cr_assert_eq(chmod(path, 0777), 0);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (uint64_t bytes = 0; bytes <= 6000; bytes += 6000) {
		wire_put(&client, "/data/theirs/key", 2, bytes, &response);
		wire_read_error(&client, &response, 403, "AccessDenied");
		wire_put(&client, "/data/theirs/new/key", 2, bytes, &response);
		wire_read_error(&client, &response, 403, "AccessDenied");
	}
	wire_ask_fails(&client, "PUT", "/data/theirs/new",
		       "x-amz-copy-source: /data/theirs/key\r\n", 403, "AccessDenied");
	wire_ask_fails(&client, "DELETE", "/data/theirs/key", "", 403, "AccessDenied");
	wire_ask_fails(&client, "PUT", "/bucket", "Content-Length: 0\r\n", 403, "AccessDenied");
	wire_fetch(&client, "/data/theirs/key", 1, 5000);
	wire_lists(&client, 1);
	cr_assert_eq(wire_leftovers(&server), 0);
	wire_put_well(&client, "/data/ours/key", 2, 6000);
	wire_fetch(&client, "/data/ours/key", 2, 6000);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- What it says of itself ------------------------------------------------------------------ */

/* Waits until the sample is what the file system says now. */
static void expect_metric(struct wire_server *server, const char *name, uint64_t value)
{
	uint64_t end_ms = wire_patience_end(&server->env);

	while (wire_metric(server, name) != value) {
		cr_assert_lt(wire_now_ms(), end_ms, "%s is %llu, not %llu", name,
			     (unsigned long long)wire_metric(server, name),
			     (unsigned long long)value);
		poll(NULL, 0, WIRE_POLL_MS);
	}
}

static void expect_room(struct wire_server *server)
{
	struct statvfs state = disk_state(server);

	expect_metric(server, "sluice_root_size_bytes", state.f_blocks * state.f_frsize);
	expect_metric(server, "sluice_root_free_bytes", state.f_bavail * state.f_frsize);
	expect_metric(server, "sluice_root_inodes", state.f_files);
	expect_metric(server, "sluice_root_free_inodes", state.f_ffree);
}

Test(disk, metrics)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	disk_mount(&server, "size=8m,nr_inodes=100");
	expect_room(&server);
	cr_assert_eq(wire_metric(&server, "sluice_root_size_bytes"), 8 << 20);
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/key", 1, 3 << 20);
	wire_disconnect(&client);
	expect_room(&server);
	cr_assert_leq(wire_metric(&server, "sluice_root_free_bytes"), 5 << 20);
	wire_server_stop(&server);
}
