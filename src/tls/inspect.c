/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/inspect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/wait.h"
#include "tls/cert_identity.h"
#include "tls/greeting.h"
#include "tls/inspect_private.h"
#include "tls/pem.h"
#include "tls/tls_ctx_private.h"
#include "tls/tls_groups.h"

/* How long a server may take to end the connection after we have. One that has refused our
 * certificate has said so long before. */
#define END_WAIT_MS 2000

static const unsigned char protocols[] = "\x08http/1.1";

void inspect_fail(struct inspection *inspection, enum inspect_end end, const char *format, ...)
{
	va_list args;

	inspection->end = end;
	va_start(args, format);
	vsnprintf(inspection->error, sizeof(inspection->error), format, args);
	va_end(args);
	ERR_clear_error();
}

/* ---- Our side -------------------------------------------------------------------------------- */

/* Each certificate anew: those of pem_read_certs belong to the context of all handshakes, which has
 * only the algorithms of TLS 1.3. */
static int add_ca(X509_STORE *store, X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);
	const unsigned char *at = der;
	X509 *again = len > 0 ? d2i_X509(NULL, &at, len) : NULL;
	bool is_added = again != NULL && X509_STORE_add_cert(store, again) == 1;

	X509_free(again);
	OPENSSL_free(der);
	return is_added ? 0 : -ENOMEM;
}

/* 0, or -EINVAL and it has failed. */
static int load_cas(struct inspect *inspect)
{
	static const struct pem_wanted wanted = {PEM_CERT, "CA certificates", "--ca", NULL, NULL};
	struct inspection *inspection = inspect->inspection;
	char error[ERROR_TEXT_MAX];
	int r = 0;

	if (inspect->plan->ca_file[0] == '\0') {
		SSL_CTX_set_default_verify_paths(inspect->ssl_ctx);
		return 0;
	}
	STACK_OF(X509) *cas = pem_read_certs(inspect->plan->ca_file, &wanted, error);
	if (cas == NULL) {
		inspect_fail(inspection, INSPECT_FILES, "%s", error);
		return -EINVAL;
	}
	for (int i = 0; r == 0 && i < sk_X509_num(cas); i++)
		r = add_ca(SSL_CTX_get_cert_store(inspect->ssl_ctx), sk_X509_value(cas, i));
	sk_X509_pop_free(cas, X509_free);
	if (r < 0)
		inspect_fail(inspection, INSPECT_LOCAL, "no memory");
	return r;
}

/* Kept apart, until it is known that the server is trusted. */
static int load_own(struct inspect *inspect)
{
	const struct tls_own files = {
		.cert_file = inspect->plan->cert_file,
		.key_file = inspect->plan->key_file,
		.cert_option = "--cert",
		.key_option = "--key",
		.purpose = X509_PURPOSE_SSL_CLIENT,
		.what = "the client certificate",
		.wrong_purpose =
			"this certificate is not for a client (extendedKeyUsage lacks clientAuth)"};
	struct inspection *inspection = inspect->inspection;
	char error[ERROR_TEXT_MAX];

	if (files.cert_file[0] == '\0')
		return 0;
	inspect->own = SSL_CTX_new(TLS_client_method());
	if (inspect->own == NULL) {
		inspect_fail(inspection, INSPECT_LOCAL, "no memory");
		return -ENOMEM;
	}
	if (tls_ctx_load_own(inspect->own, &files, error) < 0) {
		inspect_fail(inspection, INSPECT_FILES, "%s", error);
		return -EINVAL;
	}
	if (cert_identity(SSL_CTX_get0_certificate(inspect->own), &inspection->identity) < 0)
		inspection->identity = NULL;
	return 0;
}

/* Called when the server has asked for a certificate, and its own chain has been looked at. 1: go
 * on, with or without one. */
static int choose_cert(SSL *ssl, void *arg)
{
	struct inspect *inspect = arg;

	inspect->inspection->is_cert_asked_for = true;
	if (inspect->own == NULL || inspect->verify_error != X509_V_OK || inspect->is_other_name)
		return 1;
	inspect->inspection->is_cert_shown = tls_certificates_use(ssl, inspect->own) == 0;
	return inspect->inspection->is_cert_shown;
}

