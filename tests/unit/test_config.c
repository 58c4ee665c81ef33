/* SPDX-License-Identifier: Apache-2.0 */
/* Command line and file together: what counts, and every message for what is refused. */
#include "config/config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "config/options.h"

TestSuite(config, .timeout = 600);

static struct config config;
static char error[ERROR_TEXT_MAX];

/* ---- The command line ---------------------------------------------------------------------- */

#define ARGS_MAX 40
#define REQUIRED                                                                                   \
	"--root=/srv", "--listen=:8443", "--cert=s.crt", "--key=s.key", "--client-ca=ca.crt"

static int load_args(enum config_command command, const char *const *args)
{
	char *argv[ARGS_MAX + 2] = {(char *)(uintptr_t) "serve"};
	int argc = 1;

	for (; *args != NULL; args++) {
		must(argc <= ARGS_MAX);
		argv[argc++] = (char *)(uintptr_t)*args;
	}
	memset(error, 0x55, sizeof(error));
	int r = config_load(&config, command, argc, argv, error);
	if (r < 0) {
		cr_assert_eq(r, -EINVAL);
		cr_assert_not_null(memchr(error, '\0', sizeof(error)), "not ended");
		for (const char *at = error; *at != '\0'; at++)
			cr_assert((unsigned char)*at >= 0x20, "not one line: %s", error);
	}
	return r;
}

#define LOAD(...)  load_args(CONFIG_SERVE, (const char *const[]){__VA_ARGS__, NULL})
#define CHECK(...) load_args(CONFIG_CHECK, (const char *const[]){__VA_ARGS__, NULL})

static void says(const char *const *words)
{
	for (; *words != NULL; words++)
		cr_assert_not_null(strstr(error, *words), "no \"%s\" in: %s", *words, error);
}

#define SAYS(...) says((const char *const[]){__VA_ARGS__, NULL})

Test(config, both_ways_to_write_a_value)
{
	cr_assert_eq(LOAD("--root", "/srv", "--listen=:1", "--listen", ":2", "--cert=c", "--key",
			  "k", "--client-ca=ca", "--workers", "3", "--log.level=debug"),
		     CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "/srv");
	cr_assert_eq(config.listen_count, 2);
	cr_assert_str_eq(config.listen[0], ":1");
	cr_assert_str_eq(config.listen[1], ":2");
	cr_assert_str_eq(config.tls.key_file, "k");
	cr_assert_eq(config.workers, 3);
	cr_assert_eq(config.log_level, LOG_LEVEL_DEBUG);
	config_fini(&config);
}

Test(config, value_with_equals_sign)
{
	cr_assert_eq(LOAD(REQUIRED, "--root=/a=b"), CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "/a=b", "and the last counts");
	cr_assert_eq(LOAD(REQUIRED, "--root=--x"), CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "--x");
}

