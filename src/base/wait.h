/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor waited for up to a point in time, by a thread that may block. */
#ifndef SLUICE_BASE_WAIT_H
#define SLUICE_BASE_WAIT_H

#include <stdint.h>

/* events: as of poll(2); until_ms: of clock_now_ms. 0: it is ready, or has failed; -ETIMEDOUT;
 * another negative errno. */
int wait_for_fd(int fd, short events, uint64_t until_ms);

#endif
