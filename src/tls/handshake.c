/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/handshake.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/must.h"
#include "tls/cert_identity.h"
#include "tls/cert_note.h"
#include "tls/greeting.h"
#include "tls/peer_private.h"
#include "tls/takeover.h"
#include "tls/tls_ctx_private.h"
#include "tls/tls_groups.h"

struct handshake {
	SSL *ssl;
	struct tls_ctx *ctx;
	const struct handshake_plan *plan;
	int attach_errno;          /* of the ULP: 0, or a negative errno */
	X509 *shown;               /* the client's certificate, if it was not let in */
	struct peer *peer;         /* who has come before, with this chain */
	struct identity *identity; /* else: of the leaf that was verified now */
	struct peer_finding finding;
	short wants;
	int verify_error;     /* X509_V_ERR_*, the first that was found */
	bool chain_refused;   /* it is too long */
	bool is_name_refused; /* its names, by name_failure */
	enum handshake_failure name_failure;
	bool is_out_of_memory;
	enum handshake_failure failure;
	const char *failure_text;
	unsigned alert_received; /* enum tls_alert */
	unsigned alert_sent;
	unsigned hellos;      /* of the peer, that came whole */
	bool awaits_greeting; /* of a client, by a socket */
	struct greeting greeting;
	struct traffic_secret
		client_secret; /* CLIENT_TRAFFIC_SECRET_0: what the client sends with */
	struct traffic_secret server_secret; /* SERVER_TRAFFIC_SECRET_0 */
};

/* ---- What the library tells us ------------------------------------------------------------- */

static int ex_index;
static pthread_once_t ex_index_once = PTHREAD_ONCE_INIT;

static void ex_index_make(void)
{
	ex_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	must(ex_index >= 0);
}

int handshake_ex_index(void)
{
	pthread_once(&ex_index_once, ex_index_make);
	return ex_index;
}

/* c is a hex digit. */
static unsigned hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return (unsigned)((c | 0x20) - 'a' + 10);
}

