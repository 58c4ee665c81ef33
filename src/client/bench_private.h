/* SPDX-License-Identifier: Apache-2.0 */
/* Between the bench*.c. */
#ifndef SLUICE_CLIENT_BENCH_PRIVATE_H
#define SLUICE_CLIENT_BENCH_PRIVATE_H

#include "client/bench.h"
#include "client/bench_plan.h"
#include "client/bench_stop.h"
#include "client/bench_verify.h"
#include "io/loop.h"

/* Objects of a target that are used; a listing is read up to there. */
#define BENCH_OBJECTS_MAX  100000
/* A request head: an encoded key, and some fields. */
#define BENCH_HEAD_BYTES   (3 * OBJECT_KEY_BYTES_MAX + 1024)
/* Body bytes of an upload, again and again. */
#define BENCH_PATTERN      (1024 * 1024)
/* A connection that failed is not opened again sooner. */
#define BENCH_PAUSE_MS     100
/* So many failures and no success, and it is given up. */
#define BENCH_FAILURES_MAX 10

struct bench_objects {
	struct bench_object *object; /* keys owned */
	char **path;                 /* "/bucket/key", encoded */
	unsigned count;
	uint64_t bytes;
};

/* Lists the target, or takes it as one object where there is no listing. CLIENT_OK, or why not in
 * error. bench_objects_fini in any case. */
enum client_outcome bench_objects_find(struct bench_objects *objects, struct client *client,
				       unsigned timeout_ms, char error[ERROR_TEXT_MAX]);
void bench_objects_fini(struct bench_objects *objects);

/* One request, and its answer. method, path with query. body: NULL: dropped. Opens the session if
 * need be, and closes it when it failed or was the last. CLIENT_OK: there is a status. */
enum client_outcome bench_call(struct session *session, const char *method, const char *path,
			       struct text *body, unsigned timeout_ms, char error[ERROR_TEXT_MAX]);

enum bench_phase { BENCH_OPENING, BENCH_WARMUP, BENCH_MEASURING, BENCH_ENDING };

/* What is known of the object that a lane uploads to. */
enum lane_upload {
	LANE_UPLOAD_NONE,   /* not there: none was begun, or each was refused */
	LANE_UPLOAD_UNSURE, /* one was begun, and its answer is not known */
	LANE_UPLOAD_DONE
};

enum lane_state {
	LANE_IDLE,    /* in the list of those that wait for a request */
	LANE_OPENING, /* its connection, with or without a request that waits */
	LANE_BUSY,
	LANE_PAUSED, /* its connection could not be opened */
	LANE_DONE    /* there are no more requests */
};

/* One connection after the other, one request at a time. */
struct lane {
	struct bench *bench;
	uint32_t index;
	enum lane_state state;
	bool is_forgotten; /* op was cancelled, and what it comes to is nobody's */
	short events_next; /* then it waits for these; -1: nothing */
	bool has_request;
	bool is_repeated;
	enum lane_upload upload;
	bool is_unanswered; /* a request was begun whose answer never came */
	struct lane *idle_next;
	struct op op;
	struct timer deadline;
	uint64_t opened_ns;
	uint64_t due_ns;
	uint64_t sent_counted;
	struct bench_request request;
	struct session_request ask;
	struct bench_check check;
	struct session session;
	char head[BENCH_HEAD_BYTES];
};

struct bench {
	const struct bench_config *config;
	struct bench_report *report;
	struct bench_mix mix;
	struct bench_plan plan;
	struct bench_objects objects;
	struct bench_verify *verify; /* NULL: not asked for */
	struct client client;
	struct loop loop;
	struct lane **lane;
	struct lane *idle_first;
	struct lane *idle_last;
	enum bench_phase phase;
	uint64_t now_ns;
	uint64_t start_ns;   /* of the warm-up */
	uint64_t measure_ns; /* the warm-up's end */
	uint64_t end_ns;     /* nothing that is due then, or later, is begun; UINT64_MAX: unknown */
	uint64_t schedule_ns; /* of the rate: the start of the phase, so that what the warm-up
				 could not keep up with is not measured */
	uint64_t issued;      /* requests, from schedule_ns on */
	uint64_t issued_measured;
	unsigned opening; /* lanes, in the first phase */
	struct bench_stop stop;
	bool is_abandoned; /* a second signal: nothing is waited for */
	uint8_t *pattern;
	char upload_name[64];
	char upload_checksum[64]; /* base64 of SHA-256; "": none */
};

/* bench_lane.c: a connection, and its requests. */
struct lane *lane_new(struct bench *bench, uint32_t index);
void lane_free(struct lane *lane);
void lane_open(struct lane *lane);
/* Takes a request if there is one that is due; else the lane is idle, or done. */
void lane_next(struct lane *lane);
/* While the run ends: what it waits for is nobody's any more. */
void lane_forget(struct lane *lane);
/* The path that a lane uploads to. */
void lane_upload_path(const struct lane *lane, struct text *out);

/* bench_loop.c: every phase, until nothing is in flight. */
enum client_outcome bench_loop(struct bench *bench, char error[ERROR_TEXT_MAX]);
/* Is a request due? Then it counts as begun, *due_ns is when. */
bool bench_take(struct bench *bench, uint64_t *due_ns);
bool bench_is_exhausted(const struct bench *bench);
/* A lane is not opening any more, whatever became of it. */
void bench_opened(struct bench *bench);

#endif
