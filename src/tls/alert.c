/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/alert.h"

#include <stdio.h>

const char *tls_alert_name(unsigned alert, char out[ALERT_NAME_MAX])
{
#define TLS_ALERT_CASE(id, number, name)                                                           \
	case ALERT_##id:                                                                           \
		return name;

	switch (alert) {
		TLS_ALERTS(TLS_ALERT_CASE)
	default: /* a number of the peer's */
		snprintf(out, ALERT_NAME_MAX, "alert_%u", alert);
		return out;
	}
}
