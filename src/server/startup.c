/* SPDX-License-Identifier: Apache-2.0 */
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
#include <unistd.h>

#include "base/must.h"
#include "io/caps.h"
#include "server/admin.h"
#include "server/listener.h"
#include "server/process.h"
#include "store/md5.h"
#include "store/root.h"
#include "store/trial.h"

/* ---- Files ---------------------------------------------------------------------------------- */

static enum server_outcome open_root(struct process *process)
{
	struct server *server = &process->server;
	const struct config *config = server->config;
	struct stat root;

	server->root_fd = open(config->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (server->root_fd < 0 || fstat(server->root_fd, &root) < 0) {
		int error = errno;
		bool is_forbidden = error == EACCES || error == EPERM;
		bool is_missing = error == ENOENT || error == ENOTDIR || error == ELOOP;
		log_msg(&process->log, LOG_LEVEL_ERROR, "root folder %s: %s (%s)", config->root,
			strerrordesc_np(error),
			is_forbidden ? "let the user that serves enter and read it"
				     : "--root: the folder whose subfolders are buckets");
		return is_forbidden ? SERVER_ROOT_FORBIDDEN
		       : is_missing ? SERVER_ROOT_MISSING
				    : SERVER_ERROR;
	}
	server->store_sys = store_sys_kernel;
	server->store_sys.fsync_durations = server->shared_metrics.fsync_duration;
	server->store_sys.unnamed = &server->unnamed;
	server->store = (struct s3_store){.sys = &server->store_sys,
					  .root_fd = server->root_fd,
					  .root_counts_links = root_counts_links(server->root_fd),
					  .is_durable = config->durability == DURABILITY_FULL,
					  .has_md5_etags = config->etag == ETAG_MD5};
	server->root_device = root.st_dev;
	server->root_is_in_memory = send_file_is_in_memory(server->root_fd);
	return SERVER_STOPPED;
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

void process_wake_workers(struct process *process)
{
	for (unsigned i = 0; i < process->started_count; i++)
		worker_wake(&process->worker[i]);
}

static void wake_all(void *arg)
{
	process_wake_workers(arg);
}

static enum server_outcome read_trust(struct process *process, struct config *config)
{
	char error[ERROR_TEXT_MAX];
	process->keeper = (struct trust_keeper){.server = &process->server,
						.log = &process->log,
						.log_limit = &process->log_limit,
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

/* ---- The kernel ----------------------------------------------------------------------------- */

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

static int block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGXFSZ, SIG_IGN); /* RLIMIT_FSIZE: EFBIG says it, for objects and for the log */
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static unsigned worker_count(const struct config *config)
{
	if (config->workers > 0)
		return config->workers;
	cpu_set_t cpus;
	int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
	return count < WORKERS_MAX ? (unsigned)count : WORKERS_MAX;
}

static enum server_outcome take_means(struct process *process)
{
	process->worker_count = worker_count(process->server.config);
	process->signal_fd = block_signals();
	process->server.event_fd = eventfd(0, EFD_CLOEXEC);
	process->worker = calloc(process->worker_count, sizeof(*process->worker));
	if (process->worker == NULL || process->signal_fd < 0 || process->server.event_fd < 0) {
		log_msg(&process->log, LOG_LEVEL_ERROR, "no memory or no descriptors to start");
		return SERVER_ERROR;
	}
	raise_file_limit(process);
	sweeper_init(&process->sweeper, process->server.config, &process->server.log_sink,
		     process->server.root_fd);
	scrubber_init(&process->scrubber, process->server.config, &process->server.log_sink,
		      process->server.root_fd);
	return SERVER_STOPPED;
}

/* ---- Addresses ------------------------------------------------------------------------------ */

/* Listeners of one address, one for each worker. A check only looks whether they can be had: what
 * is in use is probably the server that the check is about. */
static int open_listener(struct process *process, const struct listener_plan *plan, int *sock_fds,
			 const char *scheme)
{
	char bound[ADDR_TEXT_MAX], error[ERROR_TEXT_MAX];

	int r = listener_open(plan, sock_fds, bound, error);
	if (r == -EADDRINUSE && process->is_check) {
		log_msg(&process->log, LOG_LEVEL_INFO,
			"%s (%s) is in use, by a running server or another program", plan->address,
			plan->flag);
		return 0;
	}
	if (r < 0) {
		log_msg(&process->log, LOG_LEVEL_ERROR, "%s", error);
		return r;
	}
	if (!process->is_check) {
		log_msg(&process->log, LOG_LEVEL_INFO, "%slistening on %s://%s",
			strcmp(scheme, "http") == 0 ? "admin " : "", scheme, bound);
		return 0;
	}
	for (unsigned i = 0; i < plan->count; i++)
		close(sock_fds[i]);
	return 0;
}

static enum server_outcome open_listeners(struct process *process,
					  int sock_fds[LISTENERS_MAX][WORKERS_MAX])
{
	const struct config *config = process->server.config;
	const struct listener_plan admin = {"--admin-listen", config->admin_listen, 1};
	unsigned opened = 0;
	int admin_fd = -1;

	if (config->admin_listen[0] != '\0' &&
	    open_listener(process, &admin, &admin_fd, "http") < 0)
		return SERVER_NETWORK_ERROR;
	if (!process->is_check)
		process->admin_fd = admin_fd;
	for (; opened < config->listen_count; opened++) {
		const struct listener_plan plan = {"--listen", config->listen[opened],
						   process->worker_count};
		if (open_listener(process, &plan, sock_fds[opened], "https") < 0)
			goto fail;
	}
	return SERVER_STOPPED;
fail:
	while (opened-- > 0)
		for (unsigned w = 0; w < process->worker_count && !process->is_check; w++)
			close(sock_fds[opened][w]);
	return SERVER_NETWORK_ERROR;
}

/* ---- Workers -------------------------------------------------------------------------------- */

static void warn_of_engine(void *arg, const char *text)
{
	struct process *process = arg;
	log_msg(&process->log, LOG_LEVEL_WARN, "%s", text);
}

/* There may be fewer loops, and so workers, than were asked for. */
static enum server_outcome make_loops(struct process *process)
{
	const struct engine_plan plan = {.wanted = process->server.config->io_engine,
					 .loops = process->worker_count,
					 .files = &process->server.files,
					 .warn = warn_of_engine,
					 .arg = process};
	char error[ERROR_TEXT_MAX];

	if (engine_init(&process->engine, &plan, error) < 0) {
		log_msg(&process->log, LOG_LEVEL_ERROR, "%s", error);
		return SERVER_ERROR;
	}
	process->worker_count = process->engine.loops;
	return SERVER_STOPPED;
}

static enum server_outcome prepare_workers(struct process *process,
					   int sock_fds[LISTENERS_MAX][WORKERS_MAX])
{
	unsigned listen_count = process->is_check ? 0 : process->server.config->listen_count;

	for (unsigned w = 0; w < process->worker_count; w++) {
		int fds[LISTENERS_MAX];
		for (unsigned l = 0; l < listen_count; l++)
			fds[l] = sock_fds[l][w];
		int r = worker_init(&process->worker[w], &process->server, &process->engine, fds,
				    listen_count);
		if (r < 0) {
			log_msg(&process->log, LOG_LEVEL_ERROR, "worker %u cannot start: %s", w,
				strerrordesc_np(-r));
			return SERVER_ERROR;
		}
		process->prepared_count++;
	}
	return SERVER_STOPPED;
}

/* ---- The sandbox, and what is left in it ---------------------------------------------------- */

/* The last act of a process that is still one thread and has everything that it must open. */
static void enter_sandbox(struct process *process)
{
	const struct config *config = process->server.config;
	struct sandbox_plan plan = {.root_fd = process->server.root_fd,
				    .writable = config->writable,
				    .has_epoll = engine_is_epoll(&process->engine)};

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

static void warn_of_root(void *arg, const char *text)
{
	struct process *process = arg;
	log_msg(&process->log, LOG_LEVEL_WARN, "root folder %s: %s", process->server.config->root,
		text);
}

static bool has_lost(void *arg, const char *bucket)
{
	return root_watch_has_lost(arg, bucket);
}

static enum server_outcome watch_root(struct process *process)
{
	struct server *server = &process->server;
	const struct root_watch_plan plan = {.sys = &store_sys_kernel,
					     .statfs = fstatfs,
					     .root_fd = server->root_fd,
					     .name = server->config->root,
					     .writable = server->config->writable,
					     .log_sink = &server->log_sink,
					     .log_level = server->config->log_level,
					     .log_format = server->config->log_format,
					     .event_fd = server->event_fd};

	server->root_watch = root_watch_new(&plan);
	server->store.has_lost = has_lost;
	server->store.has_lost_arg = server->root_watch;
	if (server->root_watch != NULL)
		return SERVER_STOPPED;
	log_msg(&process->log, LOG_LEVEL_ERROR, "no memory to start");
	return SERVER_ERROR;
}

/* As requests will use it: in the sandbox, by the calls that they make. */
static enum server_outcome try_root(struct process *process)
{
	const struct config *config = process->server.config;
	const struct trial trial = {.sys = &store_sys_kernel,
				    .root_fd = process->server.root_fd,
				    .writable = config->writable,
				    .is_durable = config->durability == DURABILITY_FULL,
				    .needs_attributes = config->etag == ETAG_MD5,
				    .unnamed = &process->server.unnamed,
				    .warn = warn_of_root,
				    .arg = process};
	char error[ERROR_TEXT_MAX];
	uint8_t md5[MD5_BYTES];

	if (config->etag == ETAG_MD5 && md5_of_bytes("", 0, md5) < 0) {
		log_msg(&process->log, LOG_LEVEL_ERROR,
			"--etag=md5: OpenSSL computes no MD5 here (FIPS mode): use --etag=version");
		return SERVER_ERROR;
	}
	int r = trial_run(&trial, error);
	if (r == 0)
		return watch_root(process);
	log_msg(&process->log, LOG_LEVEL_ERROR, "root folder %s: %s", config->root, error);
	return r == -EACCES || r == -EROFS ? SERVER_ROOT_FORBIDDEN : SERVER_ERROR;
}

void startup_warn(struct process *process)
{
	const struct config *config = process->server.config;

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
}

/* ---- The whole ------------------------------------------------------------------------------ */

enum server_outcome startup(struct process *process)
{
	static int sock_fds[LISTENERS_MAX][WORKERS_MAX];

	process_meter_init(&process->meter);
	enum server_outcome outcome = open_root(process);
	if (outcome == SERVER_STOPPED)
		outcome = read_trust(process, process->config);
	if (outcome == SERVER_STOPPED)
		outcome = probe_kernel(process);
	if (outcome == SERVER_STOPPED)
		outcome = take_means(process);
	if (outcome == SERVER_STOPPED)
		outcome = make_loops(process);
	if (outcome == SERVER_STOPPED)
		outcome = open_listeners(process, sock_fds);
	if (outcome == SERVER_STOPPED)
		outcome = prepare_workers(process, sock_fds);
	if (outcome == SERVER_STOPPED) {
		enter_sandbox(process);
		outcome = try_root(process);
	}
	return outcome;
}

void startup_fini(struct process *process)
{
	for (unsigned i = 0; i < process->prepared_count; i++)
		worker_fini(&process->worker[i]);
	engine_fini(&process->engine);
	admin_free(process->admin);
	root_watch_free(process->server.root_watch);
	process_meter_fini(&process->meter);
	free(process->worker);
	trust_keeper_fini(&process->keeper);
	const int fds[] = {process->admin_fd, process->server.root_fd, process->server.event_fd,
			   process->signal_fd};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	log_limit_tell_all(&process->log_limit, &process->log);
	log_fini(&process->log);
	log_sink_fini(&process->server.log_sink);
}
