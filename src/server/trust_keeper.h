/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the trust of a running server up to date: reads it at the start and when
 * server/reload says so, has every client that is connected judged by it, hands it
 * to the workers, and tells in log and metrics what came of it. Main thread only.
 */
#ifndef SLUICE_SERVER_TRUST_KEEPER_H
#define SLUICE_SERVER_TRUST_KEEPER_H

#include "base/log_limit.h"
#include "server/reload.h"
#include "server/trust.h"

struct server;

struct trust_keeper {
	/* Set by the owner. */
	struct server *server; /* its config is there; trust and peers are set here */
	struct log *log;
	struct log_limit *log_limit;
	int argc; /* the command line, to read the configuration again */
	char *const *argv;
	void (*wake_workers)(void *arg);
	bool (*have_adopted)(void *arg, uint64_t generation);
	void *arg;

	struct reload *reload;
	uint64_t reloaded_at; /* seconds since 1970: when the trust that is in force was read */
	uint64_t attempts;
	uint64_t reloads_ok;
	uint64_t reloads_partial; /* taken up but for what would have been worse */
	uint64_t reloads_failed;
	bool is_last_reload_ok;
	bool is_in_part; /* of the change that is being read, something is in force already */
	char restart_names[256]; /* of options that differ from those of the start */
};

/* Reads what config names, and watches it. config outlives the keeper. 0; or -EINVAL with one line
 * in error. On any return trust_keeper_fini may be called. */
int trust_keeper_init(struct trust_keeper *keeper, struct config *config,
		      char error[ERROR_TEXT_MAX]);
/* One line on what was read at the start, and one on what is worth a warning. */
void trust_keeper_log_start(struct trust_keeper *keeper);
/* All zero is fine, too. No worker runs any more. */
void trust_keeper_fini(struct trust_keeper *keeper);

/* As metrics_print. */
int trust_keeper_print_metrics(const struct trust_keeper *keeper, char *out, size_t bytes_max);

#endif
