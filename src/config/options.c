/* SPDX-License-Identifier: Apache-2.0 */
#include "config/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"

const char *const tls_path_words[] = {"auto", "kernel", "user", NULL};
static const char *const engines[] = {"auto", "sendfile", "splice", "copy", NULL};
static const char *const io_engines[] = {"auto", "uring", "epoll", NULL};
static const char *const revoked_choices[] = {"close", "keep", NULL};
static const char *const durabilities[] = {"full", "relaxed", NULL};
static const char *const etags[] = {"version", "md5", NULL};
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const formats[] = {"logfmt", "json", NULL};
static const char *const auth_types[] = {"RequireAndVerifyClientCert", NULL};
static const char *const min_versions[] = {"TLS13", "TLS12", "TLS11", "TLS10", NULL};
static const char *const max_versions[] = {"TLS13", NULL};

#define AT(field)   offsetof(struct config, field)

#define TEXT_OF(n)  TEXT_OF_(n)
#define TEXT_OF_(n) #n

const struct option options[] = {
	{"root", "root", OPTION_PATH, AT(root), NULL, 0, 0, NULL, "DIR",
	 "Folder whose subfolders are the buckets. Required."},
	{"listen", "listen", OPTION_ADDRESSES, AT(listen), NULL, 0, 0, NULL, "ADDR:PORT",
	 "Address of the object port; may be given several times. Required."},
	{"writable", "writable", OPTION_BOOL, AT(writable), "false", 0, 0, NULL, "BOOL",
	 "Also serve operations that write and delete; access rules decide who may."},
	{"durability", "durability", OPTION_CHOICE, AT(durability), "full", 0, 0, durabilities,
	 "HOW",
	 "full: a success response means the data is on disk; relaxed: without fsync, a power cut "
	 "may lose it, or leave part of its bytes."},
	{"etag", "etag", OPTION_CHOICE, AT(etag), "version", 0, 0, etags, "WHAT",
	 "What the ETag of what is written from now on is: a version, new with every write, or "
	 "md5, "
	 "as S3 has it, for clients that compare it with the bytes; it is kept with the object, "
	 "and "
	 "computing it takes processor time of every upload."},
	{"upload-expiry", "upload_expiry", OPTION_DURATION, AT(upload_expiry_ms),
	 UPLOAD_EXPIRY_DEFAULT, UPLOAD_EXPIRY_MS_MIN, UPLOAD_EXPIRY_MS_MAX, NULL, "TIME",
	 "Remove multipart uploads that were neither completed nor touched for this long."},
	{"scrub-rate", "scrub_rate", OPTION_BYTES, AT(scrub_rate_bytes), SCRUB_RATE_DEFAULT, 0,
	 SCRUB_RATE_BYTES_MAX, NULL, "BYTES",
	 "Read all objects again and again, so many bytes per second, and compare them with the "
	 "checksums that are kept with them; damaged ones are logged and counted. A pass begins an "
	 "hour after the last one began, at the earliest; 0: never. Of several servers on one root "
	 "one is enough."},
	{"scrub-quarantine", "scrub_quarantine", OPTION_BOOL, AT(scrub_quarantine), "false", 0, 0,
	 NULL, "BOOL",
	 "Mark an object that the scrub finds damaged, so that every server on the root answers "
	 "with 500 rather than with wrong bytes, until it is written again. Needs --scrub-rate and "
	 "--writable."},
	{"admin-listen", "admin_listen", OPTION_ADDRESS, AT(admin_listen), "127.0.0.1:10943", 0, 0,
	 NULL, "ADDR:PORT",
	 "Address of /metrics, /-/healthy, /-/ready and /-/reload, plain HTTP; none turns it off."},
	{"cert", "tls_server_config.cert_file", OPTION_PATH, AT(tls.cert_file), NULL, 0, 0, NULL,
	 "FILE",
	 "Certificate of the server and its chain, PEM. Required, unless the file has several "
	 "(tls_server_config.certificates)."},
	{"key", "tls_server_config.key_file", OPTION_PATH, AT(tls.key_file), NULL, 0, 0, NULL,
	 "FILE", "Private key of the certificate, PEM. Required with it."},
	{"client-ca", "tls_server_config.client_ca_file", OPTION_PATH, AT(tls.client_ca_file), NULL,
	 0, 0, NULL, "FILE",
	 "CA certificates that may issue clients' certificates, PEM; several while a CA is being "
	 "replaced. Required."},
	{"crl", "tls_server_config.crl_file", OPTION_PATH, AT(tls.crl_file), NULL, 0, 0, NULL,
	 "FILE",
	 "Revocation lists of those CAs, PEM; each client must then be covered by a current one."},
	{"cipher-suites", "tls_server_config.cipher_suites", OPTION_CIPHERS, AT(tls.ciphers),
	 "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384,TLS_CHACHA20_POLY1305_SHA256", 0, 0, NULL,
	 "LIST",
	 "TLS 1.3 cipher suites in order of preference. Go's names of TLS 1.2 suites are accepted "
	 "and say nothing about TLS 1.3."},
	{"curve-preferences", "tls_server_config.curve_preferences", OPTION_GROUPS, 0, NULL, 0, 0,
	 NULL, "LIST",
	 "Groups of the key exchange that are allowed: X25519MLKEM768 (with OpenSSL 3.5), X25519, "
	 "CurveP256, CurveP384, CurveP521. As in Go, the order of the list does not matter: the "
	 "first of these that a client has sent a key for is taken. Default: all but CurveP521."},
	{NULL, "tls_server_config.client_allowed_sans", OPTION_SANS, AT(tls.allowed_sans), NULL, 0,
	 0, NULL, "LIST", "A client must have one of these subject alternative names, exactly."},
	{"revoked-connections", "revoked_connections", OPTION_CHOICE, AT(revoked_connections),
	 "close", 0, 0, revoked_choices, "WHAT",
	 "After a reload, connections whose certificate is revoked or no longer trusted: close "
	 "them, or keep them until they end by themselves."},
	{"max-connection-age", "max_connection_age", OPTION_DURATION, AT(conn_age_max_ms),
	 CONN_AGE_DEFAULT, 0, TIMEOUT_MS_MAX, NULL, "TIME",
	 "Close a connection older than this (give or take a tenth) after its next response, so "
	 "that clients show their certificates again; 0: never."},
	{"max-connections-per-identity", "max_connections_per_identity", OPTION_UNSIGNED,
	 AT(identity_conns_max), TEXT_OF(IDENTITY_CONNECTIONS_DEFAULT), 0, CONNS_MAX_MAX, NULL, "N",
	 "Maximum open connections with certificates of one name (the one that is logged); more "
	 "are closed at once and counted; 0: no limit."},
	{NULL, "tls_server_config.client_auth_type", OPTION_ONLY, 0, NULL, 0, 0, auth_types, "TYPE",
	 "The object port always requires and verifies a client certificate."},
	{NULL, "tls_server_config.min_version", OPTION_ONLY, 0, NULL, 0, 0, min_versions, "VERSION",
	 "The object port speaks TLS 1.3 only, which keeps any minimum."},
	{NULL, "tls_server_config.max_version", OPTION_ONLY, 0, NULL, 0, 0, max_versions, "VERSION",
	 "The object port speaks TLS 1.3 only."},
	{NULL, "tls_server_config.prefer_server_cipher_suites", OPTION_BOOL,
	 AT(tls.prefers_own_ciphers), "true", 0, 0, NULL, "BOOL",
	 "Take the first of cipher_suites that the client has; false: the first of the client's "
	 "that is in cipher_suites."},
	{"tls-path", "tls_path", OPTION_CHOICE, AT(tls_path), "auto", 0, 0, tls_path_words, "PATH",
	 "Where records are encrypted and decrypted: auto uses the kernel where possible and "
	 "counts fallbacks; kernel refuses what the kernel cannot do; user does not use the "
	 "kernel."},
	{"send-engine", "send_engine", OPTION_CHOICE, AT(send_engine), "auto", 0, 0, engines,
	 "ENGINE", "How files get to the socket; sendfile and splice need kernel TLS."},
	{"io-engine", "io_engine", OPTION_CHOICE, AT(io_engine), "auto", 0, 0, io_engines, "ENGINE",
	 "What waits for sockets and files: uring is io_uring, epoll is for where that is refused; "
	 "auto takes io_uring where it can."},
	{"workers", "workers", OPTION_UNSIGNED, AT(workers), TEXT_OF(WORKERS_DEFAULT), 0,
	 WORKERS_MAX, NULL, "N",
	 "Number of serving threads; 0: one per CPU that this process may use."},
	{"max-connections", "max_connections", OPTION_UNSIGNED, AT(conns_max),
	 TEXT_OF(CONNS_MAX_DEFAULT), 1, CONNS_MAX_MAX, NULL, "N",
	 "Maximum open connections; more are closed at once and counted."},
	{"send-buffers", "send_buffers", OPTION_UNSIGNED, AT(send_buffers),
	 TEXT_OF(SEND_BUFFERS_DEFAULT), 2 * SEND_BUFFERS_SPARED, SEND_BUFFERS_MAX, NULL, "N",
	 "Send buffers of each worker, 128 KiB each; a response that finds none free waits."},
	{"records-per-key", "records_per_key", OPTION_U64, AT(records_per_key),
	 TEXT_OF(RECORDS_PER_KEY_DEFAULT), RECORDS_PER_KEY_MIN, RECORDS_PER_KEY_DEFAULT, NULL, "N",
	 "Records encrypted with one AES-GCM key before it is changed, or the connection closed "
	 "after its response (RFC 8446 section 5.5)."},
	{"min-rate", "min_rate", OPTION_BYTES, AT(min_rate_bytes), MIN_RATE_DEFAULT, 0,
	 MIN_RATE_BYTES_MAX, NULL, "BYTES",
	 "Minimum bytes per second that a client must read, or send of a body, on average over "
	 "--rate-window; 0: no minimum."},
	{"rate-window", "rate_window", OPTION_DURATION, AT(rate_window_ms), RATE_WINDOW_DEFAULT,
	 TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, NULL, "TIME",
	 "The time over which --min-rate is measured."},
	{"handshake-timeout", "handshake_timeout", OPTION_DURATION, AT(handshake_timeout_ms),
	 HANDSHAKE_TIMEOUT_DEFAULT, TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, NULL, "TIME",
	 "Maximum time from accept to the end of the handshake."},
	{"head-timeout", "head_timeout", OPTION_DURATION, AT(head_timeout_ms), HEAD_TIMEOUT_DEFAULT,
	 TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, NULL, "TIME",
	 "Maximum time from the first byte of a request head to its last."},
	{"idle-timeout", "idle_timeout", OPTION_DURATION, AT(idle_timeout_ms), IDLE_TIMEOUT_DEFAULT,
	 TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, NULL, "TIME",
	 "Close a kept connection after this time without a request; should be longer than the "
	 "90 s that Go clients keep one."},
	{"drain-timeout", "drain_timeout", OPTION_DURATION, AT(drain_timeout_ms),
	 DRAIN_TIMEOUT_DEFAULT, 0, TIMEOUT_MS_MAX, NULL, "TIME",
	 "Time that responses in progress have to finish after SIGTERM; what is cut then makes "
	 "exit code 9."},
	{"log.level", "log_level", OPTION_CHOICE, AT(log_level), "info", 0, 0, levels, "LEVEL",
	 "Minimum log level."},
	{"log.format", "log_format", OPTION_CHOICE, AT(log_format), "logfmt", 0, 0, formats,
	 "FORMAT", "Format of log lines."},
	{"access-log", "access_log", OPTION_BOOL, AT(access_log), "true", 0, 0, NULL, "BOOL",
	 "Log one line for each request."},
	{"sandbox", "sandbox", OPTION_BOOL, AT(sandbox), "true", 0, 0, NULL, "BOOL",
	 "After the start, give up by Landlock and seccomp what serving does not need; core dumps "
	 "and debuggers need --no-sandbox."},
	{"config", NULL, OPTION_PATH, AT(config_file), NULL, 0, 0, NULL, "FILE",
	 "YAML file with these options; flags override it."},
};

