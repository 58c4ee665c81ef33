/* SPDX-License-Identifier: Apache-2.0 */
/* Writing XML 1.0 into text that grows: elements, escaped values. */
#ifndef SLUICE_S3_XML_OUT_H
#define SLUICE_S3_XML_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/text.h"
#include "store/checksum.h"

#define XML_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* The declaration, and the root element in S3's namespace, open. */
void xml_begin(struct text *out, const char *root);
void xml_open(struct text *out, const char *name);
void xml_close(struct text *out, const char *name);
/* <name>value</name>; what XML cannot hold becomes '?'. */
void xml_text(struct text *out, const char *name, const char *value);
/* is_url: percent-encoded, as encoding-type=url asks. */
void xml_key(struct text *out, const char *name, const char *key, bool is_url);
void xml_u64(struct text *out, const char *name, uint64_t value);
void xml_bool(struct text *out, const char *name, bool value);
/* 2006-01-02T15:04:05.000Z: whole seconds, as Last-Modified has them. */
void xml_time(struct text *out, const char *name, time_t seconds);

/* <ChecksumCRC32>value</ChecksumCRC32> and the like; nothing where there is none. */
void xml_checksum(struct text *out, const struct checksum *checksum);
/* ... with its ChecksumType behind it. */
void xml_typed_checksum(struct text *out, const struct checksum *checksum);
/* ChecksumAlgorithm and ChecksumType of an upload; nothing where it has none. */
void xml_checksum_plan(struct text *out, const struct checksum_plan *plan);

/* How the character at at (bytes as utf8_char_bytes says) must be written. NULL: as it is. CR is
 * escaped because a parser would make it LF. */
const char *xml_escape_of(const char *at, size_t bytes);

/* <CommonPrefixes><Prefix>...; as xml_key. */
void xml_common_prefix(struct text *out, const char *prefix, bool is_url);

#endif
