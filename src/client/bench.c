/* SPDX-License-Identifier: Apache-2.0 */
/* A run: what it needs, its begin and end, and what came of it. */
#include "client/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/must.h"
#include "client/bench_private.h"

static enum client_outcome say(enum client_outcome outcome, char error[ERROR_TEXT_MAX],
			       const char *text)
{
	snprintf(error, ERROR_TEXT_MAX, "%s", text);
	return outcome;
}

/* What is uploaded: bytes that do not compress, and with --verify their digest, for the server. */
static int prepare_upload(struct bench *bench)
{
	uint8_t digest[DIGEST_BYTES_MAX];
	struct digest_set set;
	uint64_t x = 1, left = bench->mix.bytes;

	bench->pattern = malloc(BENCH_PATTERN);
	if (bench->pattern == NULL || getrandom(&x, sizeof(x), 0) != sizeof(x))
		return -ENOMEM;
	snprintf(bench->upload_name, sizeof(bench->upload_name), "sluice-bench-%016llx",
		 (unsigned long long)x);
	for (size_t i = 0; i < BENCH_PATTERN; i += sizeof(x)) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		memcpy(bench->pattern + i, &x, sizeof(x));
	}
	if (!bench->config->verify)
		return 0;
	if (digest_begin(&set, 1u << DIGEST_SHA256) < 0)
		return -ENOMEM;
	while (left > 0) {
		size_t bytes = left < BENCH_PATTERN ? (size_t)left : BENCH_PATTERN;
		digest_update(&set, bench->pattern, bytes);
		left -= bytes;
	}
	digest_end(&set, DIGEST_SHA256, digest);
	digest_fini(&set);
	base64_encode(digest, digest_bytes(DIGEST_SHA256), bench->upload_checksum);
	return 0;
}

/* The grid on which requests of the mix lie, so that pieces come again. */
static uint64_t verify_grid(const struct bench_mix *mix)
{
	if (mix->kind == BENCH_RANGE)
		return mix->bytes;
	return mix->kind == BENCH_THANOS_MIX ? 16000 : 0;
}

static enum client_outcome prepare(struct bench *bench, char error[ERROR_TEXT_MAX])
{
	const struct bench_config *config = bench->config;

	if (bench->mix.kind != BENCH_PUT) {
		enum client_outcome outcome = bench_objects_find(&bench->objects, &bench->client,
								 config->timeout_ms, error);
		if (outcome != CLIENT_OK)
			return outcome;
		bench->report->objects = bench->objects.count;
		bench->report->object_bytes = bench->objects.bytes;
		if (config->verify &&
		    (bench->verify = bench_verify_new(verify_grid(&bench->mix))) == NULL)
			return say(CLIENT_ERROR, error, "no memory");
	} else if (prepare_upload(bench) < 0) {
		return say(CLIENT_ERROR, error, "no memory");
	}
	bench->lane = (struct lane **)calloc(config->connections, sizeof(struct lane *));
	if (bench->lane == NULL || bench_plan_init(&bench->plan, &bench->mix, bench->objects.object,
						   bench->objects.count) < 0)
		return say(CLIENT_ERROR, error, "no memory");
	for (unsigned i = 0; i < config->connections; i++)
		if ((bench->lane[i] = lane_new(bench, i)) == NULL)
			return say(CLIENT_ERROR, error, "no memory");
	return CLIENT_OK;
}

/* ---- Cleaning up ------------------------------------------------------------------------------
 */

/* CLIENT_OK: the object of the lane is gone. */
static enum client_outcome delete_upload(struct bench *bench, struct lane *lane)
{
	char error[ERROR_TEXT_MAX];
	struct session *session = &lane->session;
	struct text path;

	text_init(&path, BENCH_HEAD_BYTES);
	lane_upload_path(lane, &path);
	text_add(&path, "", 1);
	session_close(session);
	enum client_outcome outcome = path.error == 0 ? bench_call(session, "DELETE", path.at, NULL,
								   bench->config->timeout_ms, error)
						      : CLIENT_ERROR;
	int status = session->response.status;
	if (outcome == CLIENT_OK && status >= 300 && status != 404)
		outcome = client_outcome_of_status(status);
	session_close(session);
	text_fini(&path);
	return outcome;
}

/* The objects that were uploaded, or may have been, are deleted. Returns how many remain: those
 * that cannot be deleted, those after the first for which the server does not answer, and at a
 * second signal all that are left. */
static unsigned clean_up(struct bench *bench)
{
	bool is_over = bench->is_abandoned;
	unsigned left = 0;

	bench->client.stop_fd = bench->stop.fd;
	for (unsigned i = 0; bench->lane != NULL && i < bench->config->connections; i++) {
		struct lane *lane = bench->lane[i];
		enum client_outcome outcome = CLIENT_ERROR;
		if (lane == NULL || lane->upload == LANE_UPLOAD_NONE)
			continue;
		while (!is_over) {
			unsigned signals = bench->stop.count;
			outcome = delete_upload(bench, lane);
			is_over = bench_stop_take(&bench->stop) >= 2 || outcome == CLIENT_NETWORK;
			if (outcome == CLIENT_OK || bench->stop.count == signals)
				break;
		}
		left += outcome != CLIENT_OK;
	}
	bench->client.stop_fd = -1;
	return left;
}

