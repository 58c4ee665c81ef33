/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake as bytes: garbage, pieces, stalls, and what stands right behind it. */
#include "wire/wire.h"

#include <linux/tcp.h> /* not netinet/tcp.h: its struct tcp_info is older */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(handshake_bytes, .timeout = WIRE_TIMEOUT);

#define HANDSHAKE_MS 1000

/* The connection ends without data of ours ever being served; how depends on what was sent. */
static void tcp_expect_end(struct wire_client *client)
{
	uint8_t byte[512];
	size_t have = 0;

	while (have < sizeof(byte) && wire_read_tcp(client, byte + have, 1))
		have++;
	/* Nothing, or one alert record in the clear. */
	cr_assert(have == 0 || (have == 7 && byte[0] == 21 && byte[5] == 2),
		  "the server sent %zu bytes, the first %d", have, byte[0]);
	cr_assert(client->end == WIRE_END_FIN || client->end == WIRE_END_RESET);
}

static void not_tls(const void *data, size_t len, const char *reason)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect_tcp(&client, &server);
	wire_write_tcp(&client, data, len);
	tcp_expect_end(&client);
	wire_handshake_failed(&server, reason, 1);
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* A server whose handshakes have limit_ms, and that has nothing to do but one that stalls. */
struct stall {
	struct wire_server server;
	struct wire_client client;
	uint64_t limit_ms;
	uint64_t since_ms;
	char option[64];
};

static void stall_start(struct stall *stall)
{
	*stall = (struct stall){0};
	stall->limit_ms = (uint64_t)wire_limit_option(&stall->server, "--handshake-timeout",
						      HANDSHAKE_MS, stall->option);
	stall->server.option[0] = stall->option;
	wire_server_start(&stall->server);
	stall->since_ms = wire_now_ms();
}

/* Waits for the end of a connection that does nothing; it must not come before its time. */
static void stall_end(struct stall *stall)
{
	struct wire_server *server = &stall->server;
	struct wire_client *client = &stall->client;

	while (client->end == WIRE_END_NONE) {
		char byte;
		wire_read_tcp(client, &byte, 1); /* the server's own flight, or its alert */
	}
	uint64_t took_ms = wire_now_ms() - stall->since_ms;
	cr_assert(took_ms >= stall->limit_ms, "closed after %d ms", (int)took_ms);
	cr_assert_lt(took_ms, stall->limit_ms + (uint64_t)wire_slack_ms(&server->env, 3000),
		     "closed after %d ms", (int)took_ms);
	wire_handshake_failed(server, "timeout", 1);
	wire_closed(server, "handshake_timeout", 1);
	wire_disconnect(client);
	wire_serves_others(server);
	wire_server_stop(server);
}

/* Everything that comes until the server's FIN. */
static size_t read_all(struct wire_client *client, char *out, size_t size)
{
	size_t have = 0;

	while (have + 1 < size && wire_read_tcp(client, out + have, 1))
		have++;
	out[have] = '\0';
	return have;
}

static void plain_http(struct wire_server *server, const char *method, const char *target,
		       size_t piece)
{
	struct wire_client client = {0};
	char request[256], answer[2048];

	int len = snprintf(request, sizeof(request),
			   "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
			   method, target);
	wire_connect_tcp(&client, server);
	for (size_t at = 0; at < (size_t)len; at += piece)
		wire_write_tcp(&client, request + at,
			       (size_t)len - at < piece ? (size_t)len - at : piece);
	size_t have = read_all(&client, answer, sizeof(answer));
	cr_assert_eq(client.end, WIRE_END_FIN, "%s: the answer must not be lost: %s", method,
		     wire_end_text(client.end));
	const char *body = strstr(answer, "\r\n\r\n");
	cr_assert(strncmp(answer, "HTTP/1.1 400 Bad Request\r\n", 26) == 0 && body != NULL,
		  "%s by %zu: %s", method, piece, answer);
	body += 4;
	cr_assert_not_null(strstr(answer, "\r\nConnection: close\r\n"));
	const char *length = strstr(answer, "\r\nContent-Length: ");
	cr_assert_not_null(length);
	if (strcmp(method, "HEAD") == 0) {
		cr_assert_str_empty(body);
	} else {
		cr_assert_eq(strtoul(length + 18, NULL, 10), have - (size_t)(body - answer));
		cr_assert_not_null(strstr(body, "HTTPS"), "%s", body);
		cr_assert_not_null(strstr(body, "https://"), "%s", body);
	}
	wire_disconnect(&client);
}

/* A browser, a load balancer's health check, a client without https://: it is told what is wrong in
 * its own protocol, also when its request comes byte by byte. */
