/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of loop does the same: one completion for each operation, never from where it was
 * started. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "io/loop.h"
#include "io/loop_epoll.h"
#include "io/loop_ring.h"

TestSuite(loop);

#define NONE INT32_MIN

struct wait {
	struct op op;
	int32_t result;
	unsigned order; /* of its completion */
	struct loop *loop;
	struct wait *cancels; /* when it is done; NULL: nothing */
};

static unsigned completed;

static void done(struct op *op, int32_t result)
{
	struct wait *wait = CONTAINER_OF(op, struct wait, op);

	cr_assert_eq(wait->result, NONE, "completed twice");
	cr_assert_not(op_is_in_flight(op));
	wait->result = result;
	wait->order = ++completed;
	if (wait->cancels != NULL && op_is_in_flight(&wait->cancels->op))
		loop_cancel(wait->loop, &wait->cancels->op);
}

#define WAIT()                                                                                     \
	{                                                                                          \
		.result = NONE                                                                     \
	}

static int32_t finish(struct loop *loop, struct wait *wait)
{
	cr_assert_eq(wait->result, NONE, "completed where it was started");
	while (wait->result == NONE)
		cr_assert_eq(loop_wait(loop, 1000), 0);
	int32_t result = wait->result;
	wait->result = NONE;
	return result;
}

/* Runs a test with each kind that this machine has. */
static void with_each_kind(void (*run)(struct loop *loop))
{
	struct offload files;
	struct loop loop;
	void *state;

	cr_assert_eq(offload_init(&files, 2), 0);
	cr_assert_eq(loop_epoll_new(&state, &files), 0);
	cr_assert_eq(loop_init(&loop, &loop_kind_epoll, state), 0);
	cr_assert_eq(loop_begin(&loop), 0);
	run(&loop);
	loop_fini(&loop);
	offload_fini(&files);
	int r = loop_ring_new(&state, 16);
	if (r < 0)
		cr_skip_test("io_uring is not to be had here (%s)", strerrorname_np(-r));
	cr_assert_eq(loop_init(&loop, &loop_kind_ring, state), 0);
	cr_assert_eq(loop_begin(&loop), 0);
	run(&loop);
	loop_fini(&loop);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void do_every_operation(struct loop *loop)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};
	struct wait wait = WAIT();
	char data[2] = "", xyz[] = "xyz";
	struct iovec iov = {.iov_base = data, .iov_len = 1};
	int pipes[2];

	loop_yield(loop, &wait.op, done);
	cr_expect_eq(finish(loop, &wait), 0);
	loop_openat2(loop, &wait.op, AT_FDCWD, "/proc/self/exe", &how, done);
	int exe_fd = finish(loop, &wait);
	cr_assert_geq(exe_fd, 0);
	loop_openat2(loop, &wait.op, AT_FDCWD, "/nowhere", &how, done);
	cr_expect_eq(finish(loop, &wait), -ENOENT);
	loop_readv(loop, &wait.op, exe_fd, &iov, 1, 1, done);
	cr_expect_eq(finish(loop, &wait), 1);
	cr_expect_eq(data[0], 'E', "of ELF");
	loop_readv(loop, &wait.op, exe_fd, &iov, 1, 1ull << 40, done);
	cr_expect_eq(finish(loop, &wait), 0, "the end of the file");
	cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
	loop_splice_to_pipe(loop, &wait.op, exe_fd, 2, pipes[1], 1, done);
	cr_expect_eq(finish(loop, &wait), 1);
	loop_poll(loop, &wait.op, pipes[0], POLLIN, done);
	cr_expect_eq(finish(loop, &wait), POLLIN);
	cr_expect_eq(read(pipes[0], data, 1), 1);
	cr_expect_eq(data[0], 'L');
	int file_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	cr_assert_geq(file_fd, 0);
	loop_write(loop, &wait.op, file_fd, (struct iovec){xyz, 3}, 2, done);
	cr_expect_eq(finish(loop, &wait), 3);
	cr_expect_eq(pread(file_fd, data, 1, 3), 1);
	cr_expect_eq(data[0], 'y');
	loop_write(loop, &wait.op, exe_fd, (struct iovec){xyz, 1}, 0, done);
	cr_expect_eq(finish(loop, &wait), -EBADF, "it is open for reading");
	loop_poll(loop, &wait.op, -1, POLLIN, done);
	cr_expect_eq(finish(loop, &wait), -EBADF);
	cr_expect_eq(loop->in_flight, 0);
	close(exe_fd);
	close(file_fd);
	close(pipes[0]);
	close(pipes[1]);
}

