/* SPDX-License-Identifier: Apache-2.0 */
/* Between config.c, config_yaml.c, config_access.c and yaml.c. */
#ifndef SLUICE_CONFIG_CONFIG_PRIVATE_H
#define SLUICE_CONFIG_CONFIG_PRIVATE_H

#include "config/config.h"
#include "config/yaml.h"

/* Control bytes of names and values become "?": an error is one line. */
void config_clean_error(char error[ERROR_TEXT_MAX]);

/* The access: section. */
int config_read_access(struct config *config, struct yaml_reader *reader, yaml_node_t *node);

#endif
