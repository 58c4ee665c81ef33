/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/alert.h"

#include <criterion/criterion.h>

TestSuite(alert);

Test(alert, names_are_those_of_rfc_8446)
{
	static const struct {
		int number;
		const char *name;
	} rows[] = {
		{0, "close_notify"},        {10, "unexpected_message"},   {20, "bad_record_mac"},
		{22, "record_overflow"},    {40, "handshake_failure"},    {42, "bad_certificate"},
		{47, "illegal_parameter"},  {48, "unknown_ca"},           {50, "decode_error"},
		{70, "protocol_version"},   {80, "internal_error"},       {90, "user_canceled"},
		{109, "missing_extension"}, {116, "certificate_required"}};
	char out[ALERT_NAME_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(tls_alert_name((unsigned)rows[i].number, out), rows[i].name);
}

Test(alert, a_number_without_a_name_is_told)
{
	char out[ALERT_NAME_MAX];

	cr_expect_str_eq(tls_alert_name(199, out), "alert_199");
	cr_expect_str_eq(tls_alert_name(255, out), "alert_255");
}
