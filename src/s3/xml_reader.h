/* SPDX-License-Identifier: Apache-2.0 */
/* One parser for all documents that are read, by expat, each with a grammar of its own. The only
 * user of expat. */
#ifndef SLUICE_S3_XML_READER_H
#define SLUICE_S3_XML_READER_H

#include <stdbool.h>
#include <stddef.h>

/* What kind of document: root / item / field. */
struct xml_grammar {
	const char *root;
	const char *item;       /* NULL: none */
	size_t value_bytes_max; /* of a field's text; at most three times OBJECT_KEY_BYTES_MAX */
	/* A field of the item, or (in_item false) of the root has ended; value NULL: there were
	 * elements in it. 0 or a negative errno. */
	int (*field)(void *out, bool in_item, const char *name, const char *value);
	int (*item_begin)(void *out);
	int (*item_end)(void *out);
};

/* The whole document, UTF-8; no document type, so no entities. 0; -EBADMSG: malformed, another
 * root, too deep; -ENOMEM; or what the grammar's functions said. */
int xml_read(const struct xml_grammar *grammar, void *out, const char *text, size_t len);

/* For the functions of a grammar: room for one more in an array of count, which doubles. 0 or
 * -ENOMEM. */
int xml_grow(void **array, unsigned count, size_t item_bytes);

#endif