Test(config, booleans)
{
	cr_assert_eq(LOAD(REQUIRED), CONFIG_READY, "%s", error);
	cr_assert(config.access_log && !config.writable);
	cr_assert_eq(LOAD(REQUIRED, "--no-access-log", "--writable"), CONFIG_READY);
	cr_assert(!config.access_log && config.writable);
	cr_assert_eq(LOAD(REQUIRED, "--access-log=false", "--writable=true"), CONFIG_READY);
	cr_assert(!config.access_log && config.writable);
	cr_assert_eq(LOAD(REQUIRED, "--no-access-log", "--access-log"), CONFIG_READY);
	cr_assert(config.access_log);
	/* A value after a space is taken if it is one, and nothing else is. */
	cr_assert_eq(LOAD("--access-log", "false", REQUIRED), CONFIG_READY, "%s", error);
	cr_assert_not(config.access_log);
	cr_assert_eq(LOAD("--writable", "true", REQUIRED), CONFIG_READY, "%s", error);
	cr_assert(config.writable);
	cr_assert_eq(LOAD("--writable", REQUIRED), CONFIG_READY, "%s", error);
	cr_assert(config.writable);
	cr_assert_eq(LOAD(REQUIRED, "--writable", "--no-sandbox"), CONFIG_READY, "%s", error);
	cr_assert(config.writable && !config.sandbox);
	cr_assert_eq(LOAD(REQUIRED, "--writable"), CONFIG_READY, "%s", error);
	cr_assert(config.writable);
	cr_assert_eq(LOAD(REQUIRED, "--writable", "yes"), -EINVAL);
	SAYS("unexpected argument yes", "--writable takes true or false");
	cr_assert_eq(LOAD(REQUIRED, "--writable", "True"), -EINVAL);
	SAYS("unexpected argument True", "--writable takes true or false");
	cr_assert_eq(LOAD(REQUIRED, "--no-writable", "true"), -EINVAL);
	SAYS("unexpected argument true");
	cr_assert_eq(LOAD(REQUIRED, "--writable=true", "false"), -EINVAL);
	SAYS("unexpected argument false");
	cr_assert_eq(LOAD(REQUIRED, "--root", "true"), CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "true");
	cr_assert_eq(LOAD(REQUIRED, "--no-root"), -EINVAL);
	SAYS("unknown option --no-root");
}

Test(config, unknown_options)
{
	cr_assert_eq(LOAD("--max-conections=3"), -EINVAL);
	SAYS("unknown option --max-conections", "did you mean --max-connections?");
	cr_assert_eq(LOAD("--rot", "/srv"), -EINVAL);
	SAYS("unknown option --rot", "did you mean --root?");
	cr_assert_eq(LOAD("--no-acces-log"), -EINVAL);
	SAYS("--no-acces-log");
	cr_assert_eq(LOAD("--teleport=yes"), -EINVAL);
	SAYS("unknown option --teleport", "--help");
	cr_assert_null(strstr(error, "did you mean"), "%s", error);
	cr_assert_eq(LOAD("--x"), -EINVAL);
	cr_assert_null(strstr(error, "did you mean"), "%s", error);
	cr_assert_eq(LOAD("-v"), -EINVAL);
	SAYS("unexpected argument -v");
	cr_assert_eq(LOAD("--"), -EINVAL);
	SAYS("unexpected argument --");
	cr_assert_eq(LOAD(""), -EINVAL);
	cr_assert_eq(LOAD("/srv"), -EINVAL);
	SAYS("unexpected argument /srv");
	cr_assert_eq(LOAD("--=x"), -EINVAL);
	cr_assert_eq(LOAD("--a\nlevel=error"), -EINVAL);
	SAYS("--a?level");
}

Test(config, missing_values)
{
	cr_assert_eq(LOAD("--root"), -EINVAL);
	SAYS("--root needs a value", "--root=DIR");
	/* The next option is not taken for the value. */
	cr_assert_eq(LOAD("--root", "--listen=:1"), -EINVAL);
	SAYS("--root needs a value");
	cr_assert_eq(LOAD(REQUIRED, "--config"), -EINVAL);
	SAYS("--config needs a value");
	cr_assert_eq(LOAD(REQUIRED, "--root="), -EINVAL);
	SAYS("--root: ");
}

Test(config, refused_values_name_the_option)
{
	cr_assert_eq(LOAD(REQUIRED, "--workers=many"), -EINVAL);
	SAYS("--workers: \"many\"", "from 0 to 64");
	cr_assert_eq(LOAD(REQUIRED, "--tls-path", "sometimes"), -EINVAL);
	SAYS("--tls-path: \"sometimes\"", "auto, kernel, user");
}

