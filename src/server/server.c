/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "io/caps.h"
#include "io/sandbox.h"
#include "server/admin.h"
#include "server/listener.h"
#include "server/sweeper.h"
#include "server/trust_keeper.h"
#include "server/worker.h"

/* Everything of the process; on the stack of server_run. */
struct process {
	struct server server;
	struct log log;
	struct worker *worker; /* worker_count of them */
	unsigned worker_count;
	unsigned prepared_count; /* they have rings, but no threads */
	unsigned started_count;
	struct admin *admin;
	int signal_fd;
	uint64_t drain_due_ms; /* 0: not stopping */
	uint64_t abort_due_ms; /* 0: nothing is closed by force */
	bool is_ready;
	struct sweeper sweeper;
	int argc; /* the command line, for reading the configuration again */
	char *const *argv;
	struct trust_keeper keeper;
	struct sandbox_report sandbox;
};

/* The main thread looks around at least so often: a paused admin listener listens again. */
#define ADMIN_WAKE_MS 1000
/* From closing everything to leaving without those that a disk still holds. */
#define ABORT_MS      5000

/* ---- Before the workers ------------------------------------------------------------------------
 */

static unsigned worker_count(const struct config *config)
{
	if (config->workers > 0)
		return config->workers;
	cpu_set_t cpus;
	int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
	return count < WORKERS_MAX ? (unsigned)count : WORKERS_MAX;
}

/* Two descriptors a connection (socket, file), and some. */
static void raise_file_limit(struct process *process)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	rlim_t wanted = 2 * (rlim_t)process->server.config->conns_max + 256;
	if (limit.rlim_max < wanted)
		log_msg(&process->log, LOG_LEVEL_WARN,
			"open files are limited to %llu, --max-connections %u may need %llu; raise "
			"the limit (ulimit -n, LimitNOFILE=)",
			(unsigned long long)limit.rlim_max, process->server.config->conns_max,
			(unsigned long long)wanted);
}

static void wake_all(void *arg)
{
	struct process *process = arg;
	for (unsigned i = 0; i < process->started_count; i++)
		worker_wake(&process->worker[i]);
}

/* Do all workers go by it? */
static bool have_adopted(void *arg, uint64_t generation)
{
	const struct process *process = arg;
	for (unsigned i = 0; i < process->started_count; i++)
		if (atomic_load(&process->worker[i].adopted) < generation)
			return false;
	return true;
}

static enum server_outcome read_trust(struct process *process, struct config *config)
{
	char error[ERROR_TEXT_MAX];
	process->keeper = (struct trust_keeper){.server = &process->server,
						.log = &process->log,
						.argc = process->argc,
						.argv = process->argv,
						.wake_workers = wake_all,
						.have_adopted = have_adopted,
						.arg = process};
	int r = trust_keeper_init(&process->keeper, config, error);
	if (r < 0)
		log_msg(&process->log, LOG_LEVEL_ERROR, "%s", error);
	return r < 0 ? SERVER_TLS_ERROR : SERVER_STOPPED;
}

static enum server_outcome open_files(struct process *process, struct config *config)
{

	process->server.root_fd = open(config->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process->server.root_fd < 0) {
		log_msg(&process->log, LOG_LEVEL_ERROR,
			"root folder %s: %s (--root: the folder whose subfolders are buckets)",
			config->root, strerrordesc_np(errno));
		return SERVER_ROOT_MISSING;
	}
	process->server.store =
		(struct s3_store){.sys = &store_sys_kernel,
				  .root_fd = process->server.root_fd,
				  .is_durable = config->durability == DURABILITY_FULL};
	struct stat root;
	if (fstat(process->server.root_fd, &root) == 0) {
		process->server.root_device = root.st_dev;
		process->server.root_is_in_memory = send_file_is_in_memory(process->server.root_fd);
	}
	return read_trust(process, config);
}

/* What the kernel's TLS can do, and whether that is enough. */
static enum server_outcome probe_kernel(struct process *process)
{
	const struct config *config = process->server.config;
	struct ktls_caps *caps = &process->server.caps;

