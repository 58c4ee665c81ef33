/* SPDX-License-Identifier: Apache-2.0 */
/* The run: phases, the loop over the ring, the clock by which requests are due. */
#include "client/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/must.h"
#include "client/bench_private.h"
#include "client/bench_usage.h"
#include "io/caps.h"

#define NS_PER_MS     1000000ull
#define NS_PER_SECOND 1000000000ull
#define EVENTS_MAX    256
#define WAIT_MS_MAX   1000
#define TOKEN_TIMER   (1ull << 62)

struct bench_clock {
	int timer_fd;
	bool is_polled;
	struct bench_usage begin;
	uint64_t window_begin_ns;
	uint64_t live_ns; /* when the live line is next due; 0: there is none */
	uint64_t live_requests;
	uint64_t live_bytes;
};

static uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* ---- Which request, and when ----------------------------------------------------------------- */

bool bench_is_exhausted(const struct bench *bench)
{
	return bench->phase == BENCH_ENDING ||
	       (bench->config->requests > 0 && bench->issued_measured == bench->config->requests);
}

bool bench_take(struct bench *bench, uint64_t *due_ns)
{
	if (bench->phase == BENCH_OPENING || bench_is_exhausted(bench))
		return false;
	*due_ns = bench->now_ns;
	if (bench->config->rate > 0) {
		*due_ns = bench->schedule_ns + bench_due_ns(bench->issued, bench->config->rate);
		if (*due_ns > bench->now_ns)
			return false;
	}
	bench->issued++;
	bench->issued_measured += bench->phase == BENCH_MEASURING;
	bench->report->begun++;
	return true;
}

static struct lane *pop_idle(struct bench *bench)
{
	struct lane *lane = bench->idle_first;

	bench->idle_first = lane->idle_next;
	if (bench->idle_first == NULL)
		bench->idle_last = NULL;
	return lane;
}

static bool is_due(const struct bench *bench)
{
	return bench->config->rate == 0 ||
	       bench->schedule_ns + bench_due_ns(bench->issued, bench->config->rate) <=
		       bench->now_ns;
}

/* Idle lanes take what is due. A turn, so that no lane is looked at twice. */
static void serve_idle(struct bench *bench)
{
	unsigned turns = bench->config->connections;

	while (bench->phase != BENCH_OPENING && bench->idle_first != NULL && turns-- > 0 &&
	       (is_due(bench) || bench_is_exhausted(bench))) {
		bench->now_ns = clock_ns();
		lane_next(pop_idle(bench));
	}
}

/* The next one is due in less than the ring's milliseconds: a timer of its own. */
static void arm_timer(struct bench *bench, struct bench_clock *clock)
{
	if (bench->config->rate == 0 || bench->phase == BENCH_OPENING ||
	    bench->idle_first == NULL || bench_is_exhausted(bench))
		return;
	uint64_t due_ns = bench->schedule_ns + bench_due_ns(bench->issued, bench->config->rate);
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_ns / NS_PER_SECOND),
					       .tv_nsec = (long)(due_ns % NS_PER_SECOND)}};
	timerfd_settime(clock->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	if (clock->is_polled)
		return;
	ring_poll(&bench->ring, clock->timer_fd, POLLIN, TOKEN_TIMER);
	bench->ring_in_flight++;
	clock->is_polled = true;
}

/* ---- Phases ---------------------------------------------------------------------------------- */

void bench_opened(struct bench *bench)
{
	must(bench->opening > 0);
	bench->opening--;
}

static void begin_warmup(struct bench *bench)
{
	bench->phase = BENCH_WARMUP;
	bench->start_ns = bench->schedule_ns = bench->now_ns;
	bench->measure_ns = bench->start_ns + bench->config->warmup_ms * NS_PER_MS;
}

static void begin_measuring(struct bench *bench, struct bench_clock *clock)
{
	bench->phase = BENCH_MEASURING;
	clock->window_begin_ns = bench->measure_ns = bench->schedule_ns = bench->now_ns;
	bench->issued = 0;
	bench_usage_read(&clock->begin, bench->config->server_pid);
}

