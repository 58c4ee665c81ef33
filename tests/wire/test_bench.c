/* SPDX-License-Identifier: Apache-2.0 */
/* sluice bench against a real server: both sides must have counted the same. */
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

TestSuite(bench, .timeout = WIRE_TIMEOUT);

/* ---- Counts ---------------------------------------------------------------------------------- */

WIRE_TEST(bench, both_sides_count_the_same)
{
	struct wire_server server = {0};
	char pid[40];

	wire_server_start(&server);
	snprintf(pid, sizeof(pid), "--server-pid=%d", (int)server.pid);
	wire_bench_run(
		&server,
		&(struct wire_bench){.target = "data/size-65536",
				     .option = {"--mix=range:16KiB", "--requests=300", "--warmup=0",
						"--connections=3", "--json", "--verify", pid}});
	wire_bench_exits(0);
	wire_bench_json();
	wire_bench_path(&server);
	/* it offers what serve takes first */
	cr_assert_not_null(strstr(wire_bench_program.out, OpenSSL_version_num() < 0x30500000ul
								  ? "\"group\":\"X25519\""
								  : "\"group\":\"X25519MLKEM768\""),
			   "%s", wire_bench_program.out);
	cr_assert_float_eq(wire_bench_number("requests", "begun"), 300, 0);
	cr_assert_float_eq(wire_bench_number("requests", "succeeded"), 300, 0);
	cr_assert_float_eq(wire_bench_number("requests", "measured"), 300, 0);
	cr_assert_float_eq(wire_bench_number("latency", "count"), 300, 0);
	cr_assert_float_eq(wire_bench_number("", "received_bytes"), 300 * 16384, 0);
	cr_assert_float_eq(wire_bench_number("verify", "verified"), 296, 0,
			   "all but the first of four");
	cr_assert_gt(wire_bench_number("server", "cpu_seconds"), 0);
	cr_assert_gt(wire_bench_number("server", "rss_bytes"), 100000);
	wire_metric_is(&server, "sluice_http_requests_total{method=\"GET\",code=\"206\"}", 300);
	wire_metric_is(&server, "sluice_http_requests_total{method=\"GET\",code=\"200\"}", 1);
	wire_metric_is(&server, "sluice_connections_accepted_total", 4);
	wire_closed(&server, "client_done", 4);
	wire_server_stop(&server);
}

WIRE_TEST(bench, whole_objects_of_every_name_and_size)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	wire_bench_run(&server,
		       &(struct wire_bench){.target = "data",
					    .option = {"--requests=100", "--warmup=0", "--verify",
						       "--connections=2", "--json"}});
	wire_bench_exits(0);
	wire_bench_path(&server);
	double objects = wire_bench_number("", "objects");
	cr_assert_geq(objects, wire_size_count + wire_key_count + 1);
	wire_metric_is(&server, "sluice_http_requests_total{method=\"GET\",code=\"200\"}", 101);
	wire_server_stop(&server);
}

WIRE_TEST(bench, the_thanos_mix)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	wire_bench_run(&server,
		       &(struct wire_bench){.target = "data",
					    .option = {"--mix=thanos", "--requests=500",
						       "--warmup=0", "--verify", "--json"}});
	wire_bench_exits(0);
	wire_bench_path(&server);
	wire_metric_falls(&server, "sluice_connections", 0); /* all is counted then */
	uint64_t sum =
		wire_metric(&server, "sluice_http_requests_total{method=\"GET\",code=\"206\"}");
	sum += wire_metric(&server, "sluice_http_requests_total{method=\"GET\",code=\"200\"}");
	sum += wire_metric(&server, "sluice_http_requests_total{method=\"HEAD\",code=\"200\"}");
	uint64_t absent =
		wire_metric(&server, "sluice_http_requests_total{method=\"GET\",code=\"404\"}");
	cr_assert_geq(absent, 1);
	cr_assert_eq(sum + absent, 501, "and the listing");
	wire_server_stop(&server);
}

