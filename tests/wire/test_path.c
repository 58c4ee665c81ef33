/* SPDX-License-Identifier: Apache-2.0 */
/* Ways out of the store, and things in it that are no objects. */
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(path, .timeout = WIRE_TIMEOUT);

struct path_row {
	const char *target;
	int status;
	const char *code;
};

/* A file beside the store, for every way out to find. */
static void secret_write(const struct wire_server *server)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.1000s/secret", server->env.dir);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs("this must never be served\n", file);
	fclose(file);
}

/* Own store; for each row the status and code, over connections that stay usable. */
static void rows_ask(const struct path_row *rows, size_t count)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_env_need(&server.env);
	secret_write(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (size_t i = 0; i < count; i++) {
		wire_get(&client, rows[i].target, "", &response);
		wire_read_text(&client, &response);
		cr_assert_null(strstr(response.text, "never be served"), "%s", rows[i].target);
		cr_assert_eq(response.status, rows[i].status, "%s: status %d, not %d",
			     rows[i].target, response.status, rows[i].status);
		cr_assert_not_null(strstr(response.text, rows[i].code), "%s: no %s in %s",
				   rows[i].target, rows[i].code, response.text);
		cr_assert(!response.says_close, "%s", rows[i].target);
	}
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

Test(path, dots_in_every_encoding)
{
	static const struct path_row rows[] = {
		{"/data/../secret", 400, "InvalidArgument"},
		{"/data/../../secret", 400, "InvalidArgument"},
		{"/data/%2e%2e/secret", 400, "InvalidArgument"},
		{"/data/%2E%2E/%2E%2E/secret", 400, "InvalidArgument"},
		{"/data/.%2e/secret", 400, "InvalidArgument"},
		{"/data/..%2Fsecret", 400, "InvalidArgument"},
		{"/data/..%2f..%2fsecret", 400, "InvalidArgument"},
		{"/data/%2e%2e%2fsecret", 400, "InvalidArgument"},
		{"/data/a/../../../secret", 400, "InvalidArgument"},
		{"/data/a/b/..", 400, "InvalidArgument"},
		{"/data/.", 400, "InvalidArgument"},
		{"/data/./size-1", 400, "InvalidArgument"},
		{"/data/%2e/size-1", 400, "InvalidArgument"},
		{"/data/a/./b", 400, "InvalidArgument"},
		{"/../secret", 400, "InvalidBucketName"},
		{"/%2e%2e/secret", 400, "InvalidBucketName"},
		{"/..%2fsecret", 400, "InvalidBucketName"},
		{"/data%2F..%2F..%2Fsecret", 400, "InvalidBucketName"},
		{"/.../secret", 400, "InvalidBucketName"},
		{"//secret", 400, "InvalidBucketName"},
		/* Encoded twice, or by other means than UTF-8: names like any other, or none. */
		{"/data/%252e%252e/secret", 404, "NoSuchKey"},
		{"/data/%252e%252e%252fsecret", 404, "NoSuchKey"},
		{"/data/..%255csecret", 404, "NoSuchKey"},
		{"/data/..%5c..%5csecret", 404, "NoSuchKey"},
		{"/data/%c0%ae%c0%ae/secret", 400, "InvalidArgument"},
		{"/data/%c0%af..%c0%afsecret", 400, "InvalidArgument"},
		{"/data/%u002e%u002e/secret", 400, "InvalidURI"},
		{"/data/%ef%bc%8e%ef%bc%8e/secret", 404, "NoSuchKey"}, /* U+FF0E */
		{"/data/...", 404, "NoSuchKey"},
		{"/data/..%20/secret", 404, "NoSuchKey"},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

Test(path, keys_that_cannot_exist)
{
	static const struct path_row rows[] = {
		{"/data//size-1", 400, "InvalidArgument"},
		{"/data/a//b/c/d", 400, "InvalidArgument"},
		{"/data/%2Fetc/passwd", 400, "InvalidArgument"},
		{"/data//etc/passwd", 400, "InvalidArgument"},
		{"/data/size-1%00", 400, "InvalidArgument"},
		{"/data/%00", 400, "InvalidArgument"},
		{"/data/size-1%00/../../secret", 400, "InvalidArgument"},
		{"/data/%ff", 400, "InvalidArgument"},
		{"/data/%ed%a0%80", 400, "InvalidArgument"}, /* a surrogate */
		{"/data/%", 400, "InvalidURI"},
		{"/data/%4", 400, "InvalidURI"},
		{"/data/%zz", 400, "InvalidURI"},
		{"/da/size-1", 400, "InvalidBucketName"},
		{"/data.", 400, "InvalidBucketName"},
		{"/-data/size-1", 400, "InvalidBucketName"},
		{"/da..ta/size-1", 400, "InvalidBucketName"},
		{"/da%20ta/size-1", 400, "InvalidBucketName"},
		{"/data%00/size-1", 400, "InvalidArgument"},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

Test(path, too_long)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char target[4096];

	wire_server_start(&server);
	wire_connect(&client, &server);
	int n = snprintf(target, sizeof(target), "/data/");
	memset(target + n, 'k', 256);
	target[n + 256] = '\0';
	wire_get(&client, target, "", &response);
	wire_read_error(&client, &response, 400, "InvalidArgument");
	for (int i = 0; i < 1025; i++)
		target[n + i] = i % 200 == 199 ? '/' : 'k';
	target[n + 1025] = '\0';
	wire_get(&client, target, "", &response);
	wire_read_error(&client, &response, 400, "KeyTooLongError");
	memset(target + 1, 'b', 64);
	strcpy(target + 65, "/k");
	wire_get(&client, target, "", &response);
	wire_read_error(&client, &response, 400, "InvalidBucketName");
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

static void link_make(const struct wire_server *server, const char *target, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.1000s/%s", server->root, name);
	cr_assert_eq(symlink(target, path), 0, "%s: %s", path, strerror(errno));
}

/* No symbolic link is followed: neither out of the store, nor inside, nor as a folder or bucket. */
Test(path, symbolic_links)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char path[PATH_MAX];

	wire_pattern_write(wire_server_root(&server), "data/size-100", 100, 100);
	wire_pattern_write(server.root, "data/folder/inside", 1, 10);
	secret_write(&server);
	snprintf(path, sizeof(path), "%.1000s/secret", server.env.dir);
	link_make(&server, path, "data/absolute");
	link_make(&server, "../../secret", "data/relative");
	link_make(&server, "size-100", "data/inside");
	link_make(&server, "folder", "data/folder-link");
	link_make(&server, "/etc", "data/etc");
	link_make(&server, "/", "data/slash");
	link_make(&server, "..", "data/up");
	link_make(&server, "self", "data/self");
	link_make(&server, "/proc/self/root", "data/magic");
	link_make(&server, "data", "bucket-link");
	link_make(&server, "/etc", "etc-link");
	wire_server_start(&server);
	wire_connect(&client, &server);
	static const char *const targets[] = {
		"/data/absolute",           "/data/relative",   "/data/inside",
		"/data/folder-link/inside", "/data/etc/passwd", "/data/slash/etc/passwd",
		"/data/up/data/size-100",   "/data/self",       "/data/magic/etc/passwd",
	};
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		wire_ask_refused(&client, "GET", targets[i], "", 404, "NoSuchKey");
	wire_ask_refused(&client, "GET", "/bucket-link/size-100", "", 404, "NoSuchBucket");
	wire_ask_refused(&client, "GET", "/etc-link/passwd", "", 404, "NoSuchBucket");
	wire_ask_refused(&client, "HEAD", "/bucket-link", "", 404, "NoSuchBucket");
	wire_ask_refused(&client, "GET", "/bucket-link", "", 404, "NoSuchBucket");
	wire_ask_refused(&client, "GET", "/bucket-link?location", "", 404, "NoSuchBucket");
	wire_ask_refused(&client, "GET", "/bucket-link?uploads", "", 404, "NoSuchBucket");
	wire_fetch(&client, "/data/folder/inside", 1, 10);
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* A link that becomes one while the server runs. */
Test(path, folder_replaced_by_a_link)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char folder[PATH_MAX], away[PATH_MAX];

	wire_pattern_write(wire_server_root(&server), "data/size-100", 100, 100);
	wire_pattern_write(server.root, "data/folder/passwd", 1, 10);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/folder/passwd", 1, 10);
	snprintf(folder, sizeof(folder), "%.1000s/data/folder", server.root);
	snprintf(away, sizeof(away), "%.1000s/data/away", server.root);
	cr_assert_eq(rename(folder, away), 0);
	link_make(&server, "/etc", "data/folder");
	wire_ask_refused(&client, "GET", "/data/folder/passwd", "", 404, "NoSuchKey");
	wire_fetch(&client, "/data/away/passwd", 1, 10);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

static void special_make(const struct wire_server *server)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char path[PATH_MAX], here[PATH_MAX];

	snprintf(path, sizeof(path), "%.1000s/data/fifo", server->root);
	cr_assert_eq(mkfifo(path, 0644), 0);
	snprintf(path, sizeof(path), "%.1000s/data/folder", server->root);
	cr_assert_eq(mkdir(path, 0755), 0);
	/* The path of a socket has 107 bytes at most: make it from within. */
	cr_assert_not_null(getcwd(here, sizeof(here)));
	snprintf(path, sizeof(path), "%.1000s/data", server->root);
	cr_assert_eq(chdir(path), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(addr.sun_path, "socket");
	cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	/* A device needs privileges, which a container may lack even for root. */
	if (mknod("null", S_IFCHR | 0666, makedev(1, 3)) < 0)
		cr_assert(errno == EPERM, "mknod: %s", strerror(errno));
	cr_assert_eq(chdir(here), 0);
}

Test(path, special_files)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	static const char *const targets[] = {"/data/fifo", "/data/folder", "/data/folder/",
					      "/data/socket", "/data/null"};

	wire_pattern_write(wire_server_root(&server), "data/size-100", 100, 100);
	special_make(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		wire_ask_refused(&client, "GET", targets[i], "", 404, "NoSuchKey");
		wire_ask_refused(&client, "HEAD", targets[i], "", 404, "NoSuchKey");
	}
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

Test(path, unreadable_file)
{
	struct wire_server server = {.unprivileged = true};
	struct wire_client client = {0};
	char path[PATH_MAX];

	wire_pattern_write(wire_server_root(&server), "data/size-100", 100, 100);
	wire_pattern_write(server.root, "data/private", 5, 50);
	wire_pattern_write(server.root, "data/closed/inside", 5, 50);
	snprintf(path, sizeof(path), "%.1000s/data/private", server.root);
	cr_assert_eq(chmod(path, 0), 0);
	snprintf(path, sizeof(path), "%.1000s/data/closed", server.root);
	cr_assert_eq(chmod(path, 0), 0);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask_refused(&client, "GET", "/data/private", "", 403, "AccessDenied");
	wire_ask_refused(&client, "HEAD", "/data/private", "", 403, "AccessDenied");
	wire_ask_refused(&client, "GET", "/data/closed/inside", "", 403, "AccessDenied");
	wire_disconnect(&client);
	cr_assert_eq(chmod(path, 0755), 0); /* or the folder of the run could not be removed */
	wire_server_stop(&server);
}