static void end_measuring(struct bench *bench, struct bench_clock *clock)
{
	struct bench_report *report = bench->report;
	struct bench_usage end;

	if (bench->phase == BENCH_MEASURING) {
		bench_usage_read(&end, bench->config->server_pid);
		report->window_ns = bench->now_ns - clock->window_begin_ns;
		report->client_cpu_ns = end.own_cpu_ns - clock->begin.own_cpu_ns;
		report->has_server = end.has_server && clock->begin.has_server;
		report->server_cpu_ns = end.server_cpu_ns - clock->begin.server_cpu_ns;
		report->server_rss_bytes = end.server_rss_bytes;
		report->server_peak_bytes = end.server_peak_bytes;
		/* What was due by now and found no connection free. */
		if (bench->config->rate > 0 && bench->config->requests == 0)
			while (bench->schedule_ns + bench_due_ns(bench->issued + report->unsent,
								 bench->config->rate) <
			       bench->now_ns)
				report->unsent++;
	}
	bench->phase = BENCH_ENDING;
}

static bool is_idle(const struct bench *bench)
{
	for (unsigned i = 0; i < bench->config->connections; i++)
		if (bench->lane[i]->has_request)
			return false;
	return true;
}

static bool is_hopeless(const struct bench *bench)
{
	const struct bench_report *report = bench->report;
	uint64_t failures = 0;

	for (unsigned i = 0; i < BENCH_ERROR_COUNT; i++)
		failures += report->error[i];
	return report->succeeded == 0 && failures >= BENCH_FAILURES_MAX &&
	       failures >= bench->config->connections;
}

static void move_phase(struct bench *bench, struct bench_clock *clock)
{
	const struct bench_config *config = bench->config;
	bool is_over = false;

	if (bench->phase == BENCH_OPENING && bench->opening == 0)
		begin_warmup(bench);
	if (bench->phase == BENCH_WARMUP && bench->now_ns >= bench->measure_ns)
		begin_measuring(bench, clock);
	if (bench->phase == BENCH_MEASURING)
		is_over = config->requests > 0
				  ? bench->issued_measured == config->requests && is_idle(bench)
				  : bench->now_ns >= clock->window_begin_ns +
							     config->duration_ms * NS_PER_MS;
	if (bench->phase != BENCH_ENDING && (is_over || is_hopeless(bench)))
		end_measuring(bench, clock);
}