const size_t options_count = ARRAY_LEN(options);
const struct option_table serve_options = {options, ARRAY_LEN(options), NULL};

static const struct option check_rows[] = {
	{"strict", NULL, OPTION_BOOL, AT(check_is_strict), "false", 0, 0, NULL, "BOOL",
	 "Exit with 1 if there are warnings."},
	{"identity-cert", NULL, OPTION_PATH, AT(check_identity_cert), NULL, 0, 0, NULL, "FILE",
	 "A client certificate, PEM. Instead of the whole configuration, check whether this client "
	 "would be let in and may do --verb to --object, and print the rule that decides."},
	{"verb", NULL, OPTION_CHOICE, AT(check_verb), "read", 0, 0, access_verb_words, "VERB",
	 "With --identity-cert: the operation."},
	{"object", NULL, OPTION_TEXT, AT(check_object), NULL, 0, 0, NULL, "BUCKET/KEY",
	 "With --identity-cert: the object; BUCKET/ is the bucket itself."},
};

const struct option_table check_options = {check_rows, ARRAY_LEN(check_rows), &serve_options};

const struct option *option_find(const struct option_table *table, const char *flag, size_t len)
{
	for (; table != NULL; table = table->base) {
		for (size_t i = 0; i < table->count; i++) {
			const struct option *option = &table->row[i];
			if (option->flag != NULL && strlen(option->flag) == len &&
			    memcmp(option->flag, flag, len) == 0)
				return option;
		}
	}
	return NULL;
}

