/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scrub: reads objects and compares them with the checksums that are kept with
 * them, at a bounded rate, so that bits that a disk has lost are found before a client
 * or the last copy elsewhere is.
 *
 * What is compared: META_CHECKSUMS and an ETag that is the MD5 of the bytes, both bound to
 * them (store/meta.h), so what somebody edits in place has none, and is no damage.
 *
 * The disk is read, not the page cache: direct reads (O_DIRECT), so that neither a
 * cached page hides what the disk has become, nor what is read displaces what is
 * cached. Where the file system has no direct reads, pages that were cached are read as
 * they are, and what the disk has under them is seen by a later pass; pages that were
 * not are dropped again. (Of another user's file the kernel does not say which; then
 * they stay.)
 *
 * Objects may be written meanwhile, by any server. One that is replaced or edited while
 * it is read counts as unchecked; one that differs is read a second time before it is
 * called damaged, for the memory may have been at fault, not the disk.
 *
 * For a thread that may block. Other threads may read the counts.
 */
#ifndef SLUICE_STORE_SCRUB_H
#define SLUICE_STORE_SCRUB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base64.h"
#include "base/digest.h"
#include "store/sys.h"

/* What is read at once, at most: a drain waits for no more. */
#define SCRUB_PIECE_BYTES  (1u << 20)
/* What an object costs beside its bytes, in bytes of the rate: its inode, its attributes and its
 * folder's entry are read, too. */
#define SCRUB_OBJECT_BYTES 4096

enum scrub_result {
	SCRUB_GOOD,
	SCRUB_DAMAGED,
	/* Nothing to compare with; written meanwhile; or it could not be read, which the disk is
	 * not the cause of. */
	SCRUB_UNCHECKED,
	SCRUB_RESULT_COUNT
};
const char *scrub_result_label(enum scrub_result result);

/* ---- The rate -------------------------------------------------------------------------------- */

/* rate_bytes a second; 0: no bound. due_ns at first 0. */
struct scrub_pace {
	uint64_t rate_bytes;
	uint64_t due_ns; /* nothing is to be read before */
};
/* So many bytes were read just now: sets due_ns. What was not used of the rate is not made up for.
 */
void scrub_pace_take(struct scrub_pace *pace, uint64_t now_ns, uint64_t bytes);
/* How much to read at once: an eighth of a second's, for whom others wait for the disk. A multiple
 * of 4,096, at most SCRUB_PIECE_BYTES. */
size_t scrub_piece_bytes(uint64_t rate_bytes);

/* ---- The scrub ------------------------------------------------------------------------------- */

enum scrub_event {
	SCRUB_EVENT_DAMAGED,
	SCRUB_EVENT_GOOD_AGAIN, /* it was quarantined, and no longer is */
	SCRUB_EVENT_FAILED      /* it cannot be told whether it is good */
};

/* What was seen of one object, or (object_key "") of a bucket. Lives as long as the call. */
struct scrub_finding {
	enum scrub_event event;
	const char *bucket;
	const char *object_key;
	int error; /* negative errno of reading; 0: it was read to its end */
	/* DAMAGED, and read: the digest's label, and its two values, base64 as S3 has it. */
	const char *checksum;
	char expected[BASE64_TEXT_BYTES(DIGEST_BYTES_MAX)];
	char is[BASE64_TEXT_BYTES(DIGEST_BYTES_MAX)];
	bool is_quarantined;
	int quarantine_error; /* why it is not although it should be; 0: it is, or should not */
};

struct scrub {
	/* Set before scrub_init. */
	const struct store_sys *sys;
	int root_fd;      /* borrowed */
	bool quarantines; /* damaged objects are marked so (meta_set_damaged) */
	struct scrub_pace pace;
	/* Waits until that time of base/clock.h, if it is to come. False: the scrub is to end. */
	bool (*wait)(void *arg, uint64_t until_ns);
	void (*tell)(void *arg, const struct scrub_finding *finding);
	void *arg;

	/* How many so far. */
	atomic_ullong objects[SCRUB_RESULT_COUNT];
	atomic_ullong bytes;

	char *buffer; /* private */
};

/* 0 or -ENOMEM. scrub_fini in any case. */
int scrub_init(struct scrub *scrub);
void scrub_fini(struct scrub *scrub);
/* 0; -ECANCELED: wait has said so, or a call of sys; -ENOENT: no such bucket; or the negative errno
 * of the first that was told as SCRUB_EVENT_FAILED: all others were read. */
int scrub_bucket(struct scrub *scrub, const char *bucket);
/* Every bucket of the root; one that is removed meanwhile is no error. As scrub_bucket. */
int scrub_root(struct scrub *scrub);

#endif
