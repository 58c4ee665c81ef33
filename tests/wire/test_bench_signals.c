/* SPDX-License-Identifier: Apache-2.0 */
/* sluice bench that is interrupted: what it leaves and what it reports. */
#include "wire/wire_bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "wire/wire_put.h"

TestSuite(bench_signals, .timeout = WIRE_TIMEOUT);

/* ---- Signals --------------------------------------------------------------------------------- */

#define PUTS "sluice_http_requests_total{method=\"PUT\",code=\"200\"}"

/* However it is ended, what was uploaded is deleted, and the report is of what was measured. */
WIRE_TEST(bench_signals, a_signal_cleans_up_and_reports)
{
	static const struct {
		int signal;
		const char *name;
	} rows[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}};
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t before = wire_metric(&server, PUTS);
		wire_bench_begin(&server,
				 &(struct wire_bench){.target = "data/folder",
						      .option = {"--mix=put:20KiB",
								 "--duration=10m", "--warmup=0",
								 "--connections=3", "--json"}});
		wire_metric_reaches(&server, PUTS, before + 20);
		kill(wire_bench_program.pid, rows[i].signal);
		wire_program_end(&server.env, &wire_bench_program);
		wire_bench_exits(8);
		wire_bench_json();
		cr_assert_not_null(strstr(wire_bench_program.err, rows[i].name), "%s",
				   wire_bench_program.err);
		cr_assert_not_null(strstr(wire_bench_program.out, "\"interrupted\":true"), "%s",
				   wire_bench_program.out);
		cr_assert_gt(wire_bench_number("requests", "measured"), 0);
		cr_assert_gt(wire_bench_number("", "sent_bytes"), 0);
		cr_assert_gt(wire_bench_number("", "seconds"), 0);
		wire_connect(&client, &server);
		wire_lists(&client, 0);
		wire_disconnect(&client);
	}
	wire_server_stop(&server);
}

/* A mix that only reads, and the report for people. */
WIRE_TEST(bench_signals, a_signal_ends_a_run_that_reads)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	wire_bench_begin(&server, &(struct wire_bench){.target = "data/size-16384",
						       .option = {"--duration=10m", "--warmup=0",
								  "--connections=2"}});
	wire_metric_reaches(&server, "sluice_http_requests_total{method=\"GET\",code=\"200\"}", 50);
	kill(wire_bench_program.pid, SIGINT);
	wire_program_end(&server.env, &wire_bench_program);
	wire_bench_exits(8);
	cr_assert_not_null(strstr(wire_bench_program.out, ", interrupted\n"), "%s",
			   wire_bench_program.out);
	cr_assert_not_null(strstr(wire_bench_program.out, "\nrequests   "), "%s",
			   wire_bench_program.out);
	cr_assert_not_null(strstr(wire_bench_program.err, "SIGINT: ended after "), "%s",
			   wire_bench_program.err);
	wire_server_stop(&server);
}

/* In the warm-up nothing is measured, and what was uploaded is deleted all the same. */
WIRE_TEST(bench_signals, a_signal_in_the_warm_up)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_bench_begin(&server,
			 &(struct wire_bench){.target = "data",
					      .option = {"--mix=put:1KiB", "--warmup=10m"}});
	wire_metric_reaches(&server, PUTS, 20);
	kill(wire_bench_program.pid, SIGINT);
	wire_program_end(&server.env, &wire_bench_program);
	wire_bench_exits(8);
	cr_assert_str_empty(wire_bench_program.out);
	cr_assert_not_null(strstr(wire_bench_program.err, "SIGINT: ended after 0.0 s"), "%s",
			   wire_bench_program.err);
	wire_connect(&client, &server);
	wire_lists(&client, 0);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Waits until so many objects are there, one for each connection that has uploaded. */
static void uploads_are(const struct wire_server *server, unsigned count)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	struct wire_client client = {0};
	struct wire_response response;

	wire_connect(&client, server);
	while (wire_count(wire_ask_text(&client, "GET", "/data?list-type=2", "", &response),
			  "<Key>") < count) {
		cr_assert_lt(wire_now_ms(), end_ms, "%s", response.text);
		usleep(5000);
	}
	wire_disconnect(&client);
}

/* A server that stands still answers nothing any more: the first signal waits, the second does not,
 * and says what it leaves. */
WIRE_TEST(bench_signals, a_second_signal_exits_at_once)
{
	struct wire_server server = {.writable = true};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_bench_begin(
		&server,
		&(struct wire_bench){.target = "data/folder",
				     .option = {"--mix=put:20KiB", "--duration=10m", "--warmup=0",
						"--connections=3", "--timeout=1h", "--json"}});
	uploads_are(&server, 3);
	wire_server_pause(&server);
	kill(wire_bench_program.pid, SIGINT);
	wire_program_says(&server.env, &wire_bench_program, "a second signal exits at once");
	kill(wire_bench_program.pid, SIGINT);
	wire_program_end(&server.env, &wire_bench_program);
	wire_server_resume(&server);
	wire_bench_exits(8);
	cr_assert_not_null(
		strstr(wire_bench_program.err, "3 uploaded objects remain, delete them: "), "%s",
		wire_bench_program.err);
	cr_assert_not_null(strstr(wire_bench_program.err, "/data/folder/sluice-bench-"), "%s",
			   wire_bench_program.err);
	wire_server_stop(&server);
}

/* One deletion that is not answered is enough: not a timeout for each connection. */
WIRE_TEST(bench_signals, cleaning_up_ends_at_a_server_that_is_silent)
{
	struct wire_server server = {.writable = true};
	char timeout[64];

	wire_server_root(&server);
	wire_server_start(&server);
	uint64_t limit_ms = (uint64_t)wire_limit_option(&server, "--timeout", 2000, timeout);
	wire_bench_begin(&server, &(struct wire_bench){.target = "data",
						       .option = {"--mix=put:20KiB",
								  "--duration=10m", "--warmup=0",
								  "--connections=8", timeout}});
	uploads_are(&server, 8);
	wire_server_pause(&server);
	uint64_t since_ms = wire_now_ms();
	kill(wire_bench_program.pid, SIGINT);
	wire_program_end(&server.env, &wire_bench_program);
	uint64_t took_ms = wire_now_ms() - since_ms;
	wire_server_resume(&server);
	cr_assert_not_null(strstr(wire_bench_program.err, "8 uploaded objects remain"), "%s",
			   wire_bench_program.err);
	/* The requests in progress, and one deletion; eight would be nine. */
	cr_assert_lt(took_ms, 6 * limit_ms, "%d ms", (int)took_ms);
	wire_server_stop(&server);
}
