/* SPDX-License-Identifier: Apache-2.0 */
#include "server/trust_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "server/worker.h"
#include "tls/peer.h"

/* A worker takes up a new trust in far less; one that does not is busy with an accident. */
#define ADOPT_MS 1000

/* Landlock refuses to open what access(2), which it does not look at, allows. */
static bool is_outside_of_sandbox(const char *file)
{
	if (file[0] == '\0' || access(file, R_OK) < 0)
		return false;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_refused = fd < 0 && errno == EACCES;
	if (fd >= 0)
		close(fd);
	return is_refused;
}

static bool is_any_outside(const struct trust_keeper *keeper, const struct config *config)
{
	const char *files[CONFIG_TRUST_FILES];

	config_trust_files(config, files);
	for (size_t i = 0; keeper->server->config->sandbox && i < ARRAY_LEN(files); i++)
		if (is_outside_of_sandbox(files[i]))
			return true;
	return false;
}

static void blame_sandbox(char error[ERROR_TEXT_MAX])
{
	static const char why[] = "; the sandbox lets this server read the folders only that its "
				  "files were in at the start: put it there, or restart";
	size_t len = strlen(error);
	if (len > ERROR_TEXT_MAX - sizeof(why))
		len = ERROR_TEXT_MAX - sizeof(why);
	memcpy(error + len, why, sizeof(why));
}

/* A file that is written all the time must not fill the log. */
static bool may_log(struct trust_keeper *keeper, const char *msg)
{
	static const char source[] = "certificates and rules";
	uint64_t due_ms;

	return log_limit_allows(keeper->log_limit, (struct log_kind){msg, NULL}, source,
				sizeof(source) - 1, clock_now_ms(), &due_ms);
}

/* The configuration, read again. NULL: one line in error. */
static struct trust_config *read_config(struct trust_keeper *keeper, char error[ERROR_TEXT_MAX])
{
	struct config *config = malloc(sizeof(*config));
	struct trust_config *shared;
	char names[256];

	if (config != NULL &&
	    config_load(config, CONFIG_SERVE, keeper->argc, keeper->argv, error) < 0) {
		config_fini(config);
		free(config);
		return NULL;
	}
	if (config == NULL || (shared = trust_config_new(config)) == NULL) {
		snprintf(error, ERROR_TEXT_MAX, "no memory");
		return NULL;
	}
	/* Once for each time that it is others. */
	if (config_restart_needed(keeper->server->config, config, names, sizeof(names)) == 0)
		names[0] = '\0';
	if (names[0] != '\0' && strcmp(names, keeper->restart_names) != 0)
		log_msg(keeper->log, LOG_LEVEL_WARN,
			"%s: changed in the configuration, but read at start only; restart to "
			"change it",
			names);
	memcpy(keeper->restart_names, names, sizeof(names));
	return shared;
}

/* Adds what is said of the files to what is said of the configuration. */
static void append(char error[ERROR_TEXT_MAX], const char *more)
{
	size_t used = strlen(error);

	if (more[0] != '\0')
		snprintf(error + used, ERROR_TEXT_MAX - used, "%s%s", used > 0 ? "; " : "", more);
}

/*
 * The configuration and what it names, read again. If it cannot be used the files are those that it
 * named before: whom a list revokes, or who is of a CA that is gone, is turned out all the same.
 * What was not taken up is no reason to have everybody judged anew when nothing else has changed.
 */
static struct trust *load_trust(void *arg, char error[ERROR_TEXT_MAX])
{
	struct trust_keeper *keeper = arg;
	const struct trust *now = keeper->server->trust.trust; /* this thread alone changes it */
	char kept[ERROR_TEXT_MAX] = "";

	keeper->attempts++;
	struct trust_config *shared = read_config(keeper, error);
	struct trust *trust = shared != NULL ? trust_renew(shared, now, error) : NULL;
	trust_config_release(shared);
	if (trust == NULL) {
		trust = trust_renew(NULL, now, kept);
		append(error, kept);
	}
	if (error[0] != '\0' && is_any_outside(keeper, trust != NULL ? trust->config : now->config))
		blame_sandbox(error);
	if (trust == NULL || error[0] == '\0' || !trust_is_same(trust, now))
		return trust;
	trust_release(trust);
	return NULL;
}

/* Until every worker goes by it. */
static void wait_for_workers(struct trust_keeper *keeper, uint64_t generation)
{
	struct pollfd wait = {.fd = keeper->server->event_fd, .events = POLLIN};
	uint64_t until_ms = clock_now_ms() + ADOPT_MS, sink;

	while (!keeper->have_adopted(keeper->arg, generation) &&
	       atomic_load(&keeper->server->workers_running) > 0 && clock_now_ms() < until_ms)
		if (poll(&wait, 1, TICK_MS) > 0 && read(wait.fd, &sink, sizeof(sink)) < 0)
			return;
}

/* But for those of what was not taken up, of which trust_refused tells. */
static void log_flaws(struct trust_keeper *keeper, const struct tls_ctx *ctx)
{
	const struct tls_flaw *flaws;
	unsigned count = tls_ctx_flaws(ctx, &flaws);

	for (unsigned i = 0; i < count; i++) {
		const struct tls_flaw_row *row = tls_flaw_row(flaws[i].kind);
		if (!row->is_kept)
			log_msg(keeper->log, (enum log_level)row->level, "%s", flaws[i].text);
	}
}