	ktls_probe(caps, false);
	if (caps->ulp_errno == 0 || config->tls_path == TLS_PATH_USER)
		return SERVER_STOPPED;
	bool is_wanted = config->tls_path == TLS_PATH_KERNEL;
	log_msg(&process->log, is_wanted ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
		"this kernel has no TLS ULP (%s): %s; `modprobe tls` loads it where it is built, "
		"`sluice probe` tells more",
		strerrorname_np(-caps->ulp_errno),
		is_wanted ? "--tls-path=kernel cannot be kept"
			  : "every connection will be served by userspace TLS");
	return is_wanted ? SERVER_TLS_ERROR : SERVER_STOPPED;
}

static enum server_outcome open_listeners(struct process *process,
					  int sock_fds[LISTENERS_MAX][WORKERS_MAX], int *admin_fd)
{
	const struct config *config = process->server.config;
	char bound[ADDR_TEXT_MAX], error[ERROR_TEXT_MAX];
	unsigned opened = 0;

	*admin_fd = -1;
	if (config->admin_listen[0] != '\0' &&
	    listener_open(config->admin_listen, admin_fd, 1, bound, error) < 0)
		goto fail;
	if (*admin_fd >= 0)
		log_msg(&process->log, LOG_LEVEL_INFO, "admin listening on http://%s", bound);
	for (; opened < config->listen_count; opened++) {
		if (listener_open(config->listen[opened], sock_fds[opened], process->worker_count,
				  bound, error) < 0)
			goto fail;
		log_msg(&process->log, LOG_LEVEL_INFO, "listening on https://%s", bound);
	}
	return SERVER_STOPPED;
fail:
	log_msg(&process->log, LOG_LEVEL_ERROR, "%s", error);
	while (opened-- > 0)
		for (unsigned w = 0; w < process->worker_count; w++)
			close(sock_fds[opened][w]);
	if (*admin_fd >= 0)
		close(*admin_fd);
	return SERVER_NETWORK_ERROR;
}

/* ---- Workers ------------------------------------------------------------------------------------
 */

static int start_offload(struct server *server)
{
	int r = offload_init(&server->looking, OFFLOAD_THREADS_MAX);
	if (r < 0)
		return r;
	r = offload_init(&server->writing, OFFLOAD_THREADS_MAX);
	if (r < 0)
		offload_fini(&server->looking);
	return r;
}

static enum server_outcome no_worker(struct process *process, int r)
{
	char text[ERROR_TEXT_MAX];

	io_caps_explain_ring_error(r, text, sizeof(text));
	log_msg(&process->log, LOG_LEVEL_ERROR, "%s", text);
	return SERVER_ERROR;
}

static enum server_outcome prepare_workers(struct process *process,
					   int sock_fds[LISTENERS_MAX][WORKERS_MAX])
{
	unsigned listen_count = process->server.config->listen_count;

	for (unsigned w = 0; w < process->worker_count; w++) {
		int fds[LISTENERS_MAX];
		for (unsigned l = 0; l < listen_count; l++)
			fds[l] = sock_fds[l][w];
		int r = worker_init(&process->worker[w], &process->server, w, fds, listen_count);
		if (r < 0)
			return no_worker(process, r);
		process->prepared_count++;
	}
	return SERVER_STOPPED;
}

static enum server_outcome start_workers(struct process *process)
{
	for (unsigned w = 0; w < process->worker_count; w++) {
		int r = worker_start(&process->worker[w]);
		if (r < 0)
			return no_worker(process, r);
		process->started_count++;
	}
	return SERVER_STOPPED;
}

