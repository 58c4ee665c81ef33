/* SPDX-License-Identifier: Apache-2.0 */
/* What /metrics says, beside what happened and what the kernel says of the same process. */
#include "wire/wire.h"
#include "wire/wire_put.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/operations.h"
#include "io/offload.h"

TestSuite(metrics, .timeout = WIRE_TIMEOUT);

/* A scrape, kept. */
struct text {
	char *at;
};

static void scrape(const struct wire_server *server, struct text *text)
{
	if (text->at == NULL)
		text->at = malloc(WIRE_ADMIN_MAX);
	must(text->at != NULL);
	cr_assert_eq(wire_admin_get(server, "/metrics", text->at), 200);
}

/* -1: the row is absent. */
static double value_of(const struct text *text, const char *row)
{
	size_t len = strlen(row);
	for (const char *at = text->at; (at = strstr(at, row)) != NULL; at += len)
		if (at[-1] == '\n' && at[len] == ' ')
			return strtod(at + len, NULL);
	return -1;
}

/* Of all rows that begin so. */
static double sum_of(const struct text *text, const char *beginning)
{
	size_t len = strlen(beginning);
	double sum = 0;

	for (const char *at = text->at; (at = strstr(at, beginning)) != NULL; at += len)
		if (at[-1] == '\n')
			sum += strtod(strchr(at, ' '), NULL);
	return sum;
}

static void metric_becomes(struct wire_server *server, const char *name, uint64_t value)
{
	uint64_t end_ms = wire_patience_end(&server->env), now;

	while ((now = wire_metric(server, name)) != value) {
		cr_assert_lt(wire_now_ms(), end_ms, "%s is %" PRIu64 ", not %" PRIu64, name, now,
			     value);
		poll(NULL, 0, WIRE_POLL_MS);
	}
}

/* ---- Requests ------------------------------------------------------------------------------- */

struct expected {
	uint64_t count[S3_OPERATION_COUNT];
};

static void ask_ok(struct wire_client *client, struct expected *expected, enum s3_operation of,
		   const char *method, const char *target, const char *fields)
{
	struct wire_response response;

	wire_ask(client, method, target, fields, &response);
	cr_assert_lt(response.status, 300, "%s %s: %s", method, target, response.head);
	if (strcmp(method, "HEAD") != 0 && response.status != 204)
		wire_read_text(client, &response);
	expected->count[of]++;
}

static void objects(struct wire_client *client, struct expected *expected)
{
	wire_put_well(client, "/data/one", 1, 100000);
	expected->count[S3_PUT_OBJECT]++;
	for (int i = 0; i < 3; i++) {
		wire_fetch(client, "/data/one", 1, 100000);
		expected->count[S3_GET_OBJECT]++;
	}
	wire_ask_fails(client, "GET", "/data/absent", "", 404, "NoSuchKey");
	expected->count[S3_GET_OBJECT]++;
	ask_ok(client, expected, S3_HEAD_OBJECT, "HEAD", "/data/one", "");
	ask_ok(client, expected, S3_GET_OBJECT_ATTRIBUTES, "GET", "/data/one?attributes",
	       "x-amz-object-attributes: ObjectSize\r\n");
	ask_ok(client, expected, S3_GET_OBJECT_TAGGING, "GET", "/data/one?tagging", "");
	ask_ok(client, expected, S3_GET_OBJECT_SETTING, "GET", "/data/one?acl", "");
	ask_ok(client, expected, S3_GET_BUCKET_SETTING, "GET", "/data?versioning", "");
	ask_ok(client, expected, S3_COPY_OBJECT, "PUT", "/data/two",
	       "x-amz-copy-source: /data/one\r\nContent-Length: 0\r\n");
	ask_ok(client, expected, S3_DELETE_OBJECT, "DELETE", "/data/two", "");
}

/* A head that is not as all others are, and no body. */
static void head_has(struct wire_client *client, const char *beginning)
{
	char text[1024];
	size_t have = 0;

	while (have < 4 || memcmp(text + have - 4, "\r\n\r\n", 4) != 0) {
		must(have < sizeof(text) - 1);
		cr_assert_eq(wire_read(client, text + have, 1), 1, "%s",
			     wire_end_text(client->end));
		have++;
	}
	text[have] = '\0';
	cr_assert_eq(strncmp(text, beginning, strlen(beginning)), 0, "%s", text);
}

