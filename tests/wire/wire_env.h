/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one run of the wire tests is about, read from the environment:
 *
 *   SLUICE_BIN           the program under test; default: sluice in the folder above this program's
 *   WIRE_TLS_PATH        user | kernel | auto       (default user; kernel with SLUICE_EXPECT_KTLS)
 *   WIRE_ENGINE          copy | sendfile | splice | auto             (default copy)
 *   SLUICE_EXPECT_KTLS=1 kernel TLS must be there: what would be skipped without it fails
 *   WIRE_TIME_SCALE      least factor on every time of the tests (default 1); measured is more if
 *                        this machine is slow (wire_speed.h)
 *   WIRE_GUEST=1         smaller objects and fewer repetitions
 *   WIRE_SLOW=1          the suite "slow" too, and every row of "hostile_*"
 *   WIRE_JITTER=SEED     server and test are stopped again and again for moments (wire_jitter.h)
 *   WIRE_DIR             made by this program: certificates, objects and logs of the run
 *
 * Criterion starts every test as a process of its own: the folder is made before the first test
 * and removed after the last one, unless a test has failed.
 *
 * How to wait. No verdict may depend on how fast this machine is: others may use most of it, it may
 * be emulated, and each process, the test's own too, may stand still for a while at any place.
 *
 *   What must come is waited for by its sign (a byte, the end of the connection, a metric, a line
 * of the log, the exit), with wire_patience_ms as the deadline. It is so long that nobody waits for
 *   it but a test that fails; so it says nothing about how soon the sign came.
 *   What must have happened before the next step has a sign, too. Silence and sleep are none: not
 *   that the server has read what was sent (wire_await_delivery, or a metric), nor that it has
 *   counted what it has just answered (wire_metric_is), nor removed it.
 *   That nothing comes can only be looked at for a while (wire_is_silent); it must be right, and
 * not only likely, that the test goes on correctly when the server is slower than that. A time
 * limit of the server that the test waits for is given by wire_limit_option. All else that the test
 * does on such a server has to be done within it, so it is measured: a hundred handshakes a second
 * or more. Where the test must itself be faster than the limit again and again, it looks at its own
 * clock, and what it was too slow for is done anew. That something comes soon is compared with a
 * bound of wire_slack_ms.
 *
 * tests/wire/run --jitter SEED shows quickly what does not keep to this.
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
	unsigned long jitter; /* the seed; 0: none */
	bool has_ulp;         /* this kernel gives a TCP socket the TLS ULP */
	bool can_rekey;       /* and takes a second key for it (Linux 6.14) */
	bool is_kernel;       /* connections of this run must be served by kernel TLS */
	uint64_t big_bytes;   /* of the object "big" */
};

/* Fails the test when the environment makes no sense. */
void wire_env_read(struct wire_env *env);
/* As above, and skips the test when the run is about kernel TLS and this machine has none. */
void wire_env_need(struct wire_env *env);

/* Milliseconds: how long to wait for what must come. */
int wire_patience_ms(const struct wire_env *env);
/* The moment at which patience that begins now ends, by wire_now_ms. */
uint64_t wire_patience_end(const struct wire_env *env);
/* Milliseconds, stretched: how long to look that nothing comes, what a machine needs for a piece of
 * work. */
int wire_ms(const struct wire_env *env, int ms);
/* The same, by what the machine needs now: the most that something that comes soon may take. */
int wire_slack_ms(const struct wire_env *env, int ms);
/* The same for a time limit of the server, which the test waits for; env keeps to it. */
int wire_limit_ms(struct wire_env *env, int ms);
uint64_t wire_now_ms(void);

#endif
