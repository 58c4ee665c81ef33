/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options: what each type of value accepts, and what it stores. */
#include "config/options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/config.h"
#include "tls/record.h"

TestSuite(options, .timeout = 600);

static struct config config;
static char error[ERROR_TEXT_MAX];

static const struct option *by_flag(const char *flag)
{
	const struct option *option = option_by_flag(flag, strlen(flag));

	cr_assert_not_null(option, "no --%s", flag);
	return option;
}

static int set(const char *flag, const char *value)
{
	error[0] = '\0';
	int r = option_set(&config, by_flag(flag), value, true, error);
	cr_assert(r == 0 || (r == -EINVAL && error[0] != '\0'), "--%s=%s: %d", flag, value, r);
	return r;
}

/* Refused, with all of the words, up to NULL, in the message. */
static void refused(const char *flag, const char *value, const char *const *words)
{
	cr_assert_eq(set(flag, value), -EINVAL, "--%s=%s was accepted", flag, value);
	for (; *words != NULL; words++)
		cr_assert_not_null(strstr(error, *words), "--%s=%s: no \"%s\" in: %s", flag, value,
				   *words, error);
}

#define REFUSED(flag, value, ...) refused(flag, value, (const char *const[]){__VA_ARGS__, NULL})

/* ---- The table ----------------------------------------------------------------------------- */

Test(options, flags_and_keys_are_found_and_unique)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *option = &options[i];
		cr_assert(option->flag != NULL || option->key != NULL);
		if (option->flag != NULL)
			cr_assert_eq(option_by_flag(option->flag, strlen(option->flag)), option);
		if (option->key != NULL)
			cr_assert_eq(option_by_key(option->key), option);
	}
	cr_assert_null(option_by_flag("roo", 3));
	cr_assert_null(option_by_flag("roots", 5));
	cr_assert_eq(option_by_flag("root=/x", 4), by_flag("root"), "up to the length");
	cr_assert_null(option_by_key("tls_server_config"));
	cr_assert_null(option_by_key("cert_file"));
	cr_assert_null(option_by_key("config"), "a file does not name a file");
	cr_assert_null(option_by_key("check_object"));
}

Test(options, texts)
{
	for (size_t i = 0; i < options_count; i++) {
		const char *help = options[i].help;
		const char *name = options[i].flag != NULL ? options[i].flag : options[i].key;
		cr_assert_eq(help[strlen(help) - 1], '.', "%s: %s", name, help);
		cr_assert_null(strstr(help, "  "), "%s: %s", name, help);
		cr_assert(options[i].value_name != NULL || options[i].choices != NULL, "%s", name);
	}
}

Test(options, defaults)
{
	config_init(&config);
	cr_assert_str_eq(config.admin_listen, "127.0.0.1:10943");
	cr_assert_eq(config.listen_count, 0);
	cr_assert_str_empty(config.root);
	cr_assert_str_empty(config.tls.crl_file);
	cr_assert_eq(config.tls.cipher_count, 3);
	cr_assert_eq(config.tls.ciphers[0], TLS_CIPHER_AES_128_GCM);
	cr_assert_eq(config.tls.ciphers[1], TLS_CIPHER_AES_256_GCM);
	cr_assert_eq(config.tls.ciphers[2], TLS_CIPHER_CHACHA20);
	cr_assert_eq(config.tls.allowed_san_count, 0);
	cr_assert_not(config.policy.has_section);
	cr_assert_eq(config.tls_path, TLS_PATH_AUTO);
	cr_assert_eq(config.send_engine, SEND_ENGINE_AUTO);
	cr_assert_eq(config.workers, 0);
	cr_assert_eq(config.conns_max, CONNS_MAX_DEFAULT);
	cr_assert_eq(config.records_per_key, RECORDS_PER_KEY_DEFAULT);
	/* What others' defaults ask of ours, in the reasons of base/limits.h. */
	cr_assert_eq(config.handshake_timeout_ms, 10000, "Thanos gives so long");
	cr_assert_gt(config.idle_timeout_ms, 90000, "Go keeps a connection so long");
	cr_assert_gt(2 * TICK_MS * TICK_SLOTS, config.idle_timeout_ms, "as at TICK_SLOTS");
	cr_assert_eq(config.log_level, LOG_LEVEL_INFO);
	cr_assert_eq(config.log_format, LOG_FORMAT_LOGFMT);
	cr_assert(config.access_log);
	cr_assert_not(config.check_is_strict);
	config_fini(&config);
}

