/* SPDX-License-Identifier: Apache-2.0 */
/* sluice bench against a real server: both sides must have counted the same. */
#include "wire/wire.h"

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
#include <netinet/in.h>
#include <yaml.h>

#include "base/must.h"
#include "wire/wire_put.h"

TestSuite(bench, .timeout = WIRE_TIMEOUT);

#define ARGUMENTS_MAX 24

/* What a run is about, where it is not the usual. */
struct run {
	const char *target; /* behind the address and a slash */
	const char *addr;   /* NULL: the server's */
	const char *cert;   /* NULL: good */
	const char *ca;     /* NULL: ca */
	const char *name;   /* NULL: localhost */
	const char *option[10];
};

static struct wire_program program;

/* Starts it. */
static void begin(const struct wire_server *server, const struct run *run)
{
	const struct wire_env *env = &server->env;
	char text[8][PATH_MAX + 64];
	char *argv[ARGUMENTS_MAX] = {(char *)(uintptr_t)env->program, (char *)(uintptr_t) "bench"};
	unsigned count = 2;
	const char *cert = run->cert != NULL ? run->cert : "good";

	snprintf(text[0], sizeof(text[0]), "--target=%s/%s",
		 run->addr != NULL ? run->addr : server->addr, run->target);
	snprintf(text[1], sizeof(text[1]), "--cert=%s/certs/%s.crt", env->dir, cert);
	snprintf(text[2], sizeof(text[2]), "--key=%s/certs/%s.key", env->dir, cert);
	snprintf(text[3], sizeof(text[3]), "--ca=%s/certs/%s.crt", env->dir,
		 run->ca != NULL ? run->ca : "ca");
	snprintf(text[4], sizeof(text[4]), "--server-name=%s",
		 run->name != NULL ? run->name : "localhost");
	snprintf(text[5], sizeof(text[5]), "--tls-path=%s", env->tls_path);
	snprintf(text[6], sizeof(text[6]), "--timeout=%dms", wire_patience_ms(env));
	for (unsigned i = 0; i < 7; i++)
		argv[count++] = text[i];
	for (unsigned i = 0; i < ARRAY_LEN(run->option) && run->option[i] != NULL; i++)
		argv[count++] = (char *)(uintptr_t)run->option[i];
	must(count < ARGUMENTS_MAX);
	wire_program_begin(&program, argv);
}

static void run(const struct wire_server *server, const struct run *run)
{
	begin(server, run);
	wire_program_end(&server->env, &program);
}

static void expect_exit(int code)
{
	cr_assert_eq(program.exit_code, code, "exit code %d\n%s%s", program.exit_code, program.out,
		     program.err);
	if (code == 0)
		cr_assert_str_empty(program.err, "no live line where there is no terminal");
}

/* The number behind "name": in the report, from the place of within on. */
static double number(const char *within, const char *name)
{
	char quoted[64];
	const char *at = strstr(program.out, within);

	snprintf(quoted, sizeof(quoted), "\"%s\":", name);
	at = at != NULL ? strstr(at, quoted) : NULL;
	cr_assert_not_null(at, "no %s in %s", name, program.out);
	return strtod(at + strlen(quoted), NULL);
}

/* JSON is YAML: libyaml finds a comma or bracket that is wrong. */
static void expect_json(void)
{
	yaml_parser_t parser;
	yaml_document_t document;

	must(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)program.out,
				     strlen(program.out));
	cr_assert(yaml_parser_load(&parser, &document), "%s: %s", parser.problem, program.out);
	cr_assert_eq(yaml_document_get_root_node(&document)->type, YAML_MAPPING_NODE);
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	cr_assert_eq(strchr(program.out, '\n'), program.out + strlen(program.out) - 1);
}

/* Every connection went the way that this run of the tests is about. */
static void expect_path(const struct wire_server *server)
{
	double connections = number("\"tls\":", "connections");

	if (!server->env.is_kernel)
		return;
	cr_assert_float_eq(number("\"tls\":", "rx_kernel"), connections, 0);
	cr_assert_float_eq(number("\"tls\":", "tx_kernel"), connections, 0);
}

/* ---- Counts ---------------------------------------------------------------------------------- */

