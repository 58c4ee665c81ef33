/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: a client that costs the server exactly what it says, and counts what the server spent.
 *
 * In:   a server over mutual TLS 1.3, or over plain TCP, a target, how often to ask for it and how.
 * Out:  a line for each batch of requests: bytes, seconds, and the CPU time of the server process
 *       (all its threads, those that ended included) by that process' own clock, read before and
 *       after the batch when the server has nothing left to do.
 * Never: accepts a response that is not exactly what was asked for. Exit code 1 then.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "load_client.h"

#define SETTLE_MS 100 /* until the server has done what it does after a response */
#define CONNS_MAX 100000

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;
	if (clock_gettime(clock, &time) < 0)
		fail("the server's clock: %s (has it ended?)", strerror(errno));
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* ---- Batches -------------------------------------------------------------------------------- */

/* Ranges walk over the object by a stride that comes to no place twice soon. */
static void plan(struct load *load, struct conn *conn)
{
	const struct options *options = load->options;
	conn->is_put = options->puts > 0;
	conn->is_range = options->whole == 0 && !conn->is_put;
	conn->from = 0;
	conn->bytes = conn->is_put ? options->put_bytes : options->range_bytes;
	if (conn->is_put && options->names > 0)
		conn->name = load->put_count++ % options->names;
	if (!conn->is_range || load->object_bytes == 0)
		return;
	if (conn->bytes > load->object_bytes)
		fail("the object is smaller than a range");
	uint64_t places = (load->object_bytes - conn->bytes) / 4096 + 1;
	conn->from = load->range_count++ * 2654435761u % places * 4096;
}

/* count requests in all; one is on its way on each connection. */
static void requests_run(struct load *load, struct conn **conns, uint64_t count)
{
	uint64_t width = load->options->connections;
	for (uint64_t sent = 0; sent < count; sent += width) {
		uint64_t turn = count - sent < width ? count - sent : width;
		for (uint64_t i = 0; i < turn; i++) {
			plan(load, conns[i]);
			request_send(load, conns[i]);
		}
		for (uint64_t i = 0; i < turn; i++)
			response_read(load, conns[i]);
	}
}

static void handshakes_run(struct load *load, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct conn *conn = conn_open(load);
		requests_run(load, &conn, 1);
		conn_close(conn);
	}
}

static uint64_t server_ns(const struct load *load)
{
	sleep_ms(SETTLE_MS);
	return load->options->server_pid > 0 ? clock_ns(load->server_clock) : 0;
}

