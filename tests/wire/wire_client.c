/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_client.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <criterion/criterion.h>
#include <openssl/err.h>

#include "base/must.h"
#include "wire/wire_raw.h"

#define HANDSHAKE_KEY_UPDATE 24 /* RFC 8446 section 4 */

/* ---- How it ended --------------------------------------------------------------------------- */

const char *wire_end_text(enum wire_end end)
{
	switch (end) {
	case WIRE_END_NONE:
		return "not at all";
	case WIRE_END_CLOSE_NOTIFY:
		return "by close_notify";
	case WIRE_END_FIN:
		return "by FIN without close_notify";
	case WIRE_END_RESET:
		return "by RST";
	case WIRE_END_ALERT:
		return "by a fatal alert";
	case WIRE_END_PROTOCOL:
		return "by bytes that are not TLS or do not decrypt";
	}
	return "?";
}

static void note_errno(struct wire_client *client, int error, const char *doing)
{
	cr_assert(error != EAGAIN, "%s: nothing came from the server within the deadline", doing);
	client->end = error == 0 ? WIRE_END_FIN : WIRE_END_RESET;
	cr_assert(error == 0 || error == ECONNRESET || error == EPIPE, "%s: %s", doing,
		  strerror(error));
}

/* result: of the OpenSSL call that failed, errno still as it left it. */
static void note_end(struct wire_client *client, int result, const char *doing)
{
	int saved_errno = errno;
	unsigned long code = ERR_peek_error();

	switch (SSL_get_error(client->ssl, result)) {
	case SSL_ERROR_ZERO_RETURN:
		client->end = WIRE_END_CLOSE_NOTIFY;
		break;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		note_errno(client, EAGAIN, doing);
		break;
	case SSL_ERROR_SYSCALL:
		note_errno(client, saved_errno, doing);
		break;
	default:
		if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			client->end = WIRE_END_FIN;
		} else if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
			   ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET) {
			client->end = WIRE_END_ALERT;
			client->alert = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;
		} else {
			client->end = WIRE_END_PROTOCOL;
		}
	}
	ERR_clear_error();
}

/* Calls do(...) of OpenSSL's until it was not for being stopped that it returned. */
#define UNSTOPPED(result, call)                                                                    \
	do {                                                                                       \
		ERR_clear_error();                                                                 \
		errno = 0;                                                                         \
		(result) = (call);                                                                 \
	} while ((result) <= 0 && errno == EINTR)

/* ---- Connecting ----------------------------------------------------------------------------- */

