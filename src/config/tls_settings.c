/* SPDX-License-Identifier: Apache-2.0 */
#include "config/tls_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

void tls_settings_text_free(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void tls_settings_fini(struct tls_settings *settings)
{
	for (unsigned i = 0; i < settings->allowed_san_count; i++)
		free(settings->allowed_sans[i]);
	settings->allowed_san_count = 0;
	for (unsigned i = 0; i < settings->client_ca_count; i++)
		client_ca_fini(&settings->client_ca[i]);
	free(settings->client_ca);
	settings->client_ca = NULL;
	settings->client_ca_count = 0;
	tls_settings_text_free(&settings->cert_text);
	tls_settings_text_free(&settings->key_text);
	tls_settings_text_free(&settings->client_ca_text);
	free(settings->certificates);
	settings->certificates = NULL;
	settings->certificate_count = 0;
}

unsigned tls_settings_certificate_count(const struct tls_settings *settings)
{
	if (settings->certificate_count > 0)
		return settings->certificate_count;
	return settings->cert_file[0] != '\0' || settings->cert_text != NULL ? 1 : 0;
}

const char *tls_settings_cert_file(const struct tls_settings *settings, unsigned i)
{
	must(i < tls_settings_certificate_count(settings));
	return settings->certificate_count > 0 ? settings->certificates[i].cert_file
					       : settings->cert_file;
}

const char *tls_settings_key_file(const struct tls_settings *settings, unsigned i)
{
	must(i < tls_settings_certificate_count(settings));
	return settings->certificate_count > 0 ? settings->certificates[i].key_file
					       : settings->key_file;
}

void tls_settings_text_place(const struct tls_settings *settings, const char *key,
			     char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%.*s: tls_server_config.%s", PATH_MAX - 64, settings->text_file,
		 key);
}
