/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks whether the root can be served: the folder still has its name, can be read
 * and, with --writable, written, and what was mounted in it still is. A thread of
 * its own does it, every ROOT_WATCH_MS and when /-/ready asks, for a network file
 * system whose server is gone holds whoever asks it.
 *
 *   ticket = root_watch_ask()   ... root_watch_state(ticket): PENDING, GOOD or BAD
 *
 * A question that is not answered in ROOT_ANSWER_MS is answered: the root does not
 * respond. What changes is logged once. The workers
 * learn which buckets are lost, and answer 503 instead of "there is nothing".
 */
#ifndef SLUICE_SERVER_ROOT_WATCH_H
#define SLUICE_SERVER_ROOT_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/vfs.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics_text.h"
#include "store/sys.h"

struct root_watch;

enum root_state { ROOT_PENDING, ROOT_GOOD, ROOT_BAD };

struct root_watch_plan {
	const struct store_sys *sys;
	int (*statfs)(int fd, struct statfs *fs); /* fstatfs(2), or a test's */
	int root_fd;                              /* borrowed */
	const char *name;                         /* --root */
	bool writable;
	const struct log_sink *log_sink;
	enum log_level log_level;
	enum log_format log_format;
	int event_fd; /* eventfd: written when an answer is there */
};

/* Looks once by itself (the root was opened just before) and remembers what is mounted; starts no
 * thread yet. NULL: no memory. */
struct root_watch *root_watch_new(const struct root_watch_plan *plan);
/* 0 or a negative errno. */
int root_watch_start(struct root_watch *watch);
/* Never waits for a file system that does not answer: then the thread is left to itself. NULL is
 * fine. */
void root_watch_free(struct root_watch *watch);

/* Main thread: a look that begins after this. Returns its ticket. */
uint64_t root_watch_ask(struct root_watch *watch, uint64_t now_ms);
/* What came of it. why: one sentence, of ROOT_BAD. */
enum root_state root_watch_state(struct root_watch *watch, uint64_t ticket, uint64_t now_ms,
				 char why[ERROR_TEXT_MAX]);

/* Any thread: was this bucket a mount that is gone? Costs a load when none is. */
bool root_watch_has_lost(struct root_watch *watch, const char *bucket);
/* Room in the root's file system, as of the last look, and when it last told. Rows that it does not
 * tell (no inodes, an error) are absent. Waits for nothing. */
void root_watch_print(struct root_watch *watch, struct metrics_text *text);
/* Lines of its log that were lost, as log_lines_lost. */
uint64_t root_watch_lines_lost(const struct root_watch *watch);

#endif
