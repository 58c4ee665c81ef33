/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XML of request bodies, by expat. Whole documents in memory, UTF-8, strict;
 * no document type, so no entities. What an operation does not know inside a Part
 * or an Object is skipped where that is harmless.
 */
#ifndef SLUICE_S3_XML_IN_H
#define SLUICE_S3_XML_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "store/multipart.h"

struct xml_object {
	char *key;             /* malloced */
	bool is_other_version; /* a VersionId that is not "null" */
	/* ETag, Size, LastModifiedTime: conditions. terms.etag is not set: it is etag. */
	struct put_terms terms;
	char etag[ETAG_BYTES]; /* "": any */
	unsigned seen;         /* 1 << a field that was there: each may stand once */
};

struct xml_delete {
	struct xml_object *object;
	unsigned count;
	bool is_quiet;
};

struct xml_complete {
	struct upload_part *part; /* number, etag (with quotes), checksum; in the document's order
				   */
	unsigned count;
};

/* 0; -EBADMSG: malformed; -EOPNOTSUPP: something is wanted of an object that is not known, or a
 * kind of checksum that is not served; -ENOMEM. _fini in any case. */
int xml_delete_parse(struct xml_delete *delete, const char *text, size_t len);
void xml_delete_fini(struct xml_delete *delete);

int xml_complete_parse(struct xml_complete *complete, const char *text, size_t len);
void xml_complete_fini(struct xml_complete *complete);

/* CreateBucketConfiguration, or nothing at all. 0, or -EBADMSG. */
int xml_bucket_configuration_check(const char *text, size_t len);

#endif
