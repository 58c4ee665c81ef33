/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/xml_reader.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "base/limits.h"
#include "base/must.h"

#define DEPTH_MAX   8
/* Of one element; keys are the longest, percent-encoded at worst. */
#define VALUE_BYTES (3 * OBJECT_KEY_BYTES_MAX + 1)
#define SEPARATOR   '|'

struct reader {
	XML_Parser parser;
	const struct xml_grammar *grammar;
	void *out;
	int depth; /* 0: outside the root */
	bool is_in_item;
	int error;
	bool has_children; /* the element that is open */
	char name[64];     /* of the field that is open */
	char value[VALUE_BYTES];
	size_t value_len;
};

static void stop(struct reader *reader, int error)
{
	if (reader->error == 0)
		reader->error = error;
	XML_StopParser(reader->parser, XML_FALSE);
}

/* The name without its namespace, which clients give, or not. */
static const char *local_name(const char *name)
{
	const char *at = strrchr(name, SEPARATOR);
	return at != NULL ? at + 1 : name;
}

static bool is_blank(const struct reader *reader)
{
	for (size_t i = 0; i < reader->value_len; i++)
		if (strchr(" \t\r\n", reader->value[i]) == NULL)
			return false;
	return true;
}

static void XMLCALL on_start(void *arg, const char *full_name, const char **attributes)
{
	struct reader *reader = arg;
	const struct xml_grammar *grammar = reader->grammar;
	const char *name = local_name(full_name);
	(void)attributes;

	if (++reader->depth > DEPTH_MAX || !is_blank(reader) ||
	    strlen(name) >= sizeof(reader->name))
		return stop(reader, -EBADMSG);
	reader->value_len = 0;
	reader->has_children = false;
	memcpy(reader->name, name, strlen(name) + 1);
	if (reader->depth == 1 && strcmp(name, grammar->root) != 0)
		return stop(reader, -EBADMSG);
	if (reader->depth == 3 && grammar->item == NULL)
		return stop(reader, -EBADMSG);
	if (reader->depth == 2 && grammar->item != NULL && strcmp(name, grammar->item) == 0) {
		reader->is_in_item = true;
		int r = grammar->item_begin(reader->out);
		if (r < 0)
			stop(reader, r);
	}
}

static void XMLCALL on_end(void *arg, const char *full_name)
{
	struct reader *reader = arg;
	const struct xml_grammar *grammar = reader->grammar;
	const char *name = local_name(full_name);
	bool is_item = reader->depth == 2 && reader->is_in_item;
	bool is_field = reader->depth == (reader->is_in_item ? 3 : 2) && !is_item;
	int r = 0;

	/* A stopped parser still ends an empty element (expat.h, XML_StopParser): there is no item
	 * whose beginning failed. */
	if (reader->error != 0)
		return;
	if (is_field) {
		reader->value[reader->value_len] = '\0';
		r = grammar->field(reader->out, reader->is_in_item, name,
				   reader->has_children ? NULL : reader->value);
	} else if (!is_blank(reader) && reader->depth <= 2) {
		r = -EBADMSG; /* text between elements */
	}
	if (r == 0 && is_item) {
		reader->is_in_item = false;
		r = grammar->item_end(reader->out);
	}
	reader->depth--;
	reader->value_len = 0;
	reader->has_children = true;
	if (r < 0)
		stop(reader, r);
}

static void XMLCALL on_text(void *arg, const char *text, int len)
{
	struct reader *reader = arg;
	if ((size_t)len > reader->grammar->value_bytes_max - reader->value_len)
		return stop(reader, -EBADMSG);
	memcpy(reader->value + reader->value_len, text, (size_t)len);
	reader->value_len += (size_t)len;
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *system_id,
			       const char *public_id, int has_subset)
{
	(void)name, (void)system_id, (void)public_id, (void)has_subset;
	stop(arg, -EBADMSG);
}

int xml_read(const struct xml_grammar *grammar, void *out, const char *text, size_t len)
{
	struct reader reader = {.grammar = grammar, .out = out};

	must(grammar->value_bytes_max < VALUE_BYTES);
	if (len > INT_MAX)
		return -EBADMSG;
	/* Debian's expat takes the salt of its hash tables from arc4random. */
	reader.parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
	if (reader.parser == NULL)
		return -ENOMEM;
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, on_start, on_end);
	XML_SetCharacterDataHandler(reader.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
	enum XML_Status status = XML_Parse(reader.parser, text, (int)len, XML_TRUE);
	bool is_out_of_memory = XML_GetErrorCode(reader.parser) == XML_ERROR_NO_MEMORY;
	XML_ParserFree(reader.parser);
	if (reader.error != 0)
		return reader.error;
	if (status != XML_STATUS_OK)
		return is_out_of_memory ? -ENOMEM : -EBADMSG;
	return 0;
}

int xml_grow(void **array, unsigned count, size_t item_bytes)
{
	if ((count & (count - 1)) != 0)
		return 0;
	void *more = reallocarray(*array, count > 0 ? 2 * (size_t)count : 1, item_bytes);
	if (more == NULL)
		return -ENOMEM;
	*array = more;
	return 0;
}
