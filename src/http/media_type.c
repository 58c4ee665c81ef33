/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is put into a root by hand, and what a client does something of its own with when it is
 * told. The names are those of the IANA registry, or, for what is not in it (x-), of
 * shared-mime-info. A compressed file is what its last extension says: there is no
 * Content-Encoding, which would have clients unpack it.
 */
#include "http/media_type.h"

#include <string.h>
#include <strings.h>

#include "base/must.h"

static const struct {
	const char *extension;
	const char *type;
} types[] = {
	{"avro", "application/vnd.apache.avro"},
	{"bz2", "application/x-bzip2"},
	{"css", "text/css"},
	{"csv", "text/csv"},
	{"gif", "image/gif"},
	{"gz", "application/gzip"},
	{"htm", "text/html"},
	{"html", "text/html"},
	{"ico", "image/vnd.microsoft.icon"},
	{"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},
	{"js", "text/javascript"},
	{"json", "application/json"},
	{"log", "text/plain"},
	{"lz4", "application/x-lz4"},
	{"md", "text/markdown"},
	{"mp4", "video/mp4"},
	{"parquet", "application/vnd.apache.parquet"},
	{"pdf", "application/pdf"},
	{"png", "image/png"},
	{"svg", "image/svg+xml"},
	{"tar", "application/x-tar"},
	{"tgz", "application/gzip"},
	{"tsv", "text/tab-separated-values"},
	{"txt", "text/plain"},
	{"wasm", "application/wasm"},
	{"webp", "image/webp"},
	{"xml", "application/xml"},
	{"xz", "application/x-xz"},
	{"yaml", "application/yaml"},
	{"yml", "application/yaml"},
	{"zip", "application/zip"},
	{"zst", "application/zstd"},
};

const char *media_type_of(const char *object_key)
{
	const char *at = object_key + strlen(object_key);

	while (at > object_key && at[-1] != '.' && at[-1] != '/')
		at--;
	/* Most objects of a server of blocks have no extension: no more to do for them. */
	if (at == object_key || at[-1] == '/')
		return MEDIA_TYPE_DEFAULT;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcasecmp(at, types[i].extension) == 0)
			return types[i].type;
	return MEDIA_TYPE_DEFAULT;
}
