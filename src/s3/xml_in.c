/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/xml_in.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <expat.h>

#include "base/must.h"

#define OBJECTS_MAX 1000
#define DEPTH_MAX   8
/* Of one element; keys are the longest, and clients write them as "&#xNN;" at worst. */
#define VALUE_BYTES (OBJECT_KEY_BYTES_MAX + 1)
#define SEPARATOR   '|'

/* What kind of document; one parser for all: root / item / field. */
struct grammar {
	const char *root;
	const char *item; /* NULL: none */
	/* A field of the item, or (in_item false) of the root has ended. 0 or a negative errno. */
	int (*field)(void *out, bool in_item, const char *name, const char *value);
	int (*item_begin)(void *out);
	int (*item_end)(void *out);
};

struct reader {
	XML_Parser parser;
	const struct grammar *grammar;
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
	const struct grammar *grammar = reader->grammar;
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
	const struct grammar *grammar = reader->grammar;
	const char *name = local_name(full_name);
	bool is_item = reader->depth == 2 && reader->is_in_item;
	bool is_field = reader->depth == (reader->is_in_item ? 3 : 2) && !is_item;
	int r = 0;

	/* A stopped parser still ends an empty element (expat.h, XML_StopParser): there is no item
	 * whose beginning failed. */
	if (reader->error != 0)
		return;
	if (is_field && !reader->has_children) {
		reader->value[reader->value_len] = '\0';
		r = grammar->field(reader->out, reader->is_in_item, name, reader->value);
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
	if ((size_t)len >= sizeof(reader->value) - reader->value_len)
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

static int read_document(const struct grammar *grammar, void *out, const char *text, size_t len)
{
	struct reader reader = {.grammar = grammar, .out = out};
	unsigned long salt;

	if (len > INT_MAX || getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
		return -EBADMSG;
	reader.parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
	if (reader.parser == NULL)
		return -ENOMEM;
	XML_SetHashSalt(reader.parser, salt);
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

/* Room for one more; the array doubles. */
static int grow(void **array, unsigned count, size_t item_bytes)
{
	if ((count & (count - 1)) != 0)
		return 0;
	void *more = reallocarray(*array, count > 0 ? 2 * (size_t)count : 1, item_bytes);
	if (more == NULL)
		return -ENOMEM;
	*array = more;
	return 0;
}

/* ---- Delete ---------------------------------------------------------------------------------- */

static int object_begin(void *out)
{
	struct xml_delete *delete = out;
	void *array = delete->object;

	if (delete->count == OBJECTS_MAX)
		return -EBADMSG;
	int r = grow(&array, delete->count, sizeof(*delete->object));
	if (r < 0)
		return r;
	delete->object = array;
	delete->object[delete->count++] = (struct xml_object){0};
	return 0;
}

static int object_end(void *out)
{
	struct xml_delete *delete = out;
	return delete->object[delete->count - 1].key != NULL ? 0 : -EBADMSG;
}

static int delete_field(void *out, bool in_item, const char *name, const char *value)
{
	struct xml_delete *delete = out;

	if (!in_item) {
		if (strcmp(name, "Quiet") != 0 ||
		    (strcmp(value, "true") != 0 && strcmp(value, "false") != 0))
			return -EBADMSG;
		delete->is_quiet = strcmp(value, "true") == 0;
		return 0;
	}
	struct xml_object *object = &delete->object[delete->count - 1];
	if (strcmp(name, "VersionId") == 0) {
		object->is_other_version = *value != '\0' && strcmp(value, "null") != 0;
		return 0;
	}
	if (strcmp(name, "Key") != 0)
		return -EOPNOTSUPP; /* ETag, Size, LastModifiedTime: conditions */
	if (object->key != NULL || *value == '\0')
		return -EBADMSG;
	object->key = strdup(value);
	return object->key != NULL ? 0 : -ENOMEM;
}

int xml_delete_parse(struct xml_delete *delete, const char *text, size_t len)
{
	static const struct grammar grammar = {.root = "Delete",
					       .item = "Object",
					       .field = delete_field,
					       .item_begin = object_begin,
					       .item_end = object_end};

	*delete = (struct xml_delete){0};
	int r = read_document(&grammar, delete, text, len);
	return r == 0 && delete->count == 0 ? -EBADMSG : r;
}

void xml_delete_fini(struct xml_delete *delete)
{
	for (unsigned i = 0; i < delete->count; i++)
		free(delete->object[i].key);
	free(delete->object);
	*delete = (struct xml_delete){0};
}

/* ---- CompleteMultipartUpload ----------------------------------------------------------------- */

static int part_begin(void *out)
{
	struct xml_complete *complete = out;
	void *array = complete->part;

	if (complete->count == UPLOAD_PARTS_MAX)
		return -EBADMSG;
	int r = grow(&array, complete->count, sizeof(*complete->part));
	if (r < 0)
		return r;
	complete->part = array;
	complete->part[complete->count++] = (struct upload_part){0};
	return 0;
}

static int part_end(void *out)
{
	struct xml_complete *complete = out;
	const struct upload_part *part = &complete->part[complete->count - 1];
	return part->number != 0 && part->etag[0] != '\0' ? 0 : -EBADMSG;
}

static int parse_number(const char *value, unsigned *number)
{
	size_t digits = strspn(value, "0123456789");
	if (*number != 0 || digits == 0 || digits > 5 || value[digits] != '\0')
		return -EBADMSG;
	*number = (unsigned)strtoul(value, NULL, 10);
	return *number >= 1 && *number <= UPLOAD_PARTS_MAX ? 0 : -EBADMSG;
}

static int complete_field(void *out, bool in_item, const char *name, const char *value)
{
	struct xml_complete *complete = out;

	if (!in_item)
		return -EBADMSG;
	struct upload_part *part = &complete->part[complete->count - 1];
	if (strcmp(name, "PartNumber") == 0)
		return parse_number(value, &part->number);
	if (strcmp(name, "ETag") != 0)
		return 0; /* ChecksumCRC32 ...: of the part, which was verified as it came */
	if (part->etag[0] != '\0')
		return -EBADMSG;
	object_etag_quote(part->etag, value, strlen(value));
	return 0;
}

int xml_complete_parse(struct xml_complete *complete, const char *text, size_t len)
{
	static const struct grammar grammar = {.root = "CompleteMultipartUpload",
					       .item = "Part",
					       .field = complete_field,
					       .item_begin = part_begin,
					       .item_end = part_end};

	*complete = (struct xml_complete){0};
	int r = read_document(&grammar, complete, text, len);
	return r == 0 && complete->count == 0 ? -EBADMSG : r;
}

void xml_complete_fini(struct xml_complete *complete)
{
	free(complete->part);
	*complete = (struct xml_complete){0};
}

/* ---- CreateBucketConfiguration --------------------------------------------------------------- */

/* Where the bucket should be, what kind, its tags: there is one place and one kind. */
static int configuration_field(void *out, bool in_item, const char *name, const char *value)
{
	(void)out, (void)in_item, (void)value;
	return strcmp(name, "LocationConstraint") == 0 ? 0 : -EBADMSG;
}

int xml_bucket_configuration_check(const char *text, size_t len)
{
	static const struct grammar grammar = {.root = "CreateBucketConfiguration",
					       .field = configuration_field};

	return len == 0 ? 0 : read_document(&grammar, NULL, text, len);
}
