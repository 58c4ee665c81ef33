/* SPDX-License-Identifier: Apache-2.0 */
/* ETags: versions that others' writes change, MD5s where they are asked for, and a root of 0.1. */
#include "wire/wire.h"
#include "wire/wire_put.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

TestSuite(etag, .timeout = WIRE_TIMEOUT);

/* RFC 1321, A.5: of "abc" and of "". */
#define MD5_ABC      "900150983cd24fb0d6963f7d28e17f72"
#define MD5_EMPTY    "d41d8cd98f00b204e9800998ecf8427e"
/* As md5sum(1) has it: of the 16 bytes of MD5_ABC. */
#define MD5_OF_PARTS "af5da9f45af7a300e3aded972f8ff687-1"
#define CRC32_ABC    "NSRBwg==" /* as crc32(1) and base64(1) have it */

static void start(struct wire_server *server, const char *option)
{
	server->writable = true;
	server->option[0] = option;
	if (server->root == NULL)
		wire_server_root(server);
	wire_server_start(server);
}

/* A write of this text, answered well; etag: of the answer, without its quotes. */
static void put_text(struct wire_client *client, const char *method, const char *target,
		     const char *fields, const char *text, char etag[WIRE_VALUE_MAX])
{
	static struct wire_response response;

	cr_assert(wire_send(client, "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n%s\r\n%s",
			    method, target, strlen(text), fields, text));
	wire_read_head(client, &response);
	wire_read_text(client, &response);
	cr_assert_eq(response.status, 200, "%s %s: %s%s", method, target, response.head,
		     response.text);
	const char *at = strstr(response.text, "&quot;");
	etag[0] = '\0';
	if (response.etag[0] != '\0')
		sscanf(response.etag, "\"%99[0-9a-f-]\"", etag);
	else if (at != NULL)
		sscanf(at, "&quot;%99[0-9a-f-]&quot;", etag);
	cr_assert(etag[0] != '\0', "%s%s", response.head, response.text);
}

/* What HEAD says of it. */
static void etag_of(struct wire_client *client, const char *target, char etag[WIRE_VALUE_MAX])
{
	struct wire_response response;

	wire_ask(client, "HEAD", target, "", &response);
	cr_assert_eq(response.status, 200, "%s", response.head);
	cr_assert_eq(sscanf(response.etag, "\"%99[0-9a-f-]\"", etag), 1);
}

static void is_md5(struct wire_client *client, const char *target, const char *md5)
{
	struct wire_response response;
	char etag[WIRE_VALUE_MAX], quoted[WIRE_VALUE_MAX];

	etag_of(client, target, etag);
	cr_assert_str_eq(etag, md5, "%s", target);
	snprintf(quoted, sizeof(quoted), "If-None-Match: \"%.99s\"\r\n", md5);
	wire_ask(client, "GET", target, quoted, &response);
	cr_assert_eq(response.status, 304);
	snprintf(quoted, sizeof(quoted), "%s?attributes", target);
	const char *text = wire_ask_text(client, "GET", quoted, "x-amz-object-attributes: ETag\r\n",
					 &response);
	snprintf(quoted, sizeof(quoted), "<ETag>%.99s</ETag>", md5);
	cr_assert_not_null(strstr(text, quoted), "%s", text);
}

/* The completion of an upload of one part, answered well; etag: that of the part, then the
 * object's. */
static void complete(struct wire_client *client, const char *target, char etag[WIRE_VALUE_MAX])
{
	char xml[WIRE_VALUE_MAX + 128];

	snprintf(xml, sizeof(xml),
		 "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"%.99s\"</ETag>"
		 "</Part></CompleteMultipartUpload>",
		 etag);
	put_text(client, "POST", target, "", xml, etag);
}

static bool is_listed(struct wire_client *client, const char *query, const char *etag)
{
	static struct wire_response response;
	char wanted[WIRE_VALUE_MAX];

	snprintf(wanted, sizeof(wanted), "<ETag>&quot;%.99s&quot;</ETag>", etag);
	return strstr(wire_ask_text(client, "GET", query, "", &response), wanted) != NULL;
}

