/* SPDX-License-Identifier: Apache-2.0 */
/* Between config.c, config_*.c, options*.c and yaml.c. */
#ifndef SLUICE_CONFIG_CONFIG_PRIVATE_H
#define SLUICE_CONFIG_CONFIG_PRIVATE_H

#include "config/config.h"
#include "config/yaml.h"

/* Control bytes of names and values become "?": an error is one line. */
void config_clean_error(char error[ERROR_TEXT_MAX]);

/* KIND:PATTERN; with takes_any "**", too. what: of whom an error is, "access identity". 0 or
 * -EINVAL. */
int config_read_pattern(struct identity_pattern *into, struct yaml_reader *reader,
			const yaml_node_t *node, const char *what, bool takes_any);
/* The value of key, in an entry of a list section. NULL: it is none, and refused. */
const char *config_file_name(const struct yaml_reader *reader, const yaml_node_t *value,
			     const char *section, const char *key);
/* The client_cas: section. */
int config_read_client_cas(struct config *config, struct yaml_reader *reader, yaml_node_t *node);
/* Do the sections fit together? */
int config_check_client_cas(const struct config *config, char error[ERROR_TEXT_MAX]);
/* "VALUE is not accepted: ACCEPTED"; -EINVAL. */
int option_refuse(char error[ERROR_TEXT_MAX], const char *value, const char *accepted);
/* One name, or several with commas, as option_set has them. */
int option_set_ciphers(struct config *config, const char *value, bool is_first,
		       char error[ERROR_TEXT_MAX]);
int option_set_groups(struct config *config, const char *value, bool is_first,
		      char error[ERROR_TEXT_MAX]);

/* The list tls_server_config.certificates; its paths seen from the file's folder; and whether it
 * goes together with the rest. 0, or -EINVAL with error. */
int config_read_certificates(struct config *config, struct yaml_reader *reader, yaml_node_t *node);
int config_resolve_certificates(struct config *config, char error[ERROR_TEXT_MAX]);
int config_check_certificates(const struct config *config, char error[ERROR_TEXT_MAX]);

/* tls_server_config.cert, key and client_ca: PEM text. */
int config_read_text(struct config *config, struct yaml_reader *reader, const char *key,
		     yaml_node_t *node);

/* The access: section. */
int config_read_access(struct config *config, struct yaml_reader *reader, yaml_node_t *node);

#endif