const struct option *option_by_flag(const char *flag, size_t len)
{
	return option_find(&serve_options, flag, len);
}

const struct option *option_by_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].key != NULL && strcmp(options[i].key, key) == 0)
			return &options[i];
	return NULL;
}

/* ---- Values ------------------------------------------------------------------------------- */

int option_refuse(char error[ERROR_TEXT_MAX], const char *value, const char *accepted)
{
	snprintf(error, ERROR_TEXT_MAX, "\"%.100s\" is not accepted: %s", value, accepted);
	return -EINVAL;
}

static int set_text(char *out, size_t size, const char *value, char error[ERROR_TEXT_MAX])
{
	if (strlen(value) >= size)
		return option_refuse(error, value, "it is too long");
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

static int set_choice(int *out, const char *const *choices, const char *value,
		      char error[ERROR_TEXT_MAX])
{
	char accepted[200] = "use ";
	for (int i = 0; choices[i] != NULL; i++) {
		if (strcmp(choices[i], value) == 0) {
			*out = i;
			return 0;
		}
		size_t used = strlen(accepted);
		snprintf(accepted + used, sizeof(accepted) - used, "%s%s", i > 0 ? ", " : "",
			 choices[i]);
	}
	return option_refuse(error, value, accepted);
}

/* A decimal number; *end behind it. -EINVAL when there is none, -ERANGE when it is too large. */
static int parse_number(const char *text, const char **end, uint64_t *out)
{
	uint64_t n = 0;
	const char *at = text;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (n > (UINT64_MAX - 9) / 10)
			return -ERANGE;
		n = n * 10 + (uint64_t)(*at - '0');
	}
	*end = at;
	*out = n;
	return at == text ? -EINVAL : 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit byte_units[] = {
	{"", 1}, {"B", 1}, {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}};
/* Smallest first; "ms" must be tried before "m". */
static const struct unit time_units[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

int bytes_parse(const char *text, uint64_t *out)
{
	const char *end;
	int r = parse_number(text, &end, out);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(byte_units); i++)
		if (strcmp(byte_units[i].name, end) == 0)
			return __builtin_mul_overflow(*out, byte_units[i].factor, out) ? -ERANGE
										       : 0;
	return -EINVAL;
}

/* 1m30s: larger units first, each once, as Prometheus has it; "0" too. */
int duration_parse(const char *text, uint64_t *ms)
{
	uint64_t total = 0;
	size_t before = ARRAY_LEN(time_units);
	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return 0;
	}
	do {
		uint64_t n;
		const char *end;
		int r = parse_number(text, &end, &n);
		if (r < 0)
			return r;
		size_t unit = 0, len = 0;
		for (; unit < ARRAY_LEN(time_units); unit++) {
			len = strlen(time_units[unit].name);
			if (strncmp(end, time_units[unit].name, len) == 0)
				break;
		}
		if (unit >= before)
			return -EINVAL;
		before = unit;
		if (__builtin_mul_overflow(n, time_units[unit].factor, &n) ||
		    __builtin_add_overflow(total, n, &total))
			return -ERANGE;
		text = end + len;
	} while (*text != '\0');
	*ms = total;
	return 0;
}