static enum client_outcome outcome_of(const struct bench_report *report, char error[ERROR_TEXT_MAX])
{
	uint64_t wrong = report->error[BENCH_ERROR_INTEGRITY] + report->error[BENCH_ERROR_LENGTH];

	if (wrong > 0) {
		snprintf(error, ERROR_TEXT_MAX,
			 "%llu answers with wrong bytes; the first error: %s",
			 (unsigned long long)wrong, report->first_error);
		return CLIENT_INTEGRITY;
	}
	if (report->succeeded == 0)
		return say(report->first_outcome != CLIENT_OK ? report->first_outcome
							      : CLIENT_ERROR,
			   error,
			   report->first_error[0] != '\0' ? report->first_error
							  : "no request was answered");
	if (report->failed == 0)
		return CLIENT_OK;
	snprintf(error, ERROR_TEXT_MAX, "%llu of %llu requests failed; the first: %s",
		 (unsigned long long)report->failed, (unsigned long long)report->begun,
		 report->first_error);
	return CLIENT_PARTIAL;
}

/* What came of the whole, where the loop went through. */
static enum client_outcome conclude(const struct bench *bench, unsigned left,
				    char error[ERROR_TEXT_MAX])
{
	const struct bench_report *report = bench->report;
	const struct target *target = &bench->client.target;
	enum client_outcome outcome = outcome_of(report, error);
	bool is_cut_short = report->is_interrupted || bench->is_abandoned;

	if (is_cut_short && (outcome == CLIENT_OK || report->begun == 0 ||
			     (report->succeeded == 0 && report->first_error[0] == '\0'))) {
		snprintf(error, ERROR_TEXT_MAX, "%s: ended after %.1f s of measurement",
			 bench->stop.name, (double)report->window_ns / 1e9);
		outcome = CLIENT_PARTIAL;
	}
	if (left == 0)
		return outcome;
	if (outcome == CLIENT_OK) {
		outcome = CLIENT_PARTIAL;
		error[0] = '\0';
	}
	char before[ERROR_TEXT_MAX / 3];
	snprintf(before, sizeof(before), "%.200s", error);
	snprintf(error, ERROR_TEXT_MAX,
		 "%s%s%u uploaded objects remain, delete them: %.100s/%.63s/%.150s%s%.40s-*",
		 before, before[0] != '\0' ? "; " : "", left, target->authority, target->bucket,
		 target->prefix, target->prefix[0] != '\0' ? "/" : "", bench->upload_name);
	return outcome;
}

static void finish(struct bench *bench)
{
	if (bench->lane != NULL)
		for (unsigned i = 0; i < bench->config->connections; i++)
			lane_free(bench->lane[i]);
	free((void *)bench->lane);
	bench_plan_fini(&bench->plan);
	bench_objects_fini(&bench->objects);
	bench_verify_free(bench->verify);
	free(bench->pattern);
	client_fini(&bench->client);
	free(bench);
}

static enum client_outcome load(struct bench *bench, bool *has_report, char error[ERROR_TEXT_MAX])
{
	struct bench_report *report = bench->report;
	int r = bench_stop_begin(&bench->stop);

	if (r < 0)
		return say(CLIENT_ERROR, error, strerrordesc_np(-r));
	enum client_outcome outcome = bench_loop(bench, error);
	unsigned left = clean_up(bench);
	if (outcome == CLIENT_OK) {
		*has_report = report->succeeded > 0 && report->window_ns > 0;
		if (bench->verify != NULL)
			bench_verify_counts(bench->verify, &report->verified, &report->first_seen,
					    &report->unverified);
		outcome = conclude(bench, left, error);
	}
	bench_stop_end(&bench->stop);
	return outcome;
}

enum client_outcome bench_run(const struct bench_config *config, struct bench_report *report,
			      bool *has_report, char error[ERROR_TEXT_MAX])
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const struct client_options options = {.target = config->target,
					       .files = {.cert_file = config->cert_file,
							 .key_file = config->key_file,
							 .ca_file = config->ca_file,
							 .server_name = config->server_name},
					       .tls_path = config->tls_path,
					       .sessions_max = config->connections + 1};

	*has_report = false;
	if (bench == NULL)
		return say(CLIENT_ERROR, error, "no memory");
	*report = (struct bench_report){0};
	bench->config = config;
	bench->report = report;
	must(bench_mix_parse(&bench->mix, config->mix, error) == 0);
	enum client_outcome outcome = client_init(&bench->client, &options, error);
	if (outcome != CLIENT_OK) {
		free(bench);
		return outcome;
	}
	outcome = prepare(bench, error);
	if (outcome == CLIENT_OK) /* until here a signal ends the process: nothing is uploaded */
		outcome = load(bench, has_report, error);
	finish(bench);
	return outcome;
}