Test(handshake_bytes, plain_http)
{
	static const char *const rows[][2] = {
		{"GET", "/data/size-1"}, {"GET", "http://localhost/"},
		{"HEAD", "/"},           {"POST", "/"},
		{"PUT", "/data/object"}, {"DELETE", "/data/object"},
		{"OPTIONS", "*"},        {"CONNECT", "localhost:443"},
		{"PATCH", "/"},          {"PRI", "*"},
		{"PROPFIND", "/"},
	};
	struct wire_server server = {0};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		plain_http(&server, rows[i][0], rows[i][1], 1024);
		plain_http(&server, rows[i][0], rows[i][1], 1);
	}
	wire_handshake_failed(&server, "plain_http", 2 * ARRAY_LEN(rows));
	wire_log_has(&server, "msg=\"handshake failed\"", "reason=plain_http");
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* ... and nobody else gets HTTP from it. */
Test(handshake_bytes, other_protocols)
{
	static const char *const rows[] = {"SSH-2.0-OpenSSH_9.2\r\n", "EHLO client.example\r\n",
					   "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
					   "no TLS\r\n\r\n", "\r\n\r\n\r\n"};
	struct wire_server server = {0};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_client client = {0};
		wire_connect_tcp(&client, &server);
		wire_write_tcp(&client, rows[i], strlen(rows[i]));
		tcp_expect_end(&client);
		wire_handshake_failed(&server, "not_tls", i + 1);
		wire_disconnect(&client);
	}
	wire_server_stop(&server);
}

/* A ClientHello, whole or half, and then HTTP in plain: TLS has begun, nothing answers in HTTP. */
Test(handshake_bytes, plain_http_after_tls_has_begun)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static const uint8_t half[] = {22, 3, 1, 0, 40, 1, 0, 0, 36, 3, 3};
	struct wire_server server = {0};
	char answer[8192];

	wire_server_start(&server);
	for (int i = 0; i < 2; i++) {
		struct wire_client client = {0};
		if (i == 0) {
			wire_prepare(&client, &server);
			wire_client_hello(&client);
		} else {
			wire_connect_tcp(&client, &server);
			wire_write_tcp(&client, half, sizeof(half));
		}
		wire_write_tcp(&client, text, strlen(text));
		size_t have = read_all(&client, answer, sizeof(answer));
		cr_assert_null(memmem(answer, have, "HTTP/1.1", 8), "case %d", i);
		wire_disconnect(&client);
	}
	cr_assert_eq(
		wire_metric(&server, "sluice_tls_handshake_failures_total{reason=\"plain_http\"}"),
		0);
	wire_server_stop(&server);
}

/* Half a method is no longer waited for than half a ClientHello. */
Test(handshake_bytes, half_a_method)
{
	struct stall stall;

	stall_start(&stall);
	wire_connect_tcp(&stall.client, &stall.server);
	wire_write_tcp(&stall.client, "GET", 3);
	stall_end(&stall);
}

Test(handshake_bytes, garbage)
{
	char data[4096];
	wire_pattern_fill(5, 0, data, sizeof(data));
	data[0] = '\x7f';
	not_tls(data, sizeof(data), "not_tls");
}

Test(handshake_bytes, record_without_a_client_hello)
{
	uint8_t data[5 + 256] = {22, 3, 1, 1, 0};
	wire_pattern_fill(6, 0, data + 5, 256);
	data[5] = 1;
	not_tls(data, sizeof(data), "protocol_error");
}

/* The ClientHello that the library would send. */
static size_t hello_make(struct wire_client *client, uint8_t *out, size_t size)
{
	BIO *in = BIO_new(BIO_s_mem()), *made = BIO_new(BIO_s_mem());

	SSL_set_bio(client->ssl, in, made);
	int n = SSL_do_handshake(client->ssl);
	cr_assert_eq(SSL_get_error(client->ssl, n), SSL_ERROR_WANT_READ);
	n = BIO_read(made, out, (int)size);
	cr_assert_gt(n, 0);
	return (size_t)n;
}

/* What breaks the protocol later is told as that, not as something that the client's first bytes
 * could have been. */
Test(handshake_bytes, broken_after_a_good_start)
{
	static const struct {
		uint16_t legacy_version;
		const char *groups; /* of the ClientHello: NULL: the server has them */
		const char *then;   /* comes behind it */
		size_t then_bytes;
		bool again; /* the same ClientHello answers a HelloRetryRequest */
	} rows[] = {
		{.legacy_version = 0x0300},
		{.legacy_version = 0x0303, .then = "\x14\x02\x00\x00\x01\x01", .then_bytes = 6},
		{.legacy_version = 0x0303, .then = "\x14\x04\x04\x00\x01\x01", .then_bytes = 6},
		{.legacy_version = 0x0303, .then = "\x7f\x00\x00\x00\x01\x01", .then_bytes = 6},
		{.legacy_version = 0x0303, .groups = "P-521:X25519", .again = true},
	};
	struct wire_server server = {0};
	uint8_t hello[2048];

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_client client = {0};
		wire_prepare(&client, &server);
		if (rows[i].groups != NULL)
			cr_assert_eq(SSL_set1_groups_list(client.ssl, rows[i].groups), 1);
		size_t n = hello_make(&client, hello, sizeof(hello));
		hello[9] = (uint8_t)(rows[i].legacy_version >> 8);
		hello[10] = (uint8_t)rows[i].legacy_version;
		cr_assert(wire_write_tcp(&client, hello, n));
		if (rows[i].again)
			cr_assert(wire_write_tcp(&client, hello, n));
		if (rows[i].then != NULL)
			cr_assert(wire_write_tcp(&client, rows[i].then, rows[i].then_bytes));
		wire_handshake_failed(&server, "protocol_error", i + 1);
		wire_disconnect(&client);
	}
	/* Other alerts differ from one release of the library to the next. */
	wire_log_has(&server, "reason=protocol_error ", "alert_sent=illegal_parameter");
	wire_serves_others(&server);
	wire_server_stop(&server);
}