/* Milliseconds until move_phase has something to do. */
static int phase_timeout_ms(const struct bench *bench, const struct bench_clock *clock)
{
	uint64_t until_ns = bench->now_ns + WAIT_MS_MAX * NS_PER_MS;

	if (bench->phase == BENCH_OPENING && bench->opening == 0)
		return 0;
	if (bench->phase == BENCH_WARMUP)
		until_ns = bench->measure_ns;
	if (bench->phase == BENCH_MEASURING && bench->config->requests == 0)
		until_ns = clock->window_begin_ns + bench->config->duration_ms * NS_PER_MS;
	if (clock->live_ns != 0 && clock->live_ns < until_ns)
		until_ns = clock->live_ns;
	if (until_ns <= bench->now_ns)
		return 0;
	uint64_t ms = (until_ns - bench->now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms < WAIT_MS_MAX ? (int)ms : WAIT_MS_MAX;
}

/* ---- The live line --------------------------------------------------------------------------- */

static void live_line(struct bench *bench, struct bench_clock *clock)
{
	const struct bench_report *report = bench->report;
	uint64_t bytes = report->window_received + report->window_sent;

	if (clock->live_ns == 0 || bench->now_ns < clock->live_ns)
		return;
	/* Of the last second; blanks wipe what stood there before. */
	fprintf(stderr, "\r%s %3llu s  %8llu requests/s  %8.1f MiB/s  p99 %7.2f ms  %llu failed  ",
		bench->phase == BENCH_MEASURING ? "measuring" : "warming up",
		(unsigned long long)((bench->now_ns - bench->start_ns) / NS_PER_SECOND),
		(unsigned long long)(report->succeeded - clock->live_requests),
		(double)(bytes - clock->live_bytes) / (1024 * 1024),
		(double)quantiles_at(&report->latency, 990000) / 1e6,
		(unsigned long long)report->failed);
	clock->live_requests = report->succeeded;
	clock->live_bytes = bytes;
	clock->live_ns += NS_PER_SECOND;
}

static void live_begin(const struct bench *bench, struct bench_clock *clock)
{
	clock->live_ns = isatty(STDERR_FILENO) == 1 ? bench->now_ns + NS_PER_SECOND : 0;
}

static void live_end(const struct bench_clock *clock)
{
	if (clock->live_ns != 0)
		fprintf(stderr, "\r%90s\r", "");
}

/* ---- The loop -------------------------------------------------------------------------------- */

static void take_events(struct bench *bench, struct bench_clock *clock,
			const struct ring_event *events, int count)
{
	for (int i = 0; i < count; i++) {
		bench->now_ns = clock_ns();
		if (events[i].token == TOKEN_TIMER) {
			uint64_t expirations;
			ssize_t n = read(clock->timer_fd, &expirations, sizeof(expirations));
			(void)n; /* nothing: it was set again meanwhile */
			clock->is_polled = false;
			bench->ring_in_flight--;
			continue;
		}
		lane_event(bench->lane[(uint32_t)events[i].token],
			   (uint32_t)(events[i].token >> 32), events[i].result);
	}
}

static void expire(struct bench *bench)
{
	struct wheel_entry *entry;

	while ((entry = wheel_expire(&bench->wheel, bench->now_ns / NS_PER_MS)) != NULL)
		lane_expired((struct lane *)((char *)entry - offsetof(struct lane, deadline)));
}

static bool is_over(const struct bench *bench)
{
	return bench->phase == BENCH_ENDING && is_idle(bench);
}

/* 0, or the ring's error. */
static int loop(struct bench *bench, struct bench_clock *clock)
{
	struct ring_event events[EVENTS_MAX];

	while (!is_over(bench)) {
		int timeout_ms = phase_timeout_ms(bench, clock);
		uint64_t now_ms = bench->now_ns / NS_PER_MS;
		int wheel_ms = wheel_timeout_ms(&bench->wheel, now_ms);
		if (wheel_ms >= 0 && wheel_ms < timeout_ms)
			timeout_ms = wheel_ms;
		int count = ring_wait(&bench->ring, now_ms, timeout_ms, events, EVENTS_MAX);
		if (count < 0)
			return count;
		take_events(bench, clock, events, count);
		bench->now_ns = clock_ns();
		expire(bench);
		serve_idle(bench); /* with what is due up to the end of this phase */
		move_phase(bench, clock);
		serve_idle(bench);
		arm_timer(bench, clock);
		live_line(bench, clock);
	}
	return 0;
}

/* Everything that is in flight ends. */
static void drain(struct bench *bench, struct bench_clock *clock)
{
	struct ring_event events[EVENTS_MAX];

	if (clock->is_polled)
		ring_cancel(&bench->ring, TOKEN_TIMER);
	for (unsigned i = 0; i < bench->config->connections; i++) {
		struct lane *lane = bench->lane[i];
		if (lane->is_in_flight)
			ring_cancel(&bench->ring,
				    (uint64_t)(lane->generation & 0x3fffffff) << 32 | lane->index);
	}
	for (unsigned tries = 0; bench->ring_in_flight > 0 && tries < 1000; tries++) {
		int count = ring_wait(&bench->ring, clock_ns() / NS_PER_MS, 10, events, EVENTS_MAX);
		for (int i = 0; i < count; i++) {
			bench->ring_in_flight--;
			if (events[i].token != TOKEN_TIMER)
				bench->lane[(uint32_t)events[i].token]->is_in_flight = false;
		}
	}
}

/* ---- Begin and end --------------------------------------------------------------------------- */

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
	bench->lane = calloc(config->connections, sizeof(struct lane *));
	if (bench->lane == NULL || bench_plan_init(&bench->plan, &bench->mix, bench->objects.object,
						   bench->objects.count) < 0)
		return say(CLIENT_ERROR, error, "no memory");
	bench->now_ns = clock_ns();
	wheel_init(&bench->wheel, bench->now_ns / NS_PER_MS);
	for (unsigned i = 0; i < config->connections; i++)
		if ((bench->lane[i] = lane_new(bench, i)) == NULL)
			return say(CLIENT_ERROR, error, "no memory");
	return CLIENT_OK;
}