WIRE_TEST(bench, both_sides_count_the_same)
{
	struct wire_server server = {0};
	char pid[40];

	wire_server_start(&server);
	snprintf(pid, sizeof(pid), "--server-pid=%d", (int)server.pid);
	run(&server, &(struct run){.target = "data/size-65536",
				   .option = {"--mix=range:16KiB", "--requests=300", "--warmup=0",
					      "--connections=3", "--json", "--verify", pid}});
	expect_exit(0);
	expect_json();
	expect_path(&server);
	/* it offers what serve takes first */
	cr_assert_not_null(strstr(program.out, OpenSSL_version_num() < 0x30500000ul
						       ? "\"group\":\"X25519\""
						       : "\"group\":\"X25519MLKEM768\""),
			   "%s", program.out);
	cr_assert_float_eq(number("requests", "begun"), 300, 0);
	cr_assert_float_eq(number("requests", "succeeded"), 300, 0);
	cr_assert_float_eq(number("requests", "measured"), 300, 0);
	cr_assert_float_eq(number("latency", "count"), 300, 0);
	cr_assert_float_eq(number("", "received_bytes"), 300 * 16384, 0);
	cr_assert_float_eq(number("verify", "verified"), 296, 0, "all but the first of four");
	cr_assert_gt(number("server", "cpu_seconds"), 0);
	cr_assert_gt(number("server", "rss_bytes"), 100000);
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
	run(&server, &(struct run){.target = "data",
				   .option = {"--requests=100", "--warmup=0", "--verify",
					      "--connections=2", "--json"}});
	expect_exit(0);
	expect_path(&server);
	double objects = number("", "objects");
	cr_assert_geq(objects, wire_size_count + wire_key_count + 1);
	wire_metric_is(&server, "sluice_http_requests_total{method=\"GET\",code=\"200\"}", 101);
	wire_server_stop(&server);
}

WIRE_TEST(bench, the_thanos_mix)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	run(&server, &(struct run){.target = "data",
				   .option = {"--mix=thanos", "--requests=500", "--warmup=0",
					      "--verify", "--json"}});
	expect_exit(0);
	expect_path(&server);
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
	run(&server, &(struct run){.target = "data/size-16384",
				   .option = {"--mix=handshake", "--requests=25", "--warmup=0",
					      "--connections=2", "--json"}});
	expect_exit(0);
	expect_path(&server);
	cr_assert_float_eq(number("handshake", "count"), 25, 0);
	wire_metric_is(&server, "sluice_connections_accepted_total", 26);
	wire_server_stop(&server);
}

WIRE_TEST(bench, uploads_and_leaves_nothing)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	run(&server, &(struct run){.target = "data/folder",
				   .option = {"--mix=put:300KiB", "--requests=12", "--warmup=0",
					      "--verify", "--connections=3", "--json"}});
	expect_exit(0);
	expect_path(&server);
	cr_assert_float_eq(number("", "sent_bytes"), 12 * 300 * 1024, 0);
	wire_metric_is(&server, "sluice_http_requests_total{method=\"PUT\",code=\"200\"}", 12);
	wire_metric_is(&server, "sluice_http_requests_total{method=\"DELETE\",code=\"204\"}", 3);
	wire_metric_is(&server, "sluice_http_request_body_bytes_total", 12 * 300 * 1024);
	wire_connect(&client, &server);
	wire_lists(&client, 0);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* A process that does something beside the run, and ends with the test. */
static pid_t beside(void (*what)(const struct wire_server *, const char *),
		    const struct wire_server *server, const char *argument)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		what(server, argument);
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	must(waitpid(pid, NULL, 0) == pid);
}

WIRE_TEST(bench, a_rate_is_kept)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	uint64_t since_ms = wire_now_ms();
	run(&server,
	    &(struct run){.target = "data/size-100",
			  .option = {"--rate=50", "--duration=2s", "--warmup=500ms", "--json"}});
	double took = (double)(wire_now_ms() - since_ms) / 1000;
	expect_exit(0);
	/* 100 were due; on a machine that is busy some come late. */
	double measured = number("latency", "count");
	cr_assert_float_eq(measured + number("requests", "unsent"), 100, 2);
	/* In the warm-up 25; on such a machine it may be longer, and so may all that is around it.
	 */
	double warm = number("requests", "begun") - measured;
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
	pid_t pid = beside(stop_for_a_while, &server, "msg=request");
	run(&server, &(struct run){.target = "data/size-100",
				   .option = {"--rate=50", duration, "--warmup=0",
					      "--connections=1", "--json"}});
	must(waitpid(pid, NULL, 0) == pid);
	expect_exit(0);
	cr_assert_geq(number("latency", "p90"), 0.2);
	cr_assert_geq(number("latency", "max"), 0.4);
	wire_server_stop(&server);
}