Test(handshake_bytes, silence)
{
	struct stall stall;

	stall_start(&stall);
	wire_connect_tcp(&stall.client, &stall.server);
	stall_end(&stall);
}

Test(handshake_bytes, half_a_client_hello)
{
	static const uint8_t data[] = {22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3};
	struct stall stall;

	stall_start(&stall);
	wire_connect_tcp(&stall.client, &stall.server);
	wire_write_tcp(&stall.client, data, sizeof(data));
	stall_end(&stall);
}

/* The client answers nothing to the server's flight. */
Test(handshake_bytes, no_finished)
{
	struct stall stall;

	stall_start(&stall);
	wire_prepare(&stall.client, &stall.server);
	wire_client_hello(&stall.client);
	stall_end(&stall);
}

/* Each byte restarts nothing: the deadline is for the whole handshake. */
Test(handshake_bytes, dribble)
{
	uint8_t data[200] = {22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3};
	struct stall stall;

	stall_start(&stall);
	wire_connect_tcp(&stall.client, &stall.server);
	for (size_t i = 0; i < sizeof(data) && wire_is_silent(&stall.client, 50); i++)
		wire_write_tcp(&stall.client, data + i, 1);
	stall_end(&stall);
}

Test(handshake_bytes, client_leaves)
{
	struct wire_server server = {0};
	struct wire_client quiet = {0}, begun = {0}, reset = {0};

	wire_server_start(&server);
	wire_connect_tcp(&quiet, &server);
	shutdown(quiet.sock_fd, SHUT_WR);
	wire_prepare(&begun, &server);
	wire_client_hello(&begun);
	shutdown(begun.sock_fd, SHUT_WR);
	wire_handshake_failed(&server, "client_closed", 2);
	wire_connect_tcp(&reset, &server);
	wire_reset(&reset);
	wire_handshake_failed(&server, "client_closed", 3);
	wire_disconnect(&quiet);
	wire_disconnect(&begun);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* What the library wants to send goes to the socket one byte a segment. */
static void send_in_pieces(struct wire_client *client, BIO *out)
{
	char byte;

	while (BIO_read(out, &byte, 1) == 1)
		cr_assert(wire_write_tcp(client, &byte, 1));
}

Test(handshake_bytes, one_byte_a_segment)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	char byte;

	wire_server_start(&server);
	wire_prepare(&client, &server);
	SSL_set_bio(client.ssl, in, out);
	for (;;) {
		int n = SSL_do_handshake(client.ssl);
		send_in_pieces(&client, out);
		if (n == 1)
			break;
		cr_assert_eq(SSL_get_error(client.ssl, n), SSL_ERROR_WANT_READ);
		cr_assert(wire_read_tcp(&client, &byte, 1));
		BIO_write(in, &byte, 1);
	}
	wire_raw_begin(&client);
	wire_fetch(&client, "/data/size-16385", 16385, 16385);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/*
 * The client's Finished and its requests in one segment: what stands behind the Finished must
 * neither be lost nor be read by the wrong layer.
 */
static void behind_finished(unsigned requests)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int cork = 1;

	wire_server_start(&server);
	wire_prepare(&client, &server);
	wire_client_hello(&client);
	setsockopt(client.sock_fd, IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
	cr_assert(wire_handshake(&client));
	for (unsigned i = 0; i < requests; i++)
		wire_send(&client, "GET /data/size-100 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cork = 0;
	setsockopt(client.sock_fd, IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
	cr_assert_eq(getsockopt(client.sock_fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	cr_assert_eq(info.tcpi_data_segs_out, 2, "%u segments: this tests nothing",
		     info.tcpi_data_segs_out);
	for (unsigned i = 0; i < requests; i++) {
		wire_read_head(&client, &response);
		cr_assert_eq(response.status, 200);
		wire_read_object(&client, &response, 100, 0, 100);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(handshake_bytes, request_behind_finished)
{
	behind_finished(1);
}

Test(handshake_bytes, many_requests_behind_finished)
{
	behind_finished(100);
}