Test(config, required)
{
	static const char *const all[] = {REQUIRED};
	static const char *const keys[] = {"root", "listen", "tls_server_config.cert_file",
					   "tls_server_config.key_file",
					   "tls_server_config.client_ca_file"};

	for (size_t skip = 0; skip < ARRAY_LEN(all); skip++) {
		const char *args[ARGS_MAX] = {NULL};
		char flag[32];
		for (size_t i = 0, count = 0; i < ARRAY_LEN(all); i++)
			if (i != skip)
				args[count++] = all[i];
		cr_assert_eq(load_args(CONFIG_SERVE, args), -EINVAL, "%s", all[skip]);
		snprintf(flag, sizeof(flag), "%.*s is required", (int)strcspn(all[skip], "="),
			 all[skip]);
		SAYS(flag, keys[skip]);
	}
}

/* All that is missing in one line, with the keys of the file. */
Test(config, required_options_are_told_together)
{
	cr_assert_eq(LOAD(NULL), -EINVAL);
	cr_assert_str_eq(
		error, "--root, --listen, --cert, --key and --client-ca are required (in the "
		       "file: root, listen, tls_server_config.cert_file, "
		       "tls_server_config.key_file, tls_server_config.client_ca_file); see --help");
	cr_assert_eq(LOAD("--root=/srv", "--listen=:1", "--key=k"), -EINVAL);
	SAYS("--cert and --client-ca are required", "tls_server_config.cert_file, ");
}

Test(config, impossible_combinations)
{
	cr_assert_eq(LOAD(REQUIRED, "--tls-path=user", "--send-engine=sendfile"), -EINVAL);
	SAYS("--send-engine=sendfile", "--tls-path=user", "copy");
	cr_assert_eq(LOAD(REQUIRED, "--send-engine=splice", "--tls-path=user"), -EINVAL);
	SAYS("--send-engine=splice", "--tls-path=user");
	cr_assert_eq(LOAD(REQUIRED, "--tls-path=user", "--send-engine=copy"), CONFIG_READY);
	cr_assert_eq(LOAD(REQUIRED, "--tls-path=user"), CONFIG_READY);
	cr_assert_eq(LOAD(REQUIRED, "--scrub-quarantine", "--writable"), -EINVAL);
	SAYS("--scrub-quarantine", "--scrub-rate");
	cr_assert_eq(LOAD(REQUIRED, "--scrub-quarantine", "--scrub-rate=1MiB"), -EINVAL);
	SAYS("--scrub-quarantine", "--writable", "read-only");
	cr_assert_eq(LOAD(REQUIRED, "--scrub-quarantine", "--scrub-rate=1MiB", "--writable"),
		     CONFIG_READY);
	cr_assert_eq(LOAD(REQUIRED, "--tls-path=kernel", "--send-engine=splice"), CONFIG_READY);
	cr_assert_eq(LOAD(REQUIRED, "--send-engine=sendfile"), CONFIG_READY);
}

/* `sluice check`: the options of serve, and a question that needs few of them. */
Test(config, check)
{
	cr_assert_eq(CHECK(REQUIRED), CONFIG_READY, "%s", error);
	cr_assert(!config.check_is_strict && config.check_identity_cert[0] == '\0');
	cr_assert_eq(CHECK(REQUIRED, "--strict"), CONFIG_READY, "%s", error);
	cr_assert(config.check_is_strict);
	cr_assert_eq(CHECK("--strict"), -EINVAL);
	SAYS("--root");
	cr_assert_eq(CHECK("--object=b/k/l", "--identity-cert=c", "--verb=write"), CONFIG_READY);
	cr_assert_str_eq(config.check_object, "b/k/l");
	cr_assert_eq(config.check_verb, 2);
	cr_assert_eq(CHECK("--identity-cert=c", "--object=b/"), CONFIG_READY);
	cr_assert_str_eq(config.check_object, "b/");
	cr_assert_eq(config.check_verb, 0);
	cr_assert_eq(CHECK(REQUIRED, "--object=b/k"), -EINVAL);
	SAYS("--identity-cert");
	cr_assert_eq(CHECK("--identity-cert=c"), -EINVAL);
	SAYS("--object");
	cr_assert_eq(CHECK("--identity-cert=c", "--object=b"), -EINVAL);
	SAYS("BUCKET/KEY");
	cr_assert_eq(CHECK("--identity-cert=c", "--object=/k"), -EINVAL);
	SAYS("BUCKET/KEY");
}