static void secret_from_hex(struct traffic_secret *secret, const char *hex)
{
	size_t len = strspn(hex, "0123456789abcdefABCDEF");
	if (len % 2 != 0 || len / 2 > TRAFFIC_SECRET_BYTES_MAX)
		return; /* secret->len stays 0, and handshake_finish refuses */
	for (size_t i = 0; i < len / 2; i++)
		secret->byte[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
	secret->len = (uint8_t)(len / 2);
}

/* A line is LABEL, client random, secret, in hex (the NSS key log format). */
void handshake_keylog_callback(const SSL *ssl, const char *line)
{
	static const char client[] = "CLIENT_TRAFFIC_SECRET_0 ";
	static const char server[] = "SERVER_TRAFFIC_SECRET_0 ";
	struct handshake *handshake = SSL_get_ex_data(ssl, handshake_ex_index());
	struct traffic_secret *secret;

	if (strncmp(line, client, sizeof(client) - 1) == 0)
		secret = &handshake->client_secret;
	else if (strncmp(line, server, sizeof(server) - 1) == 0)
		secret = &handshake->server_secret;
	else
		return;
	const char *hex = strchr(line + sizeof(client) - 1, ' ');
	if (hex != NULL)
		secret_from_hex(secret, hex + 1);
}

/* What a server says first, as the library takes it for a record's header. */
static void note_greeting(struct handshake *handshake, const void *data, size_t len)
{
	static const char http[] = "HTTP/";
	bool is_http = len >= sizeof(http) - 1 && memcmp(data, http, sizeof(http) - 1) == 0;

	if (handshake->greeting.kind == GREETING_UNKNOWN)
		handshake->greeting.kind = is_http ? GREETING_HTTP : GREETING_BINARY;
}

void handshake_message_callback(int is_sent, int version, int type, const void *data, size_t len,
				SSL *ssl, void *unused)
{
	struct handshake *handshake = SSL_get_ex_data(ssl, handshake_ex_index());
	const uint8_t *byte = data;
	bool is_client = handshake->ctx->is_client;

	(void)version;
	(void)unused;
	if (type == SSL3_RT_ALERT && len == 2)
		*(is_sent != 0 ? &handshake->alert_sent : &handshake->alert_received) = byte[1];
	if (type == SSL3_RT_HANDSHAKE && is_sent == 0 && len > 0 &&
	    byte[0] == (is_client ? SSL3_MT_SERVER_HELLO : SSL3_MT_CLIENT_HELLO))
		handshake->hellos++;
	if (type == SSL3_RT_HEADER && is_sent == 0 && is_client)
		note_greeting(handshake, data, len);
}

static struct handshake *handshake_of(X509_STORE_CTX *store_ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	return SSL_get_ex_data(ssl, handshake_ex_index());
}

/* A server's certificate: called for each of the chain, and once for each error. */
int handshake_verify_callback(int preverified, X509_STORE_CTX *store_ctx)
{
	struct handshake *handshake = handshake_of(store_ctx);

	if (preverified != 1 && handshake->verify_error == X509_V_OK)
		handshake->verify_error = X509_STORE_CTX_get_error(store_ctx);
	return preverified;
}

/* Refuses the client; the library sends the alert that belongs to the error, an X509_V_ERR_*. */
static int refuse_client(X509_STORE_CTX *store_ctx, int error)
{
	struct handshake *handshake = handshake_of(store_ctx);
	X509 *leaf = X509_STORE_CTX_get0_cert(store_ctx);

	if (X509_up_ref(leaf) == 1)
		handshake->shown = leaf;
	X509_STORE_CTX_set_error(store_ctx, error);
	return 0;
}

/* The leaf is trusted: who is it? */
static int take_identity(struct handshake *handshake, X509_STORE_CTX *store_ctx, X509 *leaf,
			 const struct tls_ca_group *group)
{
	if (tls_trust_identify(handshake->ctx, leaf, group, &handshake->identity,
			       &handshake->name_failure) == 0)
		return 1;
	handshake->is_name_refused = true;
	return refuse_client(store_ctx, X509_V_ERR_APPLICATION_VERIFICATION);
}

/*
 * The client's chain, whole: 1 if it is trusted. One that this context has trusted before, and that
 * nothing but time has happened to, needs no second look: names and rules are those of its peer.
 * The library goes on to the proof that the client has the key.
 */
int handshake_verify_client(X509_STORE_CTX *store_ctx, void *unused)
{
	struct handshake *handshake = handshake_of(store_ctx);
	struct peer_finding *finding = &handshake->finding;
	struct tls_chain chain = {.leaf = X509_STORE_CTX_get0_cert(store_ctx),
				  .rest = X509_STORE_CTX_get0_untrusted(store_ctx),
				  .at = time(NULL)};
	struct tls_verdict verdict;

	(void)unused;
	finding->ctx = handshake->ctx;
	finding->from = chain.at;
	int r = peer_fingerprint(chain.rest, finding->fingerprint);
	handshake->chain_refused = r == -E2BIG;
	handshake->is_out_of_memory = r < 0 && r != -E2BIG;
	if (r < 0)
		return refuse_client(store_ctx, r == -E2BIG ? X509_V_ERR_CERT_CHAIN_TOO_LONG
							    : X509_V_ERR_OUT_OF_MEM);
	handshake->peer = peers_find_trusted(handshake->plan->peers, finding->fingerprint,
					     finding->ctx, finding->from);
	if (handshake->peer != NULL) {
		metric_add(&handshake->plan->metrics->value[METRIC_KNOWN_CHAINS], 1);
		X509_STORE_CTX_set_error(store_ctx, X509_V_OK);
		return 1;
	}
	tls_trust_verify(handshake->ctx, &chain, &verdict);
	handshake->verify_error = verdict.error;
	if (verdict.error != X509_V_OK)
		return refuse_client(store_ctx, verdict.error);
	X509_STORE_CTX_set_error(store_ctx, X509_V_OK);
	finding->until = verdict.until;
	return take_identity(handshake, store_ctx, chain.leaf, verdict.group);
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* 1, or 0: the library failed. */
static int connect_state(SSL *ssl, const struct tls_ctx *ctx)
{
	SSL_set_connect_state(ssl);
	if (ctx->is_address)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), ctx->server_name);
	return SSL_set1_host(ssl, ctx->server_name) == 1 &&
	       SSL_set_tlsext_host_name(ssl, ctx->server_name) == 1;
}