/* Tells a profiler (`perf record --control`) that what is measured begins or ends. */
static void control_tell(const struct options *options, const char *word)
{
	if (options->control == NULL)
		return;
	int fd = open(options->control, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%s\n", word) < 0)
		fail("%s: %s", options->control, strerror(errno));
	close(fd);
	sleep_ms(SETTLE_MS); /* it has no other way to say that it has read this */
}

static void batches_run(struct load *load, struct conn **conns)
{
	const struct options *options = load->options;
	uint64_t count = options->whole + options->ranges + options->puts + options->handshakes;

	for (uint64_t batch = 0; batch < options->batches; batch++) {
		load->received = 0;
		uint64_t server_before = server_ns(load);
		uint64_t own_before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		uint64_t before = clock_ns(CLOCK_MONOTONIC);
		if (options->handshakes > 0)
			handshakes_run(load, count);
		else
			requests_run(load, conns, count);
		uint64_t after = clock_ns(CLOCK_MONOTONIC);
		printf("batch %" PRIu64 " requests %" PRIu64 " bytes %" PRIu64
		       " seconds %.6f server_ns %" PRIu64 " own_ns %" PRIu64 "\n",
		       batch + 1, count, load->received, (double)(after - before) / 1e9,
		       server_ns(load) - server_before,
		       clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_before);
		fflush(stdout);
	}
}

static void measure(struct load *load)
{
	const struct options *options = load->options;
	struct conn **conns = calloc(options->connections, sizeof(struct conn *));
	if (conns == NULL)
		fail("no memory");
	if (options->handshakes > 0) {
		handshakes_run(load, options->warm);
	} else {
		for (uint64_t i = 0; i < options->connections; i++)
			conns[i] = conn_open(load);
		requests_run(load, conns, options->warm);
	}
	if (load->verify_fd >= 0) {
		close(load->verify_fd);
		load->verify_fd = -1;
	}
	control_tell(options, "enable");
	batches_run(load, conns);
	control_tell(options, "disable");
	for (uint64_t i = 0; options->handshakes == 0 && i < options->connections; i++)
		conn_close(conns[i]);
	free(conns);
}

/* Connections that have had one request each and stay, until stdin ends. */
static void hold(struct load *load)
{
	const struct options *options = load->options;
	struct conn **conns = calloc(options->hold, sizeof(struct conn *));
	char byte;
	if (conns == NULL)
		fail("no memory");
	for (uint64_t i = 0; i < options->hold; i++) {
		conns[i] = conn_open(load);
		requests_run(load, &conns[i], 1);
	}
	printf("READY\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	requests_run(load, &conns[0], 1); /* they are alive still */
	for (uint64_t i = 0; i < options->hold; i++)
		conn_close(conns[i]);
	free(conns);
}

/* ---- Options -------------------------------------------------------------------------------- */

static const char usage_text[] =
	"usage: load --target HOST:PORT --path /BUCKET/KEY [--cert FILE --key FILE --ca FILE]\n"
	"            --whole N | --ranges N | --puts N | --handshakes N | --hold N\n"
	"\n"
	"  --whole N         GET the object N times\n"
	"  --ranges N        GET N ranges of --range-bytes (16384)\n"
	"  --puts N          PUT the object N times, --put-bytes (16384) each\n"
	"  --names N         for --puts: N objects in turn, PATH with six digits behind it\n"
	"  --handshakes N    N times: connect, GET a range, close\n"
	"  --hold N          N connections with one range each; print READY, wait until stdin "
	"ends\n"
	"  --connections N   for --whole and --ranges: kept connections with a request on each "
	"(1)\n"
	"  --warm N          first N requests that are not counted (0)\n"
	"  --batches N       do and print all this N times (1)\n"
	"  --verify FILE     the object: compare what comes in the --warm requests with it\n"
	"  --control FIFO    write \"enable\" before the first batch and \"disable\" after the "
	"last\n"
	"  --server-pid PID  print the CPU time that this process spent on a batch\n"
	"  --cipher SUITE    the only one offered (TLS_AES_128_GCM_SHA256)\n"
	"\n"
	"Without cert, key and ca it speaks plain HTTP.\n"
	"Exit codes: 0 all responses were right, 1 one was not, 2 usage.\n";

enum option_id { OPTION_TEXT = 256, OPTION_NUMBER = 512 };

static _Noreturn void usage_fail(const char *what)
{
	fprintf(stderr, "load: %s\n%s", what, usage_text);
	exit(2);
}

static void options_read(struct options *options, int argc, char **argv)
{
	char *target = NULL;
	const char **text[] = {(const char **)&target, &options->path,   &options->cert,
			       &options->key,          &options->ca,     &options->cipher,
			       &options->verify,       &options->control};
	uint64_t *number[] = {&options->whole,   &options->ranges,      &options->handshakes,
			      &options->hold,    &options->range_bytes, &options->connections,
			      &options->batches, &options->warm,        &options->server_pid,
			      &options->puts,    &options->put_bytes,   &options->names};
	static const struct option table[] = {{"target", 1, NULL, OPTION_TEXT},
					      {"path", 1, NULL, OPTION_TEXT + 1},
					      {"cert", 1, NULL, OPTION_TEXT + 2},
					      {"key", 1, NULL, OPTION_TEXT + 3},
					      {"ca", 1, NULL, OPTION_TEXT + 4},
					      {"cipher", 1, NULL, OPTION_TEXT + 5},
					      {"verify", 1, NULL, OPTION_TEXT + 6},
					      {"control", 1, NULL, OPTION_TEXT + 7},
					      {"whole", 1, NULL, OPTION_NUMBER},
					      {"ranges", 1, NULL, OPTION_NUMBER + 1},
					      {"handshakes", 1, NULL, OPTION_NUMBER + 2},
					      {"hold", 1, NULL, OPTION_NUMBER + 3},
					      {"range-bytes", 1, NULL, OPTION_NUMBER + 4},
					      {"connections", 1, NULL, OPTION_NUMBER + 5},
					      {"batches", 1, NULL, OPTION_NUMBER + 6},
					      {"warm", 1, NULL, OPTION_NUMBER + 7},
					      {"server-pid", 1, NULL, OPTION_NUMBER + 8},
					      {"puts", 1, NULL, OPTION_NUMBER + 9},
					      {"put-bytes", 1, NULL, OPTION_NUMBER + 10},
					      {"names", 1, NULL, OPTION_NUMBER + 11},
					      {"help", 0, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int id;

	while ((id = getopt_long(argc, argv, "h", table, NULL)) != -1) {
		char *end;
		if (id == 'h') {
			fputs(usage_text, stdout);
			exit(0);
		} else if (id >= OPTION_NUMBER) {
			*number[id - OPTION_NUMBER] = strtoull(optarg, &end, 10);
			if (end == optarg || *end != '\0')
				usage_fail("an option wants a number");
		} else if (id >= OPTION_TEXT) {
			*text[id - OPTION_TEXT] = optarg;
		} else {
			exit(2);
		}
	}
	char *colon = target != NULL ? strrchr(target, ':') : NULL;
	if (optind != argc || colon == NULL || options->path == NULL)
		usage_fail("target and path are needed");
	int files = (options->cert != NULL) + (options->key != NULL) + (options->ca != NULL);
	if (files != 0 && files != 3)
		usage_fail("cert, key and ca are needed, or none of them");
	*colon = '\0';
	options->host = target;
	options->port = colon + 1;
}

static void options_check(const struct options *options)
{
	int modes = (options->whole > 0) + (options->ranges > 0) + (options->handshakes > 0) +
		    (options->hold > 0) + (options->puts > 0);
	if (modes != 1)
		usage_fail("one of whole, ranges, puts, handshakes and hold is needed");
	if (options->connections == 0 || options->connections > CONNS_MAX ||
	    options->hold > CONNS_MAX)
		usage_fail("too many connections, or none");
	if (options->range_bytes == 0)
		usage_fail("a range has a byte at least");
}

int main(int argc, char **argv)
{
	struct options options = {.cipher = "TLS_AES_128_GCM_SHA256",
				  .range_bytes = 16384,
				  .put_bytes = 16384,
				  .connections = 1,
				  .batches = 1};
	struct load load = {.options = &options, .verify_fd = -1};

	options_read(&options, argc, argv);
	options_check(&options);
	if (options.cert != NULL)
		load.ssl_ctx = ssl_ctx_new(&options);
	if (options.server_pid > 0 &&
	    clock_getcpuclockid((pid_t)options.server_pid, &load.server_clock) != 0)
		fail("there is no process %" PRIu64, options.server_pid);
	if (options.verify != NULL) {
		struct stat stat;
		load.verify_fd = open(options.verify, O_RDONLY | O_CLOEXEC);
		if (load.verify_fd < 0 || fstat(load.verify_fd, &stat) < 0)
			fail("%s: %s", options.verify, strerror(errno));
		load.object_bytes = (uint64_t)stat.st_size;
	}
	if (options.hold > 0)
		hold(&load);
	else
		measure(&load);
	SSL_CTX_free(load.ssl_ctx);
	return 0;
}
