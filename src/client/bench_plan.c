/* SPDX-License-Identifier: Apache-2.0 */
#include "client/bench_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/options.h"

#define SEED             0x51c1ce5eedull
#define NS_PER_SECOND    1000000000ull

/* pkg/store: caching bucket's subrange, EstimatedMaxSeriesSize, and how large a merged range gets.
 */
#define SUBRANGE_BYTES   16000ull
#define SERIES_BYTES     (64ull * 1024)
#define MERGED_BYTES_MAX (1024ull * 1024)
#define POSTINGS_BYTES   (16ull * 1024)
#define TOC_BYTES        56ull
#define VERSION_BYTES    5ull

/* ---- The mix --------------------------------------------------------------------------------- */

static int take_size(struct bench_mix *mix, const char *text, uint64_t max,
		     char error[ERROR_TEXT_MAX])
{
	if (bytes_parse(text, &mix->bytes) == 0 && mix->bytes >= 1 && mix->bytes <= max)
		return 0;
	snprintf(error, ERROR_TEXT_MAX,
		 "\"%.100s\" is not accepted: use a size from 1 to %llu, such as 16KiB", text,
		 (unsigned long long)max);
	return -EINVAL;
}

int bench_mix_parse(struct bench_mix *mix, const char *text, char error[ERROR_TEXT_MAX])
{
	static const struct {
		const char *word;
		enum bench_mix_kind kind;
		bool has_size;
	} rows[] = {{"whole", BENCH_WHOLE, false},
		    {"range:", BENCH_RANGE, true},
		    {"thanos", BENCH_THANOS_MIX, false},
		    {"put:", BENCH_PUT, true},
		    {"handshake", BENCH_HANDSHAKE, false}};

	*mix = (struct bench_mix){0};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].word);
		mix->kind = rows[i].kind;
		if (rows[i].has_size && strncmp(text, rows[i].word, len) == 0)
			return take_size(mix, text + len, 1ull << 40, error);
		if (strcmp(text, rows[i].word) == 0)
			return 0;
	}
	snprintf(error, ERROR_TEXT_MAX,
		 "\"%.100s\" is not accepted: use whole, range:SIZE, thanos, put:SIZE, handshake",
		 text);
	return -EINVAL;
}

/* ---- Chance ---------------------------------------------------------------------------------- */

/* xorshift64*: even enough for this, and the same everywhere. */
static uint64_t draw(struct bench_plan *plan)
{
	uint64_t x = plan->random;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	plan->random = x;
	return x * 0x2545f4914f6cdd1dull;
}

/* 0 to below - 1. */
static uint64_t draw_below(struct bench_plan *plan, uint64_t below)
{
	return (uint64_t)(((unsigned __int128)draw(plan) * below) >> 64);
}

/* A size between two, any power of two as likely as another. */
static uint64_t draw_size(struct bench_plan *plan, uint64_t min, uint64_t max)
{
	unsigned powers = 0;
	while (min << (powers + 1) <= max)
		powers++;
	uint64_t from = min << draw_below(plan, powers + 1);
	uint64_t size = from + draw_below(plan, from);
	return size < max ? size : max;
}

/* ---- The objects ----------------------------------------------------------------------------- */

static bool ends_in(const char *key, const char *name)
{
	size_t len = strlen(key), name_len = strlen(name);
	return len >= name_len && strcmp(key + len - name_len, name) == 0 &&
	       (len == name_len || key[len - name_len - 1] == '/');
}

static bool is_index(const struct bench_object *object)
{
	return ends_in(object->key, "index") && object->bytes > TOC_BYTES;
}

static bool is_chunks(const struct bench_object *object)
{
	const char *at = strstr(object->key, "chunks/");
	return at != NULL && (at == object->key || at[-1] == '/') && object->bytes > 0;
}

static bool is_meta(const struct bench_object *object)
{
	return ends_in(object->key, "meta.json");
}

static bool is_with_bytes(const struct bench_object *object)
{
	return object->bytes > 0;
}

static bool is_any(const struct bench_object *object)
{
	(void)object;
	return true;
}

/* The places of those that are; of all with bytes, or all, if none is. */
static int select_objects(const struct bench_plan *plan, bool (*is)(const struct bench_object *),
			  unsigned **places, unsigned *count)
{
	bool (*const tries[])(const struct bench_object *) = {is, is_with_bytes, is_any};

	*places = calloc(plan->count + 1, sizeof(**places));
	if (*places == NULL)
		return -ENOMEM;
	for (size_t try = 0; *count == 0 && try < ARRAY_LEN(tries); try++)
		for (unsigned i = 0; i < plan->count; i++)
			if (tries[try](&plan->object[i]))
				(*places)[(*count)++] = i;
	return 0;
}

int bench_plan_init(struct bench_plan *plan, const struct bench_mix *mix,
		    const struct bench_object *objects, unsigned count)
{
	must(count > 0 || mix->kind == BENCH_PUT);
	*plan = (struct bench_plan){.mix = *mix, .object = objects, .count = count, .random = SEED};
	if (select_objects(plan, is_index, &plan->index, &plan->index_count) == 0 &&
	    select_objects(plan, is_chunks, &plan->chunks, &plan->chunks_count) == 0 &&
	    select_objects(plan, is_meta, &plan->meta, &plan->meta_count) == 0)
		return 0;
	bench_plan_fini(plan);
	return -ENOMEM;
}