/* Without a way to the peer. NULL: no memory. */
static struct handshake *begin(struct tls_ctx *ctx, const struct handshake_plan *plan)
{
	struct handshake *handshake = calloc(1, sizeof(*handshake));
	if (handshake == NULL)
		return NULL;
	handshake->ctx = tls_ctx_ref(ctx);
	handshake->plan = plan;
	handshake->wants = POLLIN;
	handshake->alert_received = handshake->alert_sent = ALERT_NONE;
	handshake->ssl = SSL_new(ctx->ssl_ctx);
	if (handshake->ssl == NULL ||
	    SSL_set_ex_data(handshake->ssl, handshake_ex_index(), handshake) != 1 ||
	    (ctx->is_client && connect_state(handshake->ssl, ctx) != 1)) {
		ERR_clear_error();
		handshake_free(handshake);
		return NULL;
	}
	if (!ctx->is_client)
		SSL_set_accept_state(handshake->ssl);
	/* Which is rare, and worth a copy then: the other contexts of the same side go on with
	 * theirs. */
	if (ctx->has_kept_own)
		SSL_set_client_CA_list(handshake->ssl, SSL_dup_CA_list(ctx->ca_names));
	return handshake;
}

struct handshake *handshake_new(struct tls_ctx *ctx, const struct handshake_plan *plan, int sock_fd)
{
	struct handshake *handshake = begin(ctx, plan);
	if (handshake == NULL)
		return NULL;
	if (plan->tls_path != TLS_PATH_USER && plan->caps->ulp_errno == 0)
		handshake->attach_errno = ktls_attach(plan->sys, sock_fd);
	handshake->awaits_greeting = !ctx->is_client;
	if (SSL_set_fd(handshake->ssl, sock_fd) != 1) {
		ERR_clear_error();
		handshake_free(handshake);
		return NULL;
	}
	return handshake;
}

struct handshake *handshake_new_in_memory(struct tls_ctx *ctx, const struct handshake_plan *plan,
					  BIO *bio)
{
	struct handshake *handshake = begin(ctx, plan);
	if (handshake == NULL)
		BIO_free(bio);
	else
		SSL_set_bio(handshake->ssl, bio, bio);
	return handshake;
}

SSL *handshake_ssl(struct handshake *handshake)
{
	return handshake->ssl;
}

struct tls_ctx *handshake_ctx_of(const SSL *ssl)
{
	const struct handshake *handshake = SSL_get_ex_data(ssl, handshake_ex_index());
	return handshake->ctx;
}

void handshake_free(struct handshake *handshake)
{
	if (handshake == NULL)
		return;
	SSL_free(handshake->ssl); /* BIO_NOCLOSE: the socket stays */
	tls_ctx_release(handshake->ctx);
	X509_free(handshake->shown);
	peer_release(handshake->peer);
	identity_free(handshake->identity);
	traffic_secret_wipe(&handshake->client_secret);
	traffic_secret_wipe(&handshake->server_secret);
	free(handshake);
}

static enum handshake_failure failure_of_library(const struct handshake *handshake,
						 unsigned long code)
{
	int reason = ERR_GET_REASON(code);
	if (reason == ERR_R_MALLOC_FAILURE || reason == ERR_R_INTERNAL_ERROR) /* of any library */
		return HANDSHAKE_INTERNAL;
	if (ERR_GET_LIB(code) != ERR_LIB_SSL)
		return HANDSHAKE_PROTOCOL; /* a signature, a point or ASN.1 that is none */
	/* Reasons above this are alerts of the peer (openssl/ssl.h). */
	if (reason > SSL_AD_REASON_OFFSET)
		return HANDSHAKE_CLIENT_ALERT;
	switch (reason) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return HANDSHAKE_NO_CLIENT_CERT;
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_BAD_PACKET: /* behind a Hello the peer has spoken TLS */
		return handshake->hellos == 0 ? HANDSHAKE_NOT_TLS : HANDSHAKE_PROTOCOL;
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
		return HANDSHAKE_NO_SHARED_SIGNATURE;
	default:
		break;
	}
	/* A second ClientHello must offer what the first did, and what HelloRetryRequest asks for;
	 * one without an extension that must be there has offered nothing yet. */
	if (handshake->hellos > 1 || handshake->alert_sent == ALERT_MISSING_EXTENSION)
		return HANDSHAKE_PROTOCOL;
	switch (reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
		return HANDSHAKE_VERSION;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_CIPHERS_AVAILABLE:
		return HANDSHAKE_NO_SHARED_CIPHER;
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_GROUPS:
	case SSL_R_NO_SHARED_GROUPS:
		return HANDSHAKE_NO_SHARED_GROUP;
	default:
		return HANDSHAKE_PROTOCOL;
	}
}