static void socket_limit(const struct wire_client *client)
{
	int ms = wire_patience_ms(&client->server->env);
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	setsockopt(client->sock_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(client->sock_fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

void wire_connect_tcp(struct wire_client *client, const struct wire_server *server)
{
	int one = 1;

	client->server = server;
	client->sock_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(client->sock_fd, 0);
	setsockopt(client->sock_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (client->receive_buffer_bytes > 0)
		setsockopt(client->sock_fd, SOL_SOCKET, SO_RCVBUF, &client->receive_buffer_bytes,
			   sizeof(client->receive_buffer_bytes));
	if (client->segment_bytes > 0)
		setsockopt(client->sock_fd, IPPROTO_TCP, TCP_MAXSEG, &client->segment_bytes,
			   sizeof(client->segment_bytes));
	cr_assert_eq(connect(client->sock_fd, (const struct sockaddr *)&server->sock_addr,
			     sizeof(server->sock_addr)),
		     0, "connect %s: %s", server->addr, strerror(errno));
	/* Not before: with a limit a call that was stopped is not gone on with, but ends
	 * (signal(7)), and a connect that has ended cannot be made again. */
	socket_limit(client);
}

static void secret_read(struct traffic_secret *secret, const char *hex)
{
	long len = 0;
	unsigned char *bytes = OPENSSL_hexstr2buf(hex, &len);

	must(bytes != NULL && len <= TRAFFIC_SECRET_BYTES_MAX);
	memcpy(secret->byte, bytes, (size_t)len);
	secret->len = (uint8_t)len;
	OPENSSL_free(bytes);
}

static void keylog(const SSL *ssl, const char *line)
{
	struct wire_client *client = SSL_get_app_data(ssl);
	const char *hex = strrchr(line, ' ') + 1;

	if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0)
		secret_read(&client->tx_secret, hex);
	else if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0)
		secret_read(&client->rx_secret, hex);
}

static void message(int is_sent, int version, int type, const void *data, size_t len, SSL *ssl,
		    void *argument)
{
	struct wire_client *client = argument;

	(void)version;
	(void)ssl;
	if (!is_sent && type == SSL3_RT_HANDSHAKE && len > 0 &&
	    *(const uint8_t *)data == HANDSHAKE_KEY_UPDATE)
		client->keyupdates_seen++;
}

static void certificate_use(struct wire_client *client)
{
	const char *dir = client->server->env.dir, *name = wire_cert_name(client->cert);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/certs/%s.crt", dir, name);
	cr_assert_eq(SSL_CTX_use_certificate_file(client->ssl_ctx, path, SSL_FILETYPE_PEM), 1);
	snprintf(path, sizeof(path), "%s/certs/%s.key", dir, name);
	cr_assert_eq(SSL_CTX_use_PrivateKey_file(client->ssl_ctx, path, SSL_FILETYPE_PEM), 1);
}

void wire_prepare(struct wire_client *client, const struct wire_server *server)
{
	const char *ciphers = client->ciphers != NULL ? client->ciphers : "TLS_AES_128_GCM_SHA256";
	char path[PATH_MAX];

	wire_connect_tcp(client, server);
	client->ssl_ctx = SSL_CTX_new(TLS_client_method());
	must(client->ssl_ctx != NULL);
	snprintf(path, sizeof(path), "%s/certs/ca.crt", server->env.dir);
	cr_assert_eq(SSL_CTX_load_verify_locations(client->ssl_ctx, path, NULL), 1);
	SSL_CTX_set_verify(client->ssl_ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_min_proto_version(client->ssl_ctx, TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(
		client->ssl_ctx, client->version_max != 0 ? client->version_max : TLS1_3_VERSION);
	cr_assert_eq(SSL_CTX_set_ciphersuites(client->ssl_ctx, ciphers), 1, "%s", ciphers);
	SSL_CTX_set_keylog_callback(client->ssl_ctx, keylog);
	SSL_CTX_set_msg_callback(client->ssl_ctx, message);
	SSL_CTX_set_msg_callback_arg(client->ssl_ctx, client);
	if (client->cert != WIRE_CERT_NONE)
		certificate_use(client);
	if (client->padding_block > 0)
		SSL_CTX_set_block_padding(client->ssl_ctx, (size_t)client->padding_block);
	if (client->alpn != NULL)
		SSL_CTX_set_alpn_protos(client->ssl_ctx, (const unsigned char *)client->alpn,
					(unsigned)strlen(client->alpn));
	client->ssl = SSL_new(client->ssl_ctx);
	must(client->ssl != NULL && SSL_set_app_data(client->ssl, client) == 1);
	cr_assert_eq(SSL_set_fd(client->ssl, client->sock_fd), 1);
	SSL_set1_host(client->ssl, "localhost");
	SSL_set_connect_state(client->ssl);
}

void wire_client_hello(struct wire_client *client)
{
	BIO *nothing = BIO_new(BIO_s_mem()); /* to read from, for now */

	must(nothing != NULL);
	SSL_set0_rbio(client->ssl, nothing);
	int n = SSL_do_handshake(client->ssl);
	cr_assert_eq(SSL_get_error(client->ssl, n), SSL_ERROR_WANT_READ);
	cr_assert_eq(SSL_set_rfd(client->ssl, client->sock_fd), 1);
}

bool wire_handshake(struct wire_client *client)
{
	int n;

	UNSTOPPED(n, SSL_do_handshake(client->ssl));
	if (n == 1) {
		const char *suite = SSL_CIPHER_get_name(SSL_get_current_cipher(client->ssl));
		for (unsigned i = 0; i < TLS_CIPHER_COUNT; i++)
			if (strcmp(suite, tls_cipher_label((enum tls_cipher)i)) == 0)
				client->cipher = (enum tls_cipher)i;
		return true;
	}
	note_end(client, n, "handshake");
	return false;
}

void wire_handshake_refused(struct wire_client *client, int alert)
{
	if (wire_handshake(client))
		wire_expect_alert(client, alert);
	cr_assert_eq(client->end, WIRE_END_ALERT, "ended %s", wire_end_text(client->end));
	cr_assert_eq(client->alert, alert, "alert %d, not %d", client->alert, alert);
}

void wire_connect(struct wire_client *client, const struct wire_server *server)
{
	wire_prepare(client, server);
	cr_assert(wire_handshake(client), "the handshake ended %s (%d)", wire_end_text(client->end),
		  client->alert);
}

void wire_accept(struct wire_client *client, const struct wire_server *server, int listen_fd)
{
	struct pollfd wait = {.fd = listen_fd, .events = POLLIN};

	client->server = server;
	client->cert = WIRE_CERT_SERVER;
	cr_assert_eq(poll(&wait, 1, wire_patience_ms(&server->env)), 1, "nobody comes");
	client->sock_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_geq(client->sock_fd, 0);
	socket_limit(client);
	client->ssl_ctx = SSL_CTX_new(TLS_server_method());
	must(client->ssl_ctx != NULL);
	SSL_CTX_set_min_proto_version(client->ssl_ctx, TLS1_3_VERSION);
	SSL_CTX_set_num_tickets(client->ssl_ctx, 0);
	SSL_CTX_set_keylog_callback(client->ssl_ctx, keylog);
	certificate_use(client);
	client->ssl = SSL_new(client->ssl_ctx);
	must(client->ssl != NULL && SSL_set_app_data(client->ssl, client) == 1);
	cr_assert_eq(SSL_set_fd(client->ssl, client->sock_fd), 1);
	SSL_set_accept_state(client->ssl);
	cr_assert(wire_handshake(client), "the handshake ended %s", wire_end_text(client->end));
	struct traffic_secret of_client = client->tx_secret;
	client->tx_secret = client->rx_secret;
	client->rx_secret = of_client;
	wire_raw_begin(client);
}

static void fini(struct wire_client *client)
{
	wire_raw_fini(client);
	SSL_free(client->ssl);
	SSL_CTX_free(client->ssl_ctx);
	client->ssl = NULL;
	client->ssl_ctx = NULL;
	if (client->sock_fd >= 0)
		close(client->sock_fd);
	client->sock_fd = -1;
}

void wire_disconnect(struct wire_client *client)
{
	if (client->sock_fd >= 0 && client->ssl != NULL && client->end == WIRE_END_NONE)
		wire_shutdown(client);
	fini(client);
}

void wire_reset(struct wire_client *client)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(client->sock_fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	fini(client);
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

bool wire_write_tcp(struct wire_client *client, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = send(client->sock_fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cr_assert(errno == EPIPE || errno == ECONNRESET, "send: %s",
				  strerror(errno));
			return false;
		}
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool wire_read_tcp(struct wire_client *client, void *data, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = recv(client->sock_fd, (char *)data + have, len - have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			note_errno(client, n == 0 ? 0 : errno, "recv");
			return false;
		}
		have += (size_t)n;
	}
	return true;
}

bool wire_write(struct wire_client *client, const void *data, size_t len)
{
	int n;

	if (client->is_raw)
		return wire_raw_write(client, data, len);
	UNSTOPPED(n, SSL_write(client->ssl, data, (int)len));
	cr_assert(n > 0 || errno != EAGAIN, "the server takes no more bytes");
	ERR_clear_error();
	return n > 0;
}

size_t wire_read(struct wire_client *client, void *data, size_t len)
{
	size_t have = client->in_end - client->in_at;
	int n;

	if (have > 0) {
		size_t some = have < len ? have : len;
		memcpy(data, client->in + client->in_at, some);
		client->in_at += some;
		return some;
	}
	if (client->end != WIRE_END_NONE)
		return 0;
	if (client->is_raw)
		return wire_raw_receive(client, data, len);
	UNSTOPPED(n, SSL_read(client->ssl, data, (int)len));
	if (n > 0)
		return (size_t)n;
	note_end(client, n, "read");
	return 0;
}

bool wire_is_silent(struct wire_client *client, int ms)
{
	struct pollfd wait = {.fd = client->sock_fd, .events = POLLIN};

	if (client->in_end > client->in_at || client->end != WIRE_END_NONE)
		return false;
	return poll(&wait, 1, wire_ms(&client->server->env, ms)) == 0;
}

void wire_await_delivery(const struct wire_client *client)
{
	uint64_t end_ms = wire_patience_end(&client->server->env);
	int queued;

	while (ioctl(client->sock_fd, SIOCOUTQ, &queued) == 0 && queued > 0) {
		cr_assert_lt(wire_now_ms(), end_ms, "%d bytes do not reach the server", queued);
		poll(NULL, 0, 1);
	}
}

void wire_keyupdate(struct wire_client *client, bool asks_peer)
{
	int n;

	ERR_clear_error();
	cr_assert_eq(SSL_key_update(client->ssl, asks_peer ? SSL_KEY_UPDATE_REQUESTED
							   : SSL_KEY_UPDATE_NOT_REQUESTED),
		     1);
	UNSTOPPED(n, SSL_do_handshake(client->ssl));
	cr_assert_eq(n, 1);
}

/* ---- Endings -------------------------------------------------------------------------------- */

/* Reads until the end; nothing may come before it. */
static void end_await(struct wire_client *client)
{
	char data[256];
	size_t n = wire_read(client, data, sizeof(data) - 1);

	data[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)data[i] < ' ' || (unsigned char)data[i] > '~')
			data[i] = '.';
	cr_assert_eq(n, 0, "the server sent %zu bytes more: %s", n, data);
}

void wire_expect_end(struct wire_client *client, enum wire_end end)
{
	end_await(client);
	cr_assert_eq(client->end, end, "the connection ended %s, not %s",
		     wire_end_text(client->end), wire_end_text(end));
}

void wire_expect_alert(struct wire_client *client, int alert)
{
	wire_expect_end(client, WIRE_END_ALERT);
	cr_assert_eq(client->alert, alert, "alert %d (%s), not %d (%s)", client->alert,
		     SSL_alert_desc_string_long(client->alert), alert,
		     SSL_alert_desc_string_long(alert));
}

void wire_expect_gone(struct wire_client *client)
{
	end_await(client);
	cr_assert_neq(client->end, WIRE_END_NONE);
}
