/* SPDX-License-Identifier: Apache-2.0 */
/* Values that stand in fields and in XML alike. */
#ifndef SLUICE_S3_VALUES_H
#define SLUICE_S3_VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "http/head.h"

/* A time as Last-Modified has it, or as listings have it, whose fraction is dropped. False:
 * neither.
 */
bool s3_time_parse(struct slice text, time_t *seconds);
/* A decimal number of bytes. False: it is none. */
bool s3_size_parse(struct slice text, uint64_t *size);

#endif
