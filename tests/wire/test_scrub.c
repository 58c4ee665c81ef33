/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that has lost a bit: found by the server's scrub and by the command, told, counted, and
 * where it is asked for answered with an error instead of wrong bytes. */
#include "wire/wire.h"
#include "wire/wire_put.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(scrub, .timeout = WIRE_TIMEOUT);

/* As crc32(1) and base64(1) have them. */
#define CRC32_ABC "NSRBwg=="
#define CRC32_ABB "QiNxVA=="
#define DAMAGED   "sluice_scrub_objects_total{result=\"damaged\"}"
#define GOOD      "sluice_scrub_objects_total{result=\"good\"}"
#define UNCHECKED "sluice_scrub_objects_total{result=\"unchecked\"}"

/* A server on the root of another one; its options after that. */
static void start_on(struct wire_server *server, const struct wire_server *first)
{
	server->root = first != NULL ? first->own_root : wire_server_root(server);
	wire_server_start(server);
}

static void put_abc(struct wire_client *client, const char *target, const char *fields)
{
	struct wire_response response;

	cr_assert(wire_send(client, "PUT %s HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n%s\r\nabc",
			    target, fields));
	wire_read_head(client, &response);
	wire_read_text(client, &response);
	cr_assert_eq(response.status, 200, "%s", response.head);
}

/* data/bad and data/good with a checksum, data/none without; then a bit of data/bad is lost, which
 * nothing else tells of. */
static void make_objects(const struct wire_server *server)
{
	struct wire_client client = {0};
	char path[WIRE_PATH_BYTES];
	struct stat st;

	wire_connect(&client, server);
	put_abc(&client, "/data/bad", "x-amz-checksum-crc32: " CRC32_ABC "\r\n");
	put_abc(&client, "/data/good", "x-amz-checksum-crc32: " CRC32_ABC "\r\n");
	put_abc(&client, "/data/none", "");
	wire_disconnect(&client);
	snprintf(path, sizeof(path), "%s/data/bad", server->root);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(fd >= 0 && fstat(fd, &st) == 0 && pwrite(fd, "b", 1, 2) == 1);
	const struct timespec times[] = {st.st_atim, st.st_mtim};
	cr_assert_eq(futimens(fd, times), 0);
	close(fd);
}

static void answers(const struct wire_server *server, const char *text)
{
	struct wire_response response;
	struct wire_client client = {0};

	wire_connect(&client, server);
	cr_assert_str_eq(wire_ask_text(&client, "GET", "/data/bad", "", &response), text);
	cr_assert_eq(response.status, 200);
	wire_disconnect(&client);
}

/* Its bytes go to nobody, by no way; all others do. */
static void is_quarantined(const struct wire_server *server)
{
	struct wire_response response;
	struct wire_client client = {0};

	wire_connect(&client, server);
	wire_ask_fails(&client, "GET", "/data/bad", "", 500, "InternalError");
	wire_ask_fails(&client, "GET", "/data/bad", "Range: bytes=0-0\r\n", 500, "InternalError");
	wire_ask(&client, "HEAD", "/data/bad", "", &response);
	cr_assert_eq(response.status, 500);
	/* What its bytes should be is true all the same. */
	const char *text = wire_ask_text(&client, "GET", "/data/bad?attributes",
					 "x-amz-object-attributes: Checksum\r\n", &response);
	cr_assert_not_null(strstr(text, "<ChecksumCRC32>" CRC32_ABC), "%s", text);
	if (server->writable) {
		wire_ask_fails(&client, "PUT", "/data/copy",
			       "Content-Length: 0\r\nx-amz-copy-source: /data/bad\r\n", 500,
			       "InternalError");
		wire_ask_fails(&client, "PUT", "/data/copy",
			       "Content-Length: 0\r\nx-amz-copy-source: /data/bad\r\n"
			       "x-amz-metadata-directive: REPLACE\r\n",
			       500, "InternalError");
	}
	cr_assert_str_eq(wire_ask_text(&client, "GET", "/data/good", "", &response), "abc");
	cr_assert_not_null(strstr(wire_ask_text(&client, "GET", "/data?list-type=2", "", &response),
				  "<Key>bad</Key>"));
	wire_disconnect(&client);
}