static void log_trust(struct trust_keeper *keeper, const char *msg, const struct trust *trust)
{
	const struct tls_expiry *expiries;
	unsigned count = tls_ctx_expiries(trust->tls_ctx, &expiries), cas = 0, crls = 0;
	unsigned certificates = tls_settings_certificate_count(&trust->config->tls);
	struct log_line line;

	for (unsigned i = 0; i < count; i++) {
		cas += expiries[i].of == TLS_EXPIRY_CLIENT_CA;
		crls += expiries[i].of == TLS_EXPIRY_CRL;
	}
	log_flaws(keeper, trust->tls_ctx);
	log_begin(&line, keeper->log, LOG_LEVEL_INFO, msg);
	log_u64(&line, "generation", trust->generation);
	log_text(&line, "certificate", expiries[0].subject);
	log_text(&line, "serial", expiries[0].serial);
	log_u64(&line, "not_after", (uint64_t)expiries[0].at);
	if (certificates > 1)
		log_u64(&line, "certificates", certificates);
	log_u64(&line, "client_cas", cas);
	log_u64(&line, "crls", crls);
	log_u64(&line, "access_rules", trust->config->policy.rule_count);
	log_end(&line);
}

void trust_keeper_log_start(struct trust_keeper *keeper)
{
	log_trust(keeper, "trust read", keeper->server->trust.trust);
}

static void adopt_trust(void *arg, struct trust *trust, bool is_whole)
{
	struct trust_keeper *keeper = arg;
	struct server *server = keeper->server;

	/* The workers are to find the verdicts, not to make them. */
	peers_check(server->peers, trust->tls_ctx);
	trust_now_swap(&server->trust, trust);
	keeper->wake_workers(keeper->arg);
	wait_for_workers(keeper, trust->generation);
	keeper->reloads_ok += is_whole;
	keeper->reloads_partial += !is_whole;
	keeper->is_last_reload_ok = is_whole;
	keeper->is_in_part = !is_whole;
	keeper->reloaded_at = (uint64_t)time(NULL);
	if (may_log(keeper, is_whole ? "reloaded" : "reloaded in part"))
		log_trust(keeper, is_whole ? "reloaded" : "reloaded in part", trust);
}

static void trust_refused(void *arg, const char *error)
{
	struct trust_keeper *keeper = arg;

	keeper->reloads_failed += !keeper->is_in_part;
	keeper->is_last_reload_ok = false;
	if (may_log(keeper, "not reloaded"))
		log_msg(keeper->log, LOG_LEVEL_ERROR, "%s, what was in force stays in force: %s",
			keeper->is_in_part ? "reloaded in part; of the rest" : "not reloaded",
			error);
	keeper->is_in_part = false; /* of a change to come nothing has been taken up */
}

int trust_keeper_init(struct trust_keeper *keeper, struct config *config,
		      char error[ERROR_TEXT_MAX])
{
	const struct reload_owner owner = {
		.load = load_trust, .adopt = adopt_trust, .refused = trust_refused, .arg = keeper};
	struct trust *trust = NULL;

	snprintf(error, ERROR_TEXT_MAX, "no memory");
	keeper->server->peers = peers_new();
	keeper->reload = reload_new(&owner, config, clock_now_ms());
	if (keeper->server->peers != NULL && keeper->reload != NULL)
		trust = trust_new(config, error);
	if (trust == NULL)
		return -EINVAL;
	trust_now_init(&keeper->server->trust, trust);
	keeper->is_last_reload_ok = true;
	keeper->reloaded_at = (uint64_t)time(NULL);
	return 0;
}

void trust_keeper_fini(struct trust_keeper *keeper)
{
	reload_free(keeper->reload);
	if (keeper->server == NULL)
		return;
	if (keeper->server->trust.trust != NULL)
		trust_now_fini(&keeper->server->trust);
	peers_free(keeper->server->peers);
}

int trust_keeper_print_metrics(const struct trust_keeper *keeper, char *out, size_t bytes_max)
{
	int n = snprintf(
		out, bytes_max,
		"# HELP sluice_config_last_reload_successful Whether the last reading of "
		"certificates, CAs, CRLs and rules was taken up.\n"
		"# TYPE sluice_config_last_reload_successful gauge\n"
		"sluice_config_last_reload_successful %d\n"
		"# HELP sluice_config_last_reload_success_timestamp_seconds When what is in force "
		"was read, seconds since 1970.\n"
		"# TYPE sluice_config_last_reload_success_timestamp_seconds gauge\n"
		"sluice_config_last_reload_success_timestamp_seconds %llu\n"
		"# HELP sluice_config_reloads_total Reloads since the start, by result; of a "
		"partial one "
		"what would be worse than what was in force was left out.\n"
		"# TYPE sluice_config_reloads_total counter\n"
		"sluice_config_reloads_total{result=\"ok\"} %llu\n"
		"sluice_config_reloads_total{result=\"partial\"} %llu\n"
		"sluice_config_reloads_total{result=\"failed\"} %llu\n"
		"# HELP sluice_config_reload_attempts_total Readings of the files for reloads; a "
		"change that looks broken is read again for two seconds, and then every five.\n"
		"# TYPE sluice_config_reload_attempts_total counter\n"
		"sluice_config_reload_attempts_total %llu\n",
		keeper->is_last_reload_ok, (unsigned long long)keeper->reloaded_at,
		(unsigned long long)keeper->reloads_ok, (unsigned long long)keeper->reloads_partial,
		(unsigned long long)keeper->reloads_failed, (unsigned long long)keeper->attempts);
	if (n < 0 || (size_t)n >= bytes_max)
		return -ENOSPC;
	/* This thread alone changes it. */
	int m = trust_print_metrics(keeper->server->trust.trust, out + n, bytes_max - (size_t)n);
	return m < 0 ? m : n + m;
}
