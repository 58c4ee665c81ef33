/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wait.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"

int wait_for_fd(int fd, short events, uint64_t until_ms)
{
	struct pollfd wait = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now_ms = clock_now_ms();
		int r = now_ms < until_ms ? poll(&wait, 1, (int)(until_ms - now_ms)) : 0;
		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}