/* Sorts what went wrong; empties the library's error queue. */
static void classify(struct handshake *handshake, int ssl_error, int saved_errno)
{
	unsigned long code = ERR_peek_error();

	handshake->failure_text = NULL;
	if (handshake->is_out_of_memory) {
		handshake->failure = HANDSHAKE_INTERNAL;
		handshake->failure_text = "no memory for the client's certificate";
	} else if (handshake->chain_refused) {
		handshake->failure = HANDSHAKE_CHAIN_TOO_LONG;
	} else if (handshake->is_name_refused) {
		handshake->failure = handshake->name_failure;
	} else if (handshake->verify_error != X509_V_OK) {
		handshake->failure = tls_trust_failure_of(handshake->verify_error);
		handshake->failure_text = X509_verify_cert_error_string(handshake->verify_error);
	} else if (code != 0) {
		handshake->failure = failure_of_library(handshake, code);
		if (handshake->greeting.kind == GREETING_HTTP) /* only a server gets so far */
			handshake->failure = HANDSHAKE_PLAIN_HTTP;
		handshake->failure_text = ERR_reason_error_string(code);
		/* 3.x reports the peer's end of file as an error of its own. */
		if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			handshake->failure = HANDSHAKE_CLIENT_CLOSED;
	} else if (ssl_error == SSL_ERROR_SYSCALL || ssl_error == SSL_ERROR_ZERO_RETURN) {
		handshake->failure = HANDSHAKE_CLIENT_CLOSED;
		if (saved_errno != 0)
			handshake->failure_text = strerrordesc_np(saved_errno);
	} else {
		handshake->failure = HANDSHAKE_INTERNAL;
	}
	ERR_clear_error();
}

/* Before the library reads: 0: the client may speak TLS; -EAGAIN; -EPROTO: it does not. */
static int look_at_greeting(struct handshake *handshake)
{
	struct greeting *greeting = &handshake->greeting;
	int r = greeting_step(greeting, SSL_get_fd(handshake->ssl));

	if (r == -EAGAIN || r == -EINTR) {
		handshake->wants = POLLIN;
		return -EAGAIN;
	}
	if (r < 0) {
		handshake->failure = HANDSHAKE_CLIENT_CLOSED;
		handshake->failure_text = r == -EPIPE ? NULL : strerrordesc_np(-r);
		return -EPROTO;
	}
	if (greeting->kind == GREETING_BINARY)
		return 0;
	handshake->failure =
		greeting->kind == GREETING_HTTP ? HANDSHAKE_PLAIN_HTTP : HANDSHAKE_NOT_TLS;
	handshake->failure_text = "the first bytes are text";
	return -EPROTO;
}

int handshake_step(struct handshake *handshake)
{
	if (handshake->awaits_greeting) {
		int r = look_at_greeting(handshake);
		if (r < 0)
			return r;
		handshake->awaits_greeting = false;
	}
	ERR_clear_error();
	errno = 0;
	int n = SSL_do_handshake(handshake->ssl);
	if (n == 1)
		return 0;

	int saved_errno = errno;
	int ssl_error = SSL_get_error(handshake->ssl, n);
	switch (ssl_error) {
	case SSL_ERROR_WANT_READ:
		handshake->wants = POLLIN;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		handshake->wants = POLLOUT;
		return -EAGAIN;
	default:
		classify(handshake, ssl_error, saved_errno);
		return -EPROTO;
	}
}

short handshake_wants(const struct handshake *handshake)
{
	return handshake->wants;
}

enum handshake_failure handshake_failure(const struct handshake *handshake)
{
	return handshake->failure;
}

const char *handshake_failure_text(const struct handshake *handshake)
{
	return handshake->failure_text != NULL ? handshake->failure_text : "";
}

