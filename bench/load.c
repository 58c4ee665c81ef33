/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: a client that costs the server exactly what it says, and counts what the server spent.
 *
 * In:   a server over mutual TLS 1.3, a target, how often to ask for it and how.
 * Out:  a line for each batch of requests: bytes, seconds, and the CPU time of the server process
 *       (all its threads, those that ended included) by that process' own clock, read before and
 *       after the batch when the server has nothing left to do.
 * Never: accepts a response that is not exactly what was asked for. Exit code 1 then.
 *
 * Blocking sockets, OpenSSL in userspace: the kernel's TLS counters count the server alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define CONNECT_TRIES   200 /* while nobody listens yet */
#define CONNECT_WAIT_MS 50
#define SETTLE_MS       100 /* until the server has done what it does after a response */
#define READ_BYTES      (64 * 1024)
#define HEAD_BYTES      4096
#define REQUEST_BYTES   1024
#define CONNS_MAX       100000
#define TIMEOUT_S       120 /* of one send or receive */
/* Fixed, and more than a server's socket holds: else it is now the server and now this client, as
 * chance has it, on whose time TCP segments are sent (5 % of a large response). */
#define WINDOW_BYTES    (16 * 1024 * 1024)

struct options {
	char *host;
	char *port;
	const char *path;
	const char *cert;
	const char *key;
	const char *ca;
	const char *cipher;
	const char *verify;  /* the object's file: responses before the first batch are compared */
	const char *control; /* a FIFO: told "enable" and "disable" around the batches */
	uint64_t whole;
	uint64_t ranges;
	uint64_t handshakes;
	uint64_t hold;
	uint64_t range_bytes;
	uint64_t connections;
	uint64_t batches;
	uint64_t warm;
	uint64_t server_pid;
};

struct load {
	const struct options *options;
	SSL_CTX *ssl_ctx;
	clockid_t server_clock;
	int verify_fd;         /* -1: do not compare */
	uint64_t object_bytes; /* 0: not known yet */
	uint64_t range_count;  /* requests so far: where the next range lies */
	uint64_t received;
};

struct conn {
	SSL *ssl;
	int sock_fd;
	size_t have; /* bytes of buf behind the last response */
	uint64_t from;
	uint64_t bytes;
	bool is_range;
	char buf[READ_BYTES];
};

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void fail(const char *format, ...)
{
	va_list values;
	va_start(values, format);
	fprintf(stderr, "load: ");
	vfprintf(stderr, format, values);
	fprintf(stderr, "\n");
	va_end(values);
	unsigned long code = ERR_get_error();
	if (code != 0)
		fprintf(stderr, "load: %s\n", ERR_error_string(code, NULL));
	exit(1);
}

static void sleep_ms(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	nanosleep(&time, NULL);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;
	if (clock_gettime(clock, &time) < 0)
		fail("the server's clock: %s (has it ended?)", strerror(errno));
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* ---- Connections ---------------------------------------------------------------------------- */

static int tcp_connect(const struct options *options)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
	int one = 1, window = WINDOW_BYTES;
	int r = getaddrinfo(options->host, options->port, &hints, &found);
	if (r != 0)
		fail("%s: %s", options->host, gai_strerror(r));
	for (int i = 0; i < CONNECT_TRIES; i++) {
		int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			fail("socket: %s", strerror(errno));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &window, sizeof(window));
		if (connect(fd, found->ai_addr, found->ai_addrlen) == 0) {
			const struct timeval timeout = {.tv_sec = TIMEOUT_S};
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
			freeaddrinfo(found);
			return fd;
		}
		if (errno != ECONNREFUSED)
			break;
		close(fd);
		sleep_ms(CONNECT_WAIT_MS);
	}
	fail("connect to %s:%s: %s", options->host, options->port, strerror(errno));
}

