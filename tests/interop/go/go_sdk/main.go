// SPDX-License-Identifier: Apache-2.0

// go_sdk is aws-sdk-go-v2 against a server: its client of S3, and both of its managers of transfers.
//
// usage: go_sdk ENDPOINT CA CERT KEY WORK_DIR BUCKET    (prints TAP)
//
// The server has a bucket "pages" of 1,050 keys many/0001 and so on.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	. "sluice.test/interop/harness"
)

var (
	place      = PlaceOfArguments()
	bucket     = aws.String(place.Bucket)
	background = context.Background()
	client     = s3.New(s3.Options{
		BaseEndpoint: aws.String(place.Endpoint),
		Region:       "us-east-1",
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider("dummy", "dummy-secret", ""),
		HTTPClient:   &http.Client{Transport: place.Transport},
		Retryer:      aws.NopRetryer{},
		// as LoadDefaultConfig sets them
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	})
)

// expectError wants an error of S3 with this code.
func expectError[T any](code string) func(T, error) {
	return func(none T, err error) {
		Expect(err != nil, "%T: no error, not even %s", none, code)
		var answer smithy.APIError
		Expect(errors.As(err, &answer), "not an answer with a code: %v", err)
		Same(fmt.Sprintf("code instead of %T", none), answer.ErrorCode(), code)
	}
}

// expectKind wants an error that the SDK maps to a type of its own.
func expectKind[E error](err error) {
	var kind E
	Expect(errors.As(err, &kind), "%v is no %T", err, kind)
}

func put(key string, body []byte) *s3.PutObjectOutput {
	return Got(client.PutObject(background, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(body)}))
}

func head(key string) *s3.HeadObjectOutput {
	return Got(client.HeadObject(background, &s3.HeadObjectInput{Bucket: bucket, Key: &key, ChecksumMode: "ENABLED"}))
}

func body(key string) []byte {
	got := Got(client.GetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: &key}))
	return read(got.Body)
}

func read(from io.ReadCloser) []byte {
	defer from.Close()
	return Got(io.ReadAll(from))
}

func main() {
	checkBuckets()
	checkObjects()
	checkSums()
	checkConditions()
	checkCopies()
	checkListings()
	checkParts()
	checkTransfers()
	checkDeletes()
	Done()
}