static enum client_outcome run(struct bench *bench, char error[ERROR_TEXT_MAX])
{
	const struct bench_config *config = bench->config;
	struct bench_clock clock = {
		.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};

	if (clock.timer_fd < 0)
		return say(CLIENT_ERROR, error, strerrordesc_np(errno));
	int r = ring_init(&bench->ring, RING_ENTRIES);
	if (r < 0) {
		io_caps_explain_ring_error(r, error, ERROR_TEXT_MAX);
		close(clock.timer_fd);
		return CLIENT_ERROR;
	}
	r = ring_begin(&bench->ring);
	bench->now_ns = clock_ns();
	live_begin(bench, &clock);
	bench->start_ns = bench->now_ns;
	for (unsigned i = 0; r == 0 && i < config->connections; i++) {
		if (bench->mix.kind == BENCH_HANDSHAKE) { /* each request opens its own */
			lane_next(bench->lane[i]);
		} else {
			bench->opening++;
			lane_open(bench->lane[i]);
		}
	}
	if (r == 0)
		r = loop(bench, &clock);
	live_end(&clock);
	drain(bench, &clock);
	ring_fini(&bench->ring);
	close(clock.timer_fd);
	return r == 0 ? CLIENT_OK : say(CLIENT_ERROR, error, strerrordesc_np(-r));
}

/* The keys that were written go. What cannot be deleted is the caller's to see. */
static unsigned clean_up(struct bench *bench)
{
	char error[ERROR_TEXT_MAX];
	unsigned left = 0;

	for (unsigned i = 0; i < bench->config->connections; i++) {
		struct lane *lane = bench->lane[i];
		struct text path;
		if (!lane->has_uploaded)
			continue;
		text_init(&path, BENCH_HEAD_BYTES);
		lane_upload_path(lane, &path);
		text_add(&path, "", 1);
		struct session *session = &lane->session;
		session_close(session);
		if (path.error != 0 ||
		    bench_call(session, "DELETE", path.at, NULL, bench->config->timeout_ms,
			       error) != CLIENT_OK ||
		    session->response.status >= 300)
			left++;
		session_close(session);
		text_fini(&path);
	}
	return left;
}

static enum client_outcome outcome_of(const struct bench_report *report, char error[ERROR_TEXT_MAX])
{
	if (report->error[BENCH_ERROR_INTEGRITY] + report->error[BENCH_ERROR_LENGTH] > 0) {
		snprintf(error, ERROR_TEXT_MAX,
			 "%llu answers with wrong bytes; the first error: %s",
			 (unsigned long long)(report->error[BENCH_ERROR_INTEGRITY] +
					      report->error[BENCH_ERROR_LENGTH]),
			 report->first_error);
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

static void finish(struct bench *bench)
{
	if (bench->lane != NULL)
		for (unsigned i = 0; i < bench->config->connections; i++)
			lane_free(bench->lane[i]);
	free(bench->lane);
	bench_plan_fini(&bench->plan);
	bench_objects_fini(&bench->objects);
	bench_verify_free(bench->verify);
	free(bench->pattern);
	client_fini(&bench->client);
	free(bench);
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
	if (outcome == CLIENT_OK)
		outcome = run(bench, error);
	if (outcome == CLIENT_OK) {
		*has_report = report->succeeded > 0;
		unsigned left = clean_up(bench);
		if (bench->verify != NULL)
			bench_verify_counts(bench->verify, &report->verified, &report->first_seen,
					    &report->unverified);
		outcome = outcome_of(report, error);
		if (outcome == CLIENT_OK && left > 0) {
			snprintf(error, ERROR_TEXT_MAX,
				 "%u uploaded objects could not be deleted: %s-*", left,
				 bench->upload_name);
			outcome = CLIENT_PARTIAL;
		}
	}
	finish(bench);
	return outcome;
}
