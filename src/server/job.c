/* SPDX-License-Identifier: Apache-2.0 */
#include "server/job.h"

#include <stdlib.h>

#include "base/must.h"
#include "server/conn.h"

/* A checksum that the trailer brought unannounced. False: failed. */
static bool check_late(struct job *job)
{
	struct s3_call *call = &job->call;
	const struct slice text = {call->body.at, call->body.len};
	enum s3_error error;
	const char *why;

	if (!checksums_are_late(&job->checksums))
		return true;
	int fd = call->route.body == S3_BODY_FILE ? call->put.file_fd : -1;
	if (checksums_end_late(&job->checksums, call->store->sys, fd, text, call->checksum, &error,
			       &why) < 0)
		s3_call_fail(call, error, why);
	return !s3_call_has_failed(call);
}

/* On a thread of io/offload. */
static void run(struct offload_job *work)
{
	struct job *job = CONTAINER_OF(work, struct job, work);

	switch (job->step) {
	case JOB_BEGIN:
		s3_call_run(&job->call, job->call.route.begin);
		break;
	case JOB_RUN:
		if (check_late(job))
			s3_call_run(&job->call, job->call.route.run);
		break;
	case JOB_END:
		s3_call_fini(&job->call);
		break;
	}
}

static bool is_allowed(void *client, enum access_verb verb, const char *bucket, const char *key)
{
	struct job *job = client;
	struct decision decision =
		policy_decide(&job->trust->config->policy, job->conn->identity, verb, bucket, key);
	if (!decision.allow) {
		job->denied++;
		job->denied_about = decision.about;
	}
	return decision.allow;
}

static bool may_see(void *client, const char *bucket)
{
	const struct job *job = client;

	return policy_decide(&job->trust->config->policy, job->conn->identity, ACCESS_LIST, bucket,
			     "")
		.allow;
}

static void job_free(struct job *job)
{
	trust_release(job->trust);
	free(job);
}

static void done(struct offload_job *work)
{
	struct job *job = CONTAINER_OF(work, struct job, work);
	if (job->conn != NULL)
		conn_job_done(job->conn);
	else
		job_free(job);
}

struct job *job_new(struct conn *conn)
{
	struct request *request = conn->request;
	struct job *job = calloc(1, sizeof(*job));
	if (job == NULL)
		return NULL;
	s3_call_init(&job->call, &conn->worker->server->store, &request->head, &request->target,
		     &request->route);
	job->call.permission =
		(struct s3_permission){.is_allowed = is_allowed, .may_see = may_see, .client = job};
	job->trust = trust_ref(conn->worker->trust);
	job->work.run = run;
	job->work.done = done;
	job->worker = conn->worker;
	job->conn = conn;
	return job;
}

void job_submit(struct job *job, enum job_step step)
{
	struct server *server = job->worker->server;
	bool is_looking = (job->call.route.verb & (ACCESS_READ | ACCESS_LIST)) != 0;

	job->step = step;
	loop_submit(&job->worker->loop, is_looking ? &server->looking : &server->writing,
		    &job->work);
}

void job_count_denied(struct job *job)
{
	if (job->denied > 0)
		metrics_denied(&job->worker->metrics, job->denied_about, job->denied);
	job->denied = 0;
}

void job_body_begins(struct job *job)
{
	if (job->call.route.body != S3_BODY_FILE)
		return;
	job->is_upload = true;
	metric_add(&job->worker->metrics.value[METRIC_UPLOADS_INFLIGHT], 1);
}

void job_body_ends(struct job *job)
{
	if (job->is_upload)
		metric_sub(&job->worker->metrics.value[METRIC_UPLOADS_INFLIGHT], 1);
	job->is_upload = false;
}

void job_release(struct job *job)
{
	if (job->buf != NULL)
		pool_give(&job->worker->tx_bufs, job->buf);
	job->buf = NULL;
	job_body_ends(job);
	checksums_fini(&job->checksums);
	job->conn = NULL;
	if (job->call.has_put) {
		job_submit(job, JOB_END);
		return;
	}
	s3_call_fini(&job->call);
	job_free(job);
}