/* The help of an option that gives a size in words has that of the struct. */
Test(options, send_buffers_are_of_the_size_that_the_help_gives)
{
	char words[32];

	snprintf(words, sizeof(words), " %zu KiB each", sizeof(struct tx_buf) / 1024);
	cr_assert_not_null(strstr(by_flag("send-buffers")->help, words), "not%s: %s", words,
			   by_flag("send-buffers")->help);
}

/* "10s", "16777216": a string of digits and a unit. */
static bool is_quoted_number(const char *quote)
{
	size_t digits = strspn(quote + 1, "0123456789");
	return digits > 0 && quote[1 + digits + strspn(quote + 1 + digits, "msdhKMGiB")] == '"';
}

/* Defaults have one source: where base/limits.h has them, the table does not type them again. */
Test(options, no_default_is_typed_in_the_table)
{
	FILE *file = fopen(SLUICE_SOURCE_DIR "/src/config/options.c", "r");
	char line[256];
	bool is_table = false;
	unsigned rows = 0;

	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		is_table |= strncmp(line, "const struct option options[]", 29) == 0;
		is_table &= strncmp(line, "};", 2) != 0;
		rows += is_table && strncmp(line, "\t{", 2) == 0;
		for (const char *at = line; is_table && (at = strchr(at, '"')) != NULL; at++)
			cr_expect_not(is_quoted_number(at), "%s", line);
	}
	fclose(file);
	cr_assert_eq(rows, options_count);
}

/* ---- Values -------------------------------------------------------------------------------- */

Test(options, paths)
{
	static char longest[PATH_MAX + 1];

	cr_assert_eq(set("root", "/srv/a b"), 0);
	cr_assert_str_eq(config.root, "/srv/a b");
	cr_assert_eq(set("cert", "c.crt"), 0);
	cr_assert_eq(set("key", "k.key"), 0);
	cr_assert_eq(set("client-ca", "ca.crt"), 0);
	cr_assert_eq(set("crl", "ca.crl"), 0);
	cr_assert_str_eq(config.tls.cert_file, "c.crt");
	cr_assert_str_eq(config.tls.key_file, "k.key");
	cr_assert_str_eq(config.tls.client_ca_file, "ca.crt");
	cr_assert_str_eq(config.tls.crl_file, "ca.crl");
	REFUSED("crl", "", "file"); /* an empty variable must not turn revocation off */
	memset(longest, 'x', PATH_MAX);
	REFUSED("root", longest, "too long");
	longest[PATH_MAX - 1] = '\0';
	cr_assert_eq(set("root", longest), 0);
	cr_assert_str_eq(config.root, longest);
}

