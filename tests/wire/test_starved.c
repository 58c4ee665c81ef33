/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server whose limits (setrlimit) are lowered while it runs: of open files, and of a file's size.
 * What cannot be done is refused and leaves nothing; when the limit is raised again all goes on.
 */
#include "wire/wire.h"
#include "wire/wire_put.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(starved, .timeout = WIRE_TIMEOUT);

/* The soft one of the server as it runs; returns what it was. */
static rlim_t limit_set(const struct wire_server *server, enum __rlimit_resource resource,
			rlim_t limit)
{
	struct rlimit was, wanted;

	cr_assert_eq(prlimit(server->pid, resource, NULL, &was), 0, "%s", strerror(errno));
	wanted = (struct rlimit){.rlim_cur = limit, .rlim_max = was.rlim_max};
	cr_assert_eq(prlimit(server->pid, resource, &wanted, NULL), 0, "%s", strerror(errno));
	return was.rlim_cur;
}

/* Longer than files may be. Without a handler the kernel's SIGXFSZ would end the server. */
Test(starved, files_that_may_not_grow)
{
	static const uint64_t bytes[] = {5 * WIRE_MIB, 100000};
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct wire_response response;
	struct wire_upload upload = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/source", 3, 4 * WIRE_MIB);
	wire_put_well(&client, "/data/key", 1, 5000);
	wire_upload_begin(&client, &upload, "/data/key");
	wire_upload_fill(&client, &upload, bytes);
	rlim_t was = limit_set(&server, RLIMIT_FSIZE, WIRE_MIB);
	for (int is_chunked = 0; is_chunked < 2; is_chunked++) {
		wire_put_refused(&server, "/data/key", is_chunked, 400, "EntityTooLarge");
		wire_put_refused(&server, upload.part[0], is_chunked, 400, "EntityTooLarge");
	}
	wire_ask_fails(&client, "PUT", "/data/key", "x-amz-copy-source: /data/source\r\n", 400,
		       "EntityTooLarge");
	wire_upload_complete(&client, &upload, &response);
	wire_read_error(&client, &response, 400, "EntityTooLarge");
	wire_log_has(&server, "level=error", "PUT data/key", "File too large");
	wire_fetch(&client, "/data/key", 1, 5000);
	wire_put_well(&client, "/data/key", 2, WIRE_MIB);
	wire_fetch(&client, "/data/key", 2, WIRE_MIB);
	wire_upload_has(&client, &upload, 2);
	cr_assert_eq(wire_leftovers(&server), 0);

	limit_set(&server, RLIMIT_FSIZE, was);
	wire_upload_complete(&client, &upload, &response);
	wire_read_text(&client, &response);
	cr_assert_eq(response.status, 200, "%s", response.text);
	wire_upload_is_object(&client, "/data/key", bytes);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Nor may the log: lines are lost, the server is not. */
Test(starved, a_log_that_may_not_grow)
{
	struct wire_server server = {
		.writable = true, .log_kind = WIRE_LOG_FILE, .may_lose_lines = true};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/key", 1, 5000);
	wire_log_has(&server, "msg=request", "method=PUT");
	rlim_t was = limit_set(&server, RLIMIT_FSIZE, 1);
	for (int i = 0; i < 3; i++) {
		wire_put(&client, "/data/key", 2, 6000, &response);
		wire_read_error(&client, &response, 400, "EntityTooLarge");
		wire_fetch(&client, "/data/key", 1, 5000);
	}
	cr_assert_eq(wire_log_count(&server, "status=400"), 0);
	cr_assert_geq(wire_metric(&server, "sluice_log_lines_lost_total"), 6);
	limit_set(&server, RLIMIT_FSIZE, was);
	wire_put_well(&client, "/data/key", 2, 6000);
	wire_fetch(&client, "/data/key", 2, 6000);
	wire_log_has(&server, "msg=request", "method=GET", "bytes=6000");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Out of descriptors ----------------------------------------------------------------------
 */

#define FDS_MAX    4096
#define SPARE_MAX  16
#define SOME_BYTES 6000

/* Which numbers are in use in the server; returns how many are files of its root. */
static unsigned descriptors_read(const struct wire_server *server, bool is_used[FDS_MAX])
{
	char path[64], link[WIRE_PATH_BYTES];
	size_t root_len = strlen(server->own_root);
	unsigned count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)server->pid);
	DIR *dir = opendir(path);
	cr_assert_not_null(dir, "%s: %s", path, strerror(errno));
	memset(is_used, 0, FDS_MAX * sizeof(*is_used));
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		unsigned long fd = strtoul(entry->d_name, NULL, 10);
		cr_assert_lt(fd, FDS_MAX);
		is_used[fd] = true;
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		count += n > (ssize_t)root_len && link[root_len] == '/' &&
			 memcmp(link, server->own_root, root_len) == 0;
	}
	closedir(dir);
	return count;
}

/* What a request has opened is closed, some of it after the answer. */
static void descriptors_settle(const struct wire_server *server)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	bool is_used[FDS_MAX];
	unsigned count;

	while ((count = descriptors_read(server, is_used)) > 0) {
		cr_assert_lt(wire_now_ms(), end_ms, "%u files are still open", count);
		poll(NULL, 0, WIRE_POLL_MS);
	}
}

