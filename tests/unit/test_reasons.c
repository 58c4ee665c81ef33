/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of reasons: what becomes a metric's label and a line of the log. */
#include "base/reasons.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"

TestSuite(reasons, .timeout = 600);

/* The row of the table by index, so that one test serves all three. */
static const struct reason *close_row(int i)
{
	return close_reason_row((enum close_reason)i);
}

static const struct reason *handshake_row(int i)
{
	return handshake_failure_row((enum handshake_failure)i);
}

static const struct reason *fallback_row(int i)
{
	return fallback_reason_row((enum fallback_reason)i);
}

static void check_table(const struct reason *(*row_of)(int), int count)
{
	for (int i = 0; i < count; i++) {
		const struct reason *row = row_of(i);
		size_t len = strlen(row->label);
		cr_assert_gt(len, 0);
		cr_assert_eq(strspn(row->label, "abcdefghijklmnopqrstuvwxyz_"), len,
			     "%s is no label", row->label);
		cr_assert(row->level >= LOG_LEVEL_DEBUG && row->level <= LOG_LEVEL_ERROR, "%s",
			  row->label);
		cr_assert_gt(strlen(row->sentence), 8, "%s", row->label);
		cr_assert_neq(row->sentence[strlen(row->sentence) - 1], '.',
			      "%s: it stands inside a log line", row->label);
		for (int j = 0; j < i; j++)
			cr_assert_str_neq(row->label, row_of(j)->label);
	}
}

Test(reasons, close)
{
	check_table(close_row, CLOSE_REASON_COUNT);
	cr_assert_str_eq(close_reason_row(CLOSE_FILE_TRUNCATED)->label, "file_truncated");
	cr_assert_eq(close_reason_row(CLOSE_FILE_TRUNCATED)->level, LOG_LEVEL_WARN);
	cr_assert_str_eq(close_reason_row(CLOSE_INTERNAL)->label, "internal");
}

Test(reasons, handshake)
{
	check_table(handshake_row, HANDSHAKE_FAILURE_COUNT);
	cr_assert_str_eq(handshake_failure_row(HANDSHAKE_CERT_EXPIRED)->label,
			 "certificate_expired");
	cr_assert_str_eq(handshake_failure_row(HANDSHAKE_INTERNAL)->label, "internal");
}

Test(reasons, fallback)
{
	check_table(fallback_row, FALLBACK_REASON_COUNT);
	cr_assert_str_eq(fallback_reason_row(FALLBACK_CONFIGURED)->label, "configured");
	cr_assert_str_eq(fallback_reason_row(FALLBACK_INSTALL_FAILED)->label, "install_failed");
}

/* "Kernel TLS is used" is no reason why it is not. */
Test(reasons, none_is_no_row, .signal = SIGABRT)
{
	fallback_reason_row(FALLBACK_NONE);
}

Test(reasons, out_of_range, .signal = SIGABRT)
{
	close_reason_row(CLOSE_REASON_COUNT);
}
