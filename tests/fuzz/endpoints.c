/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an endpoint file or a target file: a message of one line that begins with file and
 * line, or groups that keep the contract of client/endpoints.h; and those, written in the plainest
 * way, are read again as the same.
 *
 * The first byte says which: l list form, s sd form, else a target file.
 */
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/must.h"
#include "base/text.h"
#include "base/utf8.h"
#include "client/endpoints.h"
#include "yaml_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_BYTES_MAX ((size_t)1024 * 1024)

static char *variable(const char *name)
{
	static char value[] = "host.example", tricky[] = "a: {b";

	return strcmp(name, "HOST") == 0 ? value : strcmp(name, "TRICKY") == 0 ? tricky : NULL;
}

/* ---- The contract ---------------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;

	must(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0);
	int r = regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return r == 0;
}

static void check_text(const char *text)
{
	if (text == NULL)
		return;
	must(text[0] != '\0' && strlen(text) < PATH_MAX);
	for (; *text != '\0'; text++)
		must((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_addresses(const struct endpoint_address *address, unsigned count)
{
	must(count <= ENDPOINT_ADDRESSES_MAX);
	for (unsigned i = 0; i < count; i++) {
		bool is_srv = address[i].lookup == ENDPOINT_DNSSRV ||
			      address[i].lookup == ENDPOINT_DNSSRVNOA;
		must((unsigned)address[i].lookup < ENDPOINT_LOOKUP_COUNT);
		must(matches(is_srv ? "^([A-Za-z0-9_.-]+|\\[[0-9a-fA-F:.]+\\])(:[1-9][0-9]{0,4})?$"
				    : "^([A-Za-z0-9_.-]+|\\[[0-9a-fA-F:.]+\\]):[1-9][0-9]{0,4}$",
			     address[i].text));
		const char *colon = strrchr(address[i].text, ':');
		must(colon == NULL || colon[1] == '\0' || atoi(colon + 1) <= 65535);
		for (unsigned j = 0; j < i; j++)
			must(address[i].lookup != address[j].lookup ||
			     strcasecmp(address[i].text, address[j].text) != 0);
	}
}

static void check_tls(const struct endpoint_tls *tls)
{
	check_text(tls->cert_file);
	check_text(tls->key_file);
	check_text(tls->ca_file);
	check_text(tls->server_name);
	must((tls->cert_file == NULL) == (tls->key_file == NULL));
	must(tls->is_enabled ||
	     (!tls->is_peer_unverified && tls->cert_file == NULL && tls->ca_file == NULL &&
	      tls->server_name == NULL && tls->min_version == ENDPOINT_TLS_1_3));
}

static void check_sd(const struct endpoint_group *group)
{
	for (unsigned i = 0; i < group->sd_count; i++) {
		must(group->sd[i].refresh_ms >= 1000 && group->sd[i].file_count > 0);
		for (unsigned j = 0; j < group->sd[i].file_count; j++) {
			check_text(group->sd[i].file[j]);
			must(matches("^[^*]*(\\*[^/]*)?\\.(json|yml|yaml|JSON|YML|YAML)$",
				     group->sd[i].file[j]));
		}
	}
}

static void check_groups(const struct endpoints *endpoints, bool is_list)
{
	unsigned line = 0;

	must(endpoints->group_count <= ENDPOINT_GROUPS_MAX);
	for (unsigned i = 0; i < endpoints->group_count; i++) {
		const struct endpoint_group *group = &endpoints->group[i];
		must(group->line > 0);
		line = group->line;
		check_text(group->name);
		check_tls(&group->tls);
		check_addresses(group->address, group->address_count);
		check_sd(group);
		must(!group->is_strict || group->sd_count == 0);
		for (unsigned j = 0; group->is_strict && j < group->address_count; j++)
			must(group->address[j].lookup == ENDPOINT_STATIC);
		must(group->service_config == NULL || group->is_balanced);
		if (is_list)
			must(!group->is_balanced && !group->is_snappy);
		else
			must(group->address_count == 1 && group->sd_count == 0 &&
			     group->name == NULL);
	}
	must(line <= TEXT_BYTES_MAX);
}

/* ---- Written again --------------------------------------------------------------------------- */

