/* SPDX-License-Identifier: Apache-2.0 */
/* Between config.c, config_yaml.c and config_access.c. */
#ifndef SLUICE_CONFIG_CONFIG_PRIVATE_H
#define SLUICE_CONFIG_CONFIG_PRIVATE_H

#include <yaml.h>

#include "config/config.h"

/* A document under reading. */
struct yaml_reader {
	yaml_document_t document;
	const char *text; /* of the file */
	size_t len;
	const char *file_name;
	char *error; /* ERROR_TEXT_MAX */
};

/* "FILE:LINE: " and the text. Always -EINVAL. */
int yaml_refuse(const struct yaml_reader *reader, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
yaml_node_t *yaml_node(struct yaml_reader *reader, int index);
/* NULL: not a scalar, or it holds a NUL. */
const char *yaml_text(const yaml_node_t *node);
/* Is it a scalar with a NUL, a line end (that of "|", mostly) or another control byte? Nothing that
 * is configured has one, and a pattern with one would match nothing in silence. */
bool yaml_has_control(const yaml_node_t *node);
#define YAML_CONTROL "the value holds a line end or another control byte"
/* Written as nothing, ~ or null. */
bool yaml_is_null(const yaml_node_t *node);

/* Control bytes of names and values become "?": an error is one line. */
void config_clean_error(char error[ERROR_TEXT_MAX]);

/* The access: section. */
int config_read_access(struct config *config, struct yaml_reader *reader, yaml_node_t *node);

#endif
