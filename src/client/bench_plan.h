/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a load consists of: one request after the other, drawn from the target's objects by a mix.
 * Pure, and the same for the same objects and mix: runs can be compared.
 *
 *   whole        every object as a whole
 *   range:SIZE   SIZE bytes at multiples of SIZE
 *   thanos       the store gateway's pattern, see BENCH_THANOS
 *   put:SIZE     uploads of SIZE bytes, one key a connection
 *   handshake    a connection for each request, which is of one byte
 */
#ifndef SLUICE_CLIENT_BENCH_PLAN_H
#define SLUICE_CLIENT_BENCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

enum bench_mix_kind { BENCH_WHOLE, BENCH_RANGE, BENCH_THANOS_MIX, BENCH_PUT, BENCH_HANDSHAKE };

struct bench_mix {
	enum bench_mix_kind kind;
	uint64_t bytes; /* of a range or an upload */
};

/*
 * The requests of a store gateway on TSDB blocks, as Thanos makes them: T(ID, label, of a
 * thousand). Synchronising: HEAD, meta.json, deletion marks that are mostly absent. Index headers:
 * the first 5 bytes of an index (magic and version), its last 56 (table of contents). Queries,
 * nearly all: ranges of postings, of series (64 KiB each), of chunks (16,000 bytes each), where
 * those with gaps of up to 512 KiB become one (pkg/store/bucket.go, gapBasedPartitioner). Objects
 * that are no block stand in for each kind.
 */
#define BENCH_THANOS(T)                                                                            \
	T(HEAD, "head", 40)                                                                        \
	T(META, "meta", 20)                                                                        \
	T(MARK, "absent mark", 40)                                                                 \
	T(VERSION, "5 bytes", 10)                                                                  \
	T(TOC, "56 bytes", 10)                                                                     \
	T(POSTINGS, "postings", 160)                                                               \
	T(SERIES, "series", 240)                                                                   \
	T(CHUNKS, "chunks", 480)

#define BENCH_THANOS_ENUM(id, ...) BENCH_THANOS_##id,
enum bench_thanos { BENCH_THANOS(BENCH_THANOS_ENUM) BENCH_THANOS_COUNT };

struct bench_object {
	char *key; /* not owned */
	uint64_t bytes;
};

enum bench_verb { BENCH_GET, BENCH_GET_RANGE, BENCH_HEAD, BENCH_GET_MARK, BENCH_UPLOAD };

struct bench_request {
	enum bench_verb verb;
	unsigned object; /* its place; BENCH_GET_MARK: a neighbour of it; BENCH_UPLOAD: nothing */
	uint64_t first;  /* BENCH_GET_RANGE, both included; last may be past the end */
	uint64_t last;
};

struct bench_plan {
	struct bench_mix mix;
	const struct bench_object *object;
	unsigned count;
	unsigned *index; /* places of TSDB indexes, chunk files, meta.json; or of all objects */
	unsigned *chunks;
	unsigned *meta;
	unsigned index_count;
	unsigned chunks_count;
	unsigned meta_count;
	uint64_t random;
	uint64_t drawn; /* requests so far */
	uint64_t thanos[BENCH_THANOS_COUNT];
};

/* "whole", "range:16KiB" ... 0, or -EINVAL with what is accepted in error. */
int bench_mix_parse(struct bench_mix *mix, const char *text, char error[ERROR_TEXT_MAX]);

/* Borrows the objects, of which there is at least one unless the mix is BENCH_PUT. 0 or -ENOMEM. */
int bench_plan_init(struct bench_plan *plan, const struct bench_mix *mix,
		    const struct bench_object *objects, unsigned count);
void bench_plan_fini(struct bench_plan *plan);
void bench_plan_next(struct bench_plan *plan, struct bench_request *request);
/* Body bytes that a right answer to it has. */
uint64_t bench_request_bytes(const struct bench_plan *plan, const struct bench_request *request);

/*
 * When request number n (from 0) of an even rate is due, in nanoseconds from the start. Never
 * rounded twice, so that the rate holds however long it lasts. per_second > 0.
 */
uint64_t bench_due_ns(uint64_t n, unsigned per_second);

#endif
