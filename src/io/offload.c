/* SPDX-License-Identifier: Apache-2.0 */
#include "io/offload.h"

#include <signal.h>
#include <stddef.h>

#include "base/must.h"
#include "io/loop.h"

static void put_last(struct offload_job **first, struct offload_job **last, struct offload_job *job)
{
	job->next = NULL;
	if (*first == NULL)
		*first = job;
	else
		(*last)->next = job;
	*last = job;
}

static struct offload_job *take_first(struct offload_job **first)
{
	struct offload_job *job = *first;
	if (job != NULL)
		*first = job->next;
	return job;
}

/* Waits for a job. NULL: the threads are to end. has_run: this thread has run one before. */
static struct offload_job *next_job(struct offload *offload, bool has_run)
{
	pthread_mutex_lock(&offload->lock);
	offload->busy -= has_run;
	while (offload->first == NULL && !offload->is_ending)
		pthread_cond_wait(&offload->is_work, &offload->lock);
	struct offload_job *job = take_first(&offload->first);
	if (job != NULL) {
		offload->queued--;
		offload->busy++;
	}
	pthread_mutex_unlock(&offload->lock);
	return job;
}

static void give_back(struct offload_job *job)
{
	struct offload_home *home = job->home;

	pthread_mutex_lock(&home->lock);
	put_last(&home->first, &home->last, job);
	/* Under the lock: the loop, its state, may be gone as soon as it has the job. */
	loop_wake(home->loop);
	pthread_mutex_unlock(&home->lock);
}

static void *thread_main(void *arg)
{
	struct offload *offload = arg;
	struct offload_job *job = next_job(offload, false);

	while (job != NULL) {
		job->run(job);
		give_back(job);
		job = next_job(offload, true);
	}
	return NULL;
}

int offload_init(struct offload *offload, unsigned threads)
{
	sigset_t all, before;
	int r = 0;

	must(threads > 0 && threads <= OFFLOAD_THREADS_MAX);
	*offload = (struct offload){.thread_count = 0};
	pthread_mutex_init(&offload->lock, NULL);
	pthread_cond_init(&offload->is_work, NULL);
	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (r == 0 && offload->thread_count < threads) {
		r = pthread_create(&offload->thread[offload->thread_count], NULL, thread_main,
				   offload);
		if (r == 0)
			offload->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		offload_fini(offload);
	return -r;
}

void offload_fini(struct offload *offload)
{
	pthread_mutex_lock(&offload->lock);
	must(offload->first == NULL);
	offload->is_ending = true;
	pthread_cond_broadcast(&offload->is_work);
	pthread_mutex_unlock(&offload->lock);
	for (unsigned i = 0; i < offload->thread_count; i++)
		pthread_join(offload->thread[i], NULL);
	pthread_cond_destroy(&offload->is_work);
	pthread_mutex_destroy(&offload->lock);
}

int offload_home_init(struct offload_home *home, struct loop *loop)
{
	*home = (struct offload_home){.loop = loop};
	return -pthread_mutex_init(&home->lock, NULL);
}

void offload_home_fini(struct offload_home *home)
{
	must(home->out == 0);
	pthread_mutex_destroy(&home->lock);
}

void offload_submit(struct offload *offload, struct offload_home *home, struct offload_job *job)
{
	job->home = home;
	home->out++;
	pthread_mutex_lock(&offload->lock);
	must(!offload->is_ending);
	put_last(&offload->first, &offload->last, job);
	offload->queued++;
	pthread_cond_signal(&offload->is_work);
	pthread_mutex_unlock(&offload->lock);
}

struct offload_job *offload_done(struct offload_home *home)
{
	pthread_mutex_lock(&home->lock);
	struct offload_job *job = take_first(&home->first);
	pthread_mutex_unlock(&home->lock);
	if (job != NULL)
		home->out--;
	return job;
}

struct offload_usage offload_usage(struct offload *offload)
{
	pthread_mutex_lock(&offload->lock);
	struct offload_usage usage = {
		.queued = offload->queued, .busy = offload->busy, .threads = offload->thread_count};
	pthread_mutex_unlock(&offload->lock);
	return usage;
}
