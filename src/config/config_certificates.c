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
		{"cert_file", take_path, offsetof(struct config_certificate, cert_file)},
		{"key_file", take_path, offsetof(struct config_certificate, key_file)}};
	struct config *config = into;

	(void)key;
	if (config->certificate_count == CERTIFICATES_MAX)
		return yaml_refuse(reader, item, KEY ": at most %d", CERTIFICATES_MAX);
	struct config_certificate *pair = &config->certificates[config->certificate_count++];
	int r = yaml_read_fields(reader, item, KEY ".", fields, ARRAY_LEN(fields), pair);
	if (r == 0 && (pair->cert_file[0] == '\0' || pair->key_file[0] == '\0'))
		r = yaml_refuse(reader, item,
				KEY ": each has cert_file and key_file; %s is missing",
				pair->cert_file[0] == '\0' ? "cert_file" : "key_file");
	return r;
}

int config_read_certificates(struct config *config, struct yaml_reader *reader, yaml_node_t *node)
{
	config->certificates = calloc(CERTIFICATES_MAX, sizeof(*config->certificates));
	if (config->certificates == NULL)
		return yaml_refuse(reader, node, "no memory");
	return yaml_read_list(reader, KEY, node, read_pair, config);
}

unsigned config_certificate_count(const struct config *config)
{
	if (config->certificate_count > 0)
		return config->certificate_count;
	return config->cert_file[0] != '\0' || config->cert_text != NULL ? 1 : 0;
}

const char *config_certificate_file(const struct config *config, unsigned i)
{
	must(i < config_certificate_count(config));
	return config->certificate_count > 0 ? config->certificates[i].cert_file
					     : config->cert_file;
}

const char *config_certificate_key(const struct config *config, unsigned i)
{
	must(i < config_certificate_count(config));
	return config->certificate_count > 0 ? config->certificates[i].key_file : config->key_file;
}

/* ---- PEM text in the file ------------------------------------------------------------------- */

static void text_free(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void config_free_texts(struct config *config)
{
	text_free(&config->cert_text);
	text_free(&config->key_text);
	text_free(&config->client_ca_text);
}

int config_read_text(struct config *config, struct yaml_reader *reader, const char *key,
		     yaml_node_t *node)
{
	char **text = strcmp(key, "cert") == 0  ? &config->cert_text
		      : strcmp(key, "key") == 0 ? &config->key_text
						: &config->client_ca_text;
	const char *value = yaml_text(node);

	if (value == NULL)
		return yaml_refuse(reader, node, "tls_server_config.%s: PEM text is wanted here",
				   key);
	text_free(text);
	*text = strdup(value);
	/* The reader's own copy goes; what the library has made of it on the way is its own. */
	explicit_bzero(node->data.scalar.value, node->data.scalar.length);
	return *text != NULL ? 0 : yaml_refuse(reader, node, "no memory");
}

void config_text_place(const struct config *config, const char *key, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%.*s: tls_server_config.%s", PATH_MAX - 64, config->config_file,
		 key);
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
	for (unsigned i = 0; i < config->certificate_count; i++) {
		struct config_certificate *pair = &config->certificates[i];
		if (resolve(config, pair->cert_file, "cert_file", error) < 0 ||
		    resolve(config, pair->key_file, "key_file", error) < 0)
			return -EINVAL;
	}
	return 0;
}

int config_check_certificates(const struct config *config, char error[ERROR_TEXT_MAX])
{
	const char *other = config->cert_file[0] != '\0'  ? "--cert (tls_server_config.cert_file)"
			    : config->key_file[0] != '\0' ? "--key (tls_server_config.key_file)"
			    : config->cert_text != NULL   ? "tls_server_config.cert"
			    : config->key_text != NULL    ? "tls_server_config.key"
							  : NULL;
	if (config->certificate_count == 0 || other == NULL)
		return 0;
	snprintf(error, ERROR_TEXT_MAX,
		 KEY " and %s cannot both be given; put all of them in the list, the one for "
		     "clients that send no name first",
		 other);
	return -EINVAL;
}
