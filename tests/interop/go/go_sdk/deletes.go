// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	. "sluice.test/interop/harness"
)

func deleteAll(from *string) {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: from})
	for pages.HasMorePages() {
		var keys []types.ObjectIdentifier
		for _, object := range Got(pages.NextPage(background)).Contents {
			keys = append(keys, types.ObjectIdentifier{Key: object.Key})
		}
		if len(keys) == 0 {
			continue
		}
		gone := Got(client.DeleteObjects(background, &s3.DeleteObjectsInput{Bucket: from, Delete: &types.Delete{Objects: keys}}))
		Same("deleted", len(gone.Deleted), len(keys))
		Same("errors", len(gone.Errors), 0)
	}
}

func checkDeletes() {
	Check("delete many: what is there, what is not, quietly", func() {
		put("delete/1", nil)
		put("delete/2", nil)
		keys := []types.ObjectIdentifier{{Key: aws.String("delete/1")}, {Key: aws.String("delete/nothing é+")}}
		gone := Got(client.DeleteObjects(background, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: keys}}))
		Same("deleted", len(gone.Deleted), 2)
		Same("key", *gone.Deleted[1].Key, "delete/nothing é+")
		keys[0].Key = aws.String("delete/2")
		gone = Got(client.DeleteObjects(background, &s3.DeleteObjectsInput{Bucket: bucket, ChecksumAlgorithm: "SHA256",
			Delete: &types.Delete{Objects: keys, Quiet: aws.Bool(true)}}))
		Same("said", len(gone.Deleted)+len(gone.Errors), 0)
		keys1, _ := list(s3.ListObjectsV2Input{Prefix: aws.String("delete/")})
		Same("left", len(keys1), 0)
	})
	Check("delete many, each if it is still that one", func() {
		etag := put("delete/1", []byte("1")).ETag
		put("delete/2", []byte("2"))
		gone := Got(client.DeleteObjects(background, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
			{Key: aws.String("delete/1"), ETag: etag}, {Key: aws.String("delete/2"), ETag: aws.String(`"other"`)}}}}))
		Expect(len(gone.Deleted) == 1 && *gone.Deleted[0].Key == "delete/1", "%d deleted", len(gone.Deleted))
		Expect(len(gone.Errors) == 1 && *gone.Errors[0].Code == "PreconditionFailed" && *gone.Errors[0].Key == "delete/2", "%d errors", len(gone.Errors))
		Same("body", string(body("delete/2")), "2")
	})
	Check("delete every object, a bucket with an unfinished upload, and both buckets are gone", func() {
		expectError[*s3.DeleteBucketOutput]("BucketNotEmpty")(client.DeleteBucket(background, &s3.DeleteBucketInput{Bucket: bucket}))
		uploadOf("CRC32", "", "unfinished", []byte("1"))
		for _, one := range []*string{bucket, aws.String("pages")} {
			deleteAll(one)
			Got(client.DeleteBucket(background, &s3.DeleteBucketInput{Bucket: one}))
		}
		Same("buckets", len(listBuckets(s3.ListBucketsInput{})), 0)
	})
}
