/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checksum.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/crc.h"
#include "base/must.h"
#include "store/meta.h"
#include "store/parts.h"

#define BUFFER_BYTES (1u << 20)

static const struct {
	const char *algorithm;
	enum crc_kind
		crc; /* CRC_KIND_COUNT: none, and sums of parts do not make one of the whole */
	bool is_full_only;
} rows[CHECKSUM_KINDS] = {
	[DIGEST_CRC32] = {"CRC32", CRC_32, false},
	[DIGEST_CRC32C] = {"CRC32C", CRC_32C, false},
	[DIGEST_CRC64NVME] = {"CRC64NVME", CRC_64_NVME, true},
	[DIGEST_SHA1] = {"SHA1", CRC_KIND_COUNT, false},
	[DIGEST_SHA256] = {"SHA256", CRC_KIND_COUNT, false},
	[DIGEST_SHA512] = {"SHA512", CRC_KIND_COUNT, false},
};

const char *checksum_algorithm(enum digest_kind kind)
{
	must(kind < CHECKSUM_KINDS);
	return rows[kind].algorithm;
}

const char *checksum_type(bool is_composite)
{
	return is_composite ? "COMPOSITE" : "FULL_OBJECT";
}

enum digest_kind checksum_find(const char *algorithm, size_t len)
{
	unsigned kind = 0;

	while (kind < CHECKSUM_KINDS && (strlen(rows[kind].algorithm) != len ||
					 strncasecmp(rows[kind].algorithm, algorithm, len) != 0))
		kind++;
	return (enum digest_kind)kind;
}

bool checksum_can_be(enum digest_kind kind, bool is_composite)
{
	must(kind < CHECKSUM_KINDS);
	return is_composite ? !rows[kind].is_full_only : rows[kind].crc != CRC_KIND_COUNT;
}

bool checksum_is_composite_by_default(enum digest_kind kind)
{
	return checksum_can_be(kind, true);
}

bool checksum_is_equal(const struct checksum *a, const struct checksum *b)
{
	return a->is_set && b->is_set && a->kind == b->kind && a->parts == b->parts &&
	       memcmp(a->value, b->value, digest_bytes(a->kind)) == 0;
}

/* ---- As text --------------------------------------------------------------------------------- */

void checksum_text(const struct checksum *checksum, char out[CHECKSUM_TEXT_BYTES])
{
	size_t n = base64_encode(checksum->value, digest_bytes(checksum->kind), out);

	if (checksum->parts > 0)
		snprintf(out + n, CHECKSUM_TEXT_BYTES - n, "-%u", checksum->parts);
}

int checksum_parse(struct checksum *checksum, enum digest_kind kind, const char *text, size_t len)
{
	const char *dash = memchr(text, '-', len);
	size_t base64_len = dash != NULL ? (size_t)(dash - text) : len;

	*checksum = (struct checksum){.kind = kind};
	if (base64_decode(text, base64_len, checksum->value, sizeof(checksum->value)) !=
	    (ssize_t)digest_bytes(kind))
		return -EINVAL;
	for (size_t i = base64_len + 1; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		checksum->parts = checksum->parts * 10 + (unsigned)(text[i] - '0');
		if (checksum->parts > UPLOAD_PARTS_MAX)
			return -EINVAL;
	}
	if (dash != NULL && checksum->parts == 0)
		return -EINVAL;
	checksum->is_set = true;
	return 0;
}

void checksum_field_name(enum digest_kind kind, char out[CHECKSUM_ELEMENT_BYTES])
{
	snprintf(out, CHECKSUM_ELEMENT_BYTES, "x-amz-checksum-%s", digest_label(kind));
}

void checksum_element(enum digest_kind kind, char out[CHECKSUM_ELEMENT_BYTES])
{
	snprintf(out, CHECKSUM_ELEMENT_BYTES, "Checksum%s", checksum_algorithm(kind));
}

