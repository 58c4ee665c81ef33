// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	. "sluice.test/interop/harness"
)

func expectStatus[T any](status int) func(T, error) {
	return func(_ T, err error) {
		var answer *awshttp.ResponseError
		Expect(errors.As(err, &answer), "no answer of status %d but %v", status, err)
		Same("status", answer.HTTPStatusCode(), status)
	}
}

func checkConditions() {
	key := aws.String("condition")
	Check("reads with conditions: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since", func() {
		etag := put(*key, []byte("1")).ETag
		past, future := time.Unix(1e9, 0), aws.ToTime(head(*key).LastModified)
		get := func(input s3.GetObjectInput) (*s3.GetObjectOutput, error) {
			input.Bucket, input.Key = bucket, key
			return client.GetObject(background, &input)
		}
		read(Got(get(s3.GetObjectInput{IfMatch: etag})).Body)
		read(Got(get(s3.GetObjectInput{IfNoneMatch: aws.String(`"other"`)})).Body)
		read(Got(get(s3.GetObjectInput{IfModifiedSince: &past})).Body)
		read(Got(get(s3.GetObjectInput{IfUnmodifiedSince: &future})).Body)
		expectError[*s3.GetObjectOutput]("PreconditionFailed")(get(s3.GetObjectInput{IfMatch: aws.String(`"other"`)}))
		expectError[*s3.GetObjectOutput]("PreconditionFailed")(get(s3.GetObjectInput{IfUnmodifiedSince: &past}))
		expectStatus[*s3.GetObjectOutput](http.StatusNotModified)(get(s3.GetObjectInput{IfNoneMatch: etag}))
		expectStatus[*s3.GetObjectOutput](http.StatusNotModified)(get(s3.GetObjectInput{IfModifiedSince: &future}))
		expectStatus[*s3.HeadObjectOutput](http.StatusPreconditionFailed)(client.HeadObject(background,
			&s3.HeadObjectInput{Bucket: bucket, Key: key, IfMatch: aws.String(`"other"`)}))
	})
	Check("writes with conditions: only if absent, only if it is still that one", func() {
		write := func(text string, input s3.PutObjectInput) (*s3.PutObjectOutput, error) {
			input.Bucket, input.Body = bucket, bytes.NewReader([]byte(text))
			if input.Key == nil {
				input.Key = key
			}
			return client.PutObject(background, &input)
		}
		const failed = "PreconditionFailed"
		etag := put(*key, []byte("1")).ETag
		expectError[*s3.PutObjectOutput](failed)(write("2", s3.PutObjectInput{IfNoneMatch: aws.String("*")}))
		Got(write("3", s3.PutObjectInput{IfMatch: etag}))
		expectError[*s3.PutObjectOutput](failed)(write("4", s3.PutObjectInput{IfMatch: etag}))
		Same("body", string(body(*key)), "3")
		absent := aws.String("condition-absent")
		expectError[*s3.PutObjectOutput]("NoSuchKey")(write("5", s3.PutObjectInput{Key: absent, IfMatch: etag}))
		Got(write("6", s3.PutObjectInput{Key: absent, IfNoneMatch: aws.String("*")}))
	})
	Check("a condition when an upload is completed", func() {
		complete := func(condition func(*s3.CompleteMultipartUploadInput)) (*s3.CompleteMultipartUploadOutput, error) {
			upload, parts := uploadOf("CRC32", "", *key, []byte("parts"))
			input := &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}
			condition(input)
			return client.CompleteMultipartUpload(background, input)
		}
		expectError[*s3.CompleteMultipartUploadOutput]("PreconditionFailed")(complete(func(input *s3.CompleteMultipartUploadInput) {
			input.IfNoneMatch = aws.String("*")
		}))
		expectError[*s3.CompleteMultipartUploadOutput]("PreconditionFailed")(complete(func(input *s3.CompleteMultipartUploadInput) {
			input.IfMatch = aws.String(`"other"`)
		}))
		Same("body", string(body(*key)), "3")
		etag := head(*key).ETag
		Got(complete(func(input *s3.CompleteMultipartUploadInput) { input.IfMatch = etag }))
		Same("body", string(body(*key)), "parts")
	})
	Check("a condition when an object is deleted; one that is for other kinds of buckets is refused", func() {
		etag := put(*key, []byte("7")).ETag
		expectError[*s3.DeleteObjectOutput]("PreconditionFailed")(client.DeleteObject(background,
			&s3.DeleteObjectInput{Bucket: bucket, Key: key, IfMatch: aws.String(`"other"`)}))
		_, err := client.DeleteObject(background, &s3.DeleteObjectInput{Bucket: bucket, Key: key, IfMatchSize: aws.Int64(999)})
		Expect(err != nil, "x-amz-if-match-size is ignored")
		Same("body", string(body(*key)), "7")
		Got(client.DeleteObject(background, &s3.DeleteObjectInput{Bucket: bucket, Key: key, IfMatch: etag}))
		Must(s3.NewObjectNotExistsWaiter(client).Wait(background, &s3.HeadObjectInput{Bucket: bucket, Key: key}, time.Minute))
	})
}
