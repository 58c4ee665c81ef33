/* SPDX-License-Identifier: Apache-2.0 */
/* ListBuckets: what a client may see, and pages of it. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "wire/wire_put.h"

TestSuite(buckets, .timeout = WIRE_TIMEOUT);

/* A root with "data" and these; rules: of the client, NULL: the server has none. */
static void start(struct wire_server *server, const char *rules)
{
	static const char *const more[] = {"blocks-a", "blocks-b", "blocks-c", "zzz"};
	static char config[WIRE_PATH_BYTES + 16];
	char path[WIRE_PATH_BYTES];

	wire_server_root(server);
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		snprintf(path, sizeof(path), "%s/%s", server->own_root, more[i]);
		cr_assert_eq(mkdir(path, 0755), 0);
	}
	if (rules != NULL) {
		snprintf(path, sizeof(path), "%s.yml", server->own_root);
		FILE *file = fopen(path, "w");
		cr_assert_not_null(file);
		fprintf(file, "access:\n  - identity: \"dns:*.clients.test\"\n    %s\n", rules);
		cr_assert_eq(fclose(file), 0);
		snprintf(config, sizeof(config), "--config=%s", path);
		server->option[0] = config;
	}
	wire_server_start(server);
}

/* Names of the answer, each with a space behind it. */
static void names(struct wire_client *client, const char *target, char out[256])
{
	struct wire_response response;
	const char *at = wire_ask_text(client, "GET", target, "", &response);
	char name[64];
	int n = 0;

	cr_assert_eq(response.status, 200, "%s: %s", target, response.text);
	out[0] = '\0';
	for (; (at = strstr(at, "<Name>")) != NULL; at++)
		if (sscanf(at, "<Name>%63[^<]", name) == 1)
			n += snprintf(out + n, 256 - (size_t)n, "%s ", name);
}

static void expect(struct wire_client *client, const char *target, const char *wanted)
{
	char out[256];

	names(client, target, out);
	cr_expect_str_eq(out, wanted, "%s", target);
}

Test(buckets, pages)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char target[256], token[128];

	start(&server, NULL);
	wire_connect(&client, &server);
	expect(&client, "/", "blocks-a blocks-b blocks-c data zzz ");
	expect(&client, "/?prefix=blocks-", "blocks-a blocks-b blocks-c ");
	expect(&client, "/?prefix=none", "");
	expect(&client, "/?bucket-region=us-east-1&prefix=z", "zzz ");
	expect(&client, "/?bucket-region=eu-west-1", "");
	expect(&client, "/?max-buckets=2", "blocks-a blocks-b ");
	const char *text =
		wire_ask_text(&client, "GET", "/?max-buckets=2&prefix=blocks-", "", &response);
	cr_assert_not_null(strstr(text, "<Prefix>blocks-</Prefix>"));
	cr_assert_not_null(strstr(text, "<BucketRegion>us-east-1</BucketRegion>"));
	const char *at = strstr(text, "<ContinuationToken>");
	cr_assert(at != NULL && sscanf(at, "<ContinuationToken>%127[^<]", token) == 1);
	snprintf(target, sizeof(target), "/?max-buckets=2&prefix=blocks-&continuation-token=%s",
		 token);
	expect(&client, target, "blocks-c ");
	cr_expect_null(
		strstr(wire_ask_text(&client, "GET", target, "", &response), "ContinuationToken"));
	cr_expect_null(strstr(wire_ask_text(&client, "GET", "/?max-buckets=5", "", &response),
			      "ContinuationToken"));
	wire_ask_fails(&client, "GET", "/?max-buckets=0", "", 400, "InvalidArgument");
	wire_ask_fails(&client, "GET", "/?max-buckets=10001", "", 400, "InvalidArgument");
	wire_ask_fails(&client, "GET", "/?continuation-token=%21", "", 400, "InvalidArgument");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Only what the client may list; and nothing is counted as denied for what it is not told. */
Test(buckets, that_the_client_may_see)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	start(&server, "allow: [read, list]\n    on: [\"blocks-b/**\", \"zzz\"]");
	wire_connect(&client, &server);
	expect(&client, "/", "blocks-b zzz ");
	expect(&client, "/?max-buckets=1", "blocks-b ");
	expect(&client, "/?prefix=data", "");
	wire_ask_fails(&client, "GET", "/data", "", 403, "AccessDenied");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(buckets, that_it_may_not_see)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	start(&server, "allow: [list]\n    on: [\"absent/**\"]");
	wire_connect(&client, &server);
	wire_ask_fails(&client, "GET", "/", "", 403, "AccessDenied");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(buckets, without_the_verb)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	start(&server, "allow: [read]\n    on: [\"**\"]");
	wire_connect(&client, &server);
	wire_ask_fails(&client, "GET", "/", "", 403, "AccessDenied");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(buckets, have_a_region)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	start(&server, NULL);
	wire_connect(&client, &server);
	wire_ask(&client, "HEAD", "/data", "", &response);
	cr_assert_eq(response.status, 200);
	wire_field_is(&response, "x-amz-bucket-region", "us-east-1");
	cr_expect_not_null(strstr(wire_ask_text(&client, "GET", "/data?location", "", &response),
				  "<LocationConstraint xmlns"));
	wire_disconnect(&client);
	wire_server_stop(&server);
}
