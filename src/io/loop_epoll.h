/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop over epoll, for where io_uring is refused: sockets are polled one-shot,
 * opens, reads and splices of files run on threads (io/offload). A write is tried
 * on the loop's own thread first, as far as it need not wait (RWF_NOWAIT); reads
 * and opens were, by whoever starts them.
 */
#ifndef SLUICE_IO_LOOP_EPOLL_H
#define SLUICE_IO_LOOP_EPOLL_H

#include "io/loop.h"

extern const struct loop_kind loop_kind_epoll;

/* *state: for loop_init. files: threads for operations on files, borrowed; NULL: none is ever
 * started. 0 or a negative errno. */
int loop_epoll_new(void **state, struct offload *files);

#endif
