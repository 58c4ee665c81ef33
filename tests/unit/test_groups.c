/* SPDX-License-Identifier: Apache-2.0 */
#include "base/groups.h"

#include <criterion/criterion.h>

TestSuite(base_groups);

Test(base_groups, names)
{
	cr_expect_str_eq(tls_group_label(TLS_GROUP_P256), "P-256");
	cr_expect_str_eq(tls_group_label(TLS_GROUP_OTHER), "other");
	cr_expect_eq(tls_group_by_go_name("CurveP384"), TLS_GROUP_P384);
	cr_expect_eq(tls_group_by_go_name("curvep384"), TLS_GROUP_OTHER);
	cr_expect_eq(tls_group_by_go_name(""), TLS_GROUP_OTHER);
	cr_expect_eq(tls_group_by_registry_name("X25519"), TLS_GROUP_X25519);
	cr_expect_eq(tls_group_by_registry_name("secp521r1"), TLS_GROUP_P521);
	cr_expect_eq(tls_group_by_registry_name("x448"), TLS_GROUP_OTHER);
	cr_expect_eq(TLS_GROUPS_DEFAULT & 1u << TLS_GROUP_P521, 0);
}