static void buckets(struct wire_client *client, struct expected *expected)
{
	ask_ok(client, expected, S3_LIST_BUCKETS, "GET", "/", "");
	wire_send(client, "PUT /another HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	head_has(client, "HTTP/1.1 200 "); /* with Location, as no other answer */
	expected->count[S3_CREATE_BUCKET]++;
	ask_ok(client, expected, S3_HEAD_BUCKET, "HEAD", "/another", "");
	ask_ok(client, expected, S3_GET_BUCKET_LOCATION, "GET", "/another?location", "");
	ask_ok(client, expected, S3_DELETE_BUCKET, "DELETE", "/another", "");
	ask_ok(client, expected, S3_LIST_OBJECTS, "GET", "/data", "");
	ask_ok(client, expected, S3_LIST_OBJECTS_V2, "GET", "/data?list-type=2&prefix=o", "");
	ask_ok(client, expected, S3_LIST_OBJECTS_V2, "GET", "/data?prefix=o&list-type=2", "");
	ask_ok(client, expected, S3_LIST_OBJECT_VERSIONS, "GET", "/data?versions", "");
	ask_ok(client, expected, S3_LIST_MULTIPART_UPLOADS, "GET", "/data?uploads", "");
}

static void multipart(struct wire_client *client, struct expected *expected)
{
	static const uint64_t bytes[2] = {5 * WIRE_MIB, 1000};
	struct wire_upload upload;
	struct wire_response response;
	char target[256];

	wire_upload_begin(client, &upload, "/data/parts");
	wire_upload_fill(client, &upload, bytes);
	wire_upload_has(client, &upload, 2);
	snprintf(target, sizeof(target), "/data/parts?partNumber=3&%s", upload.query);
	ask_ok(client, expected, S3_UPLOAD_PART_COPY, "PUT", target,
	       "x-amz-copy-source: /data/one\r\nContent-Length: 0\r\n");
	wire_upload_complete(client, &upload, &response);
	cr_assert_eq(response.status, 200);
	wire_read_text(client, &response);
	wire_upload_begin(client, &upload, "/data/given-up");
	ask_ok(client, expected, S3_ABORT_MULTIPART_UPLOAD, "DELETE", upload.target, "");
	expected->count[S3_CREATE_MULTIPART_UPLOAD] += 2;
	expected->count[S3_UPLOAD_PART] += 2;
	expected->count[S3_LIST_PARTS]++;
	expected->count[S3_COMPLETE_MULTIPART_UPLOAD]++;
}

/* What no operation was found for. */
static void others(struct wire_server *server, struct wire_client *client,
		   struct expected *expected)
{
	struct wire_client bad = {0};
	struct wire_response response;

	wire_ask_fails(client, "GET", "/data?abac", "", 501, "NotImplemented");
	expected->count[S3_OPERATION_NONE]++;
	wire_connect(&bad, server);
	wire_send(&bad, "GET /data/one HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n");
	wire_read_head(&bad, &response);
	cr_assert_eq(response.status, 400);
	wire_disconnect(&bad);
	expected->count[S3_OPERATION_NONE]++;
}

static void check_operation(const struct text *text, const char *name, uint64_t count)
{
	static const char *const families[] = {"sluice_http_request_duration_seconds",
					       "sluice_http_time_to_first_byte_seconds"};
	char row[160];

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		snprintf(row, sizeof(row), "%s_count{operation=\"%s\"}", families[i], name);
		cr_assert_eq(value_of(text, row), (double)count, "%s is %g, not %" PRIu64, row,
			     value_of(text, row), count);
		snprintf(row, sizeof(row), "%s_bucket{operation=\"%s\",le=\"+Inf\"}", families[i],
			 name);
		cr_assert_eq(value_of(text, row), (double)count, "%s", row);
	}
}

