/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alerts.h"

#include <criterion/criterion.h>

TestSuite(alerts);

Test(alerts, names)
{
	cr_expect_str_eq(tls_alert_name(0), "close_notify");
	cr_expect_str_eq(tls_alert_name(48), "unknown_ca");
	cr_expect_str_eq(tls_alert_name(TLS_ALERT_CERTIFICATE_REQUIRED), "certificate_required");
	cr_expect_str_eq(tls_alert_name(120), "no_application_protocol");
	cr_expect_str_eq(tls_alert_name(1), "unknown");
	cr_expect_str_eq(tls_alert_name(-1), "unknown");
	cr_expect_str_eq(tls_alert_name(255), "unknown");
}
