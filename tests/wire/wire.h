/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a scenario needs. One suite a file: test_SUITE.c. */
#ifndef SLUICE_TESTS_WIRE_H
#define SLUICE_TESTS_WIRE_H

#include <criterion/criterion.h>

#include "base/limits.h"
#include "base/must.h"
#include "wire/wire_certs.h"
#include "wire/wire_client.h"
#include "wire/wire_env.h"
#include "wire/wire_http.h"
#include "wire/wire_pattern.h"
#include "wire/wire_raw.h"
#include "wire/wire_run.h"
#include "wire/wire_server.h"

/* Every wait of a test has a deadline of its own, which WIRE_TIME_SCALE stretches; this one, in
 * seconds, is for a test that hangs outside of them. */
#define WIRE_TIMEOUT           1800

/* A test with a server of its own that has no special options, and a client that is connected. */
#define WIRE_TEST(suite, name) Test(suite, name, .timeout = WIRE_TIMEOUT)

#endif