static void file_open(const struct wire_server *server, const char *name, int *fd)
{
	char path[WIRE_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/data/%s", server->root, name);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	cr_assert(*fd >= 0, "%s", path);
}

/* ---- Versions -------------------------------------------------------------------------------- */

Test(etag, fifty_writes)
{
	static char etags[50][WIRE_VALUE_MAX];
	struct wire_server server = {0};
	struct wire_client client = {0};

	start(&server, NULL);
	wire_connect(&client, &server);
	for (unsigned i = 0; i < ARRAY_LEN(etags); i++) {
		put_text(&client, "PUT", "/data/key", "", i % 2 == 0 ? "abc" : "xyz", etags[i]);
		for (unsigned j = 0; j < i; j++)
			cr_assert_str_neq(etags[i], etags[j], "%u and %u", i, j);
		cr_assert(is_listed(&client, "/data?list-type=2", etags[i]));
		etag_of(&client, "/data/key", etags[0]);
		cr_assert_str_eq(etags[0], etags[i]);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Edited in place: the version goes, and so does the checksum of what was there. */
static void edited(struct wire_client *client, const struct wire_server *server)
{
	struct wire_response response;
	char before[WIRE_VALUE_MAX], after[WIRE_VALUE_MAX], value[WIRE_VALUE_MAX];
	int fd;

	put_text(client, "PUT", "/data/key", "x-amz-checksum-crc32: " CRC32_ABC "\r\n", "abc",
		 before);
	wire_ask(client, "HEAD", "/data/key", "x-amz-checksum-mode: ENABLED\r\n", &response);
	wire_field_is(&response, "x-amz-checksum-crc32", CRC32_ABC);
	file_open(server, "key", &fd);
	cr_assert_eq(pwrite(fd, "x", 1, 1), 1);
	close(fd);
	wire_ask(client, "HEAD", "/data/key", "x-amz-checksum-mode: ENABLED\r\n", &response);
	cr_assert_null(wire_field(&response, "x-amz-checksum-crc32", value));
	etag_of(client, "/data/key", after);
	cr_assert_str_neq(before, after);
}

/* Another file in its place, of the same size and with its time. */
static void replaced(struct wire_client *client, const struct wire_server *server)
{
	char before[WIRE_VALUE_MAX], after[WIRE_VALUE_MAX], from[WIRE_PATH_BYTES],
		to[WIRE_PATH_BYTES];
	struct stat st;
	int fd;

	put_text(client, "PUT", "/data/key", "", "abc", before);
	snprintf(from, sizeof(from), "%s/data/new", server->root);
	snprintf(to, sizeof(to), "%s/data/key", server->root);
	cr_assert_eq(stat(to, &st), 0);
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	file_open(server, "new", &fd);
	cr_assert(write(fd, "xyz", 3) == 3 && futimens(fd, times) == 0);
	close(fd);
	cr_assert_eq(rename(from, to), 0);
	etag_of(client, "/data/key", after);
	cr_assert_str_neq(before, after);
}

Test(etag, what_others_do_is_seen)
{
	static const char *const options[] = {"--etag=version", "--etag=md5"};

	for (unsigned i = 0; i < ARRAY_LEN(options); i++) {
		struct wire_server server = {0};
		struct wire_client client = {0};
		start(&server, options[i]);
		wire_connect(&client, &server);
		edited(&client, &server);
		replaced(&client, &server);
		wire_disconnect(&client);
		wire_server_stop(&server);
	}
}

/* ---- MD5 ------------------------------------------------------------------------------------- */

static void part_and_object(struct wire_client *client, const char *md5_of_part, const char *md5)
{
	struct wire_upload upload;
	char etag[WIRE_VALUE_MAX];

	wire_upload_begin(client, &upload, "/data/parts");
	put_text(client, "PUT", upload.part[0], "", "abc", etag);
	cr_assert_eq(strcmp(etag, MD5_ABC) == 0, md5_of_part != NULL);
	cr_assert(is_listed(client, upload.target, etag));
	complete(client, upload.target, etag);
	if (md5 != NULL)
		cr_assert_str_eq(etag, md5);
	else
		cr_assert_str_neq(etag, MD5_OF_PARTS);
}

Test(etag, md5_of_everything_that_is_written)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char etag[WIRE_VALUE_MAX];

	start(&server, "--etag=md5");
	wire_connect(&client, &server);
	put_text(&client, "PUT", "/data/abc", "", "abc", etag);
	cr_assert_str_eq(etag, MD5_ABC);
	put_text(&client, "PUT", "/data/empty", "Content-Type: text/plain\r\n", "", etag);
	is_md5(&client, "/data/abc", MD5_ABC);
	is_md5(&client, "/data/empty", MD5_EMPTY);
	cr_assert(is_listed(&client, "/data?list-type=2", MD5_ABC));
	cr_assert(is_listed(&client, "/data?list-type=2", MD5_EMPTY));
	put_text(&client, "PUT", "/data/copy", "x-amz-copy-source: /data/abc\r\n", "", etag);
	cr_assert_str_eq(etag, MD5_ABC);
	is_md5(&client, "/data/copy", MD5_ABC);
	part_and_object(&client, MD5_ABC, MD5_OF_PARTS);
	is_md5(&client, "/data/parts", MD5_OF_PARTS);
	/* The copy of an object of parts is of its bytes. */
	put_text(&client, "PUT", "/data/copy", "x-amz-copy-source: /data/parts\r\n", "", etag);
	cr_assert_str_eq(etag, MD5_ABC);
	put_text(&client, "PUT", "/data/abc", "If-Match: \"" MD5_ABC "\"\r\n", "", etag);
	is_md5(&client, "/data/abc", MD5_EMPTY);
	wire_ask_fails(&client, "DELETE", "/data/abc", "If-Match: \"" MD5_ABC "\"\r\n", 412,
		       "PreconditionFailed");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The option is of writes: what is there stays as it is, and what was begun is gone on with. */
Test(etag, md5_from_then_on)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char version[WIRE_VALUE_MAX], md5[WIRE_VALUE_MAX], etag[WIRE_VALUE_MAX];
	struct wire_upload upload;

	start(&server, NULL);
	wire_connect(&client, &server);
	put_text(&client, "PUT", "/data/version", "", "abc", version);
	wire_upload_begin(&client, &upload, "/data/begun");
	put_text(&client, "PUT", upload.part[0], "", "abc", etag);
	cr_assert_str_neq(etag, MD5_ABC);
	wire_disconnect(&client);
	wire_server_stop(&server);

	struct wire_server with_md5 = {.root = server.own_root};
	start(&with_md5, "--etag=md5");
	wire_connect(&client, &with_md5);
	put_text(&client, "PUT", "/data/md5", "", "abc", md5);
	complete(&client, upload.target, etag);
	cr_assert_str_eq(etag, MD5_OF_PARTS);
	etag_of(&client, "/data/version", etag);
	cr_assert_str_eq(etag, version);
	wire_disconnect(&client);
	wire_server_stop(&with_md5);

	struct wire_server without = {.root = server.own_root};
	start(&without, "--etag=version");
	wire_connect(&client, &without);
	is_md5(&client, "/data/md5", MD5_ABC);
	is_md5(&client, "/data/begun", MD5_OF_PARTS);
	put_text(&client, "PUT", "/data/copy", "x-amz-copy-source: /data/md5\r\n", "", etag);
	cr_assert_str_neq(etag, MD5_ABC);
	part_and_object(&client, NULL, NULL);
	wire_disconnect(&client);
	wire_server_stop(&without);
}

/* ---- A root of 0.1 --------------------------------------------------------------------------- */

#define ID_0_1 "00112233445566778899aabbccddeeff"

/* What 0.1 has left: an object with a content type and a checksum, and an upload that its client
 * holds the ETag of a part of. */
static void make_root_of_0_1(const struct wire_server *server, char part_etag[WIRE_VALUE_MAX])
{
	static const char fields[] = "Content-Type: text/plain\r\nx-amz-meta-a: b\r\n";
	static const char sums[] = "x-amz-checksum-crc32: " CRC32_ABC "\r\n";
	static const char info[] = "begun\0Content-Type: text/html\r\n";
	const struct timespec times[2] = {{.tv_sec = 1763000000}, {1763000000, 123456789}};
	char path[WIRE_PATH_BYTES];
	int fd;

	file_open(server, "object", &fd);
	cr_assert(write(fd, "abc", 3) == 3 && fchmod(fd, 01644) == 0 &&
		  fsetxattr(fd, "user.sluice.fields", fields, strlen(fields), 0) == 0 &&
		  fsetxattr(fd, "user.sluice.checksums", sums, strlen(sums), 0) == 0 &&
		  futimens(fd, times) == 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/data/.sluice", server->root);
	cr_assert_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/data/.sluice/up-" ID_0_1, server->root);
	cr_assert_eq(mkdir(path, 0755), 0);
	file_open(server, ".sluice/up-" ID_0_1 "/info", &fd);
	cr_assert_eq(write(fd, info, sizeof(info) - 1), (ssize_t)sizeof(info) - 1);
	close(fd);
	file_open(server, ".sluice/up-" ID_0_1 "/part-00001", &fd);
	cr_assert(write(fd, "abc", 3) == 3 && futimens(fd, times) == 0);
	close(fd);
	snprintf(part_etag, WIRE_VALUE_MAX, "%010llx%08lx%014x-1",
		 (unsigned long long)times[1].tv_sec, times[1].tv_nsec, 3);
}

Test(etag, root_of_0_1)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char part[WIRE_VALUE_MAX], etag[WIRE_VALUE_MAX];

	wire_server_root(&server);
	make_root_of_0_1(&server, part);
	start(&server, NULL);
	wire_connect(&client, &server);
	wire_ask(&client, "HEAD", "/data/object", "x-amz-checksum-mode: ENABLED\r\n", &response);
	cr_assert_eq(response.status, 200);
	wire_field_is(&response, "Content-Type", "text/plain");
	wire_field_is(&response, "x-amz-meta-a", "b");
	wire_field_is(&response, "x-amz-checksum-crc32", CRC32_ABC);
	cr_assert_eq(sscanf(response.etag, "\"%99[0-9a-f-]\"", etag), 1);
	cr_assert(is_listed(&client, "/data?list-type=2", etag));
	complete(&client, "/data/begun?uploadId=" ID_0_1, part);
	wire_ask(&client, "HEAD", "/data/begun", "", &response);
	cr_assert_eq(response.content_length, 3);
	wire_field_is(&response, "Content-Type", "text/html");
	wire_disconnect(&client);
	wire_server_stop(&server);
}