/* Between two requests there is time enough for the server to find the connection idle; and, for
 * the first of a connection, for a slow client to be faster. */
WIRE_TEST(bench, a_server_that_ends_connections_is_asked_again)
{
	struct wire_server server = {.option = {"--idle-timeout=500ms"}};

	wire_server_start(&server);
	run(&server, &(struct run){.target = "data/size-100",
				   .option = {"--rate=1", "--duration=3s", "--warmup=0",
					      "--connections=1", "--json"}});
	expect_exit(0);
	cr_assert_gt(number("requests", "repeated"), 0);
	cr_assert_gt(number("\"tls\":", "connections"), 1);
	wire_server_stop(&server);
}

/* ---- Signals --------------------------------------------------------------------------------- */

#define PUTS "sluice_http_requests_total{method=\"PUT\",code=\"200\"}"

/* However it is ended, what was uploaded is deleted, and the report is of what was measured. */
WIRE_TEST(bench, a_signal_cleans_up_and_reports)
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
		begin(&server,
		      &(struct run){.target = "data/folder",
				    .option = {"--mix=put:20KiB", "--duration=10m", "--warmup=0",
					       "--connections=3", "--json"}});
		wire_metric_reaches(&server, PUTS, before + 20);
		kill(program.pid, rows[i].signal);
		wire_program_end(&server.env, &program);
		expect_exit(8);
		expect_json();
		cr_assert_not_null(strstr(program.err, rows[i].name), "%s", program.err);
		cr_assert_not_null(strstr(program.out, "\"interrupted\":true"), "%s", program.out);
		cr_assert_gt(number("requests", "measured"), 0);
		cr_assert_gt(number("", "sent_bytes"), 0);
		cr_assert_gt(number("", "seconds"), 0);
		wire_connect(&client, &server);
		wire_lists(&client, 0);
		wire_disconnect(&client);
	}
	wire_server_stop(&server);
}

/* A mix that only reads, and the report for people. */
WIRE_TEST(bench, a_signal_ends_a_run_that_reads)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	begin(&server,
	      &(struct run){.target = "data/size-16384",
			    .option = {"--duration=10m", "--warmup=0", "--connections=2"}});
	wire_metric_reaches(&server, "sluice_http_requests_total{method=\"GET\",code=\"200\"}", 50);
	kill(program.pid, SIGINT);
	wire_program_end(&server.env, &program);
	expect_exit(8);
	cr_assert_not_null(strstr(program.out, ", interrupted\n"), "%s", program.out);
	cr_assert_not_null(strstr(program.out, "\nrequests   "), "%s", program.out);
	cr_assert_not_null(strstr(program.err, "SIGINT: ended after "), "%s", program.err);
	wire_server_stop(&server);
}

/* In the warm-up nothing is measured, and what was uploaded is deleted all the same. */
WIRE_TEST(bench, a_signal_in_the_warm_up)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	begin(&server,
	      &(struct run){.target = "data", .option = {"--mix=put:1KiB", "--warmup=10m"}});
	wire_metric_reaches(&server, PUTS, 20);
	kill(program.pid, SIGINT);
	wire_program_end(&server.env, &program);
	expect_exit(8);
	cr_assert_str_empty(program.out);
	cr_assert_not_null(strstr(program.err, "SIGINT: ended after 0.0 s"), "%s", program.err);
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
WIRE_TEST(bench, a_second_signal_exits_at_once)
{
	struct wire_server server = {.writable = true};

	wire_server_root(&server);
	wire_server_start(&server);
	begin(&server, &(struct run){.target = "data/folder",
				     .option = {"--mix=put:20KiB", "--duration=10m", "--warmup=0",
						"--connections=3", "--timeout=1h", "--json"}});
	uploads_are(&server, 3);
	wire_server_pause(&server);
	kill(program.pid, SIGINT);
	wire_program_says(&server.env, &program, "a second signal exits at once");
	kill(program.pid, SIGINT);
	wire_program_end(&server.env, &program);
	wire_server_resume(&server);
	expect_exit(8);
	cr_assert_not_null(strstr(program.err, "3 uploaded objects remain, delete them: "), "%s",
			   program.err);
	cr_assert_not_null(strstr(program.err, "/data/folder/sluice-bench-"), "%s", program.err);
	wire_server_stop(&server);
}

