/* SPDX-License-Identifier: Apache-2.0 */
/* What a ring can be made to do, by whoever writes into its queue: no more than it needs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "io/ring.h"

TestSuite(ring);

#define TOKEN 7

static void begin(struct ring *ring)
{
	int r = ring_init(ring, 8);

	if (r < 0)
		cr_skip_test("io_uring is not to be had here (%s)", strerrorname_np(-r));
	cr_assert_eq(ring_begin(ring), 0);
}

/* The result of what was started. */
static int finish(struct ring *ring)
{
	struct ring_event event;
	int count;

	while ((count = ring_wait(ring, 0, 1000, &event, 1)) == 0)
		;
	cr_assert_eq(count, 1);
	cr_assert_eq(event.token, TOKEN);
	return event.result;
}

static int finish_operation(struct ring *ring, void (*prepare)(struct io_uring_sqe *sqe))
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	prepare(sqe);
	io_uring_sqe_set_data64(sqe, TOKEN);
	return finish(ring);
}

/* ---- What it does --------------------------------------------------------------------- */

Test(ring, every_operation_of_ours)
{
	struct ring ring;
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};
	char data[2] = "";
	struct iovec iov = {.iov_base = data, .iov_len = 1};
	int pipes[2], file[2];

	begin(&ring);
	ring_yield(&ring, TOKEN);
	cr_expect_eq(finish(&ring), 0);
	ring_openat2(&ring, AT_FDCWD, "/proc/self/exe", &how, TOKEN);
	file[0] = finish(&ring);
	cr_expect_geq(file[0], 0);
	ring_readv(&ring, file[0], &iov, 1, 1, TOKEN);
	cr_expect_eq(finish(&ring), 1);
	cr_expect_eq(data[0], 'E', "of ELF");
	cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
	ring_splice_to_pipe(&ring, file[0], 2, pipes[1], 1, TOKEN);
	cr_expect_eq(finish(&ring), 1);
	ring_poll(&ring, pipes[0], POLLIN, TOKEN);
	cr_expect_eq(finish(&ring), POLLIN);
	file[1] = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	cr_assert_geq(file[1], 0);
	ring_write(&ring, file[1], "x", 1, 0, TOKEN);
	cr_expect_eq(finish(&ring), 1);
	cr_expect_eq(read(pipes[0], data, 1), 1);
	ring_poll(&ring, pipes[0], POLLIN, TOKEN);
	ring_cancel(&ring, TOKEN);
	cr_expect_eq(finish(&ring), -ECANCELED);
	ring_fini(&ring);
}

static void *wake(void *ring)
{
	ring_wake(ring);
	return NULL;
}

/* It is made by one thread and owned by another. */
static void *own(void *arg)
{
	struct ring *ring = arg;
	struct ring_event event;
	pthread_t waker;

	must(ring_begin(ring) == 0);
	must(pthread_create(&waker, NULL, wake, ring) == 0);
	must(ring_wait(ring, 0, -1, &event, 1) == 0);
	pthread_join(waker, NULL);
	return NULL;
}

Test(ring, belongs_to_the_thread_that_begins_it)
{
	struct ring ring;
	pthread_t owner;
	int r = ring_init(&ring, 8);

	if (r < 0)
		cr_skip_test("io_uring is not to be had here (%s)", strerrorname_np(-r));
	cr_assert_eq(pthread_create(&owner, NULL, own, &ring), 0);
	pthread_join(owner, NULL);
	ring_fini(&ring);
}

Test(ring, need_not_begin)
{
	struct ring ring;
	int r = ring_init(&ring, 8);

	if (r < 0)
		cr_skip_test("io_uring is not to be had here (%s)", strerrorname_np(-r));
	ring_wake(&ring);
	ring_fini(&ring);
}

/* ---- What it does not ----------------------------------------------------------------- */

static void prepare_socket(struct io_uring_sqe *sqe)
{
	io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM, 0, 0);
}

static void prepare_connect(struct io_uring_sqe *sqe)
{
	io_uring_prep_connect(sqe, -1, NULL, 0);
}

static void prepare_unlink(struct io_uring_sqe *sqe)
{
	io_uring_prep_unlinkat(sqe, AT_FDCWD, "/nonexistent/file", 0);
}

static void prepare_openat(struct io_uring_sqe *sqe)
{
	io_uring_prep_openat(sqe, AT_FDCWD, "/proc/self/exe", O_RDONLY, 0);
}

static void prepare_sendmsg(struct io_uring_sqe *sqe)
{
	io_uring_prep_sendmsg(sqe, -1, NULL, 0);
}

static void prepare_command(struct io_uring_sqe *sqe)
{
	io_uring_prep_nop(sqe);
	sqe->opcode = IORING_OP_URING_CMD;
}

static void prepare_fixed(struct io_uring_sqe *sqe)
{
	io_uring_prep_nop(sqe);
	sqe->flags |= IOSQE_FIXED_FILE;
}

Test(ring, no_other_operation_is_taken)
{
	void (*const prepares[])(struct io_uring_sqe *) = {
		prepare_socket,  prepare_connect, prepare_unlink, prepare_openat,
		prepare_sendmsg, prepare_command, prepare_fixed};
	struct ring ring;

	begin(&ring);
	for (size_t i = 0; i < ARRAY_LEN(prepares); i++)
		cr_expect_eq(finish_operation(&ring, prepares[i]), -EACCES, "operation %zu", i);
	ring_fini(&ring);
}

Test(ring, nothing_can_be_registered)
{
	static const unsigned what[] = {IORING_REGISTER_FILES, IORING_REGISTER_BUFFERS,
					IORING_REGISTER_PERSONALITY, IORING_REGISTER_PROBE,
					IORING_REGISTER_EVENTFD};
	struct ring ring;

	begin(&ring);
	for (size_t i = 0; i < ARRAY_LEN(what); i++)
		cr_expect_eq(io_uring_register((unsigned)ring.uring.ring_fd, what[i], NULL, 0),
			     -EACCES, "%zu", i);
	/* The bounds are set once. */
	cr_expect_lt(io_uring_register((unsigned)ring.uring.ring_fd, IORING_REGISTER_RESTRICTIONS,
				       NULL, 0),
		     0);
	ring_fini(&ring);
}
