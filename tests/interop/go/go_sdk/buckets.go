// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	. "sluice.test/interop/harness"
)

func listBuckets(input s3.ListBucketsInput) (names []string) {
	pages := s3.NewListBucketsPaginator(client, &input)
	for pages.HasMorePages() {
		for _, bucket := range Got(pages.NextPage(background)).Buckets {
			names = append(names, *bucket.Name)
		}
	}
	return names
}

func checkBuckets() {
	Check("create a bucket, wait for it, see it in the list", func() {
		Got(client.CreateBucket(background, &s3.CreateBucketInput{Bucket: bucket}))
		Must(s3.NewBucketExistsWaiter(client).Wait(background, &s3.HeadBucketInput{Bucket: bucket}, time.Minute))
		_, err := client.CreateBucket(background, &s3.CreateBucketInput{Bucket: bucket})
		expectKind[*types.BucketAlreadyOwnedByYou](err)
		names := listBuckets(s3.ListBucketsInput{})
		Same("buckets", len(names), 2)
		Same("first", names[0], place.Bucket)
	})
	Check("its region: location, head, and the manager's question", func() {
		location := Got(client.GetBucketLocation(background, &s3.GetBucketLocationInput{Bucket: bucket}))
		Same("location", location.LocationConstraint, "")
		head := Got(client.HeadBucket(background, &s3.HeadBucketInput{Bucket: bucket}))
		Same("head", aws.ToString(head.BucketRegion), "us-east-1")
		Same("manager", Got(manager.GetBucketRegion(background, client, place.Bucket)), "us-east-1")
	})
	Check("list buckets: a prefix, pages of one", func() {
		names := listBuckets(s3.ListBucketsInput{Prefix: aws.String("pag")})
		Expect(len(names) == 1 && names[0] == "pages", "%v", names)
		first := Got(client.ListBuckets(background, &s3.ListBucketsInput{MaxBuckets: aws.Int32(1)}))
		Same("a page", len(first.Buckets), 1)
		Expect(first.ContinuationToken != nil, "no token")
		names = listBuckets(s3.ListBucketsInput{MaxBuckets: aws.Int32(1)})
		Expect(len(names) == 2 && names[1] == "pages", "%v", names)
	})
	checkMissingBucket()
	checkQuestions()
}

func checkMissingBucket() {
	missing, key := aws.String("no-such-bucket"), aws.String("key")
	upload := aws.String("0123456789abcdef")
	Check("a missing bucket is NoSuchBucket, whatever is asked of it", func() {
		_, err := client.ListObjectsV2(background, &s3.ListObjectsV2Input{Bucket: missing})
		expectKind[*types.NoSuchBucket](err)
		_, err = client.HeadBucket(background, &s3.HeadBucketInput{Bucket: missing})
		expectKind[*types.NotFound](err)
		const code = "NoSuchBucket"
		expectError[*s3.ListObjectsOutput](code)(client.ListObjects(background, &s3.ListObjectsInput{Bucket: missing}))
		expectError[*s3.ListObjectVersionsOutput](code)(client.ListObjectVersions(background, &s3.ListObjectVersionsInput{Bucket: missing}))
		expectError[*s3.GetObjectOutput](code)(client.GetObject(background, &s3.GetObjectInput{Bucket: missing, Key: key}))
		expectError[*s3.PutObjectOutput](code)(client.PutObject(background, &s3.PutObjectInput{Bucket: missing, Key: key}))
		expectError[*s3.DeleteObjectOutput](code)(client.DeleteObject(background, &s3.DeleteObjectInput{Bucket: missing, Key: key}))
		expectError[*s3.DeleteObjectsOutput](code)(client.DeleteObjects(background, &s3.DeleteObjectsInput{
			Bucket: missing, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: key}}}}))
		expectError[*s3.GetObjectAttributesOutput](code)(client.GetObjectAttributes(background, &s3.GetObjectAttributesInput{
			Bucket: missing, Key: key, ObjectAttributes: []types.ObjectAttributes{"ETag"}}))
		expectError[*s3.CopyObjectOutput](code)(client.CopyObject(background, &s3.CopyObjectInput{
			Bucket: bucket, Key: key, CopySource: aws.String("no-such-bucket/key")}))
		expectError[*s3.CopyObjectOutput](code)(client.CopyObject(background, &s3.CopyObjectInput{
			Bucket: missing, Key: key, CopySource: aws.String("pages/many/0001")}))
		expectError[*s3.CreateMultipartUploadOutput](code)(client.CreateMultipartUpload(background,
			&s3.CreateMultipartUploadInput{Bucket: missing, Key: key}))
		expectError[*s3.UploadPartOutput](code)(client.UploadPart(background,
			&s3.UploadPartInput{Bucket: missing, Key: key, UploadId: upload, PartNumber: aws.Int32(1)}))
		expectError[*s3.ListPartsOutput](code)(client.ListParts(background,
			&s3.ListPartsInput{Bucket: missing, Key: key, UploadId: upload}))
		expectError[*s3.ListMultipartUploadsOutput](code)(client.ListMultipartUploads(background,
			&s3.ListMultipartUploadsInput{Bucket: missing}))
		expectError[*s3.AbortMultipartUploadOutput](code)(client.AbortMultipartUpload(background,
			&s3.AbortMultipartUploadInput{Bucket: missing, Key: key, UploadId: upload}))
		expectError[*s3.CompleteMultipartUploadOutput](code)(client.CompleteMultipartUpload(background,
			&s3.CompleteMultipartUploadInput{Bucket: missing, Key: key, UploadId: upload, MultipartUpload: &types.CompletedMultipartUpload{
				Parts: []types.CompletedPart{{ETag: aws.String(`"e"`), PartNumber: aws.Int32(1)}}}}))
		expectError[*s3.GetBucketLocationOutput](code)(client.GetBucketLocation(background, &s3.GetBucketLocationInput{Bucket: missing}))
		expectError[*s3.GetBucketVersioningOutput](code)(client.GetBucketVersioning(background, &s3.GetBucketVersioningInput{Bucket: missing}))
		expectError[*s3.DeleteBucketOutput](code)(client.DeleteBucket(background, &s3.DeleteBucketInput{Bucket: missing}))
	})
}

