/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's checksums as they are kept: of all bytes of an object (FULL_OBJECT), or of the checksums of
 * the parts that it was made of (COMPOSITE), which say how many those were: "BASE64-N".
 */
#ifndef SLUICE_STORE_CHECKSUM_H
#define SLUICE_STORE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/limits.h"
#include "store/facts.h"
#include "store/sys.h"

/* Kinds before this one are checksums of S3. */
#define CHECKSUM_KINDS         DIGEST_MD5
/* "BASE64-10000", with NUL. */
#define CHECKSUM_TEXT_BYTES    (BASE64_TEXT_BYTES(DIGEST_BYTES_MAX) + 6)
/* "x-amz-checksum-sha512: BASE64-10000\r\n", the longest, with NUL. */
#define CHECKSUM_FIELD_BYTES   (CHECKSUM_ELEMENT_BYTES + CHECKSUM_TEXT_BYTES + 4)
/* "ChecksumCRC64NVME", with NUL. */
#define CHECKSUM_ELEMENT_BYTES 32

struct checksum {
	bool is_set; /* false: there is none */
	enum digest_kind kind;
	unsigned parts; /* COMPOSITE: of so many; 0: FULL_OBJECT, or of a part */
	uint8_t value[DIGEST_BYTES_MAX];
};

/* What an upload's object is to have. */
struct checksum_plan {
	bool is_set;
	enum digest_kind kind;
	bool is_composite;
};

/* "CRC32" ... as x-amz-checksum-algorithm has it. */
const char *checksum_algorithm(enum digest_kind kind);
/* "COMPOSITE", "FULL_OBJECT". */
const char *checksum_type(bool is_composite);
/* The kind of this algorithm, in letters of any case; CHECKSUM_KINDS: there is none. */
enum digest_kind checksum_find(const char *algorithm, size_t len);
/* Which of the two a kind may be, and which it is when nothing is said. Amazon S3 User Guide,
 * "Checking object integrity": of CRC64NVME there is no composite one, of SHAs no other. */
bool checksum_can_be(enum digest_kind kind, bool is_composite);
bool checksum_is_composite_by_default(enum digest_kind kind);

bool checksum_is_equal(const struct checksum *a, const struct checksum *b);

/* BASE64, or BASE64-N. */
void checksum_text(const struct checksum *checksum, char out[CHECKSUM_TEXT_BYTES]);
/* 0 or -EINVAL. */
int checksum_parse(struct checksum *checksum, enum digest_kind kind, const char *text, size_t len);
/* The field of this kind, and the element of XML, by their names. */
void checksum_field_name(enum digest_kind kind, char out[CHECKSUM_ELEMENT_BYTES]);
void checksum_element(enum digest_kind kind, char out[CHECKSUM_ELEMENT_BYTES]);
/* "Name: value\r\n", or "" where there is none. */
void checksum_field(const struct checksum *checksum, char out[CHECKSUM_FIELD_BYTES]);
/* The reverse. len 0: there is none. 0 or -EBADMSG. */
int checksum_of_field(struct checksum *checksum, const char *field, size_t len);

/* Of a whole file, from its begin; digest_bytes(kind) bytes. 0 or a negative errno (-EOPNOTSUPP:
 * OpenSSL does not do it here). */
int checksum_digest_file(const struct store_sys *sys, int fd, enum digest_kind kind,
			 uint8_t out[DIGEST_BYTES_MAX]);
/* The same as a checksum. */
int checksum_compute(const struct store_sys *sys, int fd, enum digest_kind kind,
		     struct checksum *checksum);
/* What is kept with an open file of these bytes. 0, with none, too; -EBADMSG: damaged; or another
 * negative errno. */
int checksum_kept(const struct store_sys *sys, int fd, const struct facts *facts,
		  struct checksum *checksum);

/* The checksums of all parts of an object that has a composite one (META_PART_SUMS). */
struct checksum_parts {
	enum digest_kind kind;
	unsigned count; /* 0: they are not kept */
	uint8_t values[META_BYTES_MAX];
};
/* checksum: the object's. As checksum_kept. */
int checksum_parts_kept(const struct store_sys *sys, int fd, const struct facts *facts,
			const struct checksum *checksum, struct checksum_parts *parts);
/* From 1; not set: it is not kept. */
void checksum_of_part(const struct checksum_parts *parts, unsigned number,
		      struct checksum *checksum);

/* Of all bytes of an object whose own checksum is composite, from what is kept of its parts,
 * without reading it. Not set: a CRC of each part is not kept. As checksum_kept. */
int checksum_of_all(const struct store_sys *sys, int fd, const struct facts *facts,
		    const struct checksum *composite, struct checksum *all);

/* ---- Of a whole, from those of its parts ----------------------------------------------------- */

struct checksum_whole {
	struct checksum_plan plan;
	unsigned parts;
	uint64_t crc;
	struct digest_set digests;
};

/* 0, -ENOMEM or -EOPNOTSUPP. checksum_whole_fini in any case. */
int checksum_whole_begin(struct checksum_whole *whole, const struct checksum_plan *plan);
/* In order; part is of the plan's kind. */
void checksum_whole_add(struct checksum_whole *whole, const struct checksum *part, uint64_t bytes);
void checksum_whole_end(struct checksum_whole *whole, struct checksum *checksum);
void checksum_whole_fini(struct checksum_whole *whole);

#endif
