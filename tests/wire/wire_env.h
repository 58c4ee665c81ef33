/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one run of the wire tests is about, read from the environment:
 *
 *   SLUICE_BIN           the program under test; default: sluice in the folder above this program's
 *   WIRE_TLS_PATH        user | kernel | auto       (default user; kernel with SLUICE_EXPECT_KTLS)
 *   WIRE_ENGINE          copy | sendfile | splice | auto             (default copy)
 *   WIRE_IO_ENGINE       auto | uring | epoll                        (default auto)
 *   SLUICE_EXPECT_KTLS=1 kernel TLS must be there: what would be skipped without it fails
 *   WIRE_TIME_SCALE      minimum factor for the times of the tests (default 1); more is measured on
 * a slow machine (wire_speed.h) WIRE_GUEST=1         smaller objects and fewer repetitions
 *   WIRE_SLOW=1          the suite "slow" too, and every row of "hostile_*"
 *   WIRE_JITTER=SEED     stop server and test at random for moments (wire_jitter.h)
 *   WIRE_DIR             made by this program: certificates, objects and logs of the run
 *
 * Criterion starts every test as a process of its own: the folder is made before the first test
 * and removed after the last one, unless a test has failed.
 *
 * How a scenario waits. No verdict may depend on the speed of this machine: others may use most of
 * it, it may be emulated, and every process, the test included, may stand still for a while
 * anywhere.
 *
 * 1. What must happen is awaited by its sign: a byte, the end of the connection, a metric, a log
 * line, an exit code. The deadline is wire_patience_ms, so long that only a failing test reaches
 * it; it asserts nothing about speed.
 * 2. Order comes from signs, too, never from silence or sleep: wire_await_delivery for what was
 * sent, wire_metric_reaches, wire_metric_is and wire_metric_falls for what the server counts or
 * frees after its answer.
 * 3. That nothing happens can only be watched for a while (wire_is_silent). The test must stay
 * correct if the server is slower than that.
 * 4. A server's time limit that the test waits for is set by wire_limit_option. Everything else on
 * such a server has to fit in it, so it is stretched by what a handshake takes now: a second is at
 * least a hundred of them. A test that must beat the limit repeatedly checks its own clock, and
 * repeats with a longer limit what it was too slow for.
 * 5. "Soon" is a bound of wire_slack_ms, stretched in the same way.
 *
 * tests/wire/run --jitter SEED finds quickly what breaks these rules.
 */
#ifndef SLUICE_TESTS_WIRE_ENV_H
#define SLUICE_TESTS_WIRE_ENV_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/data_path.h"

struct wire_env {
	char program[PATH_MAX];
	char dir[PATH_MAX / 4];
	const char *tls_path;
	const char *io_engine;
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

/* Rule 1: milliseconds, and the moment (wire_now_ms) at which they end if they begin now. */
int wire_patience_ms(const struct wire_env *env);
uint64_t wire_patience_end(const struct wire_env *env);
/* Milliseconds, stretched by the time scale of the run. */
int wire_ms(const struct wire_env *env, int ms);
/* Rule 5: measures, and stretches by the result. */
int wire_slack_ms(const struct wire_env *env, int ms);
/* Rule 4: the same, and env->time_scale becomes the result; wire_limit_option calls it. */
int wire_limit_ms(struct wire_env *env, int ms);
uint64_t wire_now_ms(void);

#endif
