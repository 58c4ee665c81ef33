/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scrub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "store/bucket.h"
#include "store/checksum.h"
#include "store/folder.h"
#include "store/list.h"
#include "store/md5.h"
#include "store/meta.h"
#include "store/page_cache.h"

#define READS_MAX   2 /* of an object, before it is called damaged */
#define ALIGN_BYTES 4096

/* What the bytes of an object should have. */
struct expected {
	unsigned wanted; /* 1 << enum digest_kind; 0: nothing is kept that could be compared */
	uint8_t digest[DIGEST_KIND_COUNT][DIGEST_BYTES_MAX];
	bool is_bound; /* false: sluice 0.1 has kept it, and an edit in place is not told apart */
};

/* One reading of one object. */
struct look {
	int fd;
	struct facts facts;
	struct expected expected;
	struct scrub_finding finding; /* of SCRUB_DAMAGED */
};

/* The object that is looked at. */
struct place {
	int bucket_fd;
	const char *bucket;
	const char *object_key;
};

const char *scrub_result_label(enum scrub_result result)
{
	static const char *const labels[] = {"good", "damaged", "unchecked"};
	must((unsigned)result < ARRAY_LEN(labels));
	return labels[result];
}

/* ---- The rate -------------------------------------------------------------------------------- */

void scrub_pace_take(struct scrub_pace *pace, uint64_t now_ns, uint64_t bytes)
{
	if (pace->rate_bytes == 0)
		return;
	uint64_t from_ns = pace->due_ns > now_ns ? pace->due_ns : now_ns;
	pace->due_ns =
		from_ns + (uint64_t)((unsigned __int128)bytes * 1000000000 / pace->rate_bytes);
}

size_t scrub_piece_bytes(uint64_t rate_bytes)
{
	uint64_t bytes = rate_bytes / 8 / ALIGN_BYTES * ALIGN_BYTES;

	if (rate_bytes == 0 || bytes > SCRUB_PIECE_BYTES)
		return SCRUB_PIECE_BYTES;
	return bytes > 0 ? (size_t)bytes : ALIGN_BYTES;
}

static bool may_go_on(const struct scrub *scrub)
{
	return scrub->wait(scrub->arg, scrub->pace.due_ns);
}

/* ---- What is expected ------------------------------------------------------------------------ */

/* One line of META_CHECKSUMS, with its end. A checksum of the parts' checksums is none of the
 * bytes. */
static void take_line(struct expected *expected, const char *line, size_t len)
{
	struct checksum sum;

	if (checksum_of_field(&sum, line, len) < 0 || !sum.is_set || sum.parts > 0)
		return;
	memcpy(expected->digest[sum.kind], sum.value, sizeof(sum.value));
	expected->wanted |= 1u << sum.kind;
}

static void take_checksums(struct expected *expected, const char *lines, size_t len)
{
	const char *end;

	for (; (end = memmem(lines, len, "\r\n", 2)) != NULL;) {
		take_line(expected, lines, (size_t)(end + 2 - lines));
		len -= (size_t)(end + 2 - lines);
		lines = end + 2;
	}
}

/* 0 or a negative errno. */
static int expect(const struct store_sys *sys, struct look *look)
{
	struct expected *expected = &look->expected;
	char lines[META_BYTES_MAX], etag[ETAG_BYTES];

	*expected = (struct expected){.is_bound = true};
	if (!meta_is_marked(look->facts.mode))
		return 0;
	int n = meta_get_bound(sys, look->fd, META_CHECKSUMS, &look->facts, lines);
	if (n < 0 && n != -ERANGE)
		return n;
	if (n > 0) {
		take_checksums(expected, lines, (size_t)n);
		n = meta_is_bound(sys, look->fd, META_CHECKSUMS);
		expected->is_bound = n == 1;
	}
	int r = n < 0 && n != -ERANGE ? n : version_read(sys, look->fd, &look->facts, etag);
	if (r == 0 && md5_of_etag(etag, expected->digest[DIGEST_MD5]))
		expected->wanted |= 1u << DIGEST_MD5;
	return r;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Errors that say that what is on the disk is not what was written. */
static bool is_damage(int error)
{
	switch (error) {
	case -EIO:
	case -EBADMSG: /* EFSBADCRC */
	case -EUCLEAN: /* EFSCORRUPTED */
	case -EILSEQ:  /* of a block device: its protection information */
	case -ENODATA: /* its medium */
	case -EREMOTEIO:
		return true;
	default:
		return false;
	}
}

static int open_file(const struct store_sys *sys, const struct place *place)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

	int fd = folder_open_file(sys, place->bucket_fd, place->object_key, flags | O_NOATIME, 0);
	if (fd == -EPERM) /* another user's */
		fd = folder_open_file(sys, place->bucket_fd, place->object_key, flags, 0);
	return fd;
}

