/* SPDX-License-Identifier: Apache-2.0 */
#include "store/version.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/names.h"

#define KEPT_BIT   512u /* of the nanoseconds below VERSION_UNIT_NS; the rest is the check */
#define CHECK_MASK 511u
/* A file system with coarser times keeps multiples of this; a mark is never one, so that what it
 * makes of one is not taken for another. */
#define COARSE_NS  100

/* ---- Words ----------------------------------------------------------------------------------- */

/* Spreads value over h: each bit of both changes half of the result. Not against an adversary: who
 * can choose these numbers can write the file. */
static uint64_t mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93ull;
	return h ^ h >> 29;
}

static uint64_t mix_time(uint64_t h, const struct timespec *time)
{
	return mix(mix(h, (uint64_t)time->tv_sec), (uint64_t)time->tv_nsec);
}

/* The last digits hex digits of value. By hand: snprintf was 1 % of a small request (bench/cost).
 */
static char *put_hex(char *out, uint64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--)
		*out++ = "0123456789abcdef"[value >> (4 * i) & 15];
	return out;
}

static void finish(char *out)
{
	memcpy(out, "-1\"", 4);
}

/* ---- The mark -------------------------------------------------------------------------------- */

/* Which file it is, and how long. */
static uint64_t mix_file(const struct facts *facts)
{
	return mix(mix_time(mix(1, facts->inode), &facts->born), facts->size);
}

static unsigned check_of(uint64_t file, time_t seconds, uint64_t marked)
{
	return (unsigned)mix(mix(file, (uint64_t)seconds), marked) & CHECK_MASK;
}

struct timespec version_mark(const struct facts *facts, const struct timespec *now, bool is_kept)
{
	struct timespec mark = {.tv_sec = now->tv_sec};
	long units = now->tv_nsec / VERSION_UNIT_NS;
	uint64_t file = mix_file(facts);

	do {
		long marked = units * VERSION_UNIT_NS + (is_kept ? KEPT_BIT : 0);
		mark.tv_nsec = marked + check_of(file, now->tv_sec, (uint64_t)marked);
		units = units > 0 ? units - 1 : 999999999 / VERSION_UNIT_NS;
	} while (mark.tv_nsec > 999999999 || mark.tv_nsec % COARSE_NS == 0);
	return mark;
}

static bool is_marked(const struct facts *facts, uint64_t file)
{
	uint64_t marked = (uint64_t)facts->modified.tv_nsec & ~(uint64_t)CHECK_MASK;

	return (facts->modified.tv_nsec & CHECK_MASK) ==
		       check_of(file, facts->modified.tv_sec, marked) &&
	       facts->modified.tv_nsec % COARSE_NS != 0;
}

bool version_is_ours(const struct facts *facts)
{
	return is_marked(facts, mix_file(facts));
}

/* ---- ETags ----------------------------------------------------------------------------------- */

static void tell_ours(const struct facts *facts, uint64_t file, char *out)
{
	*out++ = '"';
	out = put_hex(out, (uint64_t)facts->modified.tv_sec, 10);
	out = put_hex(out, (uint64_t)facts->modified.tv_nsec, 8);
	out = put_hex(out, file, 14);
	finish(out);
}

static void tell_others(const struct facts *facts, char *out)
{
	*out++ = '"';
	for (uint64_t half = 2; half < 4; half++) {
		uint64_t h = mix_time(mix_time(half, &facts->modified), &facts->changed);
		out = put_hex(out, mix(mix(h, facts->inode), facts->size), 16);
	}
	finish(out);
}

bool version_tell(const struct facts *facts, char etag[ETAG_BYTES])
{
	uint64_t file = mix_file(facts);
	bool is_ours = is_marked(facts, file);

	if (is_ours)
		tell_ours(facts, file, etag);
	else
		tell_others(facts, etag);
	return !meta_is_marked(facts->mode) ||
	       (is_ours && (facts->modified.tv_nsec & KEPT_BIT) == 0);
}

/* An entity-tag (RFC 9110 section 8.8.3), strong, and no longer than ours? Others may write it. */
static bool is_etag(const char *text, size_t len)
{
	if (len < 3 || len >= ETAG_BYTES || text[0] != '"' || text[len - 1] != '"')
		return false;
	for (size_t i = 1; i < len - 1; i++)
		if (text[i] <= ' ' || text[i] == '"' || text[i] == 0x7f)
			return false;
	return true;
}

int version_read(const struct store_sys *sys, int fd, const struct facts *facts,
		 char etag[ETAG_BYTES])
{
	char kept[META_BYTES_MAX];

	if (version_tell(facts, etag))
		return 0;
	int n = meta_get_bound(sys, fd, META_VERSION, facts, kept);
	if (n < 0 && n != -ERANGE)
		return n;
	if (n > 0 && is_etag(kept, (size_t)n)) {
		memcpy(etag, kept, (size_t)n);
		etag[n] = '\0';
	}
	return 0;
}

int version_read_name(const struct store_sys *sys, int dir_fd, const char *name,
		      struct facts *facts, char etag[ETAG_BYTES])
{
	if (version_tell(facts, etag))
		return 0;
	int fd = folder_open_file(sys, dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0) /* another user's: nothing that we have written */
		return fd == -EACCES ? 0 : fd == -ELOOP || fd == -ENXIO ? -ENOENT : fd;
	int r = facts_of_fd(sys, fd, facts);
	if (r == 0)
		r = version_read(sys, fd, facts, etag);
	close(fd);
	return r;
}

int version_make(char etag[ETAG_BYTES])
{
	int r = store_random(etag + 1);

	etag[0] = '"';
	finish(etag + STORE_RANDOM_BYTES);
	return r;
}

int version_keep(const struct store_sys *sys, int fd, const struct facts *facts, const char *etag)
{
	return meta_set_bound(sys, fd, META_VERSION, facts, etag, strlen(etag));
}

void version_of_0_1(const struct facts *facts, char etag[ETAG_BYTES])
{
	char *out = etag;

	*out++ = '"';
	out = put_hex(out, (uint64_t)facts->modified.tv_sec, 10);
	out = put_hex(out, (uint64_t)facts->modified.tv_nsec, 8);
	out = put_hex(out, facts->size, 14);
	finish(out);
}