/* "KEY: " and the value between quotes, what is not ASCII escaped. */
static void put_value(struct text *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	text_printf(out, "%s\"", key);
	for (size_t left = strlen(value); left > 0;) {
		size_t bytes = utf8_char_bytes(value, left);
		must(bytes > 0);
		unsigned code = (unsigned char)*value;
		if (bytes > 1) {
			code &= 0xffU >> (bytes + 1);
			for (size_t i = 1; i < bytes; i++)
				code = code << 6 | ((unsigned char)value[i] & 0x3f);
		}
		text_printf(out, "\\U%08X", code);
		value += bytes;
		left -= bytes;
	}
	text_put(out, "\"\n");
}

static void put_files(struct text *out, const char *margin, const struct endpoint_tls *tls)
{
	char key[64];
	const char *const keys[] = {"cert_file", "key_file", "ca_file"};
	const char *const values[] = {tls->cert_file, tls->key_file, tls->ca_file};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		snprintf(key, sizeof(key), "%s%s: ", margin, keys[i]);
		put_value(out, key, values[i]);
	}
}

static void put_addresses(struct text *out, const char *margin,
			  const struct endpoint_address *address, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		text_printf(out, "%s\"%s%s\"\n", margin, endpoint_lookup_prefix(address[i].lookup),
			    address[i].text);
}

static void put_list_group(struct text *out, const struct endpoint_group *group)
{
	text_printf(out, "- mode: %s\n", group->is_strict ? "strict" : "''");
	put_value(out, "  name: ", group->name);
	text_put(out, "  tls_config:\n");
	put_files(out, "    ", &group->tls);
	put_value(out, "    server_name: ", group->tls.server_name);
	text_put(out, "  endpoints:\n");
	put_addresses(out, "  - ", group->address, group->address_count);
	text_put(out, "  endpoints_sd_files:\n");
	for (unsigned i = 0; i < group->sd_count; i++) {
		text_printf(out, "  - refresh_interval: %ums\n    files:\n",
			    group->sd[i].refresh_ms);
		for (unsigned j = 0; j < group->sd[i].file_count; j++)
			put_value(out, "    - ", group->sd[i].file[j]);
	}
}

static void put_sd_group(struct text *out, const struct endpoint_group *group)
{
	put_addresses(out, "- address: ", group->address, 1);
	text_printf(out, "  strict: %s\n  group: %s\n", group->is_strict ? "true" : "false",
		    group->is_balanced ? "true" : "false");
	put_value(out, "  service_config: ", group->service_config);
	text_printf(out, "  client_config:\n    compression: %s\n",
		    group->is_snappy ? "snappy" : "none");
	put_value(out, "    server_name: ", group->tls.server_name);
	text_printf(out,
		    "    tls_config:\n      enabled: %s\n      insecure_skip_verify: %s\n"
		    "      min_version: %s\n",
		    group->tls.is_enabled ? "true" : "false",
		    group->tls.is_peer_unverified ? "true" : "false",
		    group->tls.min_version == ENDPOINT_TLS_1_2 ? "1.2" : "1.3");
	put_files(out, "      ", &group->tls);
}

static bool is_same_text(const char *one, const char *two)
{
	return one == NULL || two == NULL ? one == two : strcmp(one, two) == 0;
}

static void check_same_addresses(const struct endpoint_address *one, unsigned one_count,
				 const struct endpoint_address *two, unsigned two_count)
{
	must(one_count == two_count);
	for (unsigned i = 0; i < one_count; i++)
		must(one[i].lookup == two[i].lookup && strcmp(one[i].text, two[i].text) == 0);
}

