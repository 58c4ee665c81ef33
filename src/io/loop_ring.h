/* SPDX-License-Identifier: Apache-2.0 */
/* The loop over io_uring (io/ring.h): an operation's token is the address of its struct op. */
#ifndef SLUICE_IO_LOOP_RING_H
#define SLUICE_IO_LOOP_RING_H

#include "io/loop.h"

extern const struct loop_kind loop_kind_ring;

/* *state: for loop_init. 0 or a negative errno, as ring_init's. */
int loop_ring_new(void **state, unsigned entries);

#endif
