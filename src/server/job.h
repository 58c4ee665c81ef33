/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request has that a thread (io/offload) carries out: the call, and the
 * body on its way to it.
 *
 *   job_new -> [submit BEGIN -> body ->] submit RUN -> answer -> job_release
 *
 * While a step runs, the job and its connection's request belong to the thread. A
 * job whose connection has gone ends by itself (END), also on a thread: closing a
 * large file that has no name frees its blocks.
 */
#ifndef SLUICE_SERVER_JOB_H
#define SLUICE_SERVER_JOB_H

#include "http/body.h"
#include "io/offload.h"
#include "s3/call.h"
#include "s3/checksums.h"
#include "tls/record.h"

struct conn;
struct worker;

enum job_step {
	JOB_BEGIN, /* call.route.begin */
	JOB_RUN,   /* call.route.run */
	JOB_END    /* s3_call_fini, and nobody waits for it */
};

struct job {
	struct offload_job work;
	struct worker *worker;
	struct conn *conn; /* NULL: it has gone */
	enum job_step step;
	struct s3_call call;
	struct trust *trust; /* of the time when the request came */
	unsigned denied;     /* questions of call.permission that were answered no */
	int denied_about;    /* struct decision.about of the last of them */

	/* The body. */
	bool is_upload; /* it is counted as being received */
	struct body body;
	struct checksums checksums;
	struct tx_buf *buf;     /* payload that is not in the file yet; NULL: none */
	size_t buf_used;        /* of buf->byte */
	size_t buf_written;     /* of that, in the file */
	uint64_t file_offset;   /* where buf goes */
	uint64_t received;      /* raw bytes */
	uint64_t disk_since_ms; /* a write is in flight since */
};

/* For the connection's request. NULL: no memory. */
struct job *job_new(struct conn *conn);
/* conn_job_done is called when it has run. */
void job_submit(struct job *job, enum job_step step);
/* The body is being received; it is no more, however it ended. */
void job_body_begins(struct job *job);
void job_body_ends(struct job *job);
/* Adds what was denied, on a thread, to its worker's metrics. */
void job_count_denied(struct job *job);
/* The connection's request ends; no step runs. */
void job_release(struct job *job);

#endif
