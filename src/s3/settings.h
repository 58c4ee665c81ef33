/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients ask of a bucket or an object on the way, and what S3 answers for one
 * that has no such thing set: the table from which the operations and their answers
 * come. Nothing of it can be set here.
 */
#ifndef SLUICE_S3_SETTINGS_H
#define SLUICE_S3_SETTINGS_H

/* Everything belongs to one owner, and who may do what is in the access rules. */
#define S3_SETTINGS_OWNER "<ID>sluice</ID><DisplayName>sluice</DisplayName>"
#define S3_SETTINGS_ACL                                                                            \
	"<Owner>" S3_SETTINGS_OWNER "</Owner><AccessControlList><Grant>"                           \
	"<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "                        \
	"xsi:type=\"CanonicalUser\">" S3_SETTINGS_OWNER "</Grantee>"                               \
	"<Permission>FULL_CONTROL</Permission></Grant></AccessControlList>"
#define S3_SETTINGS_NO_LIST "<IsTruncated>false</IsTruncated>"

/* ANSWER(place, parameter, root element, what is in it): 200.
 * ANSWER_LIST: the same; asked for one of the list, by its id: NoSuchConfiguration.
 * ERROR(place, parameter, id of S3_ERRORS, text or NULL) */
#define S3_SETTINGS(ANSWER, ANSWER_LIST, ERROR)                                                    \
	ANSWER(BUCKET, "accelerate", "AccelerateConfiguration", "")                                \
	ANSWER(BUCKET, "acl", "AccessControlPolicy", S3_SETTINGS_ACL)                              \
	ANSWER(BUCKET, "logging", "BucketLoggingStatus", "")                                       \
	ANSWER(BUCKET, "notification", "NotificationConfiguration", "")                            \
	ANSWER(BUCKET, "requestPayment", "RequestPaymentConfiguration",                            \
	       "<Payer>BucketOwner</Payer>")                                                       \
	ANSWER(BUCKET, "versioning", "VersioningConfiguration", "")                                \
	ANSWER_LIST(BUCKET, "analytics", "ListBucketAnalyticsConfigurationsResult",                \
		    S3_SETTINGS_NO_LIST)                                                           \
	ANSWER_LIST(BUCKET, "intelligent-tiering",                                                 \
		    "ListBucketIntelligentTieringConfigurationsResult", S3_SETTINGS_NO_LIST)       \
	ANSWER_LIST(BUCKET, "inventory", "ListInventoryConfigurationsResult", S3_SETTINGS_NO_LIST) \
	ANSWER_LIST(BUCKET, "metrics", "ListMetricsConfigurationsResult", S3_SETTINGS_NO_LIST)     \
	ERROR(BUCKET, "cors", NO_SUCH_CORS, NULL)                                                  \
	ERROR(BUCKET, "encryption", NO_ENCRYPTION, NULL)                                           \
	ERROR(BUCKET, "lifecycle", NO_SUCH_LIFECYCLE, NULL)                                        \
	ERROR(BUCKET, "object-lock", NO_OBJECT_LOCK, NULL)                                         \
	ERROR(BUCKET, "ownershipControls", NO_OWNERSHIP, NULL)                                     \
	ERROR(BUCKET, "policy", NO_SUCH_POLICY, NULL)                                              \
	ERROR(BUCKET, "policyStatus", NO_SUCH_POLICY, NULL)                                        \
	ERROR(BUCKET, "publicAccessBlock", NO_SUCH_ACCESS_BLOCK, NULL)                             \
	ERROR(BUCKET, "replication", NO_REPLICATION, NULL)                                         \
	ERROR(BUCKET, "tagging", NO_SUCH_TAG_SET, NULL)                                            \
	ERROR(BUCKET, "website", NO_SUCH_WEBSITE, NULL)                                            \
	ANSWER(OBJECT, "acl", "AccessControlPolicy", S3_SETTINGS_ACL)                              \
	ERROR(OBJECT, "legal-hold", INVALID_REQUEST, "The bucket has no object lock.")             \
	ERROR(OBJECT, "retention", INVALID_REQUEST, "The bucket has no object lock.")

#endif