Test(loop, every_operation)
{
	with_each_kind(do_every_operation);
}

/* ---- Polls ----------------------------------------------------------------------------------- */

static void do_polls(struct loop *loop)
{
	struct wait in = WAIT(), out = WAIT(), late = WAIT();
	int socks[2];
	char byte;

	/* The same number again and again: what the loop knows of a descriptor that was closed is
	 * not believed of the next. */
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
		loop_poll(loop, &in.op, socks[0], POLLIN | POLLRDHUP, done);
		loop_poll(loop, &out.op, socks[0], POLLOUT, done);
		cr_expect_eq(finish(loop, &out), POLLOUT);
		cr_expect_eq(in.result, NONE, "nothing came, and a poll of the other is no cause");
		cr_assert_eq(write(socks[1], "x", 1), 1);
		cr_expect_eq(finish(loop, &in), POLLIN);
		loop_poll(loop, &in.op, socks[0], POLLIN, done);
		cr_expect_eq(finish(loop, &in), POLLIN, "it was not read");
		cr_assert_eq(read(socks[0], &byte, 1), 1);
		loop_poll(loop, &in.op, socks[0], POLLIN | POLLRDHUP, done);
		cr_assert_eq(loop_wait(loop, 0), 0);
		cr_expect_eq(in.result, NONE);
		cr_assert_eq(shutdown(socks[1], SHUT_WR), 0);
		cr_expect_eq(finish(loop, &in), POLLIN | POLLRDHUP);
		close(socks[1]);
		loop_poll(loop, &out.op, socks[0], POLLOUT, done);
		cr_expect(finish(loop, &out) & POLLHUP);
		loop_poll(loop, &late.op, socks[0], 0, done);
		cr_expect(finish(loop, &late) & POLLHUP, "told without having been asked for");
		close(socks[0]);
	}
}

Test(loop, polls)
{
	with_each_kind(do_polls);
}

static void do_cancels(struct loop *loop)
{
	struct wait in = WAIT(), other = WAIT();
	int socks[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
	loop_poll(loop, &in.op, socks[0], POLLIN, done);
	loop_poll(loop, &other.op, socks[0], POLLIN, done);
	loop_cancel(loop, &in.op);
	cr_expect_eq(finish(loop, &in), -ECANCELED);
	cr_expect_eq(other.result, NONE);
	cr_assert_eq(write(socks[1], "x", 1), 1);
	cr_expect_eq(finish(loop, &other), POLLIN, "the other is still waited for");
	/* Cancelled twice, and when it is ready already: one completion. */
	loop_poll(loop, &in.op, socks[0], POLLIN, done);
	loop_cancel(loop, &in.op);
	loop_cancel(loop, &in.op);
	int32_t result = finish(loop, &in);
	cr_expect(result == -ECANCELED || result == POLLIN, "%d", result);
	loop_yield(loop, &in.op, done);
	loop_cancel(loop, &in.op);
	cr_expect_leq(finish(loop, &in), 0);
	/* One that is ready cancels the other, which is ready, too. */
	in.cancels = &other;
	other.cancels = &in;
	in.loop = other.loop = loop;
	loop_poll(loop, &in.op, socks[0], POLLIN, done);
	loop_poll(loop, &other.op, socks[0], POLLIN, done);
	while (in.result == NONE || other.result == NONE)
		cr_assert_eq(loop_wait(loop, 1000), 0);
	cr_expect_eq(loop->in_flight, 0);
	close(socks[0]);
	close(socks[1]);
}

Test(loop, cancels)
{
	with_each_kind(do_cancels);
}

/* A poll that never comes true, cancelled; then its descriptor is closed before it is told. */
static void do_close(struct loop *loop)
{
	struct wait in = WAIT(), next = WAIT();
	int socks[2], others[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
	loop_poll(loop, &in.op, socks[0], POLLIN, done);
	cr_assert_eq(loop_wait(loop, 0), 0);
	loop_cancel(loop, &in.op);
	close(socks[0]);
	close(socks[1]);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, others), 0);
	cr_expect_eq(others[0], socks[0]);
	loop_poll(loop, &next.op, others[0], POLLIN, done);
	cr_expect_eq(finish(loop, &in), -ECANCELED);
	cr_expect_eq(next.result, NONE);
	cr_assert_eq(write(others[1], "x", 1), 1);
	cr_expect_eq(finish(loop, &next), POLLIN);
	close(others[0]);
	close(others[1]);
}

