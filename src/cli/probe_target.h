/* SPDX-License-Identifier: Apache-2.0 */
/* `sluice probe --target`: what client/survey has seen of a server, on one screen or as JSON. */
#ifndef SLUICE_CLI_PROBE_TARGET_H
#define SLUICE_CLI_PROBE_TARGET_H

#include <stdint.h>
#include <stdio.h>

#include "client/survey.h"

/* now: seconds since 1970, for the days that are left. */
void probe_target_print_text(const struct target *target, const struct survey *survey, int64_t now,
			     FILE *out);
/* One object; its keys are part of the interface: they are added to, never changed. exit_code: that
 * of the command. */
void probe_target_print_json(const struct target *target, const struct survey *survey,
			     int exit_code, FILE *out);

#endif
