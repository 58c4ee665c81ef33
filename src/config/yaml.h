/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a YAML file strictly, over libyaml's documents: what every reader of one
 * needs (config_yaml.c, config_access.c, client/endpoints*.c).
 *
 * A file is one document without tags. An error is one line, "FILE:LINE: " and
 * what is accepted there. Aliases make a node stand at several places: who reads
 * bounds what it keeps, not what the file holds.
 */
#ifndef SLUICE_CONFIG_YAML_H
#define SLUICE_CONFIG_YAML_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

#include "base/limits.h"

/* A document under reading. */
struct yaml_reader {
	yaml_document_t document;
	yaml_node_t *root; /* NULL: the file is empty, or comments only */
	const char *text;  /* of the file */
	size_t len;
	const char *file_name;
	char *error; /* ERROR_TEXT_MAX */
};

/* 0: yaml_close ends it; or -EINVAL with error. All arguments are borrowed until then. */
int yaml_open(struct yaml_reader *reader, const char *text, size_t len, const char *file_name,
	      char error[ERROR_TEXT_MAX]);
/* r: how the reading ended. Returns it, and makes the error one line if it was refused. */
int yaml_close(struct yaml_reader *reader, int r);

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

/* The key of a pair of mapping: a word that stands nowhere before it. NULL: refused. Its time goes
 * by the pairs before it, so a reader takes few of them (those that it knows). section: "" or
 * "NAME.", for the message. */
const yaml_node_t *yaml_key(struct yaml_reader *reader, const yaml_node_t *mapping,
			    const yaml_node_pair_t *pair, const char *section);
/* Refuses a key that is none of known (count > 0): "did you mean" the nearest, or elsewhere if that
 * is not NULL. Returns -EINVAL. */
int yaml_refuse_key(const struct yaml_reader *reader, const yaml_node_t *node, const char *section,
		    const char *const *known, size_t count, const char *elsewhere);

/* One key of a mapping, and what reads its value. */
struct yaml_field {
	const char *key;
	/* 0 or -EINVAL (yaml_refuse). */
	int (*read)(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		    yaml_node_t *value);
	size_t offset; /* in into, if read has a use for it */
};
/* Reads the pairs of a mapping by the table, in their order; null is an empty mapping. */
int yaml_read_fields(struct yaml_reader *reader, yaml_node_t *mapping, const char *section,
		     const struct yaml_field *fields, size_t count, void *into);
/* Calls read for each item of a list; null is an empty list. */
int yaml_read_list(struct yaml_reader *reader, const char *key, const yaml_node_t *list,
		   int (*read)(void *into, struct yaml_reader *reader, const char *key,
			       yaml_node_t *item),
		   void *into);

/* A path that stands in a file is seen from the file's folder. 0, or -ENAMETOOLONG. */
int path_beside(const char *file_name, const char *path, char out[PATH_MAX]);

#endif
