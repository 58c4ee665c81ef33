/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reasons.h"

#include "base/log.h"
#include "base/must.h"

#define ROW(id, label, level, sentence) {label, LOG_LEVEL_##level, sentence},

static const struct reason close_rows[] = {CLOSE_REASONS(ROW)};
static const struct reason handshake_rows[] = {HANDSHAKE_FAILURES(ROW)};
static const struct reason fallback_rows[] = {FALLBACK_REASONS(ROW)};

const struct reason *close_reason_row(enum close_reason reason)
{
	must((unsigned)reason < ARRAY_LEN(close_rows));
	return &close_rows[reason];
}

const struct reason *handshake_failure_row(enum handshake_failure failure)
{
	must((unsigned)failure < ARRAY_LEN(handshake_rows));
	return &handshake_rows[failure];
}

const struct reason *fallback_reason_row(enum fallback_reason reason)
{
	must((unsigned)reason < ARRAY_LEN(fallback_rows));
	return &fallback_rows[reason];
}