WIRE_TEST(bench, a_handshake_for_each_request)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	wire_bench_run(&server,
		       &(struct wire_bench){.target = "data/size-16384",
					    .option = {"--mix=handshake", "--requests=25",
						       "--warmup=0", "--connections=2", "--json"}});
	wire_bench_exits(0);
	wire_bench_path(&server);
	cr_assert_float_eq(wire_bench_number("handshake", "count"), 25, 0);
	wire_metric_is(&server, "sluice_connections_accepted_total", 26);
	wire_server_stop(&server);
}

WIRE_TEST(bench, uploads_and_leaves_nothing)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_bench_run(&server, &(struct wire_bench){.target = "data/folder",
						     .option = {"--mix=put:300KiB", "--requests=12",
								"--warmup=0", "--verify",
								"--connections=3", "--json"}});
	wire_bench_exits(0);
	wire_bench_path(&server);
	cr_assert_float_eq(wire_bench_number("", "sent_bytes"), 12 * 300 * 1024, 0);
	wire_metric_is(&server, "sluice_http_requests_total{method=\"PUT\",code=\"200\"}", 12);
	wire_metric_is(&server, "sluice_http_requests_total{method=\"DELETE\",code=\"204\"}", 3);
	wire_metric_is(&server, "sluice_http_request_body_bytes_total", 12 * 300 * 1024);
	wire_connect(&client, &server);
	wire_lists(&client, 0);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Time ------------------------------------------------------------------------------------ */

WIRE_TEST(bench, a_rate_is_kept)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	uint64_t since_ms = wire_now_ms();
	wire_bench_run(&server, &(struct wire_bench){.target = "data/size-100",
						     .option = {"--rate=50", "--duration=2s",
								"--warmup=500ms", "--json"}});
	double took = (double)(wire_now_ms() - since_ms) / 1000;
	wire_bench_exits(0);
	/* 100 were due; on a machine that is busy some come late. */
	double measured = wire_bench_number("latency", "count");
	cr_assert_float_eq(measured + wire_bench_number("requests", "unsent"), 100, 2);
	/* In the warm-up 25; on such a machine it may be longer, and so may all that is around it.
	 */
	double warm = wire_bench_number("requests", "begun") - measured;
	cr_assert(warm > 0 && warm <= 25 + 3 + 50 * (took - 2.5), "%g in the warm-up", warm);
	wire_server_stop(&server);
}

static void stop_for_a_while(const struct wire_server *server, const char *argument)
{
	while (wire_log_count(server, argument) < 10) /* the load has begun */
		usleep(10000);
	kill(server->pid, SIGSTOP);
	usleep((useconds_t)(wire_ms(&server->env, 600) * 1000));
	kill(server->pid, SIGCONT);
}

/* The server stands still for 0.6 of 2 s. The one request that is on its way sees that; so must
 * those that were due meanwhile, and that a client which waits for its answer would not have made.
 */
WIRE_TEST(bench, a_stall_shows_in_every_request_that_was_due)
{
	struct wire_server server = {0};
	char duration[64];

	wire_limit_option(&server, "--duration", 2000, duration);
	wire_server_start(&server);
	wire_server_steady(&server);
	pid_t pid = wire_bench_beside(stop_for_a_while, &server, "msg=request");
	wire_bench_run(&server, &(struct wire_bench){.target = "data/size-100",
						     .option = {"--rate=50", duration, "--warmup=0",
								"--connections=1", "--json"}});
	must(waitpid(pid, NULL, 0) == pid);
	wire_bench_exits(0);
	cr_assert_geq(wire_bench_number("latency", "p90"), 0.2);
	cr_assert_geq(wire_bench_number("latency", "max"), 0.4);
	wire_server_stop(&server);
}

/* Between two requests there is time enough for the server to find the connection idle; and, for
 * the first of a connection, for a slow client to be faster. */
WIRE_TEST(bench, a_server_that_ends_connections_is_asked_again)
{
	struct wire_server server = {.option = {"--idle-timeout=500ms"}};

	wire_server_start(&server);
	wire_bench_run(&server,
		       &(struct wire_bench){.target = "data/size-100",
					    .option = {"--rate=1", "--duration=3s", "--warmup=0",
						       "--connections=1", "--json"}});
	wire_bench_exits(0);
	cr_assert_gt(wire_bench_number("requests", "repeated"), 0);
	cr_assert_gt(wire_bench_number("\"tls\":", "connections"), 1);
	wire_server_stop(&server);
}
