/* SPDX-License-Identifier: Apache-2.0 */
/* A root that cannot be used is refused at the start, and one that goes is told by /-/ready; never
 * is it an empty store. */
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

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

/* ---- The start ------------------------------------------------------------------------------ */

/* From here on this process, and what it starts, get error for the call, as from a unit's or a
 * container's filter. */
static void refuse_call(long number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

struct blocked {
	long number;
	int error;
	const char *writable; /* the option */
	int exit_code;        /* of serve, if it is not 0, and of check */
	const char *says;
};

static void run(const struct blocked *row, const struct wire_server *server, const char *command,
		struct wire_program *program)
{
	char root[PATH_MAX + 8], cert[PATH_MAX], key[PATH_MAX], ca[PATH_MAX];
	char *const argv[] = {(char *)(uintptr_t)server->env.program,
			      (char *)(uintptr_t)command,
			      root,
			      cert,
			      key,
			      ca,
			      (char *)(uintptr_t) "--listen=127.0.0.1:0",
			      (char *)(uintptr_t) "--admin-listen=none",
			      (char *)(uintptr_t)row->writable,
			      NULL};

	snprintf(root, sizeof(root), "--root=%s", server->root);
	snprintf(cert, sizeof(cert), "--cert=%s/certs/server.crt", server->env.dir);
	snprintf(key, sizeof(key), "--key=%s/certs/server.key", server->env.dir);
	snprintf(ca, sizeof(ca), "--client-ca=%s/certs/ca.crt", server->env.dir);
	wire_program_run(&server->env, argv, program);
}

/* In a process of its own, which is none of Criterion's: it only says what was wrong. */
static int check_blocked(const struct blocked *row, const struct wire_server *server)
{
	static const char *const commands[] = {"check", "serve"};
	static struct wire_program program;

	for (size_t i = 0; i < (row->exit_code != 0 ? 2 : 1); i++) {
		run(row, server, commands[i], &program);
		if (program.exit_code == row->exit_code && strstr(program.err, row->says) != NULL)
			continue;
		fprintf(stderr, "%s, call %ld: exit code %d, without \"%s\": %s\n", commands[i],
			row->number, program.exit_code, row->says, program.err);
		return 1;
	}
	return 0;
}

/* What every request needs is tried before the server says that it is ready. */
Test(root, calls_that_are_refused)
{
	static const struct blocked rows[] = {
		{SYS_openat2, ENOSYS, "--no-writable", 1, "RestrictSUIDSGID="},
		{SYS_openat2, EPERM, "--no-writable", 1, "openat2: "},
		{SYS_openat2, ENOSYS, "--writable", 1, "openat2: "},
		{SYS_getdents64, EPERM, "--no-writable", 1, "getdents64: "},
		{SYS_flock, ENOSYS, "--writable", 1, "flock: "},
		{SYS_pwrite64, EPERM, "--writable", 1, "pwrite: "},
		{SYS_utimensat, EPERM, "--writable", 1, "utimensat: "},
		{SYS_fsync, EIO, "--writable", 1, "fsync of a file: "},
		{SYS_linkat, EPERM, "--writable", 1, "linkat of a file without a name"},
		{SYS_unlinkat, EPERM, "--writable", 1, "unlinkat: "},
		/* Some uploads will be refused, others not. */
		{SYS_fsetxattr, EOPNOTSUPP, "--writable", 0, "warning: root folder"},
		{SYS_fchmod, EPERM, "--writable", 0, "extended attributes and the sticky bit"},
		/* Not asked for by a server that only reads. */
		{SYS_linkat, EPERM, "--no-writable", 0, ""},
	};
	struct wire_server server = {0};

	wire_server_root(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status;
		pid_t child = fork();
		must(child >= 0);
		if (child == 0) {
			refuse_call(rows[i].number, rows[i].error);
			_exit(check_blocked(&rows[i], &server));
		}
		must(waitpid(child, &status, 0) == child);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "row %zu", i);
	}
}
