/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of several loops: each is run once, by another thread, and comes back to its own loop. */
#include <stdatomic.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "io/offload.h"
#include "io/ring.h"

#define JOBS    500
#define LOOPS   3
#define THREADS 4

struct job {
	struct offload_job offload;
	pthread_t submitter;
	atomic_int runs;
	bool is_own_thread;
};

struct loop {
	struct offload *offload;
	struct offload_home home;
	struct ring ring;
	struct job *jobs;
	int back;
};

static void job_run(struct offload_job *offload_job)
{
	struct job *job = CONTAINER_OF(offload_job, struct job, offload);
	atomic_fetch_add(&job->runs, 1);
	job->is_own_thread = pthread_equal(pthread_self(), job->submitter) != 0;
}

/* As a worker does: submits, waits in its ring, takes what came back. */
static void *loop_main(void *arg)
{
	struct loop *loop = arg;
	struct ring_event events[8];

	must(ring_init(&loop->ring, 16) == 0 && ring_begin(&loop->ring) == 0);
	must(offload_home_init(&loop->home, &loop->ring) == 0);
	for (int i = 0; i < JOBS; i++) {
		loop->jobs[i] = (struct job){.offload.run = job_run, .submitter = pthread_self()};
		offload_submit(loop->offload, &loop->home, &loop->jobs[i].offload);
	}
	while (loop->back < JOBS) {
		ring_wait(&loop->ring, 0, -1, events, 8);
		struct offload_job *job;
		while ((job = offload_done(&loop->home)) != NULL) {
			must(job->home == &loop->home);
			loop->back++;
		}
	}
	must(offload_done(&loop->home) == NULL);
	offload_home_fini(&loop->home);
	ring_fini(&loop->ring);
	return NULL;
}

Test(offload, every_job_is_run_once_and_comes_back_to_its_loop)
{
	struct offload offload;
	struct loop loops[LOOPS] = {0};
	pthread_t threads[LOOPS];

	cr_assert_eq(offload_init(&offload, THREADS), 0);
	for (int i = 0; i < LOOPS; i++) {
		loops[i].offload = &offload;
		loops[i].jobs = calloc(JOBS, sizeof(struct job));
		cr_assert_not_null(loops[i].jobs);
		cr_assert_eq(pthread_create(&threads[i], NULL, loop_main, &loops[i]), 0);
	}
	for (int i = 0; i < LOOPS; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(loops[i].back, JOBS);
		for (int n = 0; n < JOBS; n++) {
			cr_assert_eq(atomic_load(&loops[i].jobs[n].runs), 1);
			cr_assert_not(loops[i].jobs[n].is_own_thread);
		}
		free(loops[i].jobs);
	}
	offload_fini(&offload);
}

Test(offload, threads_that_have_nothing_to_do_end)
{
	struct offload offload;
	cr_assert_eq(offload_init(&offload, OFFLOAD_THREADS_MAX), 0);
	offload_fini(&offload);
}

/* ---- Usage ----------------------------------------------------------------------------------- */

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t is_changed;
	unsigned inside;
	bool is_open;
};
static struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER,
			   .is_changed = PTHREAD_COND_INITIALIZER};

static void pass_gate(struct offload_job *job)
{
	(void)job;
	pthread_mutex_lock(&gate.lock);
	gate.inside++;
	pthread_cond_broadcast(&gate.is_changed);
	while (!gate.is_open)
		pthread_cond_wait(&gate.is_changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

Test(offload, usage)
{
	struct offload offload;
	struct offload_home home;
	struct ring ring;
	struct offload_job jobs[THREADS + 3];
	struct ring_event events[8];
	struct offload_usage usage;

	must(ring_init(&ring, 16) == 0 && ring_begin(&ring) == 0);
	must(offload_home_init(&home, &ring) == 0 && offload_init(&offload, THREADS) == 0);
	usage = offload_usage(&offload);
	cr_assert(usage.busy == 0 && usage.queued == 0 && usage.threads == THREADS);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		jobs[i] = (struct offload_job){.run = pass_gate};
		offload_submit(&offload, &home, &jobs[i]);
	}
	pthread_mutex_lock(&gate.lock);
	while (gate.inside < THREADS)
		pthread_cond_wait(&gate.is_changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	usage = offload_usage(&offload);
	cr_assert(usage.busy == THREADS && usage.queued == 3, "%u busy, %u queued", usage.busy,
		  usage.queued);
	pthread_mutex_lock(&gate.lock);
	gate.is_open = true;
	pthread_cond_broadcast(&gate.is_changed);
	pthread_mutex_unlock(&gate.lock);
	for (size_t back = 0; back < ARRAY_LEN(jobs);) {
		ring_wait(&ring, 0, -1, events, 8);
		while (offload_done(&home) != NULL)
			back++;
	}
	do /* a thread is busy until it looks for the next */
		usage = offload_usage(&offload);
	while (usage.busy > 0);
	cr_assert_eq(usage.queued, 0);
	offload_fini(&offload);
	offload_home_fini(&home);
	ring_fini(&ring);
}
