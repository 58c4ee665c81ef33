/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room in the root's file system, for /metrics. A network file system whose server is gone holds
 * whoever asks it, for ever: so a thread of its own asks, every ROOT_METER_MS, and a scrape prints
 * what the last answer was and when it came.
 */
#ifndef SLUICE_SERVER_ROOT_METER_H
#define SLUICE_SERVER_ROOT_METER_H

#include <sys/vfs.h>

#include "base/metrics_text.h"

#define ROOT_METER_MS 5000

struct root_meter;

/* Asks once by itself (the root was opened just before), starts no thread yet; statfs: fstatfs, or
 * a test's. root_fd is borrowed. NULL: no memory. */
struct root_meter *root_meter_new(int root_fd, int (*statfs)(int fd, struct statfs *fs));
/* 0 or a negative errno. */
int root_meter_start(struct root_meter *meter);
/* Never waits for a file system that does not answer: then the thread is left to itself. NULL is
 * fine. */
void root_meter_free(struct root_meter *meter);
/* Rows that the file system does not tell (no inodes, an error) are absent. */
void root_meter_print(struct root_meter *meter, struct metrics_text *text);

#endif