void checksum_field(const struct checksum *checksum, char out[CHECKSUM_FIELD_BYTES])
{
	char name[CHECKSUM_ELEMENT_BYTES], text[CHECKSUM_TEXT_BYTES];

	out[0] = '\0';
	if (!checksum->is_set)
		return;
	checksum_field_name(checksum->kind, name);
	checksum_text(checksum, text);
	snprintf(out, CHECKSUM_FIELD_BYTES, "%s: %s\r\n", name, text);
}

int checksum_of_field(struct checksum *checksum, const char *field, size_t len)
{
	static const char start[] = "x-amz-checksum-", between[] = ": ", end[] = "\r\n";
	const size_t start_len = sizeof(start) - 1;

	*checksum = (struct checksum){0};
	if (len == 0)
		return 0;
	const char *colon = memmem(field, len, between, sizeof(between) - 1);
	if (colon == NULL || (size_t)(colon - field) < start_len || len < sizeof(end) - 1 ||
	    memcmp(field, start, start_len) != 0 || memcmp(field + len - 2, end, 2) != 0)
		return -EBADMSG;
	enum digest_kind kind =
		checksum_find(field + start_len, (size_t)(colon - field) - start_len);
	const char *value = colon + sizeof(between) - 1, *value_end = field + len - 2;
	if (kind == CHECKSUM_KINDS || value > value_end ||
	    checksum_parse(checksum, kind, value, (size_t)(value_end - value)) < 0)
		return -EBADMSG;
	return 0;
}

/* ---- Of files -------------------------------------------------------------------------------- */

