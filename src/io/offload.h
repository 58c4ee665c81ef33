/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads for what the loop cannot do, or not in one piece: reading folders,
 * extended attributes, and sequences of file-system calls that must be read as
 * such (write, fsync, link, fsync). A loop's thread submits a job and gets it
 * back, done, when it next looks.
 *
 *   loop: offload_submit ---> [ queue ] ---> a thread: job->run(job)
 *         offload_done  <--- [ done  ] <---------'  (loop_wake)
 *
 * A job that was submitted is run exactly once and comes back exactly once; it
 * cannot be cancelled. Until then it, and what it points at, belong to the thread.
 */
#ifndef SLUICE_IO_OFFLOAD_H
#define SLUICE_IO_OFFLOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct loop;
struct offload_home;

struct offload_job {
	void (*run)(struct offload_job *job);  /* on a thread; may block */
	void (*done)(struct offload_job *job); /* on the loop's, when it has run */
	struct offload_home *home;             /* set by offload_submit */
	struct offload_job *next;
};

/* Where the jobs of one loop come back to. */
struct offload_home {
	struct loop *loop;
	pthread_mutex_t lock;
	struct offload_job *first;
	struct offload_job *last;
	unsigned out; /* the loop's own: submitted and not yet back */
};

struct offload {
	pthread_mutex_t lock;
	pthread_cond_t is_work;
	struct offload_job *first;
	struct offload_job *last;
	bool is_ending;
	unsigned queued; /* jobs that no thread has taken */
	unsigned busy;   /* threads that run one */
	unsigned thread_count;
	pthread_t thread[OFFLOAD_THREADS_MAX];
};

/* Starts the threads. 0 or a negative errno. */
int offload_init(struct offload *offload, unsigned threads);
/* Every job must have come back. Waits for the threads to end. */
void offload_fini(struct offload *offload);

/* loop: woken when a job is done; it must outlive its jobs. 0 or a negative errno. */
int offload_home_init(struct offload_home *home, struct loop *loop);
/* Nothing may be out. */
void offload_home_fini(struct offload_home *home);

/* Called by the loop that owns home. */
void offload_submit(struct offload *offload, struct offload_home *home, struct offload_job *job);
/* A job that is done, first done first; NULL: none (more). Called by the loop that owns home. */
struct offload_job *offload_done(struct offload_home *home);

struct offload_usage {
	unsigned queued;
	unsigned busy;
	unsigned threads;
};
/* By any thread. */
struct offload_usage offload_usage(struct offload *offload);

#endif