/* What was an option of serve names the command that it became; what is check's is not serve's. */
Test(config, check_is_no_option_of_serve)
{
	static const char *const gone[] = {"--check-config", "--check-config=true",
					   "--check-access"};
	static const char *const others[] = {"--strict", "--identity-cert=c", "--object=b/k"};

	for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
		cr_assert_eq(LOAD(REQUIRED, gone[i]), -EINVAL);
		SAYS(gone[i], "sluice check");
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		cr_assert_eq(LOAD(REQUIRED, others[i]), -EINVAL);
		SAYS("unknown option");
	}
}

/* What a reload takes up is not named, whatever the file says of the rest is. */
Test(config, restart_needed)
{
	static struct config running;
	char names[64];

	cr_assert_eq(LOAD(REQUIRED), CONFIG_READY);
	running = config;
	cr_assert_eq(config_restart_needed(&running, &config, names, sizeof(names)), 0);
	cr_assert_str_empty(names);
	cr_assert_eq(LOAD("--root=/srv", "--listen=:8443", "--cert=t.crt", "--key=t.key",
			  "--client-ca=other.crt", "--crl=a.crl",
			  "--cipher-suites=TLS_AES_256_GCM_SHA384"),
		     CONFIG_READY);
	cr_assert_eq(config_restart_needed(&running, &config, names, sizeof(names)), 0);
	cr_assert_eq(LOAD(REQUIRED, "--workers=3", "--writable", "--idle-timeout=7s",
			  "--min-rate=2KiB", "--log.level=warn", "--admin-listen=:1"),
		     CONFIG_READY);
	cr_assert_eq(config_restart_needed(&running, &config, names, sizeof(names)), 6);
	cr_assert_str_eq(names, "writable, admin_listen, workers, min_rate, idle_timeout, log_le");
	cr_assert_eq(LOAD("--root=/srv2", "--listen=:8443", "--listen=:8444", "--cert=s.crt",
			  "--key=s.key", "--client-ca=ca.crt"),
		     CONFIG_READY);
	cr_assert_eq(config_restart_needed(&running, &config, names, sizeof(names)), 2);
	cr_assert_str_eq(names, "root, listen");
}

/* ---- The file ------------------------------------------------------------------------------ */

static char dir[] = "/tmp/sluice-config-XXXXXX";
static char file[PATH_MAX];

static void write_file(const char *text)
{
	if (file[0] == '\0') {
		cr_assert_not_null(mkdtemp(dir));
		snprintf(file, sizeof(file), "%s/sluice.yml", dir);
	}
	FILE *out = fopen(file, "w");
	cr_assert_not_null(out, "%s", file);
	fputs(text, out);
	fclose(out);
}

static void remove_files(void)
{
	if (file[0] == '\0')
		return;
	unlink(file);
	rmdir(dir);
}

#define WHOLE_FILE                                                                                 \
	"listen: [\"0.0.0.0:8443\", ':8444']\n"                                                    \
	"admin_listen: none\n"                                                                     \
	"root: store # a comment\n"                                                                \
	"tls_server_config:\n"                                                                     \
	"  cert_file: server.crt\n"                                                                \
	"  key_file: /etc/server.key\n"                                                            \
	"  client_ca_file: ../ca.crt\n"                                                            \
	"  crl_file: ca.crl\n"                                                                     \
	"  cipher_suites: [TLS_AES_256_GCM_SHA384]\n"                                              \
	"  client_allowed_sans: [a.example, b.example]\n"                                          \
	"  client_auth_type: RequireAndVerifyClientCert\n"                                         \
	"  min_version: TLS13\n"                                                                   \
	"  max_version: TLS13\n"                                                                   \
	"  prefer_server_cipher_suites: true\n"                                                    \
	"  curve_preferences: []\n"                                                                \
	"  cert: ''\n"                                                                             \
	"tls_path: user\n"                                                                         \
	"send_engine: copy\n"                                                                      \
	"workers: 2\n"                                                                             \
	"max_connections: 100\n"                                                                   \
	"records_per_key: 64\n"                                                                    \
	"min_rate: 2KiB\n"                                                                         \
	"handshake_timeout: 1s\n"                                                                  \
	"head_timeout: 2s\n"                                                                       \
	"idle_timeout: 1m30s\n"                                                                    \
	"drain_timeout: 500ms\n"                                                                   \
	"log_level: warn\n"                                                                        \
	"log_format: json\n"                                                                       \
	"access_log: false\n"

