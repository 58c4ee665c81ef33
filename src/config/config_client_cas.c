/* SPDX-License-Identifier: Apache-2.0 */
/* The client_cas: section: a list of entries, each name, ca_file, crl_file, vouches_for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"

static int read_name(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		     yaml_node_t *value)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	struct client_ca *ca = into;
	const char *text = yaml_text(value);

	if (text == NULL || text[0] == '\0' || strlen(text) >= CA_NAME_MAX ||
	    text[strspn(text, allowed)] != '\0')
		return yaml_refuse(
			reader, value,
			"client_cas %s: at most %d letters, digits, '-', '_' and '.' are "
			"wanted here",
			field->key, CA_NAME_MAX - 1);
	memcpy(ca->name, text, strlen(text) + 1);
	return 0;
}

/* field->offset: of a path of PATH_MAX bytes; from the file's folder. */
static int read_path(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		     yaml_node_t *value)
{
	const char *text = config_file_name(reader, value, "client_cas", field->key);

	if (text == NULL)
		return -EINVAL;
	if (path_beside(reader->file_name, text, (char *)into + field->offset) < 0)
		return yaml_refuse(reader, value, "client_cas %s: the path is too long",
				   field->key);
	return 0;
}

static int read_vouch(void *into, struct yaml_reader *reader, const char *key, yaml_node_t *item)
{
	struct client_ca *ca = into;

	if (ca->vouch_count == CA_VOUCHES_MAX)
		return yaml_refuse(reader, item, "client_cas %s: at most %d patterns", key,
				   CA_VOUCHES_MAX);
	int r = config_read_pattern(&ca->vouches_for[ca->vouch_count], reader, item,
				    "client_cas vouches_for", true);
	ca->vouch_count += r == 0;
	if (r == 0 && ca->vouches_for[ca->vouch_count - 1].kind == IDENTITY_SPKI)
		return yaml_refuse(
			reader, item,
			"client_cas %s: a key (spki) is no name, and needs nobody who vouches for "
			"it",
			key);
	return r;
}

static int read_vouches(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			yaml_node_t *value)
{
	return yaml_read_list(reader, field->key, value, read_vouch, into);
}

static int read_entry(struct config *config, struct yaml_reader *reader, yaml_node_t *node)
{
	static const struct yaml_field fields[] = {
		{"name", read_name, 0},
		{"ca_file", read_path, offsetof(struct client_ca, ca_file)},
		{"crl_file", read_path, offsetof(struct client_ca, crl_file)},
		{"vouches_for", read_vouches, 0},
	};
	struct client_ca *ca = &config->tls.client_ca[config->tls.client_ca_count];

	/* Counted from here on, so that what was read of it is freed. */
	config->tls.client_ca_count++;
	int r = yaml_read_fields(reader, node, "client_cas.", fields, ARRAY_LEN(fields), ca);
	if (r < 0)
		return r;
	const char *missing = ca->name[0] == '\0'      ? "name"
			      : ca->ca_file[0] == '\0' ? "ca_file"
			      : ca->vouch_count == 0   ? "vouches_for"
						       : NULL;
	if (missing != NULL)
		return yaml_refuse(
			reader, node,
			"client_cas: an entry has name, ca_file and vouches_for (\"**\": any "
			"name), and may have crl_file; %s is missing",
			missing);
	for (unsigned i = 0; i + 1 < config->tls.client_ca_count; i++)
		if (strcmp(config->tls.client_ca[i].name, ca->name) == 0)
			return yaml_refuse(reader, node, "client_cas: duplicate name %s", ca->name);
	return 0;
}

int config_read_client_cas(struct config *config, struct yaml_reader *reader, yaml_node_t *node)
{
	if (node == NULL || node->type != YAML_SEQUENCE_NODE)
		return yaml_refuse(reader, node, "client_cas: a list of entries is wanted here");
	size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (count == 0 || count > CLIENT_CAS_MAX)
		return yaml_refuse(reader, node, "client_cas: from 1 to %d entries are wanted here",
				   CLIENT_CAS_MAX);
	config->tls.client_ca = calloc(count, sizeof(*config->tls.client_ca));
	if (config->tls.client_ca == NULL)
		return yaml_refuse(reader, node, "no memory");
	for (size_t i = 0; i < count; i++) {
		int r = read_entry(config, reader,
				   yaml_node(reader, node->data.sequence.items.start[i]));
		if (r < 0)
			return r;
	}
	return 0;
}

int config_check_client_cas(const struct config *config, char error[ERROR_TEXT_MAX])
{
	if (config->tls.client_ca_count > 0 &&
	    (config->tls.client_ca_file[0] != '\0' || config->tls.client_ca_text != NULL ||
	     config->tls.crl_file[0] != '\0')) {
		snprintf(error, ERROR_TEXT_MAX,
			 "%s cannot be combined with client_cas, whose entries name the CAs and "
			 "CRLs of clients",
			 config->tls.client_ca_file[0] != '\0' ? "--client-ca (client_ca_file)"
			 : config->tls.client_ca_text != NULL  ? "tls_server_config.client_ca"
							       : "--crl (crl_file)");
		return -EINVAL;
	}
	for (unsigned i = 0; i < config->policy.rule_count; i++) {
		const struct access_rule *rule = &config->policy.rule[i];
		for (unsigned j = 0; j < rule->ca_count; j++) {
			bool is_known = false;
			for (unsigned k = 0; k < config->tls.client_ca_count; k++)
				is_known |= strcmp(config->tls.client_ca[k].name, rule->ca[j]) == 0;
			if (is_known)
				continue;
			snprintf(error, ERROR_TEXT_MAX,
				 "%.200s:%u: access ca: %s is no name of an entry of client_cas",
				 config->config_file, rule->line, rule->ca[j]);
			return -EINVAL;
		}
	}
	return 0;
}