static void pass_is_counted(struct wire_server *server, unsigned good, unsigned damaged,
			    unsigned unchecked)
{
	wire_metric_reaches(server, "sluice_scrub_last_pass_timestamp_seconds", 1);
	cr_expect_eq(wire_metric(server, GOOD), good);
	cr_expect_eq(wire_metric(server, DAMAGED), damaged);
	cr_expect_eq(wire_metric(server, UNCHECKED), unchecked);
	cr_expect_eq(wire_metric(server, "sluice_scrub_damaged_objects"), damaged);
	/* What differs is read twice. */
	cr_expect_eq(wire_metric(server, "sluice_scrub_bytes_total"), 3 * (good + 2 * damaged));
}

Test(scrub, told_and_counted)
{
	struct wire_server first = {.writable = true};

	start_on(&first, NULL);
	make_objects(&first);
	cr_expect_eq(wire_metric(&first, "sluice_scrub_bytes_total"), 0, "off");
	wire_server_stop(&first);
	struct wire_server server = {.option = {"--scrub-rate=1GiB"}};
	start_on(&server, &first);
	wire_log_has(&server, "level=error", "scrub: damaged object", "bucket=data", "key=bad",
		     "checksum=crc32", CRC32_ABC, CRC32_ABB, "quarantined=no");
	wire_log_has(&server, "scrub: pass complete", "good=1", "damaged=1", "unchecked=1");
	pass_is_counted(&server, 1, 1, 1);
	answers(&server, "abb");
	wire_server_stop(&server);
}

Test(scrub, quarantine)
{
	/* The first has no scrub of its own, and runs all the time. */
	struct wire_server first = {.writable = true};
	struct wire_client client = {0};
	struct wire_response response;

	start_on(&first, NULL);
	make_objects(&first);
	answers(&first, "abb");
	struct wire_server scrubs = {.option = {"--scrub-rate=1GiB", "--scrub-quarantine"},
				     .writable = true};
	start_on(&scrubs, &first);
	wire_log_has(&scrubs, "scrub: damaged object", "key=bad", "quarantined=yes");
	pass_is_counted(&scrubs, 1, 1, 1);
	is_quarantined(&scrubs);
	is_quarantined(&first);
	wire_server_stop(&scrubs);
	struct wire_server reads = {0};
	start_on(&reads, &first);
	is_quarantined(&reads);
	wire_server_stop(&reads);

	wire_connect(&client, &first);
	put_abc(&client, "/data/bad", "x-amz-checksum-crc32: " CRC32_ABC "\r\n");
	cr_assert_str_eq(wire_ask_text(&client, "GET", "/data/bad", "", &response), "abc");
	wire_disconnect(&client);
	struct wire_server again = {.option = {"--scrub-rate=1GiB", "--scrub-quarantine"},
				    .writable = true};
	start_on(&again, &first);
	pass_is_counted(&again, 2, 0, 1);
	wire_server_stop(&again);
	wire_server_stop(&first);
}

Test(scrub, quarantined_is_deleted)
{
	struct wire_server first = {.writable = true};
	struct wire_response response;
	struct wire_client client = {0};

	start_on(&first, NULL);
	make_objects(&first);
	struct wire_server scrubs = {.option = {"--scrub-rate=1GiB", "--scrub-quarantine"},
				     .writable = true};
	start_on(&scrubs, &first);
	pass_is_counted(&scrubs, 1, 1, 1);
	wire_connect(&client, &scrubs);
	wire_ask(&client, "DELETE", "/data/bad", "", &response);
	cr_assert_eq(response.status, 204);
	wire_is_absent(&client, "/data/bad");
	wire_disconnect(&client);
	wire_server_stop(&scrubs);
	wire_server_stop(&first);
}

