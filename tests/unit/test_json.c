/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"

TestSuite(json);

Test(json, members)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct json json = {.out = out, .is_first = true};

	must(out != NULL);
	json_open(&json, NULL, '{');
	json_put_text(&json, "a\"b", "x\\\"\n\x7f");
	json_put_text(&json, "utf8", "M\xc3\xbcller");
	json_put_text(&json, "latin1", "M\xfcller");
	json_put_bool(&json, "no", false);
	json_open(&json, "list", '[');
	json_put_number(&json, NULL, -1);
	json_put_number(&json, NULL, 2);
	json_close(&json, ']');
	json_open(&json, "none", '[');
	json_close(&json, ']');
	json_put_seconds(&json, "s", 1000000001ull);
	json_close(&json, '}');
	fclose(out);
	cr_assert_str_eq(text, "{\"a\\\"b\":\"x\\\\\\\"\\u000a\\u007f\",\"utf8\":\"M\xc3\xbcller\","
			       "\"latin1\":\"M\\u00fcller\",\"no\":false,\"list\":[-1,2],"
			       "\"none\":[],\"s\":1.000000001}");
	free(text);
}