Test(config, whole_file, .fini = remove_files)
{
	char flag[PATH_MAX + 16], path[PATH_MAX + 16];

	write_file(WHOLE_FILE);
	snprintf(flag, sizeof(flag), "--config=%s", file);
	cr_assert_eq(LOAD(flag), CONFIG_READY, "%s", error);
	cr_assert_eq(config.listen_count, 2);
	cr_assert_str_eq(config.listen[0], "0.0.0.0:8443");
	cr_assert_str_eq(config.listen[1], ":8444");
	cr_assert_str_empty(config.admin_listen);
	/* relative paths are seen from the file's folder */
	snprintf(path, sizeof(path), "%s/store", dir);
	cr_assert_str_eq(config.root, path);
	snprintf(path, sizeof(path), "%s/server.crt", dir);
	cr_assert_str_eq(config.tls.cert_file, path);
	cr_assert_str_eq(config.tls.key_file, "/etc/server.key");
	snprintf(path, sizeof(path), "%s/../ca.crt", dir);
	cr_assert_str_eq(config.tls.client_ca_file, path);
	snprintf(path, sizeof(path), "%s/ca.crl", dir);
	cr_assert_str_eq(config.tls.crl_file, path);
	cr_assert_eq(config.tls.cipher_count, 1);
	cr_assert_eq(config.tls.ciphers[0], TLS_CIPHER_AES_256_GCM);
	cr_assert_eq(config.tls.allowed_san_count, 2);
	cr_assert_str_eq(config.tls.allowed_sans[1], "b.example");
	cr_assert_eq(config.tls_path, TLS_PATH_USER);
	cr_assert_eq(config.send_engine, SEND_ENGINE_COPY);
	cr_assert_eq(config.workers, 2);
	cr_assert_eq(config.conns_max, 100);
	cr_assert_eq(config.records_per_key, 64);
	cr_assert_eq(config.min_rate_bytes, 2048);
	cr_assert_eq(config.handshake_timeout_ms, 1000);
	cr_assert_eq(config.head_timeout_ms, 2000);
	cr_assert_eq(config.idle_timeout_ms, 90000);
	cr_assert_eq(config.drain_timeout_ms, 500);
	cr_assert_eq(config.log_level, LOG_LEVEL_WARN);
	cr_assert_eq(config.log_format, LOG_FORMAT_JSON);
	cr_assert_not(config.access_log);
	config_fini(&config);
}

/* Flags count more than the file, wherever --config stands; their paths stay as they are. */
#define OF_CERTIFICATES                                                                            \
	"listen: ':8443'\n"                                                                        \
	"root: store\n"                                                                            \
	"tls_server_config:\n"                                                                     \
	"  client_ca_file: ca.crt\n"                                                               \
	"  certificates: [{cert_file: a.crt, key_file: /a.key}, {cert_file: b.crt, key_file: "     \
	"b.key}]\n"