static int set_number(void *target, const struct option *option, const char *value,
		      char error[ERROR_TEXT_MAX])
{
	uint64_t n = 0;
	const char *end = "";
	char accepted[200];
	int r;

	if (option->type == OPTION_BYTES) {
		r = bytes_parse(value, &n);
		snprintf(accepted, sizeof(accepted), "use a size from %llu to %llu, such as 64KiB",
			 (unsigned long long)option->min, (unsigned long long)option->max);
	} else if (option->type == OPTION_DURATION) {
		r = duration_parse(value, &n);
		snprintf(accepted, sizeof(accepted),
			 "use a time from %llums to %lluh, such as 1m30s",
			 (unsigned long long)option->min,
			 (unsigned long long)option->max / 3600000);
	} else {
		r = parse_number(value, &end, &n);
		snprintf(accepted, sizeof(accepted), "use a number from %llu to %llu",
			 (unsigned long long)option->min, (unsigned long long)option->max);
	}
	if (r < 0 || *end != '\0' || n < option->min || n > option->max)
		return option_refuse(error, value, accepted);
	void *field = (char *)target + option->offset;
	if (option->type == OPTION_UNSIGNED || option->type == OPTION_DURATION)
		*(unsigned *)field = (unsigned)n;
	else
		*(uint64_t *)field = n;
	return 0;
}

