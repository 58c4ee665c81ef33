/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/xml_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "s3/values.h"
#include "s3/xml_reader.h"

#define OBJECTS_MAX 1000
/* ---- Delete ---------------------------------------------------------------------------------- */

static int object_begin(void *out)
{
	struct xml_delete *delete = out;
	void *array = delete->object;

	if (delete->count == OBJECTS_MAX)
		return -EBADMSG;
	int r = xml_grow(&array, delete->count, sizeof(*delete->object));
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

static int condition_field(struct xml_object *object, const char *name, struct slice value)
{
	struct put_terms *terms = &object->terms;

	if (strcmp(name, "ETag") == 0) {
		if (value.len == 0)
			return -EBADMSG;
		if (!slice_is(value, "*"))
			object_etag_quote(object->etag, value.at, value.len);
	} else if (strcmp(name, "Size") == 0) {
		terms->has_size = s3_size_parse(value, &terms->size);
		if (!terms->has_size)
			return -EBADMSG;
	} else if (strcmp(name, "LastModifiedTime") == 0) {
		terms->has_modified = s3_time_parse(value, &terms->modified);
		if (!terms->has_modified)
			return -EBADMSG;
	} else {
		return -EOPNOTSUPP;
	}
	terms->mode = PUT_IF_PRESENT;
	return 0;
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
		return condition_field(object, name, (struct slice){value, strlen(value)});
	if (object->key != NULL || *value == '\0')
		return -EBADMSG;
	object->key = strdup(value);
	return object->key != NULL ? 0 : -ENOMEM;
}

int xml_delete_parse(struct xml_delete *delete, const char *text, size_t len)
{
	static const struct xml_grammar grammar = {.root = "Delete",
						   .value_bytes_max = OBJECT_KEY_BYTES_MAX,
						   .item = "Object",
						   .field = delete_field,
						   .item_begin = object_begin,
						   .item_end = object_end};

	*delete = (struct xml_delete){0};
	int r = xml_read(&grammar, delete, text, len);
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
	int r = xml_grow(&array, complete->count, sizeof(*complete->part));
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

/* ChecksumCRC32 and the like: one, of a kind that can be verified. Empty is as if it were not
 * there.
 */
static int take_checksum(struct upload_part *part, const char *algorithm, const char *value)
{
	enum digest_kind kind = checksum_find(algorithm, strlen(algorithm));

	if (*value == '\0')
		return 0;
	if (kind == CHECKSUM_KINDS)
		return -EOPNOTSUPP;
	if (part->checksum.is_set)
		return -EBADMSG;
	return checksum_parse(&part->checksum, kind, value, strlen(value)) == 0 ? 0 : -EBADMSG;
}

static int complete_field(void *out, bool in_item, const char *name, const char *value)
{
	struct xml_complete *complete = out;

	if (!in_item)
		return -EBADMSG;
	struct upload_part *part = &complete->part[complete->count - 1];
	if (strcmp(name, "PartNumber") == 0)
		return parse_number(value, &part->number);
	if (strncmp(name, "Checksum", strlen("Checksum")) == 0)
		return take_checksum(part, name + strlen("Checksum"), value);
	if (strcmp(name, "ETag") != 0)
		return 0;
	if (part->etag[0] != '\0')
		return -EBADMSG;
	object_etag_quote(part->etag, value, strlen(value));
	return 0;
}

int xml_complete_parse(struct xml_complete *complete, const char *text, size_t len)
{
	static const struct xml_grammar grammar = {.root = "CompleteMultipartUpload",
						   .value_bytes_max = OBJECT_KEY_BYTES_MAX,
						   .item = "Part",
						   .field = complete_field,
						   .item_begin = part_begin,
						   .item_end = part_end};

	*complete = (struct xml_complete){0};
	int r = xml_read(&grammar, complete, text, len);
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
	static const struct xml_grammar grammar = {.root = "CreateBucketConfiguration",
						   .value_bytes_max = OBJECT_KEY_BYTES_MAX,
						   .field = configuration_field};

	return len == 0 ? 0 : xml_read(&grammar, NULL, text, len);
}