static struct conn *conn_open(struct load *load)
{
	struct conn *conn = malloc(sizeof(*conn));
	if (conn == NULL)
		fail("no memory");
	conn->have = 0;
	conn->sock_fd = tcp_connect(load->options);
	conn->ssl = SSL_new(load->ssl_ctx);
	if (conn->ssl == NULL || SSL_set_fd(conn->ssl, conn->sock_fd) != 1 ||
	    SSL_connect(conn->ssl) != 1)
		fail("handshake with %s:%s failed", load->options->host, load->options->port);
	if (strcmp(SSL_get_version(conn->ssl), "TLSv1.3") != 0 ||
	    strcmp(SSL_get_cipher_name(conn->ssl), load->options->cipher) != 0)
		fail("wanted TLSv1.3 with %s, got %s with %s", load->options->cipher,
		     SSL_get_version(conn->ssl), SSL_get_cipher_name(conn->ssl));
	return conn;
}

/* In order: our close_notify, the server's, and nothing else. */
static void conn_close(struct conn *conn)
{
	if (conn->have > 0)
		fail("%zu bytes after the last response", conn->have);
	if (SSL_shutdown(conn->ssl) < 0)
		fail("close_notify could not be sent");
	int n = SSL_read(conn->ssl, conn->buf, sizeof(conn->buf));
	if (n > 0)
		fail("%d bytes after the last response", n);
	SSL_free(conn->ssl);
	close(conn->sock_fd);
	free(conn);
}

static SSL_CTX *ssl_ctx_new(const struct options *options)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, options->cipher) != 1)
		fail("cipher %s", options->cipher);
	if (SSL_CTX_use_certificate_chain_file(ctx, options->cert) != 1)
		fail("%s: not a certificate", options->cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, options->key, SSL_FILETYPE_PEM) != 1)
		fail("%s: not a private key", options->key);
	if (SSL_CTX_load_verify_locations(ctx, options->ca, NULL) != 1)
		fail("%s: not a CA certificate", options->ca);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY);
	return ctx;
}

/* ---- One request ---------------------------------------------------------------------------- */

static size_t conn_read(struct conn *conn, void *data, size_t bytes)
{
	size_t n;
	if (SSL_read_ex(conn->ssl, data, bytes, &n) != 1)
		fail("the server ended the connection inside a response");
	return n;
}

static void request_send(const struct load *load, struct conn *conn)
{
	char text[REQUEST_BYTES], range[80] = "";
	size_t written;

	if (conn->is_range)
		snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-%" PRIu64 "\r\n",
			 conn->from, conn->from + conn->bytes - 1);
	int n = snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\n%s\r\n",
			 load->options->path, load->options->host, range);
	if (n < 0 || (size_t)n >= sizeof(text))
		fail("the path is too long");
	if (SSL_write_ex(conn->ssl, text, (size_t)n, &written) != 1)
		fail("the server does not take a request");
}

/* Value of a field, or NULL; the head is a string. */
static const char *field_find(const char *head, const char *name)
{
	size_t len = strlen(name);
	for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " ");
	}
	return NULL;
}

static void head_check(struct load *load, const struct conn *conn, const char *head)
{
	char want[80];
	const char *length = field_find(head, "Content-Length");
	const char *range = field_find(head, "Content-Range");

	if (strncmp(head, conn->is_range ? "HTTP/1.1 206 " : "HTTP/1.1 200 ", 13) != 0)
		fail("unexpected answer: %.40s", head);
	if (length == NULL)
		fail("an answer without Content-Length");
	uint64_t bytes = strtoull(length, NULL, 10);
	if (!conn->is_range && load->object_bytes == 0)
		load->object_bytes = bytes;
	if (bytes != (conn->is_range ? conn->bytes : load->object_bytes))
		fail("%" PRIu64 " bytes are announced, which is not what was asked for", bytes);
	if (!conn->is_range)
		return;
	snprintf(want, sizeof(want), "bytes %" PRIu64 "-%" PRIu64 "/", conn->from,
		 conn->from + conn->bytes - 1);
	if (range == NULL || strncmp(range, want, strlen(want)) != 0)
		fail("the range of the answer is not the one asked for");
	if (load->object_bytes == 0)
		load->object_bytes = strtoull(range + strlen(want), NULL, 10);
}