/* One deletion that is not answered is enough: not a timeout for each connection. */
WIRE_TEST(bench, cleaning_up_ends_at_a_server_that_is_silent)
{
	struct wire_server server = {.writable = true};
	char timeout[64];

	wire_server_root(&server);
	wire_server_start(&server);
	uint64_t limit_ms = (uint64_t)wire_limit_option(&server, "--timeout", 2000, timeout);
	begin(&server, &(struct run){.target = "data",
				     .option = {"--mix=put:20KiB", "--duration=10m", "--warmup=0",
						"--connections=8", timeout}});
	uploads_are(&server, 8);
	wire_server_pause(&server);
	uint64_t since_ms = wire_now_ms();
	kill(program.pid, SIGINT);
	wire_program_end(&server.env, &program);
	uint64_t took_ms = wire_now_ms() - since_ms;
	wire_server_resume(&server);
	cr_assert_not_null(strstr(program.err, "8 uploaded objects remain"), "%s", program.err);
	/* The requests in progress, and one deletion; eight would be nine. */
	cr_assert_lt(took_ms, 6 * limit_ms, "%d ms", (int)took_ms);
	wire_server_stop(&server);
}

/* ---- What is wrong is found ------------------------------------------------------------------ */

static void damage(const struct wire_server *server, const char *path)
{
	int fd = open(path, O_WRONLY);

	(void)server;
	for (char byte = 'a'; fd >= 0; byte++) {
		if (pwrite(fd, &byte, 1, 40000) != 1)
			break;
		usleep(20000);
	}
}

WIRE_TEST(bench, verify_finds_a_byte_that_changes)
{
	static const char *const mixes[] = {"--mix=whole", "--mix=range:16KiB", "--mix=thanos"};
	struct wire_server server = {0};
	char path[PATH_MAX + 32], duration[64];
	static char bytes[65536];

	wire_limit_option(&server, "--duration", 2000, duration);
	snprintf(path, sizeof(path), "%s/data/object", wire_server_root(&server));
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	must(fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes) && close(fd) == 0);
	wire_server_start(&server);
	pid_t pid = beside(damage, &server, path);
	for (size_t i = 0; i < ARRAY_LEN(mixes); i++) {
		run(&server, &(struct run){.target = "data",
					   .option = {mixes[i], duration, "--warmup=0", "--verify",
						      "--json"}});
		expect_exit(7);
		cr_assert_gt(number("errors", "integrity"), 0, "%s", mixes[i]);
		cr_assert_not_null(
			strstr(program.err, "/data/object: bytes are not what they were"), "%s",
			program.err);
	}
	end(pid);
	wire_server_stop(&server);
}

static const struct {
	struct run run;
	int code;
	const char *says;
} failures[] = {
	{{.target = "absent"}, 3, "answers 404"},
	{{.target = "data/no-such-prefix"}, 3, "answers 404"},
	{{.target = "data/size-1", .ca = "other-ca"}, 5, "not issued by a CA of --ca"},
	{{.target = "data/size-1", .name = "elsewhere.test"}, 5, "not for this name"},
	{{.target = "data/size-1", .cert = "wrong-ca"}, 5, "alert"},
	{{.target = "data/size-1", .cert = "revoked", .option = {"--mix=put:1"}}, 5, "alert"},
	{{.target = "data/size-1", .cert = "server"}, 5, "not for a client"},
	{{.target = "data/size-1", .cert = "absent"}, 5, "cannot read the client certificate"},
	{{.target = "data/size-1", .addr = "127.0.0.1:1"}, 6, "refused"},
	{{.target = "data/size-1", .addr = "no-such-host.invalid:1"}, 6, "no-such-host"},
	{{.target = "data/size-1", .option = {"--mix=halves"}}, 2, "use whole, range:SIZE"},
	{{.target = ""}, 2, "use HOST:PORT/bucket"},
	{{.target = "data", .option = {"--connection=1"}}, 2, "did you mean --connections"},
};