bool handshake_shown_cert(const struct handshake *handshake, struct cert_note *note)
{
	const X509 *cert = handshake->shown;

	if (cert == NULL && !handshake->ctx->is_client)
		cert = SSL_get0_peer_certificate(handshake->ssl);
	if (cert != NULL)
		cert_note_take(note, cert);
	return cert != NULL;
}

unsigned handshake_alert_received(const struct handshake *handshake)
{
	return handshake->alert_received;
}

unsigned handshake_alert_sent(const struct handshake *handshake)
{
	return handshake->alert_sent;
}

bool handshake_is_name_mismatch(const struct handshake *handshake)
{
	return handshake->verify_error == X509_V_ERR_HOSTNAME_MISMATCH ||
	       handshake->verify_error == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

const char *handshake_greeting(const struct handshake *handshake)
{
	return handshake->greeting.byte;
}

/* ---- The keys leave the library ------------------------------------------------------------- */

/* Every condition under which a record layer of ours may take over. 0, or -EPROTO: .failure. */
static int validate(struct handshake *handshake, enum tls_cipher *cipher)
{
	const SSL *ssl = handshake->ssl;
	const SSL_CIPHER *suite = SSL_get_current_cipher(ssl);
	const struct takeover facts = {
		.is_tls13 = SSL_version(ssl) == TLS1_3_VERSION,
		.is_finished = SSL_is_init_finished(ssl) != 0,
		.suite = suite != NULL ? SSL_CIPHER_get_name(suite) : NULL,
		.client_secret_bytes = handshake->client_secret.len,
		.server_secret_bytes = handshake->server_secret.len,
		/* With read-ahead off the library reads one record at a time, so nothing of the
		 * client's is inside it. */
		.has_pending = SSL_has_pending(ssl) || SSL_pending(ssl) > 0,
		.is_verified = SSL_get_verify_result(ssl) == X509_V_OK &&
			       SSL_get0_peer_certificate(ssl) != NULL,
		.has_identity = handshake->peer != NULL || handshake->identity != NULL,
		.is_client = handshake->ctx->is_client,
	};
	enum handshake_failure failure = takeover_judge(&facts, cipher);

	if (failure == HANDSHAKE_FAILURE_COUNT)
		return 0;
	handshake->failure = failure;
	handshake->failure_text = handshake_failure_row(failure)->sentence;
	return -EPROTO;
}

static enum fallback_reason fallback_of(const struct handshake *handshake,
					const bool can[TLS_CIPHER_COUNT], enum tls_cipher cipher)
{
	const struct handshake_plan *plan = handshake->plan;

	if (plan->tls_path == TLS_PATH_USER)
		return FALLBACK_CONFIGURED;
	if (plan->caps->ulp_errno != 0)
		return FALLBACK_NO_ULP;
	if (!can[cipher])
		return FALLBACK_CIPHER;
	if (handshake->attach_errno < 0)
		return FALLBACK_INSTALL_FAILED;
	return FALLBACK_NONE;
}

static int install(struct record *record, const struct handshake_plan *plan,
		   enum ktls_direction direction, const struct traffic_key *key,
		   struct handshake_outcome *outcome)
{
	int r = ktls_install(plan->sys, record->sock_fd, direction, outcome->cipher, key, 0);
	if (r < 0)
		outcome->install_errno = r;
	return r;
}

static int tx_in_userspace(struct record *record, const struct traffic_key *key)
{
	record->tx = &record_tx_user;
	record->tx_aead = aead_new(record->cipher, key, true);
	return record->tx_aead == NULL ? -ENOMEM : 0;
}

static int rx_in_userspace(struct record *record, const struct traffic_key *key)
{
	record->rx = &record_rx_user;
	record->rx_aead = aead_new(record->cipher, key, false);
	return record->rx_aead == NULL ? -ENOMEM : 0;
}

/*
 * Gives each direction its record layer. An install is the point of no return of its direction:
 * from there the kernel seals or opens whatever passes, so all that could still make us want
 * the other layer has been decided before. A direction that the kernel refuses stays in userspace,
 * whatever became of the other. -ENOMEM ends the connection.
 */
static int choose_layers(const struct handshake *handshake, struct record *record,
			 const struct traffic_key *tx_key, const struct traffic_key *rx_key,
			 struct handshake_outcome *outcome)
{
	const struct handshake_plan *plan = handshake->plan;

	outcome->fallback_tx = fallback_of(handshake, plan->caps->tx, outcome->cipher);
	outcome->fallback_rx = fallback_of(handshake, plan->caps->rx, outcome->cipher);
	outcome->install_errno = handshake->attach_errno;
	if (outcome->fallback_rx == FALLBACK_NONE &&
	    install(record, plan, KTLS_RX, rx_key, outcome) < 0)
		outcome->fallback_rx = FALLBACK_INSTALL_FAILED;
	if (outcome->fallback_tx == FALLBACK_NONE &&
	    install(record, plan, KTLS_TX, tx_key, outcome) < 0)
		outcome->fallback_tx = FALLBACK_INSTALL_FAILED;

	bool is_kernel_whole =
		outcome->fallback_tx == FALLBACK_NONE && outcome->fallback_rx == FALLBACK_NONE;
	if (plan->tls_path == TLS_PATH_KERNEL && !is_kernel_whole)
		return -EOPNOTSUPP;

	int r = 0;
	record->tx = &record_tx_kernel;
	record->rx = &record_rx_kernel;
	if (outcome->fallback_tx != FALLBACK_NONE)
		r = tx_in_userspace(record, tx_key);
	if (r == 0 && outcome->fallback_rx != FALLBACK_NONE)
		r = rx_in_userspace(record, rx_key);
	return r;
}

static int take_peer(struct handshake *handshake, struct handshake_outcome *outcome)
{
	struct identity *identity = handshake->identity;

	if (handshake->ctx->is_client)
		return 0;
	outcome->peer = handshake->peer;
	handshake->peer = NULL;
	if (outcome->peer != NULL)
		return 0;
	handshake->identity = NULL; /* peers_take has it */
	return peers_take(handshake->plan->peers, handshake->ssl, &handshake->finding, identity,
			  &outcome->peer);
}

int handshake_finish(struct handshake *handshake, struct record *record,
		     struct handshake_outcome *outcome)
{
	const struct handshake_plan *plan = handshake->plan;
	const bool is_client = handshake->ctx->is_client;
	const struct traffic_secret *tx_secret =
		is_client ? &handshake->client_secret : &handshake->server_secret;
	const struct traffic_secret *rx_secret =
		is_client ? &handshake->server_secret : &handshake->client_secret;
	struct traffic_key tx_key = {0}, rx_key = {0};

	*record = (struct record){.sock_fd = SSL_get_fd(handshake->ssl),
				  .sys = plan->sys,
				  .metrics = plan->metrics,
				  .rx_bufs = plan->rx_bufs,
				  .alert_received = ALERT_NONE,
				  .alert_sent = ALERT_NONE};
	*outcome = (struct handshake_outcome){.fallback_tx = FALLBACK_NONE,
					      .fallback_rx = FALLBACK_NONE};
	outcome->group = tls_groups_agreed(handshake->ssl);
	int r = validate(handshake, &outcome->cipher);
	if (r == 0)
		r = take_peer(handshake, outcome);
	if (r == 0)
		r = traffic_key_derive(outcome->cipher, tx_secret, &tx_key);
	if (r == 0)
		r = traffic_key_derive(outcome->cipher, rx_secret, &rx_key);
	if (r == 0) {
		record->cipher = outcome->cipher;
		record->can_rekey_kernel = plan->caps->rekey == KTLS_YES;
		record->is_client = is_client;
		record->tx_secret = *tx_secret;
		record->rx_secret = *rx_secret;
		if (outcome->cipher != TLS_CIPHER_CHACHA20) /* RFC 8446 section 5.5 */
			record->records_per_key = plan->records_per_key;
		r = choose_layers(handshake, record, &tx_key, &rx_key, outcome);
	}
	traffic_key_wipe(&tx_key);
	traffic_key_wipe(&rx_key);
	if (r < 0) {
		record_fini(record);
		peer_release(outcome->peer);
		outcome->peer = NULL;
		return r == -EINVAL ? -EIO : r;
	}
	return 0;
}
