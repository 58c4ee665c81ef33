/* SPDX-License-Identifier: Apache-2.0 */
#include "base/build_version.h"

#include <criterion/criterion.h>
#include <regex.h>

/* Which of the forms it is depends on the checkout: tests/lint/version tries them all. */
Test(build_version, is_a_version)
{
	regex_t form;

	cr_assert_eq(regcomp(&form, "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9]+-g[0-9a-f]{12,})?(-dirty)?$",
			     REG_EXTENDED | REG_NOSUB),
		     0);
	cr_assert_eq(regexec(&form, build_version(), 0, NULL, 0), 0, "%s", build_version());
	regfree(&form);
}