Test(options, addresses)
{
	static const char *const good[] = {"127.0.0.1:8443", ":8443",     "localhost:0",
					   "[::]:65535",     "[::1]:443", "[fe80::1%eth0]:443"};
	static const char *const bad[] = {"",
					  "nowhere",
					  "127.0.0.1",
					  "127.0.0.1:",
					  ":",
					  ":-1",
					  ":99999",
					  "host:8443x",
					  ":18446744073709551617",
					  "::1:8443",
					  "[::1]8443",
					  "[::1:8443",
					  "[]:1",
					  "[::1]",
					  "a:1:2",
					  "http://host:8443",
					  "host: 8443"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cr_assert_eq(set("listen", good[i]), 0, "%s: %s", good[i], error);
		cr_assert_str_eq(config.listen[0], good[i]);
		cr_assert_eq(set("admin-listen", good[i]), 0);
		cr_assert_str_eq(config.admin_listen, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		REFUSED("listen", bad[i], bad[i], "HOST:PORT");
		if (bad[i][0] != '\0')
			REFUSED("admin-listen", bad[i], bad[i], "HOST:PORT", "none");
	}
	REFUSED("listen", "none", "none");
	cr_assert_eq(set("admin-listen", "none"), 0);
	cr_assert_str_empty(config.admin_listen);
	cr_assert_eq(set("admin-listen", ":1"), 0);
	cr_assert_eq(set("admin-listen", ""), 0);
	cr_assert_str_empty(config.admin_listen);
	REFUSED("listen",
		"a-name-that-is-longer-than-the-sixty-three-bytes-there-are-for-it.example:1",
		"too long");
}

Test(options, lists_of_addresses)
{
	const struct option *listen = by_flag("listen");
	char address[16];

	config_init(&config);
	for (int i = 0; i < LISTENERS_MAX; i++) {
		snprintf(address, sizeof(address), ":%d", i + 1);
		cr_assert_eq(option_set(&config, listen, address, i == 0, error), 0);
	}
	cr_assert_eq(config.listen_count, LISTENERS_MAX);
	cr_assert_str_eq(config.listen[15], ":16");
	cr_assert_eq(option_set(&config, listen, ":99", false, error), -EINVAL);
	cr_assert_not_null(strstr(error, "16"), "%s", error);
	cr_assert_eq(option_set(&config, listen, ":99", true, error), 0);
	cr_assert_eq(config.listen_count, 1, "the first of a new list");
	cr_assert_str_eq(config.listen[0], ":99");
}

Test(options, choices)
{
	cr_assert_eq(set("tls-path", "kernel"), 0);
	cr_assert_eq(config.tls_path, TLS_PATH_KERNEL);
	cr_assert_eq(set("tls-path", "user"), 0);
	cr_assert_eq(config.tls_path, TLS_PATH_USER);
	cr_assert_eq(set("tls-path", "auto"), 0);
	cr_assert_eq(config.tls_path, TLS_PATH_AUTO);
	cr_assert_eq(set("send-engine", "sendfile"), 0);
	cr_assert_eq(config.send_engine, SEND_ENGINE_SENDFILE);
	cr_assert_eq(set("send-engine", "splice"), 0);
	cr_assert_eq(config.send_engine, SEND_ENGINE_SPLICE);
	cr_assert_eq(set("send-engine", "copy"), 0);
	cr_assert_eq(config.send_engine, SEND_ENGINE_COPY);
	cr_assert_eq(set("log.level", "debug"), 0);
	cr_assert_eq(config.log_level, LOG_LEVEL_DEBUG);
	cr_assert_eq(set("log.level", "error"), 0);
	cr_assert_eq(config.log_level, LOG_LEVEL_ERROR);
	cr_assert_eq(set("log.format", "json"), 0);
	cr_assert_eq(config.log_format, LOG_FORMAT_JSON);

	REFUSED("tls-path", "Kernel", "Kernel", "auto", "kernel", "user");
	REFUSED("tls-path", "", "auto, kernel, user");
	REFUSED("send-engine", "teleport", "auto, sendfile, splice, copy");
	REFUSED("log.level", "warning", "debug, info, warn, error");
	REFUSED("log.format", "xml", "logfmt, json");
	cr_assert_eq(config.log_format, LOG_FORMAT_JSON, "what is refused changes nothing");
}

Test(options, bools)
{
	cr_assert_eq(set("access-log", "false"), 0);
	cr_assert_not(config.access_log);
	cr_assert_eq(set("access-log", "true"), 0);
	cr_assert(config.access_log);
	REFUSED("access-log", "yes", "yes", "true or false");
	REFUSED("access-log", "", "true or false");
	REFUSED("access-log", "True", "true or false");
}

Test(options, numbers)
{
	cr_assert_eq(set("workers", "0"), 0);
	cr_assert_eq(set("workers", "64"), 0);
	cr_assert_eq(config.workers, 64);
	cr_assert_eq(set("max-connections", "1000000"), 0);
	cr_assert_eq(config.conns_max, 1000000);
	cr_assert_eq(set("records-per-key", "16"), 0);
	cr_assert_eq(config.records_per_key, 16);
	cr_assert_eq(set("records-per-key", "16777216"), 0);
	cr_assert_eq(config.records_per_key, 16777216);

	REFUSED("workers", "65", "65", "from 0 to 64");
	REFUSED("workers", "-1", "from 0 to 64");
	REFUSED("workers", "+1", "from 0 to 64");
	REFUSED("workers", " 1", "from 0 to 64");
	REFUSED("workers", "1.5", "from 0 to 64");
	REFUSED("workers", "0x10", "from 0 to 64");
	REFUSED("workers", "", "from 0 to 64");
	REFUSED("workers", "many", "from 0 to 64");
	REFUSED("workers", "4294967296", "from 0 to 64"); /* 0 in 32 bits */
	REFUSED("workers", "18446744073709551616", "from 0 to 64");
	REFUSED("max-connections", "0", "from 1 to 1000000");
	REFUSED("max-connections", "1000001", "from 1 to 1000000");
	REFUSED("records-per-key", "15", "from 16 to 16777216");
	REFUSED("records-per-key", "16777217", "from 16 to 16777216");
}

Test(options, sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {{"0", 0},
		    {"1", 1},
		    {"7B", 7},
		    {"64KiB", 65536},
		    {"3MiB", 3145728},
		    {"2GiB", 2147483648},
		    {"1024GiB", 1ull << 40}};
	static const char *const bad[] = {"",
					  "KiB",
					  "64KB",
					  "64k",
					  "64 KiB",
					  "1.5MiB",
					  "-1",
					  "1025GiB",
					  "17179869184GiB",
					  "18446744073709551616"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_assert_eq(set("min-rate", rows[i].text), 0, "%s: %s", rows[i].text, error);
		cr_assert_eq(config.min_rate_bytes, rows[i].bytes, "%s", rows[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		REFUSED("min-rate", bad[i], "64KiB");
}

Test(options, durations)
{
	static const struct {
		const char *text;
		unsigned ms;
	} rows[] = {{"500ms", 500},  {"10s", 10000},   {"2m", 120000},       {"1m30s", 90000},
		    {"1h", 3600000}, {"1d", 86400000}, {"23h59m", 86340000}, {"1s500ms", 1500},
		    {"10ms", 10},    {"090s", 90000}};
	static const char *const bad[] = {"",
					  "10",
					  "s",
					  "9ms",
					  "25h",
					  "1.5s",
					  "-1s",
					  " 1s",
					  "1s ",
					  "1 s",
					  "soon",
					  "30s1m",
					  "1s1s",
					  "1m1ms1s",
					  "1S",
					  "1min",
					  "0",
					  "0s",
					  "2d",
					  "18446744073709551615d",
					  "213503982335d",
					  "1s18446744073709551615ms"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_assert_eq(set("idle-timeout", rows[i].text), 0, "%s: %s", rows[i].text, error);
		cr_assert_eq(config.idle_timeout_ms, rows[i].ms, "%s", rows[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		REFUSED("idle-timeout", bad[i], "from 10ms to 24h", "1m30s");
	cr_assert_eq(set("drain-timeout", "0"), 0, "not to wait is a choice");
	cr_assert_eq(config.drain_timeout_ms, 0);
	cr_assert_eq(set("drain-timeout", "0s"), 0);
	cr_assert_eq(set("handshake-timeout", "1s"), 0);
	cr_assert_eq(config.handshake_timeout_ms, 1000);
	cr_assert_eq(set("head-timeout", "2s"), 0);
	cr_assert_eq(config.head_timeout_ms, 2000);
}

Test(options, ciphers)
{
	cr_assert_eq(set("cipher-suites", "TLS_CHACHA20_POLY1305_SHA256"), 0);
	cr_assert_eq(config.tls.cipher_count, 1);
	cr_assert_eq(config.tls.ciphers[0], TLS_CIPHER_CHACHA20);
	cr_assert_eq(set("cipher-suites", "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256"), 0);
	cr_assert_eq(config.tls.cipher_count, 2);
	cr_assert_eq(config.tls.ciphers[0], TLS_CIPHER_AES_256_GCM);
	cr_assert_eq(config.tls.ciphers[1], TLS_CIPHER_AES_128_GCM);

	static const char *const bad[] = {
		"",
		",",
		"TLS_AES_128_GCM_SHA256,",
		"TLS_AES_128_GCM_SHA256 ",
		"tls_aes_128_gcm_sha256",
		"TLS_AES_128_CCM_SHA256",
		"TLS_ECDHE_RSA_WITH_RC4_128_SHA",
		"TLS_A_NAME_THAT_IS_LONGER_THAN_ANY_CIPHER_SUITE_THAT_WAS_EVER_REGISTERED"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		REFUSED("cipher-suites", bad[i], "cipher suite");
	REFUSED("cipher-suites", "TLS_RSA_WITH_NULL_MD5", "TLS_RSA_WITH_NULL_MD5",
		"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256");
	REFUSED("cipher-suites", "TLS_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256", "twice");
}

/* In Go a list of cipher suites is about TLS 1.2: it changes nothing for TLS 1.3. */
Test(options, cipher_suites_of_tls_1_2)
{
	cr_assert_eq(set("cipher-suites", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), 0, "%s", error);
	cr_assert_eq(config.tls.cipher_count, TLS_CIPHER_COUNT);
	cr_assert_eq(config.tls.ciphers[0], TLS_CIPHER_AES_128_GCM);
	/* among others: those of TLS 1.3 count */
	cr_assert_eq(set("cipher-suites",
			 "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,TLS_AES_256_GCM_SHA384,"
			 "TLS_RSA_WITH_AES_128_CBC_SHA,TLS_AES_128_GCM_SHA256"),
		     0, "%s", error);
	cr_assert_eq(config.tls.cipher_count, 2);
	cr_assert_eq(config.tls.ciphers[0], TLS_CIPHER_AES_256_GCM);
	/* a later list without any is the default again */
	cr_assert_eq(set("cipher-suites", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"), 0, "%s", error);
	cr_assert_eq(config.tls.cipher_count, TLS_CIPHER_COUNT);
	cr_assert_eq(config.tls.ciphers[0], TLS_CIPHER_AES_128_GCM);
}

Test(options, curve_preferences)
{
	config_init(&config);
	cr_assert_eq(config.tls.groups, 0, "the default");
	cr_assert_eq(set("curve-preferences", "CurveP384,X25519"), 0, "%s", error);
	cr_assert_eq(config.tls.groups, 1u << TLS_GROUP_P384 | 1u << TLS_GROUP_X25519);
	cr_assert_eq(set("curve-preferences", "X25519MLKEM768,CurveP521,CurveP256,CurveP256"), 0,
		     "%s", error);
	cr_assert_eq(config.tls.groups,
		     1u << TLS_GROUP_X25519MLKEM768 | 1u << TLS_GROUP_P521 | 1u << TLS_GROUP_P256);

	static const char *const bad[] = {"",          "X25519,", "x25519",  "P-256",   "secp256r1",
					  "CurveP224", "X448",    "X25519 ", "MLKEM768"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		REFUSED("curve-preferences", bad[i], "the curves are", "X25519MLKEM768", "X25519,",
			"CurveP256", "CurveP384", "CurveP521");
}

/* Only TLS 1.3 is served, so each minimum is kept, and no other maximum. */
Test(options, versions)
{
	static const char *const kept[] = {"TLS10", "TLS11", "TLS12", "TLS13"};
	const struct option *min = option_by_key("tls_server_config.min_version");

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		cr_assert_eq(option_set(&config, min, kept[i], true, error), 0, "%s: %s", kept[i],
			     error);
}

Test(options, allowed_sans)
{
	const struct option *sans = option_by_key("tls_server_config.client_allowed_sans");

	config_init(&config);
	for (int i = 0; i < ALLOWED_SANS_MAX; i++)
		cr_assert_eq(option_set(&config, sans, "a.example", i == 0, error), 0);
	cr_assert_eq(option_set(&config, sans, "b.example", false, error), -EINVAL);
	cr_assert_not_null(strstr(error, "64"), "%s", error);
	cr_assert_eq(option_set(&config, sans, "b.example", true, error), 0);
	cr_assert_eq(config.tls.allowed_san_count, 1);
	cr_assert_str_eq(config.tls.allowed_sans[0], "b.example");
	cr_assert_eq(option_set(&config, sans, "", false, error), -EINVAL);
	config_fini(&config);
	cr_assert_eq(config.tls.allowed_san_count, 0);
}

/* What exporter-toolkit's keys may say here, because it is what we do already. */
Test(options, what_only_one_value_has)
{
	static const struct {
		const char *key, *good, *word;
		const char *bad[5];
	} rows[] = {
		{"tls_server_config.client_auth_type",
		 "RequireAndVerifyClientCert",
		 "always requires",
		 {"NoClientCert", "RequestClientCert", "RequireAnyClientCert",
		  "VerifyClientCertIfGiven", ""}},
		{"tls_server_config.min_version",
		 "TLS13",
		 "TLS 1.3 only",
		 {"TLS14", "SSL30", "", "tls13", "1.3"}},
		{"tls_server_config.max_version",
		 "TLS13",
		 "TLS 1.3 only",
		 {"TLS10", "TLS11", "TLS12", "TLS14", "tls13"}},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct option *option = option_by_key(rows[i].key);
		cr_assert_not_null(option, "%s", rows[i].key);
		cr_assert_eq(option_set(&config, option, rows[i].good, true, error), 0);
		for (size_t j = 0; j < ARRAY_LEN(rows[i].bad); j++) {
			cr_assert_eq(option_set(&config, option, rows[i].bad[j], true, error),
				     -EINVAL, "%s: %s", rows[i].key, rows[i].bad[j]);
			cr_assert_not_null(strstr(error, rows[i].good), "%s", error);
			cr_assert_not_null(strstr(error, rows[i].word), "%s", error);
		}
	}
}

/* ---- Distance ------------------------------------------------------------------------------ */

Test(options, distance)
{
	static const struct {
		const char *a, *b;
		unsigned expected;
	} rows[] = {{"", "", 0},          {"root", "root", 0},     {"root", "rot", 1},
		    {"root", "roots", 1}, {"rott", "root", 1},     {"oort", "root", 2},
		    {"abc", "", 3},       {"kitten", "sitting", 3}};
	static char longest[100];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_assert_eq(text_distance(rows[i].a, rows[i].b, 10), rows[i].expected, "%s, %s",
			     rows[i].a, rows[i].b);
		cr_assert_eq(text_distance(rows[i].b, rows[i].a, 10), rows[i].expected);
	}
	cr_assert_eq(text_distance("kitten", "sitting", 3), 3);
	cr_assert_eq(text_distance("kitten", "sitting", 2), 3, "at most limit + 1");
	cr_assert_eq(text_distance("abcdefgh", "", 2), 3);
	memset(longest, 'x', sizeof(longest) - 1);
	cr_assert_eq(text_distance(longest, "root", 5), 6);
	cr_assert_eq(text_distance("root", longest, 5), 6);
	cr_assert_eq(text_near("foo"), 1);
	cr_assert_eq(text_near("x"), 0);
	cr_assert_eq(text_near("max-conections"), 3);
}
