/* SPDX-License-Identifier: Apache-2.0 */
/* Where a page of a listing begins, in the three dialects. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

TestSuite(listing, .timeout = WIRE_TIMEOUT);

/* The shared bucket has a/b/c/d and a/b/c/d2. A position in a common prefix does not hide what of
 * it is behind; one that is the common prefix does where it is how a page of ours has ended. */
Test(listing, a_position_in_a_common_prefix)
{
	static const struct {
		const char *query;
		bool has_prefix;
	} rows[] = {
		{"list-type=2", true},
		{"list-type=2&start-after=a/b/c", true},
		{"list-type=2&start-after=a/b/c/", true},
		{"list-type=2&start-after=a/b/c/d", true},
		{"list-type=2&start-after=a/b/c/d2", false},
		{"list-type=2&start-after=a/b/d", false},
		{"list-type=2&continuation-token=YS9iL2Mv", false},    /* a/b/c/ */
		{"list-type=2&continuation-token=YS9iL2MvZA==", true}, /* a/b/c/d */
		{"marker=a/b/c/d", true},
		{"marker=a/b/c/d2", false},
		{"marker=a/b/c/", false},
		{"versions&key-marker=a/b/c/d", true},
		{"versions&key-marker=a/b/c/", false},
	};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char target[256];

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(target, sizeof(target), "/data?prefix=a/b/&delimiter=/&%s", rows[i].query);
		wire_ask(&client, "GET", target, "", &response);
		cr_assert_eq(response.status, 200, "%s: %s", rows[i].query, response.head);
		wire_read_text(&client, &response);
		const char *text = response.text;
		bool has_prefix = strstr(text, "<CommonPrefixes><Prefix>a/b/c/</Prefix>") != NULL;
		cr_expect_eq(has_prefix, rows[i].has_prefix, "%s: %s", rows[i].query, text);
		cr_expect_null(strstr(text, "<Contents>"));
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}