/* They are watched like one, are seen from the file's folder, and go with no other. */
Test(config, certificates, .fini = remove_files)
{
	char flag[PATH_MAX + 16], path[PATH_MAX + 16];
	const char *files[CONFIG_TRUST_FILES];
	unsigned named = 0;

	write_file(OF_CERTIFICATES);
	snprintf(flag, sizeof(flag), "--config=%s", file);
	cr_assert_eq(LOAD(flag), CONFIG_READY, "%s", error);
	snprintf(path, sizeof(path), "%s/b.key", dir);
	cr_assert_str_eq(tls_settings_key_file(&config.tls, 1), path);
	cr_assert_str_eq(tls_settings_key_file(&config.tls, 0), "/a.key");
	config_trust_files(&config, files);
	for (size_t i = 0; i < CONFIG_TRUST_FILES; i++)
		named += strcmp(files[i], path) == 0 || strcmp(files[i], "/a.key") == 0;
	cr_assert_eq(named, 2);
	config_fini(&config);
	cr_assert_eq(LOAD(flag, "--cert=x"), -EINVAL);
	SAYS("certificates", "--cert");
	config_fini(&config);
	cr_assert_eq(LOAD(flag, "--key=x"), -EINVAL);
	SAYS("certificates", "--key");
	config_fini(&config);
	write_file(OF_CERTIFICATES "  cert_file: c.crt\n  key_file: c.key\n");
	cr_assert_eq(LOAD(flag), -EINVAL);
	SAYS("certificates", "cert_file", "cannot both be given");
	config_fini(&config);
}

Test(config, flags_override_the_file, .fini = remove_files)
{
	write_file(WHOLE_FILE);
	cr_assert_eq(LOAD("--root=here", "--listen=:1", "--config", file, "--crl=x.crl",
			  "--log.level=error", "--access-log", "--admin-listen=:3",
			  "--cipher-suites=TLS_CHACHA20_POLY1305_SHA256"),
		     CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "here");
	cr_assert_str_eq(config.tls.crl_file, "x.crl");
	cr_assert_eq(config.listen_count, 1, "the list is replaced");
	cr_assert_str_eq(config.listen[0], ":1");
	cr_assert_eq(config.log_level, LOG_LEVEL_ERROR);
	cr_assert(config.access_log);
	cr_assert_str_eq(config.admin_listen, ":3");
	cr_assert_eq(config.tls.cipher_count, 1);
	cr_assert_eq(config.tls.ciphers[0], TLS_CIPHER_CHACHA20);
	cr_assert_eq(config.workers, 2, "what no flag names is the file's");
	config_fini(&config);
}

/* A flag of the command line and a key of the file can be impossible together. */
Test(config, combination_of_flag_and_file, .fini = remove_files)
{
	write_file("tls_path: user\n");
	cr_assert_eq(LOAD(REQUIRED, "--config", file, "--send-engine=splice"), -EINVAL);
	SAYS("--send-engine=splice", "--tls-path=user");
}

Test(config, file_in_the_current_folder, .fini = remove_files)
{
	write_file("root: store\n");
	cr_assert_eq(chdir(dir), 0);
	cr_assert_eq(
		LOAD("--config=sluice.yml", "--listen=:1", "--cert=c", "--key=k", "--client-ca=a"),
		CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "store");
}

Test(config, path_that_gets_too_long, .fini = remove_files)
{
	static char text[PATH_MAX + 16];

	snprintf(text, sizeof(text), "root: %0*d\n", PATH_MAX - 4, 1);
	write_file(text);
	cr_assert_eq(LOAD(REQUIRED, "--config", file), -EINVAL);
	SAYS(file, "root", "too long");
}

Test(config, file_that_cannot_be_read, .fini = remove_files)
{
	cr_assert_eq(LOAD(REQUIRED, "--config=/nonexistent/sluice.yml"), -EINVAL);
	SAYS("/nonexistent/sluice.yml", "No such file");
	cr_assert_eq(LOAD(REQUIRED, "--config=/tmp"), -EINVAL);
	SAYS("/tmp", "Is a directory");
}