static int update_from(const struct store_sys *sys, int fd, struct digest_set *digests,
		       char *buffer)
{
	for (off_t at = 0;;) {
		ssize_t n = sys->pread(fd, buffer, BUFFER_BYTES, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		digest_update(digests, buffer, (size_t)n);
		at += n;
	}
}

int checksum_digest_file(const struct store_sys *sys, int fd, enum digest_kind kind,
			 uint8_t out[DIGEST_BYTES_MAX])
{
	struct digest_set digests = {0};
	char *buffer = malloc(BUFFER_BYTES);

	int r = buffer != NULL ? digest_begin(&digests, 1u << kind) : -ENOMEM;
	if (r == 0)
		r = update_from(sys, fd, &digests, buffer);
	if (r == 0)
		digest_end(&digests, kind, out);
	digest_fini(&digests);
	free(buffer);
	return r;
}

int checksum_compute(const struct store_sys *sys, int fd, enum digest_kind kind,
		     struct checksum *checksum)
{
	*checksum = (struct checksum){.kind = kind};
	int r = checksum_digest_file(sys, fd, kind, checksum->value);
	checksum->is_set = r == 0;
	return r;
}

int checksum_kept(const struct store_sys *sys, int fd, const struct facts *facts,
		  struct checksum *checksum)
{
	char field[META_BYTES_MAX];

	*checksum = (struct checksum){0};
	if (!meta_is_marked(facts->mode))
		return 0;
	int n = meta_get_bound(sys, fd, META_CHECKSUMS, facts, field);
	if (n < 0)
		return n == -ERANGE ? -EBADMSG : n;
	return checksum_of_field(checksum, field, (size_t)n);
}

int checksum_parts_kept(const struct store_sys *sys, int fd, const struct facts *facts,
			const struct checksum *checksum, struct checksum_parts *parts)
{
	char text[META_BYTES_MAX];

	*parts = (struct checksum_parts){.kind = checksum->kind};
	if (!checksum->is_set || checksum->parts == 0)
		return 0;
	int n = meta_get_bound(sys, fd, META_PART_SUMS, facts, text);
	if (n <= 0)
		return n == -ERANGE ? -EBADMSG : n;
	ssize_t bytes = base64_decode(text, (size_t)n, parts->values, sizeof(parts->values));
	if (bytes != (ssize_t)(checksum->parts * digest_bytes(checksum->kind)))
		return -EBADMSG;
	parts->count = checksum->parts;
	return 0;
}

void checksum_of_part(const struct checksum_parts *parts, unsigned number,
		      struct checksum *checksum)
{
	size_t bytes = digest_bytes(parts->kind);

	*checksum = (struct checksum){.kind = parts->kind};
	checksum->is_set = number >= 1 && number <= parts->count;
	if (checksum->is_set)
		memcpy(checksum->value, parts->values + (number - 1) * bytes, bytes);
}

/* ---- Of a whole, from those of its parts ----------------------------------------------------- */

int checksum_whole_begin(struct checksum_whole *whole, const struct checksum_plan *plan)
{
	*whole = (struct checksum_whole){.plan = *plan};
	return plan->is_set && plan->is_composite ? digest_begin(&whole->digests, 1u << plan->kind)
						  : 0;
}

static uint64_t crc_of(const struct checksum *checksum)
{
	uint64_t crc = 0;

	for (size_t i = 0; i < digest_bytes(checksum->kind); i++)
		crc = crc << 8 | checksum->value[i];
	return crc;
}

void checksum_whole_add(struct checksum_whole *whole, const struct checksum *part, uint64_t bytes)
{
	enum digest_kind kind = whole->plan.kind;

	must(whole->plan.is_set && part->is_set && part->kind == kind);
	whole->parts++;
	if (whole->plan.is_composite)
		digest_update(&whole->digests, part->value, digest_bytes(kind));
	else
		whole->crc = crc_combine(rows[kind].crc, whole->crc, crc_of(part), bytes);
}

void checksum_whole_end(struct checksum_whole *whole, struct checksum *checksum)
{
	enum digest_kind kind = whole->plan.kind;

	*checksum = (struct checksum){.is_set = whole->plan.is_set, .kind = kind};
	if (!whole->plan.is_set)
		return;
	if (whole->plan.is_composite) {
		digest_end(&whole->digests, kind, checksum->value);
		checksum->parts = whole->parts;
		return;
	}
	size_t bytes = digest_bytes(kind);
	for (size_t i = 0; i < bytes; i++)
		checksum->value[i] = (uint8_t)(whole->crc >> 8 * (bytes - 1 - i));
}

void checksum_whole_fini(struct checksum_whole *whole)
{
	digest_fini(&whole->digests);
}

/* sizes: META_PARTS. False: it is not of these parts. */
static bool add_parts(struct checksum_whole *whole, const struct checksum_parts *parts,
		      const char *sizes, size_t len)
{
	struct parts_reader reader;
	struct checksum part;
	uint64_t size;

	parts_read(&reader, sizes, len);
	for (unsigned number = 1; number <= parts->count; number++) {
		if (parts_next(&reader, &size) != 1)
			return false;
		checksum_of_part(parts, number, &part);
		checksum_whole_add(whole, &part, size);
	}
	return true;
}

int checksum_of_all(const struct store_sys *sys, int fd, const struct facts *facts,
		    const struct checksum *composite, struct checksum *all)
{
	const struct checksum_plan plan = {.is_set = true, .kind = composite->kind};
	struct checksum_whole whole;
	struct checksum_parts parts;
	struct object_part found = {0};
	char sizes[META_BYTES_MAX];

	*all = (struct checksum){0};
	if (!checksum_can_be(plan.kind, false))
		return 0;
	int r = checksum_parts_kept(sys, fd, facts, composite, &parts);
	int n = r == 0 ? meta_get_bound(sys, fd, META_PARTS, facts, sizes) : r;
	if (n <= 0)
		return n;
	parts_find(&found, sizes, (size_t)n, facts->size);
	if (parts.count == 0 || found.count != parts.count)
		return 0;
	r = checksum_whole_begin(&whole, &plan);
	if (r == 0 && add_parts(&whole, &parts, sizes, (size_t)n))
		checksum_whole_end(&whole, all);
	checksum_whole_fini(&whole);
	return r;
}