/* The last act of a process that is still one thread and has everything that it must open. */
static void enter_sandbox(struct process *process)
{
	const struct config *config = process->server.config;
	struct sandbox_plan plan = {.root_fd = process->server.root_fd,
				    .writable = config->writable};

	static_assert(SANDBOX_FILES_MAX >= CONFIG_TRUST_FILES, "room for all of them");
	config_trust_files(config, plan.file);

	if (!config->sandbox) {
		log_msg(&process->log, LOG_LEVEL_WARN,
			"--no-sandbox: what a bug could reach is not bounded by the kernel");
		return;
	}
	sandbox_enter(&plan, &process->sandbox);
	for (unsigned i = 0; i < process->sandbox.warning_count; i++)
		log_msg(&process->log, LOG_LEVEL_WARN, "%s; kconfig-notes/sandbox.md tells more",
			process->sandbox.warning[i]);
}

/* ---- The main thread
 * ------------------------------------------------------------------------------ */

static int print_metrics(void *arg, char *out, size_t bytes_max)
{
	const struct process *process = arg;
	const struct metrics *sets[WORKERS_MAX];
	for (unsigned i = 0; i < process->started_count; i++)
		sets[i] = &process->worker[i].metrics;
	int n = metrics_print(sets, process->started_count, out, bytes_max);
	int m = n < 0 ? n
		      : trust_keeper_print_metrics(&process->keeper, out + n,
						   bytes_max - (size_t)n);
	return m < 0 ? m : n + m;
}

static bool is_ready(void *arg)
{
	const struct process *process = arg;
	return process->is_ready && process->drain_due_ms == 0;
}

static uint64_t request_reload(void *arg)
{
	struct process *process = arg;
	return reload_request(process->keeper.reload, clock_now_ms());
}

static enum reload_state ask_reload(void *arg, uint64_t ticket, const char **error)
{
	const struct process *process = arg;
	return reload_state(process->keeper.reload, ticket, error);
}

static void drain(struct process *process)
{
	atomic_store(&process->server.is_draining, true);
	wake_all(process);
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
		"%s: stopping; responses that run have %u ms to end (--drain-timeout)", signal_name,
		timeout_ms);
	process->drain_due_ms = clock_now_ms() + timeout_ms;
	drain(process);
}

