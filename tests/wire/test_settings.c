/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask of a bucket or an object that has no such thing set: as S3 answers it. */
#include "wire/wire.h"

#include <string.h>

#include "s3/settings.h"
#include "wire/wire_put.h"

TestSuite(settings, .timeout = WIRE_TIMEOUT);

#define EMPTY(root)                                                                                \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                             \
	"<" root " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></" root ">"

/* code: of a refusal; else 200, and text is in the answer. */
static const struct row {
	const char *target;
	int status;
	const char *code, *text;
} rows[] = {
	{"/data?versioning", 200, NULL, EMPTY("VersioningConfiguration")},
	{"/data?logging", 200, NULL, EMPTY("BucketLoggingStatus")},
	{"/data?notification", 200, NULL, EMPTY("NotificationConfiguration")},
	{"/data?accelerate", 200, NULL, EMPTY("AccelerateConfiguration")},
	{"/data?requestPayment", 200, NULL, "<Payer>BucketOwner</Payer>"},
	{"/data?acl", 200, NULL, "<Permission>FULL_CONTROL</Permission>"},
	{"/data?metrics", 200, NULL, "<IsTruncated>false</IsTruncated>"},
	{"/data?analytics", 200, NULL, "<IsTruncated>false</IsTruncated>"},
	{"/data?inventory", 200, NULL, "<IsTruncated>false</IsTruncated>"},
	{"/data?intelligent-tiering", 200, NULL, "<IsTruncated>false</IsTruncated>"},
	{"/data?metrics&id=x", 404, "NoSuchConfiguration", NULL},
	{"/data?analytics&id=x", 404, "NoSuchConfiguration", NULL},
	{"/data?inventory&id=x", 404, "NoSuchConfiguration", NULL},
	{"/data?intelligent-tiering&id=x", 404, "NoSuchConfiguration", NULL},
	{"/data?policy", 404, "NoSuchBucketPolicy", NULL},
	{"/data?policyStatus", 404, "NoSuchBucketPolicy", NULL},
	{"/data?lifecycle", 404, "NoSuchLifecycleConfiguration", NULL},
	{"/data?cors", 404, "NoSuchCORSConfiguration", NULL},
	{"/data?tagging", 404, "NoSuchTagSet", NULL},
	{"/data?encryption", 404, "ServerSideEncryptionConfigurationNotFoundError", NULL},
	{"/data?object-lock", 404, "ObjectLockConfigurationNotFoundError", NULL},
	{"/data?publicAccessBlock", 404, "NoSuchPublicAccessBlockConfiguration", NULL},
	{"/data?ownershipControls", 404, "OwnershipControlsNotFoundError", NULL},
	{"/data?website", 404, "NoSuchWebsiteConfiguration", NULL},
	{"/data?replication", 404, "ReplicationConfigurationNotFoundError", NULL},
	{"/data/k?acl", 200, NULL, "<ID>sluice</ID>"},
	{"/data/k?tagging", 200, NULL, "<TagSet></TagSet>"},
	{"/data/k?legal-hold", 400, "InvalidRequest", NULL},
	{"/data/k?retention", 400, "InvalidRequest", NULL},
	{"/data/none?acl", 404, "NoSuchKey", NULL},
	{"/data/none?retention", 404, "NoSuchKey", NULL},
	{"/data/none?tagging", 404, "NoSuchKey", NULL},
};

static void start(struct wire_server *server, struct wire_client *client)
{
	wire_put_start(server, client);
	wire_put_well(client, "/data/k", 1, 100);
}

Test(settings, answers)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].code != NULL) {
			wire_ask_fails(&client, "GET", rows[i].target, "", rows[i].status,
				       rows[i].code);
			continue;
		}
		const char *text = wire_ask_text(&client, "GET", rows[i].target, "", &response);
		cr_expect_eq(response.status, 200, "%s: %s", rows[i].target, text);
		cr_expect_not_null(strstr(text, rows[i].text), "%s: %s", rows[i].target, text);
		wire_field_is(&response, "Content-Type", "application/xml");
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Every row of the table has one here; what would change them is not served. */
Test(settings, cannot_be_changed)
{
#define TARGET_OF_BUCKET          "/data?"
#define TARGET_OF_OBJECT          "/data/k?"
#define TARGET(place, param, ...) TARGET_OF_##place param,
	static const char *const targets[] = {S3_SETTINGS(TARGET, TARGET, TARGET)};
	struct wire_server server = {0};
	struct wire_client client = {0};

	start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		bool is_in = false;
		for (size_t k = 0; k < ARRAY_LEN(rows); k++)
			is_in = is_in || strcmp(rows[k].target, targets[i]) == 0;
		cr_expect(is_in, "%s", targets[i]);
		wire_ask_fails(&client, "PUT", targets[i], "Content-Length: 0\r\n", 501,
			       "NotImplemented");
		wire_ask_fails(&client, "DELETE", targets[i], "", 501, "NotImplemented");
	}
	wire_fetch(&client, "/data/k", 1, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}
