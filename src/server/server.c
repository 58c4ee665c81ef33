/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/build_version.h"
#include "base/clock.h"
#include "base/must.h"
#include "io/caps.h"
#include "server/admin.h"
#include "server/process.h"
#include "server/scrape.h"

/* The main thread looks around at least so often: a paused admin listener listens again. */
#define ADMIN_WAKE_MS 1000
/* From closing everything to leaving without those that a disk still holds. */
#define ABORT_MS      5000

/* ---- Workers ------------------------------------------------------------------------------------
 */

static void end_offload(struct process *process, unsigned count)
{
	struct server *server = &process->server;
	struct offload *const all[] = {&server->looking, &server->writing, &server->files};

	while (count > 0)
		offload_fini(all[--count]);
}

static unsigned offload_count(const struct process *process)
{
	return engine_is_epoll(&process->engine) ? 3 : 2;
}

static int start_offload(struct process *process)
{
	struct server *server = &process->server;
	struct offload *const all[] = {&server->looking, &server->writing, &server->files};

	for (unsigned i = 0; i < offload_count(process); i++) {
		int r = offload_init(all[i], OFFLOAD_THREADS_MAX);
		if (r < 0) {
			end_offload(process, i);
			return r;
		}
	}
	return 0;
}

static enum server_outcome start_workers(struct process *process)
{
	for (unsigned w = 0; w < process->worker_count; w++) {
		int r = worker_start(&process->worker[w]);
		if (r < 0) {
			log_msg(&process->log, LOG_LEVEL_ERROR, "worker %u cannot start: %s", w,
				strerrordesc_np(-r));
			return SERVER_ERROR;
		}
		process->started_count++;
	}
	return SERVER_STOPPED;
}

static enum server_outcome start_scrub(struct process *process)
{
	int r = scrubber_start(&process->scrubber);

	if (r < 0)
		log_msg(&process->log, LOG_LEVEL_ERROR, "the scrub cannot start: %s",
			strerrordesc_np(-r));
	return r < 0 ? SERVER_ERROR : SERVER_STOPPED;
}

/* ---- The main thread
 * ------------------------------------------------------------------------------ */

static struct log_totals log_totals(const struct process *process)
{
	struct log_totals totals = {.lost = log_lines_lost(&process->log) +
					    log_lines_lost(&process->sweeper.log) +
					    log_lines_lost(&process->scrubber.log) +
					    root_watch_lines_lost(process->server.root_watch),
				    .suppressed = log_limit_suppressed(&process->log_limit)};

	for (unsigned i = 0; i < process->started_count; i++) {
		totals.lost += log_lines_lost(&process->worker[i].log);
		totals.suppressed += log_limit_suppressed(&process->worker[i].log_limit);
	}
	return totals;
}

static int print_metrics(void *arg, char *out, size_t bytes_max)
{
	struct process *process = arg;
	const struct scrape scrape = {.server = &process->server,
				      .engine = &process->engine,
				      .worker = process->worker,
				      .worker_count = process->started_count,
				      .log = log_totals(process),
				      .admin = process->admin,
				      .process = &process->meter,
				      .root = process->server.root_watch,
				      .sweeper = &process->sweeper,
				      .scrubber = &process->scrubber,
				      .keeper = &process->keeper};
	return scrape_print(&scrape, out, bytes_max);
}

static uint64_t request_ready(void *arg)
{
	struct process *process = arg;
	return root_watch_ask(process->server.root_watch, clock_now_ms());
}

static enum admin_outcome ask_ready(void *arg, uint64_t ticket, char why[ERROR_TEXT_MAX])
{
	struct process *process = arg;

	if (!process->is_ready || process->drain_due_ms != 0) {
		snprintf(why, ERROR_TEXT_MAX, "%s", process->is_ready ? "stopping" : "starting");
		return ADMIN_REFUSED;
	}
	switch (root_watch_state(process->server.root_watch, ticket, clock_now_ms(), why)) {
	case ROOT_PENDING:
		return ADMIN_PENDING;
	case ROOT_GOOD:
		return ADMIN_DONE;
	case ROOT_BAD:
		break;
	}
	return ADMIN_REFUSED;
}

static uint64_t request_reload(void *arg)
{
	struct process *process = arg;
	return reload_request(process->keeper.reload, clock_now_ms());
}

static enum admin_outcome ask_reload(void *arg, uint64_t ticket, char why[ERROR_TEXT_MAX])
{
	const struct process *process = arg;
	const char *error;

	switch (reload_state(process->keeper.reload, ticket, &error)) {
	case RELOAD_PENDING:
		return ADMIN_PENDING;
	case RELOAD_DONE:
		return ADMIN_DONE;
	case RELOAD_REFUSED:
		snprintf(why, ERROR_TEXT_MAX, "%s", error);
		break;
	}
	return ADMIN_REFUSED;
}

static void drain(struct process *process)
{
	atomic_store(&process->server.is_draining, true);
	scrubber_end(&process->scrubber);
	process_wake_workers(process);
}

