/* SPDX-License-Identifier: Apache-2.0 */
/* tls_server_config.certificates: a list of pairs, each cert_file and key_file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"

#define KEY "tls_server_config.certificates"

static int take_path(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		     yaml_node_t *value)
{
	const char *text = config_file_name(reader, value, KEY, field->key);

	if (text == NULL)
		return -EINVAL;
	if (strlen(text) >= PATH_MAX)
		return yaml_refuse(reader, value, KEY ": %s: it is too long", field->key);
	memcpy((char *)into + field->offset, text, strlen(text) + 1);
	return 0;
}

static int read_pair(void *into, struct yaml_reader *reader, const char *key, yaml_node_t *item)
{
	static const struct yaml_field fields[] = {
		{"cert_file", take_path, offsetof(struct tls_certificate_files, cert_file)},
		{"key_file", take_path, offsetof(struct tls_certificate_files, key_file)}};
	struct config *config = into;

	(void)key;
	if (config->tls.certificate_count == CERTIFICATES_MAX)
		return yaml_refuse(reader, item, KEY ": at most %d", CERTIFICATES_MAX);
	struct tls_certificate_files *pair =
		&config->tls.certificates[config->tls.certificate_count++];
	int r = yaml_read_fields(reader, item, KEY ".", fields, ARRAY_LEN(fields), pair);
	if (r == 0 && (pair->cert_file[0] == '\0' || pair->key_file[0] == '\0'))
		r = yaml_refuse(reader, item,
				KEY ": each has cert_file and key_file; %s is missing",
				pair->cert_file[0] == '\0' ? "cert_file" : "key_file");
	return r;
}

int config_read_certificates(struct config *config, struct yaml_reader *reader, yaml_node_t *node)
{
	config->tls.certificates = calloc(CERTIFICATES_MAX, sizeof(*config->tls.certificates));
	if (config->tls.certificates == NULL)
		return yaml_refuse(reader, node, "no memory");
	return yaml_read_list(reader, KEY, node, read_pair, config);
}

/* ---- PEM text in the file ------------------------------------------------------------------- */

int config_read_text(struct config *config, struct yaml_reader *reader, const char *key,
		     yaml_node_t *node)
{
	char **text = strcmp(key, "cert") == 0  ? &config->tls.cert_text
		      : strcmp(key, "key") == 0 ? &config->tls.key_text
						: &config->tls.client_ca_text;
	const char *value = yaml_text(node);

	if (value == NULL)
		return yaml_refuse(reader, node, "tls_server_config.%s: PEM text is wanted here",
				   key);
	tls_settings_text_free(text);
	*text = strdup(value);
	snprintf(config->tls.text_file, PATH_MAX, "%.*s", PATH_MAX - 1, reader->file_name);
	/* The reader's own copy goes; what the library has made of it on the way is its own. */
	explicit_bzero(node->data.scalar.value, node->data.scalar.length);
	return *text != NULL ? 0 : yaml_refuse(reader, node, "no memory");
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static int resolve(const struct config *config, char path[PATH_MAX], const char *key,
		   char error[ERROR_TEXT_MAX])
{
	char joined[PATH_MAX];

	if (path_beside(config->config_file, path, joined) < 0) {
		snprintf(error, ERROR_TEXT_MAX, "%.200s: " KEY ": %s: the path is too long",
			 config->config_file, key);
		return -EINVAL;
	}
	memcpy(path, joined, strlen(joined) + 1);
	return 0;
}

int config_resolve_certificates(struct config *config, char error[ERROR_TEXT_MAX])
{
	for (unsigned i = 0; i < config->tls.certificate_count; i++) {
		struct tls_certificate_files *pair = &config->tls.certificates[i];
		if (resolve(config, pair->cert_file, "cert_file", error) < 0 ||
		    resolve(config, pair->key_file, "key_file", error) < 0)
			return -EINVAL;
	}
	return 0;
}

int config_check_certificates(const struct config *config, char error[ERROR_TEXT_MAX])
{
	const char *other = config->tls.cert_file[0] != '\0'
				    ? "--cert (tls_server_config.cert_file)"
			    : config->tls.key_file[0] != '\0' ? "--key (tls_server_config.key_file)"
			    : config->tls.cert_text != NULL   ? "tls_server_config.cert"
			    : config->tls.key_text != NULL    ? "tls_server_config.key"
							      : NULL;
	if (config->tls.certificate_count == 0 || other == NULL)
		return 0;
	snprintf(error, ERROR_TEXT_MAX,
		 KEY " and %s cannot both be given; put all of them in the list, the one for "
		     "clients that send no name first",
		 other);
	return -EINVAL;
}