/* The other port of the same server. */
WIRE_TEST(bench, a_port_that_speaks_plain_http)
{
	struct wire_server server = {.may_differ = true};

	wire_server_start(&server);
	run(&server, &(struct run){.target = "data", .addr = server.admin_addr});
	expect_exit(5);
	cr_assert_not_null(strstr(program.err, "speaks plain HTTP on this port, not TLS"), "%s",
			   program.err);
	wire_server_stop(&server);
}

/* Listens on the loopback; addr: of it. */
static int listen_somewhere(char addr[64])
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	     listen(fd, 8) == 0 && getsockname(fd, (struct sockaddr *)&name, &len) == 0);
	snprintf(addr, 64, "127.0.0.1:%d", ntohs(name.sin_port));
	return fd;
}

/* Accepts and closes, until the test ends. */
static pid_t closer_start(char addr[64])
{
	int listen_fd = listen_somewhere(addr);
	pid_t pid = fork();
	must(pid >= 0);
	if (pid > 0) {
		close(listen_fd);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		close(accept(listen_fd, NULL, NULL));
}

/* A write to a connection that is gone is a failure like others, and no signal that ends us. */
WIRE_TEST(bench, a_server_that_closes_at_once)
{
	struct wire_server server = {0};
	char addr[64];

	wire_env_read(&server.env);
	pid_t pid = closer_start(addr);
	for (int i = 0; i < 10; i++) {
		run(&server, &(struct run){.target = "data/size-1",
					   .addr = addr,
					   .option = {"--mix=handshake", "--requests=5"}});
		cr_assert(program.exit_code == 5 || program.exit_code == 6, "exit code %d: %s",
			  program.exit_code, program.err);
	}
	end(pid);

/*
 * A server's bad record behind an answer of its: the answer counts, the next request is sent, and
 * then the server is told by the alert what was wrong, and the user by a sentence; whoever opens
 * the records. In kernel TLS the error comes out of sending that request.
 */
WIRE_TEST(bench, a_bad_record_behind_an_answer)
{
	static const char answer[] = "HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n";
	static const int alerts[] = {20, 50}; /* of a damaged record, of a head that is none */
	struct wire_server server = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));
	char addr[64], text[RECORD_PLAIN_MAX];

	must(flight != NULL);
	wire_env_need(&server.env);
	for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
		struct wire_client client = {0};
		int listen_fd = listen_somewhere(addr);
		begin(&server, &(struct run){.target = "data/size-1", .addr = addr});
		wire_accept(&client, &server, listen_fd);
		cr_assert_gt(wire_read(&client, text, sizeof(text)), 0);
		cr_assert(strncmp(text, "GET /data/?", 11) == 0, "%.40s", text);
		wire_flight_text(flight, &client, answer);
		uint8_t *bad = flight->byte + flight->used;
		wire_flight_text(flight, &client, answer);
		bad[i == 0 ? RECORD_HEADER : 2] ^= 1;
		cr_assert(wire_flight_send(flight, &client));
		size_t n = wire_read(&client, text, sizeof(text));
		cr_assert(n > 0 && strncmp(text, "HEAD /data/size-1 ", 18) == 0,
			  "the connection ended %s", wire_end_text(client.end));
		wire_expect_alert(&client, alerts[i]);
		wire_disconnect(&client);
		close(listen_fd);
		wire_program_end(&server.env, &program);
		expect_exit(5);
		cr_assert_not_null(strstr(program.err, "a record of the server cannot be used"),
				   "%s", program.err);
	}
	free(flight);
}

WIRE_TEST(bench, exit_codes)
{
	struct wire_server server = {.wants_crl = true, .may_differ = true};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		run(&server, &failures[i].run);
		expect_exit(failures[i].code);
		cr_assert_not_null(strstr(program.err, failures[i].says), "%zu: %s", i,
				   program.err);
		cr_assert_str_empty(program.out);
	}
	wire_server_stop(&server);
}