/* Reads of the disk itself, where that can be. */
static void read_directly(int fd, bool is_wanted)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, is_wanted ? flags | O_DIRECT : flags & ~O_DIRECT);
	/* Nothing ahead: what comes of itself would not be dropped again. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
}

/* What pread says, or a negative errno. */
static ssize_t read_piece(const struct scrub *scrub, int fd, off_t at, size_t bytes)
{
	struct page_cache_look cached;
	bool is_again = false;
	ssize_t n;

	page_cache_look(&cached, fd, at, bytes);
	do {
		n = scrub->sys->pread(fd, scrub->buffer, bytes, at);
		if (n < 0 && errno == EINVAL && !is_again) {
			is_again = true; /* not so aligned, or not at all */
			read_directly(fd, false);
			n = -EINTR;
			errno = EINTR;
		}
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		n = -errno;
	page_cache_restore(&cached, fd);
	return n;
}

/* The digests of all of it. 0, -ECANCELED or another negative errno. */
static int read_all(struct scrub *scrub, const struct look *look, struct digest_set *digests)
{
	size_t piece = scrub_piece_bytes(scrub->pace.rate_bytes);

	read_directly(look->fd, true);
	for (off_t at = 0; (uint64_t)at < look->facts.size;) {
		if (!may_go_on(scrub))
			return -ECANCELED;
		ssize_t n = read_piece(scrub, look->fd, at, piece);
		if (n <= 0) /* 0: it became shorter */
			return (int)n;
		digest_update(digests, scrub->buffer, (size_t)n);
		atomic_fetch_add(&scrub->bytes, (unsigned long long)n);
		scrub_pace_take(&scrub->pace, clock_now_ns(), (uint64_t)n);
		at += n;
	}
	return 0;
}

static enum scrub_result compare(struct look *look, struct digest_set *digests)
{
	const struct expected *expected = &look->expected;
	struct scrub_finding *finding = &look->finding;
	enum scrub_result result = SCRUB_GOOD;
	uint8_t is[DIGEST_BYTES_MAX];

	for (unsigned k = 0; k < DIGEST_KIND_COUNT; k++) {
		enum digest_kind kind = (enum digest_kind)k;
		if ((digests->wanted & 1u << kind) == 0)
			continue;
		size_t bytes = digest_end(digests, kind, is);
		if (result == SCRUB_DAMAGED || memcmp(is, expected->digest[kind], bytes) == 0)
			continue;
		result = SCRUB_DAMAGED;
		finding->checksum = digest_label(kind);
		base64_encode(expected->digest[kind], bytes, finding->expected);
		base64_encode(is, bytes, finding->is);
	}
	return result;
}

/* Where OpenSSL computes no MD5 (FIPS), the others. */
static int begin_digests(struct digest_set *digests, unsigned wanted)
{
	int r = digest_begin(digests, wanted);

	return r == -EOPNOTSUPP ? digest_begin(digests, wanted & ~(1u << DIGEST_MD5)) : r;
}

static bool is_unchanged(const struct facts *a, const struct facts *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* An open file. A result, or a negative errno. */
static int look_at(struct scrub *scrub, struct look *look)
{
	struct digest_set digests = {0};
	struct facts after;

	int r = begin_digests(&digests, look->expected.wanted);
	if (r == 0 && digests.wanted != 0)
		r = read_all(scrub, look, &digests);
	if (is_damage(r)) {
		look->finding.error = r;
		r = SCRUB_DAMAGED;
	} else if (r == 0) {
		r = digests.wanted != 0 ? (int)compare(look, &digests) : SCRUB_UNCHECKED;
	}
	digest_fini(&digests);
	if (r < 0 || r == SCRUB_UNCHECKED)
		return r;
	int asked = facts_of_fd(scrub->sys, look->fd, &after);
	if (asked < 0)
		return asked;
	return is_unchanged(&look->facts, &after) ? r : SCRUB_UNCHECKED;
}

/* Opens it, as long as the result is used: look->fd. A result, or a negative errno. */
static int look_once(struct scrub *scrub, const struct place *place, struct look *look)
{
	*look = (struct look){.fd = open_file(scrub->sys, place)};
	if (look->fd < 0) /* it is gone, or another kind of file */
		return look->fd == -ENOENT || look->fd == -ENOTDIR || look->fd == -ELOOP ||
				       look->fd == -ENXIO || look->fd == -EXDEV
			       ? SCRUB_UNCHECKED
			       : look->fd;
	int r = facts_of_fd(scrub->sys, look->fd, &look->facts);
	if (r == 0 && !S_ISREG(look->facts.mode))
		return SCRUB_UNCHECKED;
	if (r == 0)
		r = expect(scrub->sys, look);
	return r == 0 ? look_at(scrub, look) : r;
}

static void look_end(struct look *look)
{
	if (look->fd >= 0)
		close(look->fd);
	look->fd = -1;
}

/* ---- What comes of it ------------------------------------------------------------------------ */

static bool is_same(const struct facts *a, const struct facts *b)
{
	return a->device == b->device && a->inode == b->inode;
}

/* 1: the key still is the file that was looked at; 0: it is not; or a negative errno. */
static int is_still(const struct scrub *scrub, const struct place *place, const struct look *look)
{
	struct facts named;
	const char *leaf;
	int dir_fd = folder_open_parent(scrub->sys, place->bucket_fd, place->object_key, &leaf);

	int r = dir_fd < 0 ? dir_fd : facts_of_name(scrub->sys, dir_fd, leaf, &named);
	if (dir_fd >= 0)
		close(dir_fd);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 ? r : is_same(&named, &look->facts);
}

/* Marks the file under its key, if it is still the one that was looked at, or takes the mark from
 * it. 1, 0: it is not, or a negative errno. */
static int mark(const struct scrub *scrub, const struct place *place, const struct look *look,
		bool is_damaged)
{
	struct facts facts;
	const char *leaf;
	int dir_fd = folder_open_parent(scrub->sys, place->bucket_fd, place->object_key, &leaf);

	int fd = dir_fd < 0 ? dir_fd : folder_lock_file(scrub->sys, dir_fd, leaf, &facts);
	if (dir_fd >= 0)
		close(dir_fd);
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -EISDIR ? 0 : fd;
	int r = 0;
	if (is_unchanged(&facts, &look->facts)) {
		r = meta_set_damaged(scrub->sys, fd, &facts, is_damaged);
		r = r == 0 ? 1 : r;
	}
	close(fd);
	return r;
}

static void tell(const struct scrub *scrub, const struct place *place, enum scrub_event event,
		 struct scrub_finding *finding)
{
	finding->event = event;
	finding->bucket = place->bucket;
	finding->object_key = place->object_key;
	scrub->tell(scrub->arg, finding);
}

/* Does it carry the mark of a damaged one? 1, 0 or a negative errno. */
static int is_quarantined(const struct scrub *scrub, const struct look *look)
{
	char fields[META_BYTES_MAX];
	bool is_damaged;

	int n = meta_get_fields(scrub->sys, look->fd, &look->facts, fields, &is_damaged);
	return n < 0 && n != -ERANGE ? n : is_damaged;
}

/* A result, or a negative errno: it is not known whether it still is what was read. */
static int end_damaged(const struct scrub *scrub, const struct place *place, struct look *look)
{
	struct scrub_finding *finding = &look->finding;
	/* Of what cannot be read no wrong bytes are answered; and where an edit is not told from
	 * damage, nothing good is taken away. */
	bool is_markable = finding->error == 0 && look->expected.is_bound;

	int r = is_still(scrub, place, look);
	if (r == 1 && scrub->quarantines && is_markable) {
		int marked = mark(scrub, place, look, true);
		finding->quarantine_error = marked < 0 ? marked : 0;
		r = marked == 0 ? 0 : 1;
	}
	if (r <= 0)
		return r == 0 ? SCRUB_UNCHECKED : r;
	finding->is_quarantined = is_quarantined(scrub, look) == 1;
	tell(scrub, place, SCRUB_EVENT_DAMAGED, finding);
	return SCRUB_DAMAGED;
}

/* The disk may have been repaired under it. */
static int end_good(const struct scrub *scrub, const struct place *place, struct look *look)
{
	int r = scrub->quarantines ? is_quarantined(scrub, look) : 0;

	if (r == 1)
		r = mark(scrub, place, look, false);
	if (r == 1)
		tell(scrub, place, SCRUB_EVENT_GOOD_AGAIN, &look->finding);
	return r < 0 ? r : SCRUB_GOOD;
}

/* 0, -ECANCELED, or the negative errno that was told. */
static int scrub_object(struct scrub *scrub, const struct place *place)
{
	struct look look = {.fd = -1};
	int r = SCRUB_DAMAGED;

	for (int i = 0; i < READS_MAX && r == SCRUB_DAMAGED; i++) {
		look_end(&look);
		r = look_once(scrub, place, &look);
	}
	if (r == SCRUB_DAMAGED)
		r = end_damaged(scrub, place, &look);
	else if (r == SCRUB_GOOD)
		r = end_good(scrub, place, &look);
	look_end(&look);
	if (r == -ECANCELED)
		return r;
	if (r < 0) {
		look.finding = (struct scrub_finding){.error = r};
		tell(scrub, place, SCRUB_EVENT_FAILED, &look.finding);
	}
	atomic_fetch_add(&scrub->objects[r < 0 ? SCRUB_UNCHECKED : r], 1);
	return r < 0 ? r : 0;
}

/* ---- The walk -------------------------------------------------------------------------------- */

static int scrub_page(struct scrub *scrub, const char *bucket, int bucket_fd,
		      const struct list_page *page)
{
	int error = 0;

	for (unsigned i = 0; i < page->count; i++) {
		const struct place place = {.bucket_fd = bucket_fd,
					    .bucket = bucket,
					    .object_key = page->entry[i].text};
		if (!may_go_on(scrub))
			return -ECANCELED;
		scrub_pace_take(&scrub->pace, clock_now_ns(), SCRUB_OBJECT_BYTES);
		int r = scrub_object(scrub, &place);
		if (r == -ECANCELED)
			return r;
		error = error == 0 ? r : error;
	}
	return error;
}

static int tell_bucket(const struct scrub *scrub, const char *bucket, int error)
{
	const struct place place = {.bucket = bucket, .object_key = ""};
	struct scrub_finding finding = {.error = error};

	if (error != -ENOENT && error != -ECANCELED)
		tell(scrub, &place, SCRUB_EVENT_FAILED, &finding);
	return error;
}

int scrub_bucket(struct scrub *scrub, const char *bucket)
{
	char after[OBJECT_KEY_BYTES_MAX + 1] = "";
	struct list_query query = {.prefix = "",
				   .delimiter = "",
				   .after = after,
				   .is_after_told = true,
				   .max = LIST_PAGE_MAX};
	struct list_page page;
	bool is_more = true;
	int error = 0;
	int bucket_fd = folder_open(scrub->sys, scrub->root_fd, bucket);

	if (bucket_fd < 0)
		return tell_bucket(scrub, bucket, bucket_fd == -ENOTDIR ? -ENOENT : bucket_fd);
	while (is_more && error != -ECANCELED) {
		int r = list_run(scrub->sys, scrub->root_fd, bucket, &query, &page);
		if (r < 0) {
			error = tell_bucket(scrub, bucket, r);
			break;
		}
		r = scrub_page(scrub, bucket, bucket_fd, &page);
		error = error == 0 || r == -ECANCELED ? r : error;
		is_more = page.is_truncated;
		if (is_more)
			memcpy(after, page.entry[page.count - 1].text,
			       strlen(page.entry[page.count - 1].text) + 1);
		list_fini(&page);
	}
	close(bucket_fd);
	return error;
}

int scrub_root(struct scrub *scrub)
{
	struct bucket *buckets;
	int error = 0;
	int count = bucket_list(scrub->sys, scrub->root_fd, &buckets);

	if (count < 0)
		return tell_bucket(scrub, "", count);
	for (int i = 0; i < count && error != -ECANCELED; i++) {
		int r = scrub_bucket(scrub, buckets[i].name);
		if (r != -ENOENT && (error == 0 || r == -ECANCELED))
			error = r;
	}
	free(buckets);
	return error;
}

int scrub_init(struct scrub *scrub)
{
	for (int i = 0; i < SCRUB_RESULT_COUNT; i++)
		atomic_init(&scrub->objects[i], 0);
	atomic_init(&scrub->bytes, 0);
	scrub->buffer = aligned_alloc(ALIGN_BYTES, SCRUB_PIECE_BYTES);
	return scrub->buffer != NULL ? 0 : -ENOMEM;
}

void scrub_fini(struct scrub *scrub)
{
	free(scrub->buffer);
	scrub->buffer = NULL;
}
