/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one run of the wire tests is about, read from the environment:
 *
 *   SLUICE_BIN           the program under test; default: sluice in the folder above this program's
 *   WIRE_TLS_PATH        user | kernel | auto       (default user; kernel with SLUICE_EXPECT_KTLS)
 *   WIRE_ENGINE          copy | sendfile | splice | auto             (default copy)
 *   SLUICE_EXPECT_KTLS=1 kernel TLS must be there: what would be skipped without it fails
 *   WIRE_TIME_SCALE      factor on every deadline of the tests (default 1; an emulated machine
 *                        needs 10 to 20)
 *   WIRE_GUEST=1         smaller objects and fewer repetitions
 *   WIRE_SLOW=1          the suite "slow" too, and every row of "hostile_*"
 *   WIRE_DIR             made by this program: certificates, objects and logs of the run
 *
 * Criterion starts every test as a process of its own: the folder is made before the first test
 * and removed after the last one, unless a test has failed.
 */
#ifndef SLUICE_TESTS_WIRE_ENV_H
#define SLUICE_TESTS_WIRE_ENV_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

struct wire_env {
	char program[PATH_MAX];
	char dir[PATH_MAX / 4];
	const char *tls_path;
	const char *engine;
	bool expects_ktls;
	bool is_guest;
	bool is_slow; /* time does not matter */
	double time_scale;
	bool has_ulp;       /* this kernel gives a TCP socket the TLS ULP */
	bool can_rekey;     /* and takes a second key for it (Linux 6.14) */
	bool is_kernel;     /* connections of this run must be served by kernel TLS */
	uint64_t big_bytes; /* of the object "big" */
};

/* Fails the test when the environment makes no sense. */
void wire_env_read(struct wire_env *env);
/* As above, and skips the test when the run is about kernel TLS and this machine has none. */
void wire_env_need(struct wire_env *env);

/* Milliseconds, scaled: how long to wait for what must come. */
int wire_ms(const struct wire_env *env, int ms);
/* Milliseconds, scaled by two at most: a time limit of the server that a test waits for, or how
 * long to look that nothing comes. Long enough even for an emulated machine, and not longer. */
int wire_limit_ms(const struct wire_env *env, int ms);
uint64_t wire_now_ms(void);

#endif
