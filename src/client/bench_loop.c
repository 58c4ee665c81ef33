/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of a run: phases, and the clock by which requests are due. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "client/bench_private.h"
#include "client/bench_usage.h"
#include "io/engine.h"

#define NS_PER_MS     1000000ull
#define NS_PER_SECOND 1000000000ull
#define WAIT_MS_MAX   1000
#define DRAIN_WAIT_MS 10

struct bench_clock {
	struct bench *bench;
	int timer_fd;
	struct op due;    /* timer_fd is waited for */
	struct op signal; /* as bench->stop.fd is */
	struct bench_usage begin;
	uint64_t window_begin_ns;
	uint64_t live_ns; /* when the live line is next due; 0: there is none */
	uint64_t live_requests;
	uint64_t live_bytes;
};

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
		if (*due_ns > bench->now_ns || *due_ns >= bench->end_ns)
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
		bench->now_ns = clock_now_ns();
		lane_next(pop_idle(bench));
	}
}

/* The next one is due in less than the loop's milliseconds: a timer of its own. */
static void is_due_now(struct op *op, int32_t events);

static void arm_timer(struct bench *bench, struct bench_clock *clock)
{
	if (bench->config->rate == 0 || bench->phase == BENCH_OPENING ||
	    bench->idle_first == NULL || bench_is_exhausted(bench))
		return;
	uint64_t due_ns = bench->schedule_ns + bench_due_ns(bench->issued, bench->config->rate);
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_ns / NS_PER_SECOND),
					       .tv_nsec = (long)(due_ns % NS_PER_SECOND)}};
	timerfd_settime(clock->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	if (!op_is_in_flight(&clock->due))
		loop_poll(&bench->loop, &clock->due, clock->timer_fd, POLLIN, is_due_now);
}

static void is_due_now(struct op *op, int32_t events)
{
	struct bench_clock *clock = CONTAINER_OF(op, struct bench_clock, due);
	uint64_t expirations;

	(void)events;
	clock->bench->now_ns = clock_now_ns();
	ssize_t n = read(clock->timer_fd, &expirations, sizeof(expirations));
	(void)n; /* nothing: it was set again meanwhile */
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
	bench->end_ns = UINT64_MAX;
	bench->measure_ns = bench->start_ns + bench->config->warmup_ms * NS_PER_MS;
}

static void begin_measuring(struct bench *bench, struct bench_clock *clock)
{
	bench->phase = BENCH_MEASURING;
	clock->window_begin_ns = bench->measure_ns = bench->schedule_ns = bench->now_ns;
	bench->issued = 0;
	if (bench->config->requests == 0)
		bench->end_ns = bench->now_ns + bench->config->duration_ms * NS_PER_MS;
	bench_usage_read(&clock->begin, bench->config->server_pid);
}