static int set_bool(bool *out, const char *value, char error[ERROR_TEXT_MAX])
{
	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
		*out = value[0] == 't';
		return 0;
	}
	return option_refuse(error, value, "use true or false");
}

static int add_san(struct config *config, const char *value, bool is_first,
		   char error[ERROR_TEXT_MAX])
{
	if (is_first) {
		while (config->tls.allowed_san_count > 0)
			free(config->tls.allowed_sans[--config->tls.allowed_san_count]);
	}
	if (value[0] == '\0' || config->tls.allowed_san_count == ALLOWED_SANS_MAX)
		return option_refuse(error, value,
				     "at most " TEXT_OF(ALLOWED_SANS_MAX) " names, none empty");
	char *copy = strdup(value);
	if (copy == NULL)
		return option_refuse(error, value, "no memory");
	config->tls.allowed_sans[config->tls.allowed_san_count++] = copy;
	return 0;
}

/* HOST:PORT, [IPV6]:PORT or :PORT, with a port of 0 to 65535. */
static bool is_address(const char *value)
{
	const char *host_end = value + strcspn(value, ":"), *end;
	uint64_t port;

	if (value[0] == '[') {
		host_end = strchr(value, ']');
		if (host_end == NULL || host_end == value + 1)
			return false;
		host_end++;
	}
	return *host_end == ':' && parse_number(host_end + 1, &end, &port) == 0 && *end == '\0' &&
	       port <= 65535;
}