Test(loop, descriptors_that_are_closed)
{
	with_each_kind(do_close);
}

/* ---- Turns ----------------------------------------------------------------------------------- */

/* What yields has its turn after the others had theirs. */
static void yield_again(struct op *op, int32_t result);

static struct loop *yielding;
static unsigned yields;

static void yield_again(struct op *op, int32_t result)
{
	(void)result;
	if (++yields < 100)
		loop_yield(yielding, op, yield_again);
}

static void do_yields(struct loop *loop)
{
	struct wait in = WAIT();
	struct op busy = {0};
	int socks[2];

	yielding = loop;
	yields = 0;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
	cr_assert_eq(write(socks[1], "x", 1), 1);
	loop_yield(loop, &busy, yield_again);
	loop_poll(loop, &in.op, socks[0], POLLIN, done);
	cr_expect_eq(finish(loop, &in), POLLIN);
	cr_expect_leq(yields, 2, "%u turns before a socket that was ready", yields);
	while (op_is_in_flight(&busy))
		cr_assert_eq(loop_wait(loop, 1000), 0);
	close(socks[0]);
	close(socks[1]);
}

Test(loop, yields)
{
	with_each_kind(do_yields);
}

struct alarm {
	struct timer timer;
	unsigned rings;
	struct loop *loop;
};

static void ring_alarm(struct timer *timer)
{
	struct alarm *alarm = CONTAINER_OF(timer, struct alarm, timer);

	cr_assert_not(timer_is_armed(timer));
	alarm->rings++;
}

static void do_timers(struct loop *loop)
{
	struct alarm first = {.loop = loop}, last = {.loop = loop}, never = {.loop = loop};
	uint64_t begun_ms = loop->now_ms;

	loop_arm(loop, &last.timer, 3 * TICK_MS, ring_alarm);
	loop_arm(loop, &first.timer, TICK_MS, ring_alarm);
	loop_arm(loop, &never.timer, TICK_MS, ring_alarm);
	loop_disarm(loop, &never.timer);
	while (last.rings == 0) {
		cr_assert_eq(loop_wait(loop, -1), 0);
		loop_expire(loop);
		cr_assert(last.rings == 0 || first.rings == 1, "in the wrong order");
	}
	cr_expect_geq(loop->now_ms - begun_ms, 3 * TICK_MS);
	cr_expect_eq(never.rings, 0);
	cr_expect_not(timer_is_armed(&first.timer));
}

Test(loop, timers)
{
	with_each_kind(do_timers);
}

static void *wake(void *loop)
{
	loop_wake(loop);
	return NULL;
}

static void do_wake(struct loop *loop)
{
	pthread_t waker;

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(pthread_create(&waker, NULL, wake, loop), 0);
		cr_assert_eq(loop_wait(loop, -1), 0, "it returns when it is woken");
		pthread_join(waker, NULL);
	}
}

Test(loop, is_woken)
{
	with_each_kind(do_wake);
}
