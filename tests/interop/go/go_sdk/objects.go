// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	. "sluice.test/interop/harness"
)

func checkObjects() {
	Check("put and get: empty, one byte, a megabyte; a wait until it is there", func() {
		for _, length := range []int{0, 1, MiB} {
			put("sized", Random(1, length))
			SameBytes("body", body("sized"), Random(1, length))
			Same("length", *head("sized").ContentLength, int64(length))
		}
		Must(s3.NewObjectExistsWaiter(client).Wait(background, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("sized")}, time.Minute))
	})
	Check("a stream without a way back, its sum in the trailer", func() {
		sent := Random(2, 300000)
		got := Got(client.PutObject(background, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("stream"),
			Body: io.MultiReader(bytes.NewReader(sent)), ContentLength: aws.Int64(int64(len(sent)))}))
		Same("sum", aws.ToString(got.ChecksumCRC32), sumOf("CRC32", sent))
		SameBytes("body", body("stream"), sent)
	})
	Check("metadata, content type and the other fields come back", checkFields)
	Check("ranges: first, last, clipped; beyond the end", func() {
		put("range", []byte("0123456789"))
		for _, one := range [][3]string{{"bytes=2-4", "234", "bytes 2-4/10"}, {"bytes=-3", "789", "bytes 7-9/10"}, {"bytes=8-100", "89", "bytes 8-9/10"}} {
			got := Got(client.GetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("range"), Range: &one[0]}))
			Same(one[0], string(read(got.Body)), one[1])
			Same("Content-Range", *got.ContentRange, one[2])
		}
		expectError[*s3.GetObjectOutput]("InvalidRange")(client.GetObject(background, &s3.GetObjectInput{
			Bucket: bucket, Key: aws.String("range"), Range: aws.String("bytes=10-")}))
	})
	Check("what the response is to say: content type, disposition, encoding, language, cache, expiry", func() {
		expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
		got := Got(client.GetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("range"),
			ResponseContentType: aws.String("text/csv"), ResponseContentDisposition: aws.String(`attachment; filename="é.csv"`),
			ResponseContentEncoding: aws.String("identity"), ResponseContentLanguage: aws.String("fr"),
			ResponseCacheControl: aws.String("no-store"), ResponseExpires: &expires}))
		read(got.Body)
		Same("type", aws.ToString(got.ContentType), "text/csv")
		Same("disposition", aws.ToString(got.ContentDisposition), `attachment; filename="é.csv"`)
		Same("encoding", aws.ToString(got.ContentEncoding), "identity")
		Same("language", aws.ToString(got.ContentLanguage), "fr")
		Same("cache", aws.ToString(got.CacheControl), "no-store")
		Same("expires", aws.ToString(got.ExpiresString), "Wed, 02 Jan 2030 03:04:05 GMT")
	})
	Check("odd names go and come", func() {
		for _, name := range OddNames {
			put("odd/"+name, []byte(name))
			Same(name, string(body("odd/"+name)), name)
		}
	})
	Check("presigned URLs, for a client that has nothing but its certificate", checkPresigned)
	Check("a missing key is NoSuchKey, for HEAD NotFound", func() {
		_, err := client.GetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("nothing")})
		expectKind[*types.NoSuchKey](err)
		_, err = client.HeadObject(background, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("nothing")})
		expectKind[*types.NotFound](err)
		expectError[*s3.GetObjectAttributesOutput]("NoSuchKey")(client.GetObjectAttributes(background, &s3.GetObjectAttributesInput{
			Bucket: bucket, Key: aws.String("nothing"), ObjectAttributes: []types.ObjectAttributes{"ETag"}}))
	})
	Check("a marker of a folder: put, listed, headed, got, deleted", checkMarker)
}

func checkFields() {
	expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	Got(client.PutObject(background, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("fields"), Body: bytes.NewReader([]byte("x")),
		ContentType: aws.String("text/plain; charset=utf-8"), CacheControl: aws.String("max-age=60"),
		ContentDisposition: aws.String(`attachment; filename="a.txt"`), ContentLanguage: aws.String("de"),
		ContentEncoding: aws.String("gzip"), Expires: &expires, Metadata: map[string]string{"one": "1", "two-words": "a b"}}))
	got := head("fields")
	Same("type", *got.ContentType, "text/plain; charset=utf-8")
	Same("cache", aws.ToString(got.CacheControl), "max-age=60")
	Same("disposition", aws.ToString(got.ContentDisposition), `attachment; filename="a.txt"`)
	Same("language", aws.ToString(got.ContentLanguage), "de")
	Same("encoding", aws.ToString(got.ContentEncoding), "gzip") // without the aws-chunked of the transfer
	Same("expires", aws.ToString(got.ExpiresString), "Wed, 02 Jan 2030 03:04:05 GMT")
	Same("metadata", len(got.Metadata), 2)
	Same("one", got.Metadata["one"], "1")
	Same("two-words", got.Metadata["two-words"], "a b")
	put("typeless", nil)
	Same("default type", *head("typeless").ContentType, "application/octet-stream") // what this SDK sends
}

func checkPresigned() {
	signer, plain := s3.NewPresignClient(client), &http.Client{Transport: place.Transport}
	key := aws.String("signed é")
	signed := Got(signer.PresignPutObject(background, &s3.PutObjectInput{Bucket: bucket, Key: key}))
	request := Got(http.NewRequest(signed.Method, signed.URL, bytes.NewReader([]byte("signed body"))))
	answer := Got(plain.Do(request))
	read(answer.Body)
	Same("PUT", answer.StatusCode, 200)
	signed = Got(signer.PresignGetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: key, ResponseContentType: aws.String("text/x-signed")}))
	answer = Got(plain.Get(signed.URL))
	Same("GET", string(read(answer.Body)), "signed body")
	Same("type", answer.Header.Get("Content-Type"), "text/x-signed")
	signed = Got(signer.PresignDeleteObject(background, &s3.DeleteObjectInput{Bucket: bucket, Key: key}))
	answer = Got(plain.Do(Got(http.NewRequest(signed.Method, signed.URL, nil))))
	read(answer.Body)
	Same("DELETE", answer.StatusCode, 204)
}

func checkMarker() {
	put("marker/", nil)
	Same("length", *head("marker/").ContentLength, 0)
	SameBytes("body", body("marker/"), nil)
	put("marker/in", []byte("x"))
	keys, prefixes := list(s3.ListObjectsV2Input{Prefix: aws.String("marker/"), Delimiter: aws.String("/")})
	Expect(len(keys) == 2 && keys[0] == "marker/" && keys[1] == "marker/in", "%v", keys)
	Same("prefixes", len(prefixes), 0)
	_, prefixes = list(s3.ListObjectsV2Input{Prefix: aws.String("mark"), Delimiter: aws.String("/")})
	Expect(len(prefixes) == 1 && prefixes[0] == "marker/", "%v", prefixes)
	Got(client.DeleteObject(background, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("marker/in")}))
	keys, _ = list(s3.ListObjectsV2Input{Prefix: aws.String("marker/")})
	Expect(len(keys) == 1 && keys[0] == "marker/", "the marker stays: %v", keys)
	Got(client.DeleteObject(background, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("marker/")}))
	keys, _ = list(s3.ListObjectsV2Input{Prefix: aws.String("marker")})
	Same("keys", len(keys), 0)
}
