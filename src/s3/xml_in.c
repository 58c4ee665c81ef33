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

enum object_field { KEY, VERSION_ID, ETAG, SIZE, LAST_MODIFIED_TIME, OBJECT_FIELDS };

static enum object_field find_object_field(const char *name)
{
	static const char *const names[OBJECT_FIELDS] = {"Key", "VersionId", "ETag", "Size",
							 "LastModifiedTime"};
	unsigned i = 0;

	while (i < OBJECT_FIELDS && strcmp(names[i], name) != 0)
		i++;
	return (enum object_field)i;
}

static int object_field(struct xml_object *object, enum object_field field, const char *text)
{
	struct put_terms *terms = &object->terms;
	struct slice value = {text, strlen(text)};

	if (field == KEY) {
		object->key = value.len > 0 ? strdup(text) : NULL;
		return object->key != NULL ? 0 : value.len > 0 ? -ENOMEM : -EBADMSG;
	}
	if (field == VERSION_ID) {
		object->is_other_version = value.len > 0 && !slice_is(value, "null");
		return 0;
	}
	terms->mode = PUT_IF_PRESENT;
	if (field == SIZE)
		return (terms->has_size = s3_size_parse(value, &terms->size)) ? 0 : -EBADMSG;
	if (field == LAST_MODIFIED_TIME)
		return (terms->has_modified = s3_time_parse(value, &terms->modified)) ? 0
										      : -EBADMSG;
	if (!slice_is(value, "*"))
		object_etag_quote(object->etag, value.at, value.len);
	return value.len > 0 ? 0 : -EBADMSG;
}

static int delete_field(void *out, bool in_item, const char *name, const char *value)
{
	struct xml_delete *delete = out;

	if (!in_item) {
		if (strcmp(name, "Quiet") != 0 || value == NULL ||
		    (strcmp(value, "true") != 0 && strcmp(value, "false") != 0))
			return -EBADMSG;
		delete->is_quiet = strcmp(value, "true") == 0;
		return 0;
	}
	struct xml_object *object = &delete->object[delete->count - 1];
	enum object_field field = find_object_field(name);
	if (field == OBJECT_FIELDS)
		return -EOPNOTSUPP;
	if (value == NULL || (object->seen & 1u << field) != 0)
		return -EBADMSG;
	object->seen |= 1u << field;
	return object_field(object, field, value);
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
	bool is_number = strcmp(name, "PartNumber") == 0;
	bool is_checksum = strncmp(name, "Checksum", strlen("Checksum")) == 0;
	if (!is_number && !is_checksum && strcmp(name, "ETag") != 0)
		return 0;
	if (value == NULL)
		return -EBADMSG;
	if (is_number)
		return parse_number(value, &part->number);
	if (is_checksum)
		return take_checksum(part, name + strlen("Checksum"), value);
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