/* The limit with which the server can open exactly so many more. */
static rlim_t limit_for(const struct wire_server *server, unsigned spare)
{
	bool is_used[FDS_MAX];
	unsigned limit = 0;

	descriptors_read(server, is_used);
	for (; is_used[limit] || spare > 0; limit++)
		spare -= !is_used[limit];
	return limit;
}

enum body { NOTHING, OBJECT, PARTS };

struct wish {
	const char *method;
	const char *target;
	const char *fields;
	enum body body;
};

static void wish_send(struct wire_client *client, const struct wish *wish, uint64_t seed,
		      const struct wire_upload *upload, struct wire_response *response)
{
	if (wish->body == OBJECT)
		wire_put(client, wish->target, seed, SOME_BYTES, response);
	else if (wish->body == PARTS)
		wire_upload_complete(client, upload, response);
	else
		wire_ask(client, wish->method, wish->target, wish->fields, response);
}

/* Made with nothing to spare, then with one descriptor more each time, until it is served; before
 * that it is refused and leaves nothing behind. */
static void starve(const struct wire_server *server, struct wire_client *client,
		   const struct wish *wish, uint64_t seed, const struct wire_upload *upload)
{
	struct wire_response response = {0};
	unsigned spare = 0;

	for (; response.status / 100 != 2; spare++) {
		cr_assert_leq(spare, SPARE_MAX, "%s %s is never served", wish->method,
			      wish->target);
		descriptors_settle(server);
		rlim_t was = limit_set(server, RLIMIT_NOFILE, limit_for(server, spare));
		wish_send(client, wish, seed, upload, &response);
		if (response.status / 100 != 2)
			wire_read_error(client, &response, 503, "SlowDown");
		else
			wire_read_text(client, &response);
		cr_assert(!response.says_close);
		descriptors_settle(server);
		limit_set(server, RLIMIT_NOFILE, was);
		cr_assert_eq(wire_leftovers(server), 0, "%s %s with %u spare", wish->method,
			     wish->target, spare);
	}
	cr_assert_gt(spare, 1, "%s %s needs no descriptor", wish->method, wish->target);
}

Test(starved, no_descriptors)
{
	static const uint64_t bytes[] = {5 * WIRE_MIB, 100};
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct wire_upload upload = {0};
	const char copy[] = "x-amz-copy-source: /data/dir/key\r\n",
		   empty[] = "Content-Length: 0\r\n";
	const struct wish reads[] = {{"GET", "/data/size-100", "", NOTHING},
				     {"HEAD", "/data/size-100", "", NOTHING},
				     {"GET", "/data?list-type=2", "", NOTHING},
				     {"GET", "/", "", NOTHING},
				     {"GET", upload.target, "", NOTHING}};
	const struct wish writes[] = {{"PUT", "/data/dir/key", "", OBJECT},
				      {"PUT", "/data/new/deep/key", "", OBJECT},
				      {"PUT", "/data/other/key", copy, NOTHING},
				      {"POST", "/data/key?uploads", empty, NOTHING},
				      {"PUT", upload.part[1], "", OBJECT},
				      {"DELETE", "/data/new/deep/key", "", NOTHING}};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/size-100", 100, 100);
	wire_put_well(&client, "/data/dir/key", 1, SOME_BYTES);
	wire_upload_begin(&client, &upload, "/data/done");
	wire_upload_fill(&client, &upload, bytes);
	for (size_t i = 0; i < ARRAY_LEN(reads); i++)
		starve(&server, &client, &reads[i], 0, NULL);
	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		starve(&server, &client, &writes[i], 2, NULL);
	wire_fetch(&client, "/data/dir/key", 2, SOME_BYTES);
	wire_fetch(&client, "/data/other/key", 2, SOME_BYTES);
	wire_is_absent(&client, "/data/new/deep/key");

	wire_upload_fill(&client, &upload, bytes);
	starve(&server, &client, &(struct wish){"POST", upload.target, "", PARTS}, 0, &upload);
	wire_upload_is_object(&client, "/data/done", bytes);
	wire_upload_begin(&client, &upload, "/data/never");
	starve(&server, &client, &(struct wish){"DELETE", upload.target, "", NOTHING}, 0, NULL);
	wire_ask_fails(&client, "GET", upload.target, "", 404, "NoSuchUpload");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A client that cannot be let in waits, and is served when it can. */
Test(starved, no_descriptor_for_a_connection)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0}, late = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/size-100", 100, 100);
	descriptors_settle(&server);
	rlim_t was = limit_set(&server, RLIMIT_NOFILE, limit_for(&server, 0));
	wire_prepare(&late, &server);
	wire_client_hello(&late);
	wire_log_has(&server, "level=warn", "accept: Too many open files");
	wire_ask_fails(&client, "GET", "/data/size-100", "", 503, "SlowDown");
	limit_set(&server, RLIMIT_NOFILE, was);
	cr_assert(wire_handshake(&late));
	wire_fetch(&late, "/data/size-100", 100, 100);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&late);
	wire_disconnect(&client);
	wire_server_stop(&server);
}