/* 0, or -EINVAL and it has failed. */
static int set_name(struct inspect *inspect)
{
	const char *name = inspect->plan->server_name;
	uint8_t address[sizeof(struct in6_addr)];
	bool is_address =
		inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;

	if (is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(inspect->ssl), name) == 1
		       : SSL_set1_host(inspect->ssl, name) == 1 &&
				 SSL_set_tlsext_host_name(inspect->ssl, name) == 1)
		return 0;
	inspect_fail(inspect->inspection, INSPECT_FILES, "\"%.100s\" is not the name of a server",
		     name);
	return -EINVAL;
}

static int begin(struct inspect *inspect)
{
	unsigned lacking;

	inspect->ssl_ctx = SSL_CTX_new(TLS_client_method());
	if (inspect->ssl_ctx == NULL) {
		inspect_fail(inspect->inspection, INSPECT_LOCAL, "no memory");
		return -ENOMEM;
	}
	SSL_CTX_set_min_proto_version(inspect->ssl_ctx, TLS1_2_VERSION);
	/* Each record gives the clock its turn, also one that says nothing. */
	SSL_CTX_clear_mode(inspect->ssl_ctx, SSL_MODE_AUTO_RETRY);
	tls_groups_allow(inspect->ssl_ctx, TLS_GROUPS_DEFAULT, true, &lacking);
	SSL_CTX_set_verify(inspect->ssl_ctx, SSL_VERIFY_PEER, inspect_verify_callback);
	SSL_CTX_set_alpn_protos(inspect->ssl_ctx, protocols, sizeof(protocols) - 1);
	SSL_CTX_set_cert_cb(inspect->ssl_ctx, choose_cert, inspect);
	if (load_cas(inspect) < 0 || load_own(inspect) < 0)
		return -EINVAL;
	inspect->ssl = SSL_new(inspect->ssl_ctx);
	if (inspect->ssl == NULL || SSL_set_fd(inspect->ssl, inspect->plan->sock_fd) != 1 ||
	    SSL_set_ex_data(inspect->ssl, handshake_ex_index(), inspect) != 1) {
		inspect_fail(inspect->inspection, INSPECT_LOCAL, "no memory");
		return -ENOMEM;
	}
	SSL_set_connect_state(inspect->ssl);
	return set_name(inspect);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* What is to be waited for after result; 0: nothing, it is over. */
static short wants_of(const SSL *ssl, int result)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	default:
		return 0;
	}
}

/* ---- The handshake --------------------------------------------------------------------------- */

/* The first bytes that the server sends: is it TLS at all? A record begins with its type. */
static bool is_tls(struct inspect *inspect)
{
	char text[64];
	ssize_t n = recv(inspect->plan->sock_fd, text, sizeof(text) - 1, MSG_PEEK | MSG_DONTWAIT);

	if (n <= 0)
		return true; /* for the library to say what not */
	if (text[0] == SSL3_RT_ALERT || text[0] == SSL3_RT_HANDSHAKE)
		return true;
	ssize_t len = 0;
	while (len < n && text[len] >= 0x20 && text[len] < 0x7f)
		len++;
	const unsigned char first = (unsigned char)text[0];
	text[len] = '\0';
	if (strncmp(text, "HTTP/", 5) == 0)
		inspect_fail(inspect->inspection, INSPECT_NOT_TLS,
			     "not TLS: the server speaks plain HTTP on this port (\"%s\")", text);
	else if (len > 0)
		inspect_fail(inspect->inspection, INSPECT_NOT_TLS,
			     "not TLS: the server speaks another protocol on this port (\"%s\")",
			     text);
	else
		inspect_fail(inspect->inspection, INSPECT_NOT_TLS,
			     "not TLS: the server's first byte is 0x%02x", first);
	return false;
}