/* At this rate a pass takes hours. */
Test(scrub, ends_with_the_server)
{
	struct wire_server first = {.writable = true};
	struct wire_client client = {0};

	start_on(&first, NULL);
	make_objects(&first);
	wire_connect(&client, &first);
	wire_put_well(&client, "/data/large", 1, WIRE_MIB);
	wire_disconnect(&client);
	wire_server_stop(&first);
	struct wire_server server = {.option = {"--scrub-rate=1"}};
	start_on(&server, &first);
	wire_server_stop(&server);
}

/* ---- The command ----------------------------------------------------------------------------- */

static void command(const struct wire_env *env, const char *root, const char *const options[2],
		    struct wire_program *program)
{
	char in[PATH_MAX + 16], words[2][64];
	char *argv[] = {
		(char *)(uintptr_t)env->program, (char *)(uintptr_t) "scrub", in, NULL, NULL, NULL};

	snprintf(in, sizeof(in), "--root=%s", root);
	for (int i = 0; i < 2 && options[i] != NULL; i++) {
		snprintf(words[i], sizeof(words[i]), "%s", options[i]);
		argv[3 + i] = words[i];
	}
	wire_program_run(env, argv, program);
}

#define COMMAND(...)                                                                               \
	command(&server.env, server.root, (const char *const[2]){__VA_ARGS__}, &program)

Test(scrub, command)
{
	static const char json[] =
		"{\"damaged_objects\":[{\"bucket\":\"data\",\"key\":\"bad\",\"checksum\":\"crc32\","
		"\"expected\":\"" CRC32_ABC "\",\"read\":\"" CRC32_ABB "\",\"quarantined\":false}],"
		"\"good\":1,\"damaged\":1,\"unchecked\":1,\"bytes\":9,\"seconds\":";
	static struct wire_program program;
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};

	start_on(&server, NULL);
	COMMAND(NULL);
	cr_assert_eq(program.exit_code, 0, "%s", program.err);
	cr_assert_str_eq(program.out, "");
	make_objects(&server);
	COMMAND(NULL);
	cr_assert_eq(program.exit_code, 7, "%s", program.err);
	cr_assert_str_eq(program.out,
			 "damaged: data/bad: crc32: expected " CRC32_ABC ", read " CRC32_ABB "\n");
	cr_assert_not_null(strstr(program.err, "1 good, 1 damaged, 1 unchecked"), "%s",
			   program.err);
	cr_assert_null(strchr(program.err, '\r'), "progress is for terminals");
	answers(&server, "abb");
	COMMAND("--bucket=data", "--json");
	cr_assert_eq(program.exit_code, 7, "%s", program.err);
	cr_assert_eq(strncmp(program.out, json, strlen(json)), 0, "%s", program.out);
	COMMAND("--quarantine", "--rate=1GiB");
	cr_assert_eq(program.exit_code, 7, "%s", program.err);
	cr_assert_not_null(strstr(program.out, ", quarantined\n"), "%s", program.out);
	is_quarantined(&server);

	wire_connect(&client, &server);
	put_abc(&client, "/data/bad", "x-amz-checksum-crc32: " CRC32_ABC "\r\n");
	wire_disconnect(&client);
	COMMAND("--bucket=data", "--bucket=data");
	cr_assert_eq(program.exit_code, 0, "%s", program.err);
	answers(&server, "abc");
	COMMAND("--bucket=absent");
	cr_assert_eq(program.exit_code, 3, "%s", program.err);
	COMMAND("--bucket=..");
	cr_assert_eq(program.exit_code, 3, "%s", program.err);
	COMMAND("--rate=fast");
	cr_assert_eq(program.exit_code, 2, "%s", program.err);
	command(&server.env, "/nonexistent", (const char *const[2]){NULL}, &program);
	cr_assert_eq(program.exit_code, 3, "%s", program.err);
	wire_server_stop(&server);
}