Test(metrics, by_operation)
{
	static const char *const names[] = {
#define NAME(id, name) name,
		OPERATIONS(NAME) "other"};
#undef NAME
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct expected expected = {0};
	struct text text = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	objects(&client, &expected);
	buckets(&client, &expected);
	multipart(&client, &expected);
	others(&server, &client, &expected);
	wire_disconnect(&client);
	metric_becomes(&server, "sluice_connections", 0);
	scrape(&server, &text);
	for (int i = 0; i < S3_OPERATION_COUNT; i++) {
		cr_assert(expected.count[i] > 0 || i == S3_DELETE_OBJECTS, "%s was not asked for",
			  names[i]);
		check_operation(&text, names[i], expected.count[i]);
	}
	double requests = sum_of(&text, "sluice_http_requests_total{");
	cr_assert_gt(requests, 20);
	cr_assert_eq(sum_of(&text, "sluice_http_request_duration_seconds_count{"), requests);
	double first = sum_of(&text, "sluice_http_time_to_first_byte_seconds_sum{");
	cr_assert(first > 0 && first <= sum_of(&text, "sluice_http_request_duration_seconds_sum{"));
	free(text.at);
	wire_server_stop(&server);
}

/* A client that reads slowly makes the response long, and not its beginning late. */
Test(metrics, first_byte)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	struct text text = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	uint64_t since_ms = wire_now_ms();
	wire_get(&client, "/data/big", "", &response);
	wire_metric_reaches(&server, "sluice_http_inflight_requests", 1);
	uint64_t head_ms = wire_now_ms() - since_ms; /* its head is here: the first byte was sent */
	poll(NULL, 0, wire_ms(&server.env, 500));    /* what is to be measured: time that passes */
	wire_reset(&client);
	metric_becomes(&server, "sluice_http_inflight_requests", 0);
	scrape(&server, &text);
	double first = value_of(
		&text, "sluice_http_time_to_first_byte_seconds_sum{operation=\"GetObject\"}");
	double whole = value_of(
		&text, "sluice_http_request_duration_seconds_sum{operation=\"GetObject\"}");
	cr_assert_gt(first, 0);
	cr_assert_leq(first, (double)(head_ms + 1) / 1000, "%g s, and here after %d ms", first,
		      (int)head_ms);
	cr_assert_geq(whole, first + 0.4, "%g s of %g s", first, whole);
	free(text.at);
	wire_server_stop(&server);
}

/* Cut before anything was said: a duration, and no first byte. "100 Continue" is none either. */
Test(metrics, no_first_byte)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct text text = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "PUT /data/cut HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n"
			   "Expect: 100-continue\r\n\r\n");
	head_has(&client, "HTTP/1.1 100 ");
	wire_reset(&client);
	metric_becomes(&server, "sluice_connections", 0);
	scrape(&server, &text);
	cr_assert_eq(
		value_of(&text,
			 "sluice_http_request_duration_seconds_count{operation=\"PutObject\"}"),
		1);
	cr_assert_eq(
		value_of(&text,
			 "sluice_http_time_to_first_byte_seconds_count{operation=\"PutObject\"}"),
		0);
	free(text.at);
	wire_server_stop(&server);
}

/* ---- Uploads -------------------------------------------------------------------------------- */

Test(metrics, uploads_inflight)
{
	struct wire_server server = {.writable = true};
	struct wire_client client[3] = {0};
	struct wire_response response;

	wire_server_root(&server);
	wire_server_start(&server);
	cr_assert_eq(wire_metric(&server, "sluice_uploads_inflight"), 0);
	for (size_t i = 0; i < ARRAY_LEN(client); i++) {
		wire_connect(&client[i], &server);
		wire_send(&client[i],
			  "PUT /data/%zu HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf", i);
		metric_becomes(&server, "sluice_uploads_inflight", i + 1);
	}
	wire_send(&client[0], "full");
	wire_read_head(&client[0], &response);
	cr_assert_eq(response.status, 200);
	metric_becomes(&server, "sluice_uploads_inflight", 2);
	wire_reset(&client[1]);
	metric_becomes(&server, "sluice_uploads_inflight", 1);
	wire_disconnect(&client[2]);
	metric_becomes(&server, "sluice_uploads_inflight", 0);
	wire_disconnect(&client[0]);
	metric_becomes(&server, "sluice_io_uring_file_operations", 0);
	wire_server_stop(&server);
}