static void handshake_failed(struct inspect *inspect, int saved_errno)
{
	unsigned long code = ERR_peek_error();
	int reason = ERR_GET_REASON(code);
	const char *text = ERR_reason_error_string(code);
	struct inspection *inspection = inspect->inspection;

	if (code == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		inspect_fail(inspection, INSPECT_CLOSED,
			     "the server closed the connection during the handshake%s%s",
			     saved_errno != 0 ? ": " : "",
			     saved_errno != 0 ? strerrordesc_np(saved_errno) : "");
	else if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		inspect_alert(inspect, reason - SSL_AD_REASON_OFFSET);
	else if (reason == SSL_R_UNSUPPORTED_PROTOCOL)
		inspect_fail(inspection, INSPECT_VERSION,
			     "the server speaks neither TLS 1.3 nor TLS 1.2");
	else
		inspect_fail(inspection, INSPECT_PROTOCOL, "the handshake failed: %s",
			     text != NULL ? text : "unknown error");
}

/* Until the first bytes of the server have been looked at, the library must not read them. */
static int hide_socket(struct inspect *inspect)
{
	BIO *nothing = BIO_new(BIO_s_mem());

	if (nothing == NULL) {
		inspect_fail(inspect->inspection, INSPECT_LOCAL, "no memory");
		return -ENOMEM;
	}
	BIO_set_mem_eof_return(nothing, -1);
	SSL_set0_rbio(inspect->ssl, nothing);
	return 0;
}

/* After a call that wants this: 0: go on; -EIO: it has failed. */
static int wait_and_look(struct inspect *inspect, short wants, bool *has_looked)
{
	if (wait_for_fd(inspect->plan->sock_fd, wants, inspect->plan->until_ms) < 0) {
		inspect_fail(inspect->inspection, INSPECT_TIMEOUT,
			     "timeout: connected, but the server does not answer the TLS "
			     "handshake");
		return -EIO;
	}
	if (wants != POLLIN || *has_looked)
		return 0;
	*has_looked = true;
	if (!is_tls(inspect))
		return -EIO;
	if (SSL_set_rfd(inspect->ssl, inspect->plan->sock_fd) == 1)
		return 0;
	inspect_fail(inspect->inspection, INSPECT_LOCAL, "no memory");
	return -EIO;
}

/* True: it is established. */
static bool shake_hands(struct inspect *inspect)
{
	uint64_t began_ns = clock_now_ns();
	bool has_looked = false;

	if (hide_socket(inspect) < 0)
		return false;
	for (;;) {
		ERR_clear_error();
		errno = 0;
		int n = SSL_do_handshake(inspect->ssl);
		int saved_errno = errno;
		if (n == 1)
			break;
		short wants = wants_of(inspect->ssl, n);
		if (wants == 0) {
			handshake_failed(inspect, saved_errno);
			return false;
		}
		if (wait_and_look(inspect, wants, &has_looked) < 0)
			return false;
	}
	inspect->inspection->handshake_ns = clock_now_ns() - began_ns;
	inspect->inspection->is_established = true;
	return true;
}

/* ---- What the server makes of us ------------------------------------------------------------- */

/* After our close_notify: reads until the server ends the connection, by an alert or otherwise. */
static void await_end(struct inspect *inspect)
{
	uint64_t until_ms = clock_now_ms() + END_WAIT_MS;
	char dropped[4096];

	if (until_ms > inspect->plan->until_ms)
		until_ms = inspect->plan->until_ms;
	SSL_shutdown(inspect->ssl);
	for (;;) {
		ERR_clear_error();
		int n = SSL_read(inspect->ssl, dropped, sizeof(dropped));
		unsigned long code = ERR_peek_error();
		bool is_late = clock_now_ms() >= until_ms; /* it may send for ever */
		if (n > 0) {
			inspect->inspection->is_answered = true;
			if (is_late)
				return;
			continue;
		}
		if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
		    ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET) {
			inspect_alert(inspect, ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET);
			return;
		}
		if (wants_of(inspect->ssl, n) == 0) {
			/* Whoever just closes has not said anything. */
			if (SSL_get_error(inspect->ssl, n) == SSL_ERROR_ZERO_RETURN)
				inspect->inspection->is_answered = true;
			break;
		}
		if (is_late || wait_for_fd(inspect->plan->sock_fd, POLLIN, until_ms) < 0)
			break;
	}
	ERR_clear_error();
}

void inspect_run(const struct inspect_plan *plan, struct inspection *inspection)
{
	struct inspect inspect = {.plan = plan, .inspection = inspection};

	*inspection = (struct inspection){
		.end = INSPECT_DONE, .alert = -1, .tls_cipher = TLS_CIPHER_COUNT};
	ERR_clear_error();
	if (begin(&inspect) == 0) {
		if (shake_hands(&inspect)) {
			inspect_note(&inspect);
			await_end(&inspect);
		} else {
			inspect_note_chain(&inspect);
		}
		inspect_judge(&inspect);
	}
	SSL_free(inspect.ssl);
	SSL_CTX_free(inspect.ssl_ctx);
	SSL_CTX_free(inspect.own);
	ERR_clear_error();
}

void inspect_fini(struct inspection *inspection)
{
	for (unsigned i = 0; i < inspection->cert_count; i++)
		identity_free(inspection->cert[i].names);
	inspection->cert_count = 0;
	identity_free(inspection->identity);
	inspection->identity = NULL;
}