/* What was due in time, and found no connection free. */
static uint64_t count_unsent(const struct bench *bench)
{
	uint64_t until_ns = bench->now_ns < bench->end_ns ? bench->now_ns : bench->end_ns;
	uint64_t count = 0;

	if (bench->config->rate == 0 || bench->config->requests > 0)
		return 0;
	while (bench->schedule_ns + bench_due_ns(bench->issued + count, bench->config->rate) <
	       until_ns)
		count++;
	return count;
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
		report->unsent = count_unsent(bench);
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
				  : bench->now_ns >= bench->end_ns;
	if (bench->phase != BENCH_ENDING && bench->stop.count > 0)
		bench->report->is_interrupted = is_over = true;
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
		until_ns = bench->end_ns;
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
		bench->phase == BENCH_MEASURING ? "measuring"
		: bench->phase == BENCH_ENDING  ? "finishing"
						: "warming up",
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

/* ---- Signals --------------------------------------------------------------------------------- */

static void take_signal(struct op *op, int32_t events)
{
	struct bench_clock *clock = CONTAINER_OF(op, struct bench_clock, signal);
	struct bench *bench = clock->bench;
	unsigned before = bench->stop.count, busy = 0;

	bench->now_ns = clock_now_ns();
	if (events == -ECANCELED)
		return;
	if (bench_stop_take(&bench->stop) >= 2) {
		bench->is_abandoned = true;
		return;
	}
	loop_poll(&bench->loop, op, bench->stop.fd, POLLIN, take_signal);
	if (bench->stop.count == before)
		return;
	for (unsigned i = 0; i < bench->config->connections; i++)
		busy += bench->lane[i]->has_request;
	live_end(clock);
	fprintf(stderr,
		"sluice bench: %s: finishing %u requests in progress; a second signal exits at "
		"once\n",
		bench->stop.name, busy);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static bool is_over(const struct bench *bench)
{
	return bench->is_abandoned || (bench->phase == BENCH_ENDING && is_idle(bench));
}

/* 0, or the loop's error. */
static int run_phases(struct bench *bench, struct bench_clock *clock)
{
	while (!is_over(bench)) {
		int r = loop_wait(&bench->loop, phase_timeout_ms(bench, clock));
		if (r < 0)
			return r;
		bench->now_ns = clock_now_ns();
		if (bench->is_abandoned)
			break;
		loop_expire(&bench->loop);
		serve_idle(bench); /* with what is due up to the end of this phase */
		move_phase(bench, clock);
		serve_idle(bench);
		arm_timer(bench, clock);
		live_line(bench, clock);
	}
	if (bench->phase != BENCH_ENDING) { /* two signals at once */
		bench->report->is_interrupted = true;
		end_measuring(bench, clock);
	}
	return 0;
}

/* Everything that is in flight ends. */
static void drain(struct bench *bench, struct bench_clock *clock)
{
	if (op_is_in_flight(&clock->due))
		loop_cancel(&bench->loop, &clock->due);
	if (op_is_in_flight(&clock->signal))
		loop_cancel(&bench->loop, &clock->signal);
	for (unsigned i = 0; i < bench->config->connections; i++)
		lane_forget(bench->lane[i]);
	for (int r = 0; r == 0 && bench->loop.in_flight > 0;)
		r = loop_wait(&bench->loop, DRAIN_WAIT_MS);
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void warn_of_engine(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "sluice bench: %s\n", text);
}

static int make_loop(struct loop *loop, char error[ERROR_TEXT_MAX])
{
	const struct engine_plan plan = {
		.wanted = IO_ENGINE_AUTO, .loops = 1, .warn = warn_of_engine};
	struct engine engine;

	int r = engine_init(&engine, &plan, error);
	if (r < 0)
		return r;
	r = engine_take(&engine, loop);
	if (r < 0)
		snprintf(error, ERROR_TEXT_MAX, "%s", strerrordesc_np(-r));
	engine_fini(&engine);
	return r;
}

enum client_outcome bench_loop(struct bench *bench, char error[ERROR_TEXT_MAX])
{
	const struct bench_config *config = bench->config;
	struct bench_clock clock = {
		.bench = bench,
		.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};

	if (clock.timer_fd < 0) {
		snprintf(error, ERROR_TEXT_MAX, "%s", strerrordesc_np(errno));
		return CLIENT_ERROR;
	}
	int r = make_loop(&bench->loop, error);
	if (r < 0) {
		close(clock.timer_fd);
		return CLIENT_ERROR;
	}
	r = loop_begin(&bench->loop);
	bench->now_ns = clock_now_ns();
	live_begin(bench, &clock);
	if (r == 0)
		loop_poll(&bench->loop, &clock.signal, bench->stop.fd, POLLIN, take_signal);
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
		r = run_phases(bench, &clock);
	live_end(&clock);
	drain(bench, &clock);
	loop_fini(&bench->loop);
	close(clock.timer_fd);
	if (r == 0)
		return CLIENT_OK;
	snprintf(error, ERROR_TEXT_MAX, "%s", strerrordesc_np(-r));
	return CLIENT_ERROR;
}
