/* SPDX-License-Identifier: Apache-2.0 */
/* Between endpoints.c, endpoints_list.c, endpoints_sd.c, endpoint_targets.c and endpoint_values.c.
 */
#ifndef SLUICE_CLIENT_ENDPOINTS_PRIVATE_H
#define SLUICE_CLIENT_ENDPOINTS_PRIVATE_H

#include "client/endpoints.h"
#include "config/yaml.h"

/* Settings as they are written: what is not said is -1 or NULL. */
struct endpoint_client {
	const yaml_node_t *tls_node; /* for messages; NULL: no tls_config */
	int enabled;
	int insecure_skip_verify;
	int min_version; /* enum endpoint_tls_version */
	int snappy;
	char *cert_file;
	char *key_file;
	char *ca_file;
	char *server_name;
};

/* A file under reading. */
struct endpoints_parse {
	struct endpoints *endpoints;
	const struct endpoints_source *source;
	char *(*env)(const char *name);
	unsigned addresses; /* of all groups */
	unsigned files;
	struct endpoint_group *group;    /* the one that is being read; NULL: none yet */
	struct endpoint_client client;   /* of it */
	struct endpoint_client defaults; /* sd form */
	yaml_node_t *endpoints_node;     /* sd form */
	const yaml_node_t *service_node; /* sd form: service_config stands there */
	const yaml_node_t *sd_node;      /* list form: endpoints_sd_files stands there */
	int is_strict, is_balanced;      /* -1: not said */
};

void endpoint_client_init(struct endpoint_client *client);
void endpoint_client_fini(struct endpoint_client *client);

/*
 * The settings of group, from what was said of it (taken) and by default (NULL: no defaults). An
 * endpoint that says enabled: true stands alone; else each setting that it leaves out is the
 * default's. 0 or -EINVAL.
 */
int endpoint_client_settle(const struct endpoint_client *defaults, struct endpoint_client *client,
			   struct endpoint_group *group, const struct yaml_reader *reader,
			   const yaml_node_t *node);

/* A value of at most bytes_max (< PATH_MAX) bytes; *out is NULL where it is empty. */
int endpoint_read_text(const struct endpoints_parse *parse, struct yaml_reader *reader,
		       const char *key, const yaml_node_t *node, size_t bytes_max, char **out);
/* A path, seen from the file's folder. */
int endpoint_read_path(const struct endpoints_parse *parse, struct yaml_reader *reader,
		       const char *key, const yaml_node_t *node, char **out);
int endpoint_read_bool(struct yaml_reader *reader, const char *key, const yaml_node_t *node,
		       int *out);
/* For tables of fields: into is the struct endpoints_parse, the offset is of a char * or an int in
 * it. */
int endpoint_take_name(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		       yaml_node_t *value);
int endpoint_take_path(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		       yaml_node_t *value);
int endpoint_take_bool(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		       yaml_node_t *value);

/* Checks text and copies it behind the count addresses of *array; the caller counts it. */
int endpoint_push_address(struct endpoint_address **array, unsigned count,
			  const struct yaml_reader *reader, const yaml_node_t *node,
			  const char *text);
bool endpoint_address_is_same(const struct endpoint_address *one,
			      const struct endpoint_address *two);
/* An address of the group under reading: it stands in no group before. */
int endpoint_add_address(struct endpoints_parse *parse, struct yaml_reader *reader, const char *key,
			 const yaml_node_t *node);
/* The next group, empty, with client and what stands behind it. */
int endpoint_add_group(struct endpoints_parse *parse, const struct yaml_reader *reader,
		       const yaml_node_t *node);
/* The array with room for one element behind its count, all zero. NULL: no memory, and array is as
 * it was. */
void *endpoint_grow(void *array, unsigned count, size_t element_bytes);

#endif
