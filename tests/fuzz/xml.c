/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as each of the three documents: what is taken for one keeps the bounds that its user
 * relies on; and what can be read can be written and read again, the same.
 */
#include <string.h>

#include "base/must.h"
#include "s3/xml_in.h"
#include "s3/xml_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_delete(const struct xml_delete *delete)
{
	struct xml_delete again;
	struct text out;

	must(delete->count >= 1 && delete->count <= 1000);
	text_init(&out, 16 << 20);
	xml_open(&out, "Delete");
	for (unsigned i = 0; i < delete->count; i++) {
		must(delete->object[i].key[0] != '\0' &&
		     strlen(delete->object[i].key) <= OBJECT_KEY_BYTES_MAX);
		xml_open(&out, "Object");
		xml_text(&out, "Key", delete->object[i].key);
		xml_close(&out, "Object");
	}
	xml_close(&out, "Delete");
	must(out.error == 0 && xml_delete_parse(&again, out.at, out.len) == 0);
	must(again.count == delete->count);
	/* U+FFFE and U+FFFF are no characters of XML; expat lets them in, and '?' goes out. */
	for (unsigned i = 0; i < delete->count; i++)
		must(strcmp(again.object[i].key, delete->object[i].key) == 0 ||
		     strstr(delete->object[i].key, "\xef\xbf") != NULL);
	xml_delete_fini(&again);
	text_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct xml_complete complete;
	struct xml_delete delete;

	if (xml_delete_parse(&delete, text, size) == 0)
		check_delete(&delete);
	xml_delete_fini(&delete);

	if (xml_complete_parse(&complete, text, size) == 0) {
		must(complete.count >= 1 && complete.count <= UPLOAD_PARTS_MAX);
		for (unsigned i = 0; i < complete.count; i++) {
			const struct upload_part *part = &complete.part[i];
			must(part->number >= 1 && part->number <= UPLOAD_PARTS_MAX);
			must(memchr(part->etag, '\0', sizeof(part->etag)) != NULL);
		}
	}
	xml_complete_fini(&complete);

	int r = xml_bucket_configuration_check(text, size);
	must(r <= 0);
	return 0;
}
