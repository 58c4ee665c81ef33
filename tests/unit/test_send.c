/* SPDX-License-Identifier: Apache-2.0 */
/* What of sending needs no connection. */
#include "xfer/send_private.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite(send);

/* Opened so that a FIFO does not hold us, and by noatime; a read through the ring may wait. */
Test(send, a_file_is_read_by_the_ring_without_o_nonblock)
{
	char path[] = "/tmp/sluice-send-XXXXXX";
	int made_fd = mkstemp(path);
	struct send send = {.file_fd = open(path, O_RDONLY | O_NONBLOCK | O_NOATIME)};

	cr_assert(made_fd >= 0 && send.file_fd >= 0);
	send_let_reads_wait(&send);
	cr_expect_eq(fcntl(send.file_fd, F_GETFL) & (O_NONBLOCK | O_NOATIME), O_NOATIME);
	send_let_reads_wait(&send);
	cr_expect_eq(fcntl(send.file_fd, F_GETFL) & (O_NONBLOCK | O_NOATIME), O_NOATIME);
	close(send.file_fd);
	close(made_fd);
	unlink(path);
}
