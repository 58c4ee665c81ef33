/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alerts.h"

const char *tls_alert_name(int alert)
{
	switch (alert) {
#define CASE(id, number, name)                                                                     \
	case TLS_ALERT_##id:                                                                       \
		return name;
		TLS_ALERTS(CASE)
#undef CASE
	default:
		return "unknown";
	}
}