/* A worker could not start: those that could leave again. */
static void give_up(struct process *process)
{
	process->drain_due_ms = clock_now_ms();
	drain(process);
}

static void begin_drain(struct process *process, const char *signal_name)
{
	unsigned timeout_ms = process->server.config->drain_timeout_ms;
	log_msg(&process->log, LOG_LEVEL_INFO,
		"%s: stopping; responses in progress have %u ms to finish (--drain-timeout)",
		signal_name, timeout_ms);
	process->drain_due_ms = clock_now_ms() + timeout_ms;
	drain(process);
}

static void abort_all(struct process *process, const char *why)
{
	if (atomic_exchange(&process->server.is_aborting, true))
		return;
	process->abort_due_ms = clock_now_ms() + ABORT_MS;
	log_msg(&process->log, LOG_LEVEL_WARN, "%s: closing %u open connections", why,
		atomic_load(&process->server.conns_open));
	process_wake_workers(process);
}

static void take_signal(struct process *process)
{
	struct signalfd_siginfo info;
	if (read(process->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		reload_request(process->keeper.reload, clock_now_ms());
	else if (process->drain_due_ms == 0)
		begin_drain(process, info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
	else
		abort_all(process, "second signal");
}

/* Descriptors of the main thread, and the admin's behind them. */
enum { POLL_SIGNAL, POLL_EVENT, POLL_RELOAD, POLL_ADMIN };

/* How long the main thread may sleep. */
static int timeout_ms(const struct process *process, unsigned admin_count)
{
	bool is_busy = admin_count > 1 || process->drain_due_ms != 0;
	int timeout = is_busy ? TICK_MS : ADMIN_WAKE_MS;
	int reload = reload_timeout_ms(process->keeper.reload, clock_now_ms());
	return reload < timeout ? reload : timeout;
}

static void look_at_clock(struct process *process)
{
	log_limit_tell(&process->log_limit, &process->log, clock_now_ms());
	if (process->drain_due_ms == 0)
		sweeper_step(&process->sweeper, clock_now_ms());
	if (process->drain_due_ms != 0 && clock_now_ms() >= process->drain_due_ms)
		abort_all(process, "drain timeout");
	if (process->abort_due_ms != 0 && clock_now_ms() >= process->abort_due_ms) {
		log_msg(&process->log, LOG_LEVEL_ERROR,
			"disk not responding; exiting with %u connections open",
			atomic_load(&process->server.conns_open));
		_exit(1); /* an error, whatever was cut: EXIT_ERROR */
	}
}

/* Until every worker has left. */
static void main_loop(struct process *process)
{
	struct pollfd pollfds[POLL_ADMIN + 1 + ADMIN_CONNS_MAX];
	struct admin *admin = process->admin;
	process->is_ready = true;

	while (atomic_load(&process->server.workers_running) > 0) {
		pollfds[POLL_SIGNAL] = (struct pollfd){.fd = process->signal_fd, .events = POLLIN};
		pollfds[POLL_EVENT] =
			(struct pollfd){.fd = process->server.event_fd, .events = POLLIN};
		pollfds[POLL_RELOAD] = reload_poll(process->keeper.reload);
		unsigned admin_count =
			admin != NULL ? admin_poll_fill(admin, pollfds + POLL_ADMIN, clock_now_ms())
				      : 0;
		if (poll(pollfds, POLL_ADMIN + admin_count, timeout_ms(process, admin_count)) < 0)
			continue;
		if (pollfds[POLL_SIGNAL].revents != 0)
			take_signal(process);
		if (pollfds[POLL_EVENT].revents != 0) {
			uint64_t sink;
			ssize_t n = read(process->server.event_fd, &sink, sizeof(sink));
			(void)n;
		}
		reload_step(process->keeper.reload, clock_now_ms());
		if (admin != NULL)
			admin_poll_done(admin, pollfds + POLL_ADMIN, admin_count, clock_now_ms());
		look_at_clock(process);
	}
}

/* sandbox="landlock abi=7 seccomp", or what of it is in force. */
static void log_sandbox(struct log_line *line, const struct process *process)
{
	const struct sandbox_report *report = &process->sandbox;
	const char *seccomp = report->seccomp_error == 0 ? "seccomp" : "";

	if (!process->server.config->sandbox)
		log_text(line, "sandbox", "off");
	else if (report->landlock_abi > 0)
		log_fmt(line, "sandbox", "landlock abi=%d%s%s", report->landlock_abi,
			seccomp[0] != '\0' ? " " : "", seccomp);
	else
		log_text(line, "sandbox", seccomp[0] != '\0' ? seccomp : "none");
}

static void log_start(struct process *process)
{
	const struct config *config = process->server.config;
	static const char *const paths[] = {"auto", "kernel", "user"};
	struct log_line line;

	startup_warn(process);
	trust_keeper_log_start(&process->keeper);
	log_begin(&line, &process->log, LOG_LEVEL_INFO, "serving");
	log_text(&line, "version", build_version());
	log_text(&line, "root", config->root);
	log_text(&line, "writable", config->writable ? "yes" : "no");
	log_u64(&line, "workers", process->worker_count);
	log_text(&line, "tls_path", paths[config->tls_path]);
	log_text(&line, "kernel_tls", process->server.caps.ulp_errno == 0 ? "yes" : "no");
	log_text(&line, "engine", send_engine_label(config->send_engine));
	log_text(&line, "io_engine", process->engine.kind->name);
	log_sandbox(&line, process);
	log_end(&line);
}

static bool have_ended(struct process *process)
{
	bool is_swept = sweeper_end(&process->sweeper);

	return scrubber_end(&process->scrubber) && is_swept;
}

/* A sweep or a scrub that a disk holds must not hold us: its thread is left, and everything with
 * it. */
static void end_sweep_and_scrub(struct process *process)
{
	uint64_t until_ms = clock_now_ms() + ABORT_MS;

	while (!have_ended(process) && clock_now_ms() < until_ms)
		poll(NULL, 0, TICK_MS / 10);
	if (have_ended(process))
		return;
	log_msg(&process->log, LOG_LEVEL_ERROR, "disk not responding; exiting while %s",
		sweeper_end(&process->sweeper) ? "objects are scrubbed"
					       : "unfinished files are looked for");
	_exit(1);
}

/* Everything that has threads. */
static enum server_outcome serve(struct process *process)
{
	int r = start_offload(process);
	if (r == 0) {
		r = root_watch_start(process->server.root_watch);
		if (r < 0)
			end_offload(process, offload_count(process));
	}
	if (r < 0) {
		log_msg(&process->log, LOG_LEVEL_ERROR, "threads for the disk: %s",
			strerrordesc_np(-r));
		return SERVER_ERROR;
	}
	enum server_outcome outcome = start_workers(process);
	if (outcome == SERVER_STOPPED)
		outcome = start_scrub(process);
	if (outcome == SERVER_STOPPED)
		log_start(process);
	else
		give_up(process);
	main_loop(process);
	for (unsigned i = 0; i < process->started_count; i++)
		worker_join(&process->worker[i]);
	end_offload(process, offload_count(process));
	end_sweep_and_scrub(process);
	sweeper_fini(&process->sweeper);
	scrubber_fini(&process->scrubber);
	return outcome;
}

static int make_admin(struct process *process)
{
	const struct admin_source source = {.print_metrics = print_metrics,
					    .request_ready = request_ready,
					    .ask_ready = ask_ready,
					    .request_reload = request_reload,
					    .ask_reload = ask_reload,
					    .arg = process};

	if (process->admin_fd < 0)
		return 0;
	process->admin = admin_new(process->admin_fd, process->config->admin_listen, &source);
	process->admin_fd = -1;
	return process->admin == NULL ? -ENOMEM : 0;
}

static enum server_outcome run(struct process *process)
{
	enum server_outcome outcome = startup(process);

	if (outcome == SERVER_STOPPED && process->is_check) {
		startup_warn(process);
		trust_keeper_log_start(&process->keeper);
		return SERVER_STOPPED;
	}
	if (outcome == SERVER_STOPPED && make_admin(process) < 0) {
		log_msg(&process->log, LOG_LEVEL_ERROR, "no memory for the admin listener");
		outcome = SERVER_ERROR;
	}
	if (outcome == SERVER_STOPPED)
		outcome = serve(process);
	if (outcome == SERVER_STOPPED && atomic_load(&process->server.requests_cut) > 0)
		outcome = SERVER_CUT;
	if (outcome == SERVER_STOPPED)
		log_msg(&process->log, LOG_LEVEL_INFO, "stopped");
	else if (outcome == SERVER_CUT)
		log_msg(&process->log, LOG_LEVEL_WARN, "stopped; %u responses were cut",
			atomic_load(&process->server.requests_cut));
	return outcome;
}

static void process_init(struct process *process, struct config *config)
{
	*process = (struct process){.config = config,
				    .server = {.config = config, .root_fd = -1, .event_fd = -1},
				    .admin_fd = -1,
				    .signal_fd = -1};
	log_sink_init(&process->server.log_sink, STDERR_FILENO);
	signal(SIGPIPE, SIG_IGN); /* a log whose reader has left is no reason to die */
}

enum server_outcome server_run(struct config *config, int argc, char *const argv[])
{
	struct process process;

	process_init(&process, config);
	process.argc = argc;
	process.argv = argv;
	log_init(&process.log, &process.server.log_sink, config->log_level, config->log_format);
	enum server_outcome outcome = run(&process);
	startup_fini(&process);
	return outcome;
}

enum server_outcome server_check(struct config *config, unsigned *warnings)
{
	struct process process;

	process_init(&process, config);
	process.is_check = true;
	log_init(&process.log, &process.server.log_sink, LOG_LEVEL_INFO, LOG_FORMAT_PLAIN);
	enum server_outcome outcome = run(&process);
	*warnings = process.log.warnings;
	startup_fini(&process);
	return outcome;
}