/* Reads to the end of the head; what is behind it stands at the start of buf then. */
static void head_read(struct load *load, struct conn *conn)
{
	char head[HEAD_BYTES + 1];
	char *end = NULL;

	for (;;) {
		end = memmem(conn->buf, conn->have, "\r\n\r\n", 4);
		if (end != NULL)
			break;
		if (conn->have >= HEAD_BYTES)
			fail("a head of more than %d bytes", HEAD_BYTES);
		conn->have +=
			conn_read(conn, conn->buf + conn->have, sizeof(conn->buf) - conn->have);
	}
	size_t bytes = (size_t)(end + 4 - conn->buf);
	if (bytes > HEAD_BYTES)
		fail("a head of more than %d bytes", HEAD_BYTES);
	memcpy(head, conn->buf, bytes);
	head[bytes] = '\0';
	conn->have -= bytes;
	memmove(conn->buf, conn->buf + bytes, conn->have);
	head_check(load, conn, head);
}

static void compare(const struct load *load, const char *data, size_t bytes, uint64_t offset)
{
	static char expected[READ_BYTES];
	if (pread(load->verify_fd, expected, bytes, (off_t)offset) != (ssize_t)bytes)
		fail("%s: cannot be read at %" PRIu64, load->options->verify, offset);
	if (memcmp(expected, data, bytes) != 0)
		fail("wrong bytes at offset %" PRIu64, offset);
}

static void response_read(struct load *load, struct conn *conn)
{
	head_read(load, conn);
	uint64_t left = conn->is_range ? conn->bytes : load->object_bytes;
	uint64_t offset = conn->is_range ? conn->from : 0;
	load->received += left;
	while (left > 0) {
		if (conn->have == 0)
			conn->have = conn_read(conn, conn->buf, sizeof(conn->buf));
		size_t n = conn->have < left ? conn->have : (size_t)left;
		if (load->verify_fd >= 0)
			compare(load, conn->buf, n, offset);
		conn->have -= n;
		memmove(conn->buf, conn->buf + n, conn->have);
		offset += n;
		left -= n;
	}
}

/* ---- Batches -------------------------------------------------------------------------------- */

/* Ranges walk over the object by a stride that comes to no place twice soon. */
static void plan(struct load *load, struct conn *conn)
{
	const struct options *options = load->options;
	conn->is_range = options->whole == 0;
	conn->from = 0;
	conn->bytes = options->range_bytes;
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
	uint64_t count = options->whole + options->ranges + options->handshakes;

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
	"usage: load --target HOST:PORT --path /BUCKET/KEY --cert FILE --key FILE --ca FILE\n"
	"            --whole N | --ranges N | --handshakes N | --hold N\n"
	"\n"
	"  --whole N         GET the object N times\n"
	"  --ranges N        GET N ranges of --range-bytes (16384)\n"
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
			      &options->batches, &options->warm,        &options->server_pid};
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
	if (optind != argc || colon == NULL || options->path == NULL || options->cert == NULL ||
	    options->key == NULL || options->ca == NULL)
		usage_fail("target, path, cert, key and ca are needed");
	*colon = '\0';
	options->host = target;
	options->port = colon + 1;
}

static void options_check(const struct options *options)
{
	int modes = (options->whole > 0) + (options->ranges > 0) + (options->handshakes > 0) +
		    (options->hold > 0);
	if (modes != 1)
		usage_fail("one of whole, ranges, handshakes and hold is needed");
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
				  .connections = 1,
				  .batches = 1};
	struct load load = {.options = &options, .verify_fd = -1};

	options_read(&options, argc, argv);
	options_check(&options);
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