/* The bound, from both sides. */
Test(config, size_of_the_file, .fini = remove_files)
{
	char *text = malloc(CONFIG_BYTES_MAX + 2);

	memset(text, '#', CONFIG_BYTES_MAX + 1);
	text[CONFIG_BYTES_MAX] = '\0';
	write_file(text);
	cr_assert_eq(LOAD(REQUIRED, "--config", file), CONFIG_READY, "%s", error);
	text[CONFIG_BYTES_MAX] = '#';
	text[CONFIG_BYTES_MAX + 1] = '\0';
	write_file(text);
	cr_assert_eq(LOAD(REQUIRED, "--config", file), -EINVAL);
	SAYS(file, "1048576 bytes");
	free(text);
}

/* A pipe, as a shell gives one for <(...). */
Test(config, file_from_a_pipe)
{
	int fds[2];
	char flag[40];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], "workers: 3\n", 11), 11);
	close(fds[1]);
	snprintf(flag, sizeof(flag), "--config=/dev/fd/%d", fds[0]);
	cr_assert_eq(LOAD(REQUIRED, flag), CONFIG_READY, "%s", error);
	cr_assert_eq(config.workers, 3);
}

/* ---- Help and manual page -------------------------------------------------------------------- */

static char *printed(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	print(out);
	fclose(out);
	return text;
}

Test(config, help_names_every_option)
{
	char *text = printed(config_print_help), words[200];

	for (size_t i = 0; i < options_count; i++) {
		if (options[i].flag == NULL)
			continue;
		snprintf(words, sizeof(words), "\n  --%s=", options[i].flag);
		cr_assert_not_null(strstr(text, words), "no --%s", options[i].flag);
		if (options[i].initial == NULL)
			continue;
		snprintf(words, sizeof(words), "%s.", options[i].initial);
		cr_assert_not_null(strstr(text, words), "no default of --%s", options[i].flag);
	}
	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1)
		cr_assert_leq(strcspn(at, "\n"), 100, "%.120s", at);
	free(text);
}

Test(config, help_is_asked_for)
{
	static const char *const flags[] = {"--help", "-h"};

	for (int i = 0; i < 2; i++) {
		FILE *out = tmpfile();
		int saved = dup(STDOUT_FILENO);
		fflush(stdout);
		dup2(fileno(out), STDOUT_FILENO);
		int r = LOAD(flags[i]); /* without anything that is required */
		fflush(stdout);
		dup2(saved, STDOUT_FILENO);
		close(saved);
		struct stat st;
		cr_assert_eq(fstat(fileno(out), &st), 0);
		cr_assert_eq(r, CONFIG_HELP_SHOWN);
		cr_assert_gt(st.st_size, 1000);
		fclose(out);
	}
}

/* Text of roff without its escapes. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		if (text[0] == '\\' && text[1] == '-') {
			*out++ = '-';
			text++;
		} else if (text[0] == '\\' && (text[1] == ':' || text[1] == '&')) {
			text++;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

Test(config, manual_page_names_every_option_and_key)
{
	static const char *const macros[] = {".SH ", ".TP\n", ".B ",   ".PP\n",
					     ".RS ", ".RE\n", ".nf\n", ".fi\n"};
	char *text = printed(config_print_man), words[200];

	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
		bool is_known = *at != '.' && *at != '\'';
		for (size_t i = 0; i < ARRAY_LEN(macros); i++)
			is_known |= strncmp(at, macros[i], strlen(macros[i])) == 0;
		cr_assert(is_known, "text or no macro: %.60s", at);
	}
	unescape(text);
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].flag != NULL) {
			snprintf(words, sizeof(words), "\n.B --%s=", options[i].flag);
			cr_assert_not_null(strstr(text, words), "no --%s", options[i].flag);
		}
		if (options[i].key != NULL) {
			snprintf(words, sizeof(words), "\n.B %s\n", options[i].key);
			cr_assert_not_null(strstr(text, words), "no %s", options[i].key);
		}
	}
	free(text);
}
