/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of several loops: each is run once, by another thread, and comes back to its own loop. */
#include <stdatomic.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "io/offload.h"
#include "io/loop_epoll.h"

#define JOBS    500
#define LOOPS   3
#define THREADS 4

struct user;

struct job {
	struct offload_job offload;
	struct user *user;
	pthread_t submitter;
	atomic_int runs;
	bool is_own_thread;
};

struct user {
	struct offload *offload;
	struct loop loop;
	struct job *jobs;
	int back;
};

static void job_run(struct offload_job *offload_job)
{
	struct job *job = CONTAINER_OF(offload_job, struct job, offload);
	atomic_fetch_add(&job->runs, 1);
	job->is_own_thread = pthread_equal(pthread_self(), job->submitter) != 0;
}

static void job_done(struct offload_job *offload_job)
{
	struct job *job = CONTAINER_OF(offload_job, struct job, offload);
	must(offload_job->home == &job->user->loop.jobs);
	must(pthread_equal(pthread_self(), job->submitter) != 0);
	job->user->back++;
}

static void begin(struct loop *loop)
{
	void *state;
	must(loop_epoll_new(&state, NULL) == 0 && loop_init(loop, &loop_kind_epoll, state) == 0);
	must(loop_begin(loop) == 0);
}

/* As a worker does: submits, waits in its loop, takes what came back. */
static void *loop_main(void *arg)
{
	struct user *user = arg;

	begin(&user->loop);
	for (int i = 0; i < JOBS; i++) {
		user->jobs[i] = (struct job){.offload = {.run = job_run, .done = job_done},
					     .user = user,
					     .submitter = pthread_self()};
		loop_submit(&user->loop, user->offload, &user->jobs[i].offload);
	}
	while (user->back < JOBS)
		must(loop_wait(&user->loop, -1) == 0);
	must(offload_done(&user->loop.jobs) == NULL);
	loop_fini(&user->loop);
	return NULL;
}

Test(offload, every_job_is_run_once_and_comes_back_to_its_loop)
{
	struct offload offload;
	struct user users[LOOPS] = {0};
	pthread_t threads[LOOPS];

	cr_assert_eq(offload_init(&offload, THREADS), 0);
	for (int i = 0; i < LOOPS; i++) {
		users[i].offload = &offload;
		users[i].jobs = calloc(JOBS, sizeof(struct job));
		cr_assert_not_null(users[i].jobs);
		cr_assert_eq(pthread_create(&threads[i], NULL, loop_main, &users[i]), 0);
	}
	for (int i = 0; i < LOOPS; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(users[i].back, JOBS);
		for (int n = 0; n < JOBS; n++) {
			cr_assert_eq(atomic_load(&users[i].jobs[n].runs), 1);
			cr_assert_not(users[i].jobs[n].is_own_thread);
		}
		free(users[i].jobs);
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

static int passed;

static void has_passed(struct offload_job *job)
{
	(void)job;
	passed++;
}

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
	struct loop loop;
	struct offload_job jobs[THREADS + 3];
	struct offload_usage usage;

	begin(&loop);
	must(offload_init(&offload, THREADS) == 0);
	usage = offload_usage(&offload);
	cr_assert(usage.busy == 0 && usage.queued == 0 && usage.threads == THREADS);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		jobs[i] = (struct offload_job){.run = pass_gate, .done = has_passed};
		loop_submit(&loop, &offload, &jobs[i]);
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
	while (passed < (int)ARRAY_LEN(jobs))
		must(loop_wait(&loop, -1) == 0);
	do /* a thread is busy until it looks for the next */
		usage = offload_usage(&offload);
	while (usage.busy > 0);
	cr_assert_eq(usage.queued, 0);
	offload_fini(&offload);
	loop_fini(&loop);
}
