/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine that is busy, and worse: a process beside a server and its test stops the one, the
 * other or both, again and again, for moments of up to half a second, wherever they are. What a
 * scenario takes for granted about time shows in minutes that way. Of one seed the moments are the
 * same, the places are not.
 */
#ifndef SLUICE_TESTS_WIRE_JITTER_H
#define SLUICE_TESTS_WIRE_JITTER_H

#include <sys/types.h>

/* Returns the process; it ends with the test. seed: not 0. */
pid_t wire_jitter_begin(unsigned long seed, pid_t server);
/* Ends it; the server runs from then on. */
void wire_jitter_end(pid_t jitter, pid_t server);

#endif