void bench_plan_fini(struct bench_plan *plan)
{
	free(plan->index);
	free(plan->chunks);
	free(plan->meta);
	plan->index = plan->chunks = plan->meta = NULL;
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* bytes at a multiple of grid; an object that is empty has no range, and is asked for whole. */
static void draw_range(struct bench_plan *plan, struct bench_request *request, uint64_t grid,
		       uint64_t bytes)
{
	uint64_t object_bytes = plan->object[request->object].bytes;

	if (object_bytes == 0)
		return;
	request->verb = BENCH_GET_RANGE;
	request->first = draw_below(plan, (object_bytes + grid - 1) / grid) * grid;
	request->last = request->first + bytes - 1;
}

static void fix_range(struct bench_plan *plan, struct bench_request *request, uint64_t first,
		      uint64_t bytes)
{
	if (plan->object[request->object].bytes == 0)
		return;
	request->verb = BENCH_GET_RANGE;
	request->first = first;
	request->last = first + bytes - 1;
}

static unsigned one_of(struct bench_plan *plan, const unsigned *places, unsigned count)
{
	return places[draw_below(plan, count)];
}

static enum bench_thanos draw_thanos(struct bench_plan *plan)
{
#define BENCH_THANOS_WEIGHT(id, label, weight) weight,
	static const unsigned weights[] = {BENCH_THANOS(BENCH_THANOS_WEIGHT)};
	uint64_t left = draw_below(plan, 1000);

	for (int i = 0; i < BENCH_THANOS_COUNT; i++) {
		if (left < weights[i])
			return (enum bench_thanos)i;
		left -= weights[i];
	}
	must(!"weights of a thousand");
	return BENCH_THANOS_CHUNKS;
}

static void next_thanos(struct bench_plan *plan, struct bench_request *request)
{
	enum bench_thanos kind = draw_thanos(plan);

	plan->thanos[kind]++;
	request->object = one_of(plan, plan->index, plan->index_count);
	uint64_t index_bytes = plan->object[request->object].bytes;
	switch (kind) {
	case BENCH_THANOS_HEAD:
		request->verb = BENCH_HEAD;
		break;
	case BENCH_THANOS_META:
		request->object = one_of(plan, plan->meta, plan->meta_count);
		break;
	case BENCH_THANOS_MARK:
		request->verb = BENCH_GET_MARK;
		request->object = one_of(plan, plan->meta, plan->meta_count);
		break;
	case BENCH_THANOS_VERSION:
		fix_range(plan, request, 0, VERSION_BYTES);
		break;
	case BENCH_THANOS_TOC:
		fix_range(plan, request, index_bytes > TOC_BYTES ? index_bytes - TOC_BYTES : 0,
			  TOC_BYTES);
		break;
	case BENCH_THANOS_POSTINGS:
		draw_range(plan, request, 16, draw_size(plan, 64, POSTINGS_BYTES));
		break;
	case BENCH_THANOS_SERIES:
		draw_range(plan, request, 16, draw_size(plan, SERIES_BYTES, MERGED_BYTES_MAX));
		break;
	case BENCH_THANOS_CHUNKS:
		request->object = one_of(plan, plan->chunks, plan->chunks_count);
		draw_range(plan, request, SUBRANGE_BYTES,
			   draw_size(plan, 1, MERGED_BYTES_MAX / SUBRANGE_BYTES) * SUBRANGE_BYTES);
		break;
	case BENCH_THANOS_COUNT:
		break;
	}
}

void bench_plan_next(struct bench_plan *plan, struct bench_request *request)
{
	*request = (struct bench_request){.verb = BENCH_GET};
	plan->drawn++;
	switch (plan->mix.kind) {
	case BENCH_WHOLE: /* in turn, so that each has its share however few requests there are */
		request->object = (unsigned)((plan->drawn - 1) % plan->count);
		break;
	case BENCH_RANGE:
		request->object = (unsigned)draw_below(plan, plan->count);
		draw_range(plan, request, plan->mix.bytes, plan->mix.bytes);
		break;
	case BENCH_THANOS_MIX:
		next_thanos(plan, request);
		break;
	case BENCH_PUT:
		request->verb = BENCH_UPLOAD;
		break;
	case BENCH_HANDSHAKE:
		request->object = (unsigned)draw_below(plan, plan->count);
		fix_range(plan, request, 0, 1);
		break;
	}
}

uint64_t bench_request_bytes(const struct bench_plan *plan, const struct bench_request *request)
{
	uint64_t object_bytes = plan->count > 0 ? plan->object[request->object].bytes : 0;

	switch (request->verb) {
	case BENCH_GET:
		return object_bytes;
	case BENCH_GET_RANGE:
		return (request->last < object_bytes ? request->last + 1 : object_bytes) -
		       request->first;
	case BENCH_HEAD:
	case BENCH_GET_MARK:
	case BENCH_UPLOAD:
		break;
	}
	return 0;
}

uint64_t bench_due_ns(uint64_t n, unsigned per_second)
{
	return n / per_second * NS_PER_SECOND + n % per_second * NS_PER_SECOND / per_second;
}
