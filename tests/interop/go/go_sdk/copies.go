// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	. "sluice.test/interop/harness"
)

func copyTo(key, source string, change func(*s3.CopyObjectInput)) (*s3.CopyObjectOutput, error) {
	input := &s3.CopyObjectInput{Bucket: bucket, Key: &key, CopySource: &source}
	if change != nil {
		change(input)
	}
	return client.CopyObject(background, input)
}

func checkCopies() {
	Check("copies of odd names: the source encoded by segments, or as a whole", func() {
		for _, name := range OddNames {
			whole := strings.ReplaceAll(url.QueryEscape(place.Bucket+"/odd/"+name), "+", "%20")
			Got(copyTo("copy/"+name, strings.ReplaceAll(whole, "%2F", "/"), nil))
			Same(name, string(body("copy/"+name)), name)
			Got(copyTo("copy2/"+name, whole, nil))
			Same(name, string(body("copy2/"+name)), name)
		}
	})
	Check("copies of odd names: the source as it is, where that is unambiguous", func() {
		for _, name := range []string{"a b", "é/ü", "#", "a=b&c", "日本", "~-_."} {
			put("plain/"+name, []byte(name))
			Got(copyTo("copy3/"+name, "/"+place.Bucket+"/plain/"+name, nil))
			Same(name, string(body("copy3/"+name)), name)
		}
	})
	Check("a copy keeps metadata and checksum, or has new ones", func() {
		sent := []byte("copied")
		put("from", sent)
		Got(copyTo("from", place.Bucket+"/from", func(input *s3.CopyObjectInput) {
			input.MetadataDirective, input.Metadata = types.MetadataDirectiveReplace, map[string]string{"a": "b"}
			input.ContentType = aws.String("text/x-from")
		}))
		Same("a", head("from").Metadata["a"], "b")
		Got(copyTo("to", place.Bucket+"/from", nil))
		Same("kept", head("to").Metadata["a"], "b")
		Same("kept type", *head("to").ContentType, "text/x-from")
		Same("kept sum", aws.ToString(head("to").ChecksumCRC32), sumOf("CRC32", sent))
		copied := Got(copyTo("to", place.Bucket+"/from", func(input *s3.CopyObjectInput) { input.ChecksumAlgorithm = "SHA256" }))
		Same("new sum", aws.ToString(copied.CopyObjectResult.ChecksumSHA256), sumOf("SHA256", sent))
		Same("new sum", aws.ToString(head("to").ChecksumSHA256), sumOf("SHA256", sent))
		expectError[*s3.CopyObjectOutput]("InvalidRequest")(copyTo("to", place.Bucket+"/to", nil))
	})
	Check("conditions of a copy: of the source, of the target", func() {
		etag, past := head("from").ETag, time.Unix(1e9, 0)
		const failed = "PreconditionFailed"
		Got(copyTo("to", place.Bucket+"/from", func(input *s3.CopyObjectInput) { input.CopySourceIfMatch = etag }))
		for _, change := range []func(*s3.CopyObjectInput){
			func(input *s3.CopyObjectInput) { input.CopySourceIfMatch = aws.String(`"other"`) },
			func(input *s3.CopyObjectInput) { input.CopySourceIfNoneMatch = etag },
			func(input *s3.CopyObjectInput) { input.CopySourceIfUnmodifiedSince = &past },
			func(input *s3.CopyObjectInput) { input.IfNoneMatch = aws.String("*") },
			func(input *s3.CopyObjectInput) { input.IfMatch = aws.String(`"other"`) },
		} {
			expectError[*s3.CopyObjectOutput](failed)(copyTo("to", place.Bucket+"/from", change))
		}
		expectError[*s3.CopyObjectOutput]("NoSuchKey")(copyTo("to", place.Bucket+"/nothing", nil))
	})
}
