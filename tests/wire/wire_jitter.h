/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A busy machine, exaggerated: a process beside a server and its test stops one of them, or both,
 * for up to half a second, again and again, wherever they are. A scenario that relies on time fails
 * within minutes. A seed repeats the durations, not the places.
 */
#ifndef SLUICE_TESTS_WIRE_JITTER_H
#define SLUICE_TESTS_WIRE_JITTER_H

#include <sys/types.h>

/* Returns the process, which ends with the test. seed: not 0. */
pid_t wire_jitter_begin(unsigned long seed, pid_t server);
/* Ends it, and lets the server run. */
void wire_jitter_end(pid_t jitter, pid_t server);

#endif
