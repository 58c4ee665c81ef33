/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking sockets, OpenSSL in userspace: the kernel's TLS counters count the server alone. */
#include "load_client.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#define CONNECT_TRIES   200 /* while nobody listens yet */
#define CONNECT_WAIT_MS 50
#define HEAD_BYTES      4096
#define REQUEST_BYTES   1024
#define PUT_WRITE_BYTES 16384 /* a full record */
#define TIMEOUT_S       120   /* of one send or receive */
/* Fixed, and more than a server's socket holds: else it is now the server and now this client, as
 * chance has it, on whose time TCP segments are sent (5 % of a large response). */
#define WINDOW_BYTES    (16 * 1024 * 1024)

_Noreturn void fail(const char *format, ...)
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

void sleep_ms(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	nanosleep(&time, NULL);
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

static void conn_handshake(const struct load *load, struct conn *conn)
{
	conn->ssl = SSL_new(load->ssl_ctx);
	if (conn->ssl == NULL || SSL_set_fd(conn->ssl, conn->sock_fd) != 1 ||
	    SSL_connect(conn->ssl) != 1)
		fail("handshake with %s:%s failed", load->options->host, load->options->port);
	if (strcmp(SSL_get_version(conn->ssl), "TLSv1.3") != 0 ||
	    strcmp(SSL_get_cipher_name(conn->ssl), load->options->cipher) != 0)
		fail("wanted TLSv1.3 with %s, got %s with %s", load->options->cipher,
		     SSL_get_version(conn->ssl), SSL_get_cipher_name(conn->ssl));
}

struct conn *conn_open(struct load *load)
{
	struct conn *conn = malloc(sizeof(*conn));
	if (conn == NULL)
		fail("no memory");
	conn->have = 0;
	conn->ssl = NULL;
	conn->sock_fd = tcp_connect(load->options);
	if (load->ssl_ctx != NULL)
		conn_handshake(load, conn);
	return conn;
}

static void conn_notify(struct conn *conn)
{
	if (SSL_shutdown(conn->ssl) < 0)
		fail("close_notify could not be sent");
	int n = SSL_read(conn->ssl, conn->buf, sizeof(conn->buf));
	if (n > 0)
		fail("%d bytes after the last response", n);
	SSL_free(conn->ssl);
}

void conn_close(struct conn *conn)
{
	if (conn->have > 0)
		fail("%zu bytes after the last response", conn->have);
	if (conn->ssl != NULL)
		conn_notify(conn);
	close(conn->sock_fd);
	free(conn);
}

SSL_CTX *ssl_ctx_new(const struct options *options)
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
	SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY | SSL_MODE_NO_AUTO_CHAIN);
	return ctx;
}

/* ---- One request ---------------------------------------------------------------------------- */

static size_t conn_read(struct conn *conn, void *data, size_t bytes)
{
	size_t n = 0;
	if (conn->ssl == NULL) {
		ssize_t received = recv(conn->sock_fd, data, bytes, 0);
		n = received > 0 ? (size_t)received : 0;
	} else if (SSL_read_ex(conn->ssl, data, bytes, &n) != 1) {
		n = 0;
	}
	if (n == 0)
		fail("the server ended the connection inside a response");
	return n;
}

/* Whole: a socket that blocks takes all of it. */
static bool conn_write(struct conn *conn, const void *data, size_t bytes)
{
	size_t written;
	if (conn->ssl == NULL)
		return send(conn->sock_fd, data, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
	return SSL_write_ex(conn->ssl, data, bytes, &written) == 1;
}

static void body_send(struct conn *conn)
{
	static const char block[PUT_WRITE_BYTES] = "zeros: what is sent costs the same";

	for (uint64_t left = conn->bytes; left > 0;) {
		size_t n = left < sizeof(block) ? (size_t)left : sizeof(block);
		if (!conn_write(conn, block, n))
			fail("the server does not take a body");
		left -= n;
	}
}

void request_send(const struct load *load, struct conn *conn)
{
	char text[REQUEST_BYTES], field[80] = "", name[24] = "";

	if (conn->is_range)
		snprintf(field, sizeof(field), "Range: bytes=%" PRIu64 "-%" PRIu64 "\r\n",
			 conn->from, conn->from + conn->bytes - 1);
	if (conn->is_put)
		snprintf(field, sizeof(field), "Content-Length: %" PRIu64 "\r\n", conn->bytes);
	if (conn->is_put && load->options->names > 0)
		snprintf(name, sizeof(name), "%06" PRIu64, conn->name);
	int n = snprintf(text, sizeof(text),
			 "%s %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\n%s\r\n",
			 conn->is_put ? "PUT" : "GET", load->options->path, name,
			 load->options->host, field);
	if (n < 0 || (size_t)n >= sizeof(text))
		fail("the path is too long");
	if (!conn_write(conn, text, (size_t)n))
		fail("the server does not take a request");
	if (conn->is_put)
		body_send(conn);
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

	if (conn->is_put) {
		/* 200, 201, or 204, and no body. */
		if (strncmp(head, "HTTP/1.1 20", 11) != 0)
			fail("unexpected answer to a PUT: %.40s", head);
		if (length != NULL && strtoull(length, NULL, 10) != 0)
			fail("an answer to a PUT with a body");
		return;
	}
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

void response_read(struct load *load, struct conn *conn)
{
	head_read(load, conn);
	if (conn->is_put) {
		load->received += conn->bytes;
		return;
	}
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