/* Those that fail are over, too: a body in a bad coding, and one with a wrong digest. */
Test(metrics, failed_uploads_are_over)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "PUT /data/md5 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
			   "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\nbody");
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 400, "BadDigest");
	wire_send(&client,
		  "PUT /data/chunk HTTP/1.1\r\nHost: a\r\n"
		  "Transfer-Encoding: chunked\r\nx-amz-decoded-content-length: 4\r\n\r\nxyz\r\n");
	wire_read_head(&client, &response);
	cr_assert_eq(response.status, 400);
	wire_disconnect(&client);
	metric_becomes(&server, "sluice_uploads_inflight", 0);
	wire_server_stop(&server);
}

static void expect_fsyncs(const char *durability, bool are_made)
{
	struct wire_server server = {.writable = true, .option = {durability}};
	struct wire_client client = {0};
	struct text text = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int i = 0; i < 3; i++)
		wire_put_well(&client, "/data/folder/key", 1, 100000);
	wire_disconnect(&client);
	scrape(&server, &text);
	double files = value_of(&text, "sluice_fsync_duration_seconds_count{target=\"file\"}");
	double folders = value_of(&text, "sluice_fsync_duration_seconds_count{target=\"folder\"}");
	cr_assert_eq(files, are_made ? 3 : 0);
	cr_assert(are_made ? folders >= 3 : folders == 0, "%g", folders);
	if (are_made)
		cr_assert_gt(value_of(&text, "sluice_fsync_duration_seconds_sum{target=\"file\"}"),
			     0);
	free(text.at);
	wire_server_stop(&server);
}

Test(metrics, fsyncs)
{
	expect_fsyncs("--durability=full", true);
}

Test(metrics, fsyncs_of_relaxed_durability)
{
	expect_fsyncs("--durability=relaxed", false);
}

/* ---- The process ---------------------------------------------------------------------------- */

/* A scrape whose connection stays: what is open in it is open after it. */
static int scrape_and_stay(const struct wire_server *server, struct text *text)
{
	static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t have = 0;
	ssize_t n;

	must(fd >= 0 && (text->at = malloc(WIRE_ADMIN_MAX)) != NULL);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&server->admin_sock_addr,
			     sizeof(server->admin_sock_addr)),
		     0);
	cr_assert_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	while ((n = recv(fd, text->at + have, WIRE_ADMIN_MAX - 1 - have, 0)) > 0)
		have += (size_t)n;
	cr_assert_eq(n, 0, "%s", strerror(errno));
	text->at[have] = '\0';
	return fd;
}

static unsigned count_descriptors(const struct wire_server *server)
{
	char path[64];
	unsigned count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)server->pid);
	DIR *dir = opendir(path);
	if (dir == NULL) /* it has keys in its memory: PR_SET_DUMPABLE */
		cr_skip_test("only root may look into a server's descriptors");
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* Scrapes until the number is the one that /proc has: the watch of the root opens it for an instant
 * now and then. Returns it. */
static double descriptors(struct wire_server *server)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	double said;
	bool is_agreed;

	do {
		struct text text = {0};
		int fd = scrape_and_stay(server, &text);
		said = value_of(&text, "process_open_fds");
		is_agreed = said == count_descriptors(server);
		close(fd);
		free(text.at);
		cr_assert_lt(wire_now_ms(), end_ms, "process_open_fds is %.0f", said);
	} while (!is_agreed);
	return said;
}