static int add_address(struct config *config, const char *value, bool is_first,
		       char error[ERROR_TEXT_MAX])
{
	if (is_first)
		config->listen_count = 0;
	if (config->listen_count == LISTENERS_MAX)
		return option_refuse(error, value, "at most " TEXT_OF(LISTENERS_MAX) " addresses");
	if (!is_address(value))
		return option_refuse(error, value, "use HOST:PORT, [IPV6]:PORT or :PORT");
	int r = set_text(config->listen[config->listen_count], ADDR_TEXT_MAX, value, error);
	if (r == 0)
		config->listen_count++;
	return r;
}

int option_set(void *target, const struct option *option, const char *value, bool is_first,
	       char error[ERROR_TEXT_MAX])
{
	void *field = (char *)target + option->offset;
	int word;

	switch (option->type) {
	case OPTION_PATH:
		if (value[0] == '\0')
			return option_refuse(error, value, "use the name of a file or folder");
		return set_text(field, PATH_MAX, value, error);
	case OPTION_TEXT:
		if (value[0] == '\0')
			return option_refuse(error, value, "use some text");
		return set_text(field, PATH_MAX, value, error);
	case OPTION_ADDRESS:
		if (value[0] != '\0' && strcmp(value, "none") != 0 && !is_address(value))
			return option_refuse(error, value,
					     "use HOST:PORT, [IPV6]:PORT, :PORT, or none");
		return set_text(field, ADDR_TEXT_MAX, strcmp(value, "none") == 0 ? "" : value,
				error);
	case OPTION_ADDRESSES:
		return add_address(target, value, is_first, error);
	case OPTION_CHOICE:
		return set_choice(field, option->choices, value, error);
	case OPTION_BOOL:
		return set_bool(field, value, error);
	case OPTION_UNSIGNED:
	case OPTION_U64:
	case OPTION_BYTES:
	case OPTION_DURATION:
		return set_number(target, option, value, error);
	case OPTION_CIPHERS:
		return option_set_ciphers(target, value, is_first, error);
	case OPTION_GROUPS:
		return option_set_groups(target, value, is_first, error);
	case OPTION_SANS:
		return add_san(target, value, is_first, error);
	case OPTION_ONLY:
		if (set_choice(&word, option->choices, value, error) == 0)
			return 0;
		size_t used = strlen(error);
		snprintf(error + used, ERROR_TEXT_MAX - used, " (%s)", option->help);
		return -EINVAL;
	}
	must(!"a type of the table");
	return -EINVAL;
}

void options_init(void *target, const struct option_table *table)
{
	char error[ERROR_TEXT_MAX];

	for (; table != NULL; table = table->base) {
		for (size_t i = 0; i < table->count; i++) {
			const struct option *option = &table->row[i];
			if (option->initial != NULL)
				must(option_set(target, option, option->initial, true, error) == 0);
		}
	}
}

unsigned text_near(const char *typed)
{
	size_t half = strlen(typed) / 2;
	return half < 3 ? (unsigned)half : 3;
}

unsigned text_distance(const char *a, const char *b, unsigned limit)
{
	unsigned row[64];
	size_t a_len = strlen(a), b_len = strlen(b);
	if (a_len >= ARRAY_LEN(row) || b_len >= ARRAY_LEN(row))
		return limit + 1;
	for (unsigned j = 0; j <= b_len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			unsigned best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			row[j] = change < best ? change : best;
		}
	}
	return row[b_len] <= limit ? row[b_len] : limit + 1;
}
