/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which endpoints a client talks to, and with which TLS settings: the two forms of
 * Thanos' endpoint files, and the target files of Prometheus' file_sd. Pure
 * functions of a text; nobody is asked for an address and no other file is read.
 *
 *   list form (--endpoint.config)            sd form (--endpoint.sd-config)
 *   - name, mode,                            default_client_config: CLIENT
 *     tls_config: cert_file, key_file,       endpoints:
 *       ca_file, server_name                 - address, strict, group, service_config,
 *     endpoints: [ADDRESS ...]                 client_config: CLIENT
 *     endpoints_sd_files:                    CLIENT: server_name, compression,
 *     - files: [PATTERN ...]                   tls_config: enabled, insecure_skip_verify,
 *       refresh_interval                         cert_file, key_file, ca_file, min_version
 *
 * Both become groups whose addresses share settings. Strict, as the server's file
 * is: an error names file, line, key and what is accepted. Thanos reads the sd form
 * leniently and drops an endpoint whose settings are wrong; here they are refused.
 */
#ifndef SLUICE_CLIENT_ENDPOINTS_H
#define SLUICE_CLIENT_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

enum endpoint_lookup {
	ENDPOINT_STATIC,       /* HOST:PORT, [V6]:PORT */
	ENDPOINT_DNS,          /* dns+HOST:PORT: A and AAAA records */
	ENDPOINT_DNSDUALSTACK, /* dnsdualstack+HOST:PORT */
	ENDPOINT_DNSSRV,       /* dnssrv+NAME: SRV records, then their addresses */
	ENDPOINT_DNSSRVNOA,    /* dnssrvnoa+NAME: SRV records only */
	ENDPOINT_LOOKUP_COUNT
};

struct endpoint_address {
	enum endpoint_lookup lookup;
	char *text; /* without the prefix */
};

enum endpoint_tls_version { ENDPOINT_TLS_1_3, ENDPOINT_TLS_1_2 };

struct endpoint_tls {
	bool is_enabled;         /* else nothing of the rest is set */
	bool is_peer_unverified; /* insecure_skip_verify */
	enum endpoint_tls_version min_version;
	char *cert_file; /* both or neither; NULL: none */
	char *key_file;
	char *ca_file;     /* NULL: the system's */
	char *server_name; /* NULL: the address's host */
};

/* Files that name targets; each is a pattern whose last component may hold one star. */
struct endpoint_sd {
	char **file;
	unsigned file_count; /* at least one */
	unsigned refresh_ms;
};

struct endpoint_group {
	char *name; /* NULL: none */
	unsigned line;
	struct endpoint_tls tls;
	bool is_snappy;   /* messages may be compressed */
	bool is_strict;   /* kept although its endpoints do not answer; all are static then */
	bool is_balanced; /* sd form, group: true: what the address resolves to is one endpoint */
	char *service_config; /* of such a one; NULL: none */
	struct endpoint_address *address;
	unsigned address_count;
	struct endpoint_sd *sd;
	unsigned sd_count;
};

struct endpoints {
	struct endpoint_group *group;
	unsigned group_count;
};

struct endpoints_source {
	const char *text;
	size_t len;
	const char *file_name; /* paths in it are relative to its folder */
	/* List form: the value of a variable, NULL: unset; as getenv. Replaces $(NAME) in values,
	 * never in keys, and cannot change the structure. NULL: $(NAME) stays as it is. */
	char *(*env)(const char *name);
};

/* 0, or -EINVAL with one line in error and nothing in *endpoints. endpoints_fini in any case. */
int endpoints_parse_list(struct endpoints *endpoints, const struct endpoints_source *source,
			 char error[ERROR_TEXT_MAX]);
int endpoints_parse_sd(struct endpoints *endpoints, const struct endpoints_source *source,
		       char error[ERROR_TEXT_MAX]);
void endpoints_fini(struct endpoints *endpoints);

/* A target file: a list of {targets: [ADDRESS ...], labels: {NAME: VALUE ...}}, YAML or JSON. Each
 * address once, in the order of the file; labels are checked and dropped. */
struct endpoint_targets {
	struct endpoint_address *address;
	unsigned address_count;
};

/* As above. */
int endpoint_targets_parse(struct endpoint_targets *targets, const struct endpoints_source *source,
			   char error[ERROR_TEXT_MAX]);
void endpoint_targets_fini(struct endpoint_targets *targets);

/* Prometheus' ^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$ */
bool endpoint_pattern_is_valid(const char *pattern);

/* "" or "dns+" ... */
const char *endpoint_lookup_prefix(enum endpoint_lookup lookup);

#endif