static void check_same_group(const struct endpoint_group *one, const struct endpoint_group *two)
{
	must(is_same_text(one->name, two->name));
	must(one->tls.is_enabled == two->tls.is_enabled);
	must(one->tls.is_peer_unverified == two->tls.is_peer_unverified);
	must(one->tls.min_version == two->tls.min_version);
	must(is_same_text(one->tls.cert_file, two->tls.cert_file));
	must(is_same_text(one->tls.key_file, two->tls.key_file));
	must(is_same_text(one->tls.ca_file, two->tls.ca_file));
	must(is_same_text(one->tls.server_name, two->tls.server_name));
	must(one->is_snappy == two->is_snappy && one->is_strict == two->is_strict);
	must(one->is_balanced == two->is_balanced);
	must(is_same_text(one->service_config, two->service_config));
	check_same_addresses(one->address, one->address_count, two->address, two->address_count);
	must(one->sd_count == two->sd_count);
	for (unsigned i = 0; i < one->sd_count; i++) {
		must(one->sd[i].refresh_ms == two->sd[i].refresh_ms);
		must(one->sd[i].file_count == two->sd[i].file_count);
		for (unsigned j = 0; j < one->sd[i].file_count; j++)
			must(strcmp(one->sd[i].file[j], two->sd[i].file[j]) == 0);
	}
}

static void check_again(const struct endpoints *endpoints, bool is_list)
{
	struct endpoints again;
	char error[ERROR_TEXT_MAX];
	struct text out;

	text_init(&out, TEXT_BYTES_MAX);
	if (!is_list)
		text_put(&out, "endpoints:\n");
	for (unsigned i = 0; i < endpoints->group_count; i++)
		(is_list ? put_list_group : put_sd_group)(&out, &endpoints->group[i]);
	text_put(&out, "# the end\n");
	const struct endpoints_source source = {out.at, out.len, FILE_NAME, NULL};
	if (out.error == 0) { /* else aliases have made it larger than a file may be */
		must((is_list ? endpoints_parse_list : endpoints_parse_sd)(&again, &source,
									   error) == 0);
		must(again.group_count == endpoints->group_count);
		for (unsigned i = 0; i < again.group_count; i++)
			check_same_group(&endpoints->group[i], &again.group[i]);
		endpoints_fini(&again);
	}
	text_fini(&out);
}

static void check_targets_again(const struct endpoint_targets *targets)
{
	struct endpoint_targets again;
	char error[ERROR_TEXT_MAX];
	struct text out;

	text_init(&out, TEXT_BYTES_MAX);
	text_put(&out, "[{\"labels\": {}, \"targets\": [\n");
	for (unsigned i = 0; i < targets->address_count; i++)
		put_addresses(&out, i > 0 ? "," : "", &targets->address[i], 1);
	text_put(&out, "]}]\n");
	const struct endpoints_source source = {out.at, out.len, FILE_NAME, NULL};
	must(out.error == 0);
	must(endpoint_targets_parse(&again, &source, error) == 0);
	check_same_addresses(targets->address, targets->address_count, again.address,
			     again.address_count);
	endpoint_targets_fini(&again);
	text_fini(&out);
}

/* ---------------------------------------------------------------------------------------------- */

static void check_file(const struct endpoints_source *source, bool is_list)
{
	struct endpoints endpoints;
	char error[ERROR_TEXT_MAX];

	memset(error, 'x', sizeof(error));
	int r = (is_list ? endpoints_parse_list : endpoints_parse_sd)(&endpoints, source, error);
	if (r < 0) {
		yaml_error_check(r, error);
		must(endpoints.group == NULL && endpoints.group_count == 0);
	} else {
		must(error[0] == '\0');
		check_groups(&endpoints, is_list);
		check_again(&endpoints, is_list);
	}
	endpoints_fini(&endpoints);
}

static void check_target_file(const struct endpoints_source *source)
{
	struct endpoint_targets targets;
	char error[ERROR_TEXT_MAX];

	memset(error, 'x', sizeof(error));
	int r = endpoint_targets_parse(&targets, source, error);
	if (r < 0) {
		yaml_error_check(r, error);
		must(targets.address == NULL && targets.address_count == 0);
	} else {
		check_addresses(targets.address, targets.address_count);
		check_targets_again(&targets);
	}
	endpoint_targets_fini(&targets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	char *text = malloc(size);
	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	const struct endpoints_source source = {text, size - 1, FILE_NAME, variable};
	if (data[0] == 'l' || data[0] == 's')
		check_file(&source, data[0] == 'l');
	else
		check_target_file(&source);
	free(text);
	return 0;
}