WIRE_TEST(bench, denied_in_whole_and_in_part)
{
	struct wire_server server = {0};
	char file[PATH_MAX], option[PATH_MAX + 16];

	wire_env_read(&server.env);
	snprintf(file, sizeof(file), "%s/bench-rules.%d.yml", server.env.dir, (int)getpid());
	snprintf(option, sizeof(option), "--config=%s", file);
	FILE *out = fopen(file, "w");
	must(out != NULL &&
	     fputs("access:\n"
		   "  - identity: \"dns:good.clients.test\"\n"
		   "    allow: [read, list]\n"
		   "    on: [\"data\", \"data/size-163*\", \"data/size-16384\"]\n"
		   "  - identity: \"dns:good.clients.test\"\n"
		   "    allow: [list]\n"
		   "    on: [\"data/**\"]\n",
		   out) >= 0 &&
	     fclose(out) == 0);
	server.option[0] = option;
	wire_server_start(&server);

	/* size-16000 may be listed and not read. */
	run(&server, &(struct run){.target = "data/size-16",
				   .option = {"--requests=40", "--warmup=0", "--json"}});
	expect_exit(8);
	cr_assert_float_eq(number("requests", "failed"), 10, 0);
	cr_assert_float_eq(number("requests", "succeeded"), 30, 0);
	cr_assert_float_eq(number("statuses", "403"), 10, 0);
	cr_assert_float_eq(number("errors", "status"), 10, 0);

	run(&server, &(struct run){.target = "data/size-100"});
	expect_exit(4);
	run(&server, &(struct run){.target = "data", .cert = "uri"});
	expect_exit(4);
	run(&server, &(struct run){.target = "data", .option = {"--mix=put:10MiB"}});
	expect_exit(4);
	wire_server_stop(&server);
}

/* ---- Another server -------------------------------------------------------------------------- */

static const char nginx_conf[] =
	"daemon off; master_process off; pid %1$s/pid; error_log %1$s/log;\n"
	"events { worker_connections 64; }\n"
	"http { access_log off; keepalive_requests 7;\n"
	" client_body_temp_path %1$s/a; proxy_temp_path %1$s/b; fastcgi_temp_path %1$s/c;\n"
	" uwsgi_temp_path %1$s/d; scgi_temp_path %1$s/e;\n"
	" server { listen %2$s ssl; root %3$s/root; ssl_protocols TLSv1.3;\n"
	"  ssl_certificate %3$s/certs/server.crt; ssl_certificate_key %3$s/certs/server.key;\n"
	"  ssl_client_certificate %3$s/certs/ca.crt; ssl_verify_client on; } }\n";

static void nginx(const struct wire_server *server, const char *conf)
{
	(void)server;
	execlp("nginx", "nginx", "-c", conf, NULL);
	execl("/usr/sbin/nginx", "nginx", "-c", conf, NULL);
}

/* nginx sends session tickets behind the handshake, lists nothing, and ends connections. The
 * address is that of a server of ours that has been stopped. */
WIRE_TEST(bench_nginx, tickets)
{
	struct wire_server server = {0};
	char dir[PATH_MAX], conf[PATH_MAX + 16], log[PATH_MAX + 16];
	const struct run load = {.target = "data/size-1048577",
				 .option = {"--mix=range:16KiB", "--requests=100", "--warmup=0",
					    "--verify", "--connections=2", "--json"}};

	if (access("/usr/sbin/nginx", X_OK) != 0)
		cr_skip_test("nginx is missing (Debian: nginx-light)");
	wire_server_start(&server);
	wire_server_stop(&server);
	snprintf(dir, sizeof(dir), "%s/nginx.%d", server.env.dir, (int)getpid());
	must(mkdir(dir, 0755) == 0);
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	FILE *out = fopen(conf, "w");
	must(out != NULL);
	fprintf(out, nginx_conf, dir, server.addr, server.env.dir); /* NOLINT */
	must(fclose(out) == 0);
	pid_t pid = beside(nginx, &server, conf);
	/* Until it listens. */
	uint64_t end_ms = wire_patience_end(&server.env);
	for (run(&server, &load); program.exit_code == 6; run(&server, &load)) {
		cr_assert_lt(wire_now_ms(), end_ms, "nginx does not listen");
		usleep(50000);
	}
	end(pid);
	expect_exit(0);
	expect_path(&server);
	cr_assert_float_eq(number("requests", "succeeded"), 100, 0);
	cr_assert_gt(number("\"tls\":", "connections"), 10);
}