Test(metrics, descriptors)
{
	struct wire_server server = {0};
	struct wire_client client[10] = {0};
	struct rlimit limit;
	struct text text = {0};

	wire_server_start(&server);
	int fd = scrape_and_stay(&server, &text);
	cr_assert_eq(prlimit(server.pid, RLIMIT_NOFILE, NULL, &limit), 0);
	cr_assert_eq(value_of(&text, "process_max_fds"), (double)limit.rlim_cur);
	close(fd);
	double before = descriptors(&server);
	for (size_t i = 0; i < ARRAY_LEN(client); i++)
		wire_connect_tcp(&client[i], &server);
	wire_metric_reaches(&server, "sluice_connections", ARRAY_LEN(client));
	/* Beside them the admin port's own come and go. */
	double after = descriptors(&server);
	cr_assert_gt(after, before + (double)ARRAY_LEN(client) / 2, "%.0f, then %.0f", before,
		     after);
	for (size_t i = 0; i < ARRAY_LEN(client); i++)
		wire_disconnect(&client[i]);
	free(text.at);
	server.may_differ = true;
	wire_server_stop(&server);
}

/* A number after the name in /proc/PID/status. */
static double status_of(const struct wire_server *server, const char *name)
{
	char path[64], line[256];
	double value = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)server->pid);
	FILE *file = fopen(path, "re");
	must(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtod(line + strlen(name), NULL);
	fclose(file);
	return value;
}

Test(metrics, process)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct text text = {0}, later = {0};
	double before = (double)time(NULL);

	wire_server_start(&server);
	double after = (double)time(NULL) + 1;
	scrape(&server, &text);
	cr_assert(value_of(&text, "process_start_time_seconds") >= before - 1 &&
			  value_of(&text, "process_start_time_seconds") <= after,
		  "%f", value_of(&text, "process_start_time_seconds"));
	cr_assert_eq(value_of(&text, "process_threads"), status_of(&server, "Threads:"));
	double resident = status_of(&server, "VmRSS:") * 1024;
	cr_assert(value_of(&text, "process_resident_memory_bytes") > 0.5 * resident &&
			  value_of(&text, "process_resident_memory_bytes") < 2 * resident,
		  "%f, not %f", value_of(&text, "process_resident_memory_bytes"), resident);
	cr_assert_geq(value_of(&text, "process_virtual_memory_bytes"), resident);

	double cpu = value_of(&text, "process_cpu_seconds_total");
	cr_assert_gt(cpu, 0);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-131073", 131073, 131073);
	scrape(&server, &later);
	cr_assert_gt(value_of(&later, "process_cpu_seconds_total"), cpu);
	cr_assert_eq(value_of(&later, "process_start_time_seconds"),
		     value_of(&text, "process_start_time_seconds"));
	wire_disconnect(&client);
	free(text.at);
	free(later.at);
	wire_server_stop(&server);
}

/* ---- Limits --------------------------------------------------------------------------------- */

Test(metrics, limits)
{
	struct wire_server server = {
		.option = {"--max-connections=77", "--send-buffers=40", "--workers=3"}};
	struct wire_client client = {0};
	struct text text = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "GET /data/size-100 HTT");
	wire_metric_reaches(&server, "sluice_pool_used{pool=\"head_buffers\"}", 1);
	scrape(&server, &text);
	bool has_epoll = strstr(text.at, "sluice_io_engine_info{engine=\"epoll\"}") != NULL;
	cr_assert(has_epoll || strcmp(server.env.io_engine, "epoll") != 0);
	const struct {
		const char *row;
		double value;
	} rows[] = {
		{"sluice_connections", 1},
		{"sluice_connections_limit", 77},
		{"sluice_pool_limit{pool=\"send_buffers\"}", 3 * 40},
		{"sluice_pool_limit{pool=\"head_buffers\"}", 3 * HEAD_BUFS_MAX},
		{"sluice_pool_limit{pool=\"receive_buffers\"}", 3 * RX_BUFS_MAX},
		{"sluice_pool_limit{pool=\"pipes\"}", 3 * PIPES_MAX},
		{"sluice_pool_used{pool=\"send_buffers\"}", 0},
		{"sluice_pool_used{pool=\"pipes\"}", 0},
		{"sluice_file_threads_limit{group=\"read\"}", OFFLOAD_THREADS_MAX},
		{"sluice_file_threads_limit{group=\"write\"}", OFFLOAD_THREADS_MAX},
		{"sluice_file_threads_busy{group=\"read\"}", 0},
		{"sluice_file_calls_queued{group=\"write\"}", 0},
		{"sluice_io_uring_file_operations_limit",
		 has_epoll ? OFFLOAD_THREADS_MAX : 3 * RING_IOWQ_WORKERS_MAX},
		{has_epoll ? "sluice_io_engine_info{engine=\"epoll\"}"
			   : "sluice_io_engine_info{engine=\"io_uring\"}",
		 1},
		{"sluice_admin_connections_limit", 16},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_assert_eq(value_of(&text, rows[i].row), rows[i].value, "%s is %g", rows[i].row,
			     value_of(&text, rows[i].row));
	wire_reset(&client);
	metric_becomes(&server, "sluice_pool_used{pool=\"head_buffers\"}", 0);
	free(text.at);
	wire_server_stop(&server);
}