static void abort_all(struct process *process, const char *why)
{
	if (atomic_exchange(&process->server.is_aborting, true))
		return;
	process->abort_due_ms = clock_now_ms() + ABORT_MS;
	log_msg(&process->log, LOG_LEVEL_WARN, "%s: closing %u connections that are still open",
		why, atomic_load(&process->server.conns_open));
	wake_all(process);
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
	if (process->drain_due_ms == 0)
		sweeper_step(&process->sweeper, clock_now_ms());
	if (process->drain_due_ms != 0 && clock_now_ms() >= process->drain_due_ms)
		abort_all(process, "drain timeout");
	if (process->abort_due_ms != 0 && clock_now_ms() >= process->abort_due_ms) {
		log_msg(&process->log, LOG_LEVEL_ERROR,
			"a disk does not answer; leaving without %u connections",
			atomic_load(&process->server.conns_open));
		_exit(1);
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

static int block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* RLIMIT_FSIZE: EFBIG says it, for objects and for the log */
	return signalfd(-1, &set, SFD_CLOEXEC);
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

	if (geteuid() == 0)
		log_msg(&process->log, LOG_LEVEL_WARN,
			"running as root: not needed; use a user that may read the root folder and "
			"key%s",
			config->sandbox ? " (of root's rights those over files were kept)" : "");
	if (config->writable && !config->policy.has_section)
		log_msg(&process->log, LOG_LEVEL_WARN,
			"--writable without access rules: nobody may write; add an access section "
			"to the file of --config");
	if (config->writable && config->durability == DURABILITY_RELAXED)
		log_msg(&process->log, LOG_LEVEL_WARN,
			"--durability=relaxed: what is acknowledged may be lost with the power");
	trust_keeper_log_start(&process->keeper);
	log_begin(&line, &process->log, LOG_LEVEL_INFO, "serving");
	log_text(&line, "version", SLUICE_VERSION);
	log_text(&line, "root", config->root);
	log_text(&line, "writable", config->writable ? "yes" : "no");
	log_u64(&line, "workers", process->worker_count);
	log_text(&line, "tls_path", paths[config->tls_path]);
	log_text(&line, "kernel_tls", process->server.caps.ulp_errno == 0 ? "yes" : "no");
	log_text(&line, "engine", send_engine_label(config->send_engine));
	log_sandbox(&line, process);
	log_end(&line);
}

/* Everything that has threads. */
static enum server_outcome serve(struct process *process)
{
	int r = start_offload(&process->server);
	if (r < 0) {
		log_msg(&process->log, LOG_LEVEL_ERROR, "threads for the disk: %s",
			strerrordesc_np(-r));
		return SERVER_ERROR;
	}
	enum server_outcome outcome = start_workers(process);
	if (outcome == SERVER_STOPPED)
		log_start(process);
	else
		give_up(process);
	main_loop(process);
	for (unsigned i = 0; i < process->started_count; i++)
		worker_join(&process->worker[i]);
	offload_fini(&process->server.writing);
	offload_fini(&process->server.looking);
	sweeper_fini(&process->sweeper);
	return outcome;
}

static enum server_outcome run(struct process *process)
{
	static int sock_fds[LISTENERS_MAX][WORKERS_MAX];
	int admin_fd;

	raise_file_limit(process);
	sweeper_init(&process->sweeper, process->server.config, process->server.root_fd);
	enum server_outcome outcome = open_listeners(process, sock_fds, &admin_fd);
	if (outcome != SERVER_STOPPED)
		return outcome;
	if (admin_fd >= 0) {
		struct admin_source source = {.print_metrics = print_metrics,
					      .is_ready = is_ready,
					      .request_reload = request_reload,
					      .ask_reload = ask_reload,
					      .arg = process};
		process->admin = admin_new(admin_fd, &source);
		if (process->admin == NULL)
			return SERVER_ERROR;
	}
	outcome = prepare_workers(process, sock_fds);
	if (outcome == SERVER_STOPPED) {
		enter_sandbox(process);
		outcome = serve(process);
	}
	for (unsigned i = 0; i < process->prepared_count; i++)
		worker_fini(&process->worker[i]);
	if (outcome == SERVER_STOPPED && atomic_load(&process->server.requests_cut) > 0)
		outcome = SERVER_CUT;
	if (outcome == SERVER_STOPPED)
		log_msg(&process->log, LOG_LEVEL_INFO, "stopped");
	return outcome;
}

enum server_outcome server_run(struct config *config, int argc, char *const argv[])
{
	struct process process = {.server = {.config = config, .root_fd = -1, .event_fd = -1},
				  .argc = argc,
				  .argv = argv,
				  .worker_count = worker_count(config),
				  .signal_fd = -1};

	log_init(&process.log, STDERR_FILENO, config->log_level, config->log_format);
	enum server_outcome outcome = open_files(&process, config);
	if (outcome == SERVER_STOPPED)
		outcome = probe_kernel(&process);
	if (outcome == SERVER_STOPPED && config->check_config) {
		log_msg(&process.log, LOG_LEVEL_INFO, "the configuration is good");
		outcome = SERVER_CHECKED;
	} else if (outcome == SERVER_STOPPED) {
		process.signal_fd = block_signals();
		process.server.event_fd = eventfd(0, EFD_CLOEXEC);
		process.worker = calloc(process.worker_count, sizeof(*process.worker));
		if (process.worker == NULL || process.signal_fd < 0 ||
		    process.server.event_fd < 0) {
			log_msg(&process.log, LOG_LEVEL_ERROR,
				"no memory or no descriptors to start");
			outcome = SERVER_ERROR;
		} else {
			outcome = run(&process);
		}
	}
	admin_free(process.admin);
	free(process.worker);
	trust_keeper_fini(&process.keeper);
	close(process.server.root_fd);
	close(process.server.event_fd);
	close(process.signal_fd);
	log_fini(&process.log);
	return outcome;
}
