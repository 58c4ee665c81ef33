/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of `sluice serve`: one table of options (options.c) from
 * which the YAML file, the command line, --help and the manual page all come.
 *
 * Precedence: command line, then file, then default. Strict: an unknown key, a
 * wrong type, an impossible combination is an error that names file, line, key
 * and the accepted values.
 */
#ifndef SLUICE_CONFIG_CONFIG_H
#define SLUICE_CONFIG_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "access/policy.h"
#include "base/data_path.h"
#include "base/engines.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/tls_settings.h"

enum revoked_conns { REVOKED_CONNS_CLOSE, REVOKED_CONNS_KEEP };
enum etag_choice { ETAG_VERSION, ETAG_MD5 };
enum durability { DURABILITY_FULL, DURABILITY_RELAXED };

struct config {
	char listen[LISTENERS_MAX][ADDR_TEXT_MAX]; /* "HOST:PORT", "[V6]:PORT", ":PORT" */
	unsigned listen_count;
	char admin_listen[ADDR_TEXT_MAX]; /* "" = no admin listener */
	char root[PATH_MAX];
	bool writable;
	bool scrub_quarantine;
	enum durability durability;
	enum etag_choice etag;
	unsigned upload_expiry_ms;

	struct tls_settings tls; /* of the object port */
	struct policy policy;

	enum tls_path tls_path;
	enum send_engine send_engine;
	enum io_engine io_engine;
	unsigned workers; /* 0 = one per CPU that this process may use */
	unsigned conns_max;
	unsigned send_buffers;     /* of a worker */
	uint64_t records_per_key;  /* of one AES-GCM key, then rekey or close */
	uint64_t min_rate_bytes;   /* per second */
	uint64_t scrub_rate_bytes; /* per second; 0: no scrub */
	unsigned rate_window_ms;
	unsigned handshake_timeout_ms;
	unsigned head_timeout_ms;
	unsigned idle_timeout_ms;
	unsigned drain_timeout_ms;
	enum revoked_conns revoked_connections;
	unsigned conn_age_max_ms;    /* 0: no limit */
	unsigned identity_conns_max; /* 0: no limit */

	enum log_level log_level;
	enum log_format log_format;
	bool access_log; /* --access-log=false turns request lines off */
	bool sandbox;    /* --no-sandbox turns it off */

	char config_file[PATH_MAX];

	/* Of `sluice check` alone. */
	bool check_is_strict;               /* --strict: a warning is a failure */
	char check_identity_cert[PATH_MAX]; /* --identity-cert; "": check the whole configuration */
	int check_verb;                     /* its place in access_verb_words */
	char check_object[PATH_MAX];        /* "BUCKET/KEY" */
};

/* Which command a command line belongs to. */
enum config_command { CONFIG_SERVE, CONFIG_CHECK };

enum config_outcome {
	CONFIG_READY,
	CONFIG_HELP_SHOWN /* --help was asked for and printed to stdout */
};

/*
 * Fills config from argv (argv[0] is the subcommand's name) and the file that --config names,
 * checks it, and resolves relative paths (file: against the file's folder; argv: as they are).
 *
 * Returns an enum config_outcome, or -EINVAL with one line of at most ERROR_TEXT_MAX - 1 bytes in
 * error: what, where, what to do. Exit code 2 for the caller. On any return config may be given
 * to config_fini.
 *
 * Existence and contents of the files named are not checked here, but whether the required ones
 * are named is: root, listen, cert, key, client-ca; with --identity-cert of CONFIG_CHECK the object
 * alone.
 */
int config_load(struct config *config, enum config_command command, int argc, char *const argv[],
		char error[ERROR_TEXT_MAX]);
void config_fini(struct config *config);

#define CONFIG_TRUST_FILES (3 + 2 * CERTIFICATES_MAX + 2 * CLIENT_CAS_MAX)
/* What a reload reads: the configuration, client CAs and CRLs, certificates and their keys; "":
 * none. They live as long as config. */
void config_trust_files(const struct config *config, const char *files[CONFIG_TRUST_FILES]);
/*
 * The options whose values in loaded, a configuration that a running server has read again, would
 * need a restart: their names, separated by commas, cut to size. Returns their number.
 */
unsigned config_restart_needed(const struct config *running, const struct config *loaded,
			       char *names, size_t size);

/* The file alone, for the fuzzer: text of len bytes, reported under file_name. */
int config_parse_yaml(struct config *config, const char *text, size_t len, const char *file_name,
		      char error[ERROR_TEXT_MAX]);
void config_init(struct config *config);

/* --help text, and the OPTIONS and CONFIGURATION FILE of the manual page in roff, from the same
 * table. Exit codes are the commands' (cli/exit_codes.c). */
void config_print_help(FILE *out);
void config_print_man(FILE *out);
/* The same of `sluice check`. */
void config_print_check_help(FILE *out);
void config_print_check_man(FILE *out);
/* The file that the manual page shows. Static. */
const char *config_example(void);

#endif