/* A response that its client does not read keeps a buffer; when it ends, it is given back. */
Test(metrics, pools_in_use)
{
	struct wire_server server = {.engine = "copy"};
	struct wire_client client[4] = {0};
	struct wire_response response;

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(client); i++) {
		wire_connect(&client[i], &server);
		wire_get(&client[i], "/data/big", "", &response);
	}
	wire_metric_reaches(&server, "sluice_pool_used{pool=\"send_buffers\"}", ARRAY_LEN(client));
	for (size_t i = 0; i < ARRAY_LEN(client); i++)
		wire_reset(&client[i]);
	metric_becomes(&server, "sluice_pool_used{pool=\"send_buffers\"}", 0);
	metric_becomes(&server, "sluice_io_uring_file_operations", 0);
	wire_server_stop(&server);
}

/* Others use this file system, too: only its size is exact. (disk::metrics has one of its own.) */
Test(metrics, root)
{
	struct wire_server server = {0};
	struct text text = {0};
	struct statvfs state;
	char path[WIRE_PATH_BYTES];

	wire_server_start(&server);
	scrape(&server, &text);
	snprintf(path, sizeof(path), "%s/root", server.env.dir);
	cr_assert_eq(statvfs(path, &state), 0);
	double size = (double)state.f_blocks * (double)state.f_frsize;
	double free_bytes = (double)state.f_bavail * (double)state.f_frsize;
	cr_assert_eq(value_of(&text, "sluice_root_size_bytes"), size);
	cr_assert_lt(
		abs((int)((value_of(&text, "sluice_root_free_bytes") - free_bytes) * 100 / size)),
		10);
	cr_assert_eq(value_of(&text, "sluice_root_inodes"),
		     state.f_files > 0 ? (double)state.f_files : -1);
	double read_at = value_of(&text, "sluice_root_read_timestamp_seconds");
	cr_assert(read_at > 0 && read_at <= (double)time(NULL));
	free(text.at);
	wire_server_stop(&server);
}

/* The rows are absent until the first sweep has ended. */
static void swept_uploads_are(const struct wire_server *server, double count)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	struct text text = {0};

	for (scrape(server, &text); value_of(&text, "sluice_multipart_uploads") < 0;
	     scrape(server, &text)) {
		cr_assert_lt(wire_now_ms(), end_ms, "no sweep has ended");
		poll(NULL, 0, WIRE_POLL_MS);
	}
	cr_assert_eq(value_of(&text, "sluice_multipart_uploads"), count);
	free(text.at);
}

/* Left open by clients that may go on, as the sweep at the start counts them. */
Test(metrics, multipart_uploads)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct wire_upload upload[3];

	wire_server_root(&server);
	wire_server_start(&server);
	swept_uploads_are(&server, 0);
	wire_connect(&client, &server);
	for (size_t i = 0; i < ARRAY_LEN(upload); i++)
		wire_upload_begin(&client, &upload[i], "/data/open");
	wire_disconnect(&client);
	wire_server_stop(&server);
	wire_server_start(&server);
	swept_uploads_are(&server, 3);
	cr_assert_gt(wire_metric(&server, "sluice_sweep_timestamp_seconds"), 0);
	wire_server_stop(&server);
}
