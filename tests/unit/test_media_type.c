/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/must.h"
#include "http/media_type.h"

Test(media_type, by_the_last_extension)
{
	static const struct {
		const char *key;
		const char *type;
	} rows[] = {
		{"01J/meta.json", "application/json"},
		{"a.JSON", "application/json"},
		{"notes.txt", "text/plain"},
		{"index.html", "text/html"},
		{"feed.xml", "application/xml"},
		{"table.csv", "text/csv"},
		{"year=2026/part-0.parquet", "application/vnd.apache.parquet"},
		{"a.csv.gz", "application/gzip"},
		{"a.tar", "application/x-tar"},
		{"a.zst", "application/zstd"},
		{"avro.avro", "application/vnd.apache.avro"},
		{"all.zip", "application/zip"},
		{"chunks/000001", MEDIA_TYPE_DEFAULT},
		{"index", MEDIA_TYPE_DEFAULT},
		{"json", MEDIA_TYPE_DEFAULT},
		{"a.json/b", MEDIA_TYPE_DEFAULT},
		{"a.json/", MEDIA_TYPE_DEFAULT},
		{"a.jso", MEDIA_TYPE_DEFAULT},
		{"a.jsonl", MEDIA_TYPE_DEFAULT},
		{"a.", MEDIA_TYPE_DEFAULT},
		{".", MEDIA_TYPE_DEFAULT},
		{"", MEDIA_TYPE_DEFAULT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_str_eq(media_type_of(rows[i].key), rows[i].type, "%s", rows[i].key);
}
