/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of the process of a server: what startup.c makes and server.c runs. Nobody else
 * includes this. */
#ifndef SLUICE_SERVER_PROCESS_H
#define SLUICE_SERVER_PROCESS_H

#include "base/log.h"
#include "io/sandbox.h"
#include "server/process_meter.h"
#include "server/root_watch.h"
#include "server/scrubber.h"
#include "server/server.h"
#include "server/sweeper.h"
#include "server/trust_keeper.h"
#include "server/worker.h"

struct process {
	struct config *config; /* server.config; trust_keeper_init wants to keep it */
	struct server server;
	struct log log;
	struct log_limit log_limit; /* of log */
	struct engine engine;
	struct worker *worker; /* worker_count of them */
	unsigned worker_count;
	unsigned prepared_count; /* they have loops, but no threads */
	unsigned started_count;
	struct admin *admin;
	int admin_fd; /* -1: none, or admin has it */
	int signal_fd;
	uint64_t drain_due_ms; /* 0: not stopping */
	uint64_t abort_due_ms; /* 0: nothing is closed by force */
	bool is_ready;
	bool is_check; /* nothing is served: only what a start would say */
	struct sweeper sweeper;
	struct scrubber scrubber;
	struct process_meter meter;
	int argc; /* the command line, for reading the configuration again */
	char *const *argv;
	struct trust_keeper keeper;
	struct sandbox_report sandbox;
};

/*
 * Opens, reads and tries what serving needs, in this order: root, certificates, kernel TLS,
 * limits, loops, addresses, the sandbox, and in it the root once more as requests will use it.
 * SERVER_STOPPED: all of it is there, and no thread has been started. Otherwise one line in the
 * log says what is wrong and what to do. startup_fini in any case.
 */
enum server_outcome startup(struct process *process);
/* Warnings about options that are allowed together and are probably not meant. */
void startup_warn(struct process *process);
void startup_fini(struct process *process);

/* Makes every worker look at the wishes of struct server. */
void process_wake_workers(struct process *process);

#endif