// checkQuestions asks what clients ask on the way, of a bucket that has none of it.
func checkQuestions() {
	Check("questions whose answer is nothing: versioning, logging, notification, payer, acceleration", func() {
		Same("versioning", Got(client.GetBucketVersioning(background, &s3.GetBucketVersioningInput{Bucket: bucket})).Status, "")
		Expect(Got(client.GetBucketLogging(background, &s3.GetBucketLoggingInput{Bucket: bucket})).LoggingEnabled == nil, "logging")
		sent := Got(client.GetBucketNotificationConfiguration(background, &s3.GetBucketNotificationConfigurationInput{Bucket: bucket}))
		Same("queues", len(sent.QueueConfigurations), 0)
		Same("payer", Got(client.GetBucketRequestPayment(background, &s3.GetBucketRequestPaymentInput{Bucket: bucket})).Payer, types.PayerBucketOwner)
		Same("acceleration", Got(client.GetBucketAccelerateConfiguration(background,
			&s3.GetBucketAccelerateConfigurationInput{Bucket: bucket})).Status, "")
	})
	Check("questions whose answer is that there is none: policy, lifecycle, CORS, tags, website, lock, public access", func() {
		expectError[*s3.GetBucketPolicyOutput]("NoSuchBucketPolicy")(client.GetBucketPolicy(background, &s3.GetBucketPolicyInput{Bucket: bucket}))
		expectError[*s3.GetBucketLifecycleConfigurationOutput]("NoSuchLifecycleConfiguration")(client.GetBucketLifecycleConfiguration(background,
			&s3.GetBucketLifecycleConfigurationInput{Bucket: bucket}))
		expectError[*s3.GetBucketCorsOutput]("NoSuchCORSConfiguration")(client.GetBucketCors(background, &s3.GetBucketCorsInput{Bucket: bucket}))
		expectError[*s3.GetBucketTaggingOutput]("NoSuchTagSet")(client.GetBucketTagging(background, &s3.GetBucketTaggingInput{Bucket: bucket}))
		expectError[*s3.GetBucketWebsiteOutput]("NoSuchWebsiteConfiguration")(client.GetBucketWebsite(background,
			&s3.GetBucketWebsiteInput{Bucket: bucket}))
		expectError[*s3.GetObjectLockConfigurationOutput]("ObjectLockConfigurationNotFoundError")(client.GetObjectLockConfiguration(background,
			&s3.GetObjectLockConfigurationInput{Bucket: bucket}))
		expectError[*s3.GetPublicAccessBlockOutput]("NoSuchPublicAccessBlockConfiguration")(client.GetPublicAccessBlock(background,
			&s3.GetPublicAccessBlockInput{Bucket: bucket}))
	})
	Check("the ACL of a bucket: its owner may do everything", func() {
		acl := Got(client.GetBucketAcl(background, &s3.GetBucketAclInput{Bucket: bucket}))
		Expect(acl.Owner != nil && len(acl.Grants) == 1, "%v", acl)
		Same("grant", acl.Grants[0].Permission, types.PermissionFullControl)
	})
}
