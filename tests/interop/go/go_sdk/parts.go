// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	. "sluice.test/interop/harness"
)

const partBytes = 5 * MiB

// parts are the bodies of an upload of two parts, of which the last one is short.
var parts = [][]byte{Random(4, partBytes), Random(5, 1000)}

var whole = bytes.Join(parts, nil)

// composite is the checksum of an object of parts: that of their checksums, and their number.
func composite(algorithm types.ChecksumAlgorithm, parts [][]byte) string {
	var digests []byte
	for _, part := range parts {
		digests = append(digests, digest(algorithm, part)...)
	}
	return fmt.Sprintf("%s-%d", sumOf(algorithm, digests), len(parts))
}

// uploadOf begins an upload and sends its parts, in the order in which they are not.
func uploadOf(algorithm types.ChecksumAlgorithm, kind types.ChecksumType, key string, bodies ...[]byte) (upload *string, sent []types.CompletedPart) {
	began := Got(client.CreateMultipartUpload(background, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: &key,
		ChecksumAlgorithm: algorithm, ChecksumType: kind, Metadata: map[string]string{"a": "b"}, ContentType: aws.String("text/x-parts")}))
	sent = make([]types.CompletedPart, len(bodies))
	for i := len(bodies) - 1; i >= 0; i-- {
		number := aws.Int32(int32(i + 1))
		part := Got(client.UploadPart(background, &s3.UploadPartInput{Bucket: bucket, Key: &key, UploadId: began.UploadId,
			PartNumber: number, Body: bytes.NewReader(bodies[i]), ChecksumAlgorithm: algorithm}))
		sum := types.Checksum{ChecksumCRC32: part.ChecksumCRC32, ChecksumCRC32C: part.ChecksumCRC32C, ChecksumCRC64NVME: part.ChecksumCRC64NVME,
			ChecksumSHA1: part.ChecksumSHA1, ChecksumSHA256: part.ChecksumSHA256}
		Same(fmt.Sprintf("checksum of part %d", i+1), sumIn(&sum, algorithm), sumOf(algorithm, bodies[i]))
		sent[i] = types.CompletedPart{PartNumber: number, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32, ChecksumCRC32C: part.ChecksumCRC32C,
			ChecksumCRC64NVME: part.ChecksumCRC64NVME, ChecksumSHA1: part.ChecksumSHA1, ChecksumSHA256: part.ChecksumSHA256}
	}
	return began.UploadId, sent
}

func complete(key string, upload *string, sent []types.CompletedPart, change func(*s3.CompleteMultipartUploadInput)) (*s3.CompleteMultipartUploadOutput, error) {
	input := &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: &key, UploadId: upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: sent}}
	if change != nil {
		change(input)
	}
	return client.CompleteMultipartUpload(background, input)
}

func abort(key string, upload *string) {
	Got(client.AbortMultipartUpload(background, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: &key, UploadId: upload}))
}

func sumOfComplete(out *s3.CompleteMultipartUploadOutput, algorithm types.ChecksumAlgorithm) string {
	return sumIn(&types.Checksum{ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
		ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256}, algorithm)
}

func checkParts() {
	for _, algorithm := range algorithms {
		if algorithm != "CRC64NVME" {
			Check("parts with "+string(algorithm)+", composite", func() { checkSumOfParts(algorithm, types.ChecksumTypeComposite, composite(algorithm, parts)) })
		}
		if algorithm != "SHA1" && algorithm != "SHA256" {
			Check("parts with "+string(algorithm)+", of the full object", func() {
				checkSumOfParts(algorithm, types.ChecksumTypeFullObject, sumOf(algorithm, whole))
			})
		}
	}
	Check("a checksum or a size of the whole that is wrong when an upload is completed", func() {
		upload, sent := uploadOf("CRC32", types.ChecksumTypeFullObject, "wrong", parts...)
		expectError[*s3.CompleteMultipartUploadOutput]("BadDigest")(complete("wrong", upload, sent, func(input *s3.CompleteMultipartUploadInput) {
			input.ChecksumType, input.ChecksumCRC32 = types.ChecksumTypeFullObject, aws.String(sumOf("CRC32", parts[0]))
		}))
		expectError[*s3.CompleteMultipartUploadOutput]("InvalidRequest")(complete("wrong", upload, sent, func(input *s3.CompleteMultipartUploadInput) {
			input.MpuObjectSize = aws.Int64(999)
		}))
		Got(complete("wrong", upload, sent, func(input *s3.CompleteMultipartUploadInput) {
			input.ChecksumType, input.ChecksumCRC32 = types.ChecksumTypeFullObject, aws.String(sumOf("CRC32", whole))
			input.MpuObjectSize = aws.Int64(int64(len(whole)))
		}))
		SameBytes("body", body("wrong"), whole)
	})
	Check("a checksum of a part that is wrong: when it is sent, when it is completed", func() {
		upload, sent := uploadOf("SHA256", types.ChecksumTypeComposite, "wrong", parts...)
		expectError[*s3.UploadPartOutput]("BadDigest")(client.UploadPart(background, &s3.UploadPartInput{Bucket: bucket, Key: aws.String("wrong"),
			UploadId: upload, PartNumber: aws.Int32(3), Body: bytes.NewReader([]byte("x")), ChecksumSHA256: aws.String(sumOf("SHA256", nil))}))
		sent[0].ChecksumSHA256 = sent[1].ChecksumSHA256
		expectError[*s3.CompleteMultipartUploadOutput]("InvalidPart")(complete("wrong", upload, sent, nil))
		abort("wrong", upload)
	})
	Check("an upload's parts in pages, with their checksums", func() {
		upload, _ := uploadOf("CRC32C", "", "listed", []byte("1"), []byte("22"), []byte("333"))
		pages := s3.NewListPartsPaginator(client, &s3.ListPartsInput{Bucket: bucket, Key: aws.String("listed"), UploadId: upload, MaxParts: aws.Int32(2)})
		var seen []types.Part
		for pages.HasMorePages() {
			page := Got(pages.NextPage(background))
			Same("algorithm", page.ChecksumAlgorithm, "CRC32C")
			seen = append(seen, page.Parts...)
		}
		Same("parts", len(seen), 3)
		Same("size", *seen[2].Size, 3)
		Same("sum", aws.ToString(seen[2].ChecksumCRC32C), sumOf("CRC32C", []byte("333")))
		abort("listed", upload)
	})
	Check("uploads in pages, by prefix and delimiter; aborted; gone", checkUploads)
	Check("what Complete refuses: a part that is not there, order, a part that is too small", func() {
		upload, sent := uploadOf("CRC32", "", "refused", []byte("1"), parts[0])
		const key = "refused"
		expectError[*s3.CompleteMultipartUploadOutput]("EntityTooSmall")(complete(key, upload, sent, nil))
		expectError[*s3.CompleteMultipartUploadOutput]("InvalidPartOrder")(complete(key, upload, []types.CompletedPart{sent[1], sent[0]}, nil))
		sent[0].PartNumber = aws.Int32(7)
		expectError[*s3.CompleteMultipartUploadOutput]("InvalidPart")(complete(key, upload, sent[:1], nil))
		abort(key, upload)
	})
	Check("GET and HEAD of a part by its number", checkPartNumbers)
	Check("copies as parts", func() {
		key := aws.String("copied parts")
		put("whole", whole)
		upload := Got(client.CreateMultipartUpload(background, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})).UploadId
		var sent []types.CompletedPart
		for i, span := range []string{fmt.Sprintf("bytes=0-%d", partBytes-1), "bytes=100-199"} {
			part := Got(client.UploadPartCopy(background, &s3.UploadPartCopyInput{Bucket: bucket, Key: key, UploadId: upload,
				PartNumber: aws.Int32(int32(i + 1)), CopySource: aws.String(place.Bucket + "/whole"), CopySourceRange: &span}))
			sent = append(sent, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: part.CopyPartResult.ETag})
		}
		Got(complete(*key, upload, sent, nil))
		SameBytes("body", body(*key), append(append([]byte{}, whole[:partBytes]...), whole[100:200]...))
	})
}

func checkSumOfParts(algorithm types.ChecksumAlgorithm, kind types.ChecksumType, right string) {
	const key = "summed"
	upload, sent := uploadOf(algorithm, kind, key, parts...)
	done := Got(complete(key, upload, sent, func(input *s3.CompleteMultipartUploadInput) { input.ChecksumType = kind }))
	Same("complete", sumOfComplete(done, algorithm), right)
	Same("its type", done.ChecksumType, kind)
	got := head(key)
	Same("head", sumOfHead(got, algorithm), right)
	Same("its type", got.ChecksumType, kind)
	Same("metadata", got.Metadata["a"], "b")
	Same("content type", *got.ContentType, "text/x-parts")
	object := Got(client.GetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key), ChecksumMode: "ENABLED"}))
	SameBytes("body", read(object.Body), whole)
	attributes := Got(client.GetObjectAttributes(background, &s3.GetObjectAttributesInput{Bucket: bucket, Key: aws.String(key),
		ObjectAttributes: []types.ObjectAttributes{"Checksum", "ObjectParts", "ObjectSize"}}))
	Same("size", *attributes.ObjectSize, int64(len(whole)))
	Expect(attributes.Checksum != nil && attributes.ObjectParts != nil, "no checksum or no parts among the attributes")
	Same("parts", aws.ToInt32(attributes.ObjectParts.TotalPartsCount), 2)
	if kind == types.ChecksumTypeComposite {
		Same("parts in full", len(attributes.ObjectParts.Parts), 2)
		Same("size of the second", aws.ToInt64(attributes.ObjectParts.Parts[1].Size), int64(len(parts[1])))
	}
}

func checkUploads() {
	var uploads []*string
	for _, key := range []string{"up/a/1", "up/a/2", "up/b", "up/c"} {
		upload, _ := uploadOf("CRC32", "", key)
		uploads = append(uploads, upload)
	}
	pages := s3.NewListMultipartUploadsPaginator(client, &s3.ListMultipartUploadsInput{Bucket: bucket, Prefix: aws.String("up/"), MaxUploads: aws.Int32(3)})
	var keys []string
	for pages.HasMorePages() {
		for _, upload := range Got(pages.NextPage(background)).Uploads {
			keys = append(keys, *upload.Key)
		}
	}
	Same("keys", fmt.Sprint(keys), "[up/a/1 up/a/2 up/b up/c]")
	grouped := Got(client.ListMultipartUploads(background, &s3.ListMultipartUploadsInput{Bucket: bucket, Prefix: aws.String("up/"), Delimiter: aws.String("/")}))
	Expect(len(grouped.CommonPrefixes) == 1 && *grouped.CommonPrefixes[0].Prefix == "up/a/" && len(grouped.Uploads) == 2, "%d prefixes, %d uploads",
		len(grouped.CommonPrefixes), len(grouped.Uploads))
	for i, key := range keys {
		abort(key, uploads[i])
	}
	_, err := client.AbortMultipartUpload(background, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: &keys[0], UploadId: uploads[0]})
	expectKind[*types.NoSuchUpload](err)
	expectError[*s3.ListPartsOutput]("NoSuchUpload")(client.ListParts(background, &s3.ListPartsInput{Bucket: bucket, Key: &keys[0], UploadId: uploads[0]}))
}

func checkPartNumbers() {
	key := aws.String("numbered")
	upload, sent := uploadOf("CRC32", "", *key, parts...)
	Got(complete(*key, upload, sent, nil))
	for i, right := range parts {
		got := Got(client.GetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: key, PartNumber: aws.Int32(int32(i + 1)), ChecksumMode: "ENABLED"}))
		SameBytes("part", read(got.Body), right)
		Same("parts", aws.ToInt32(got.PartsCount), 2)
		Same("head", *Got(client.HeadObject(background, &s3.HeadObjectInput{Bucket: bucket, Key: key, PartNumber: aws.Int32(int32(i + 1))})).ContentLength, int64(len(right)))
	}
	expectError[*s3.GetObjectOutput]("InvalidPartNumber")(client.GetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: key, PartNumber: aws.Int32(3)}))
	put("single", []byte("single"))
	got := Got(client.GetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("single"), PartNumber: aws.Int32(1)}))
	Same("the whole", string(read(got.Body)), "single")
	Expect(got.PartsCount == nil, "an object of one PUT has no parts")
	expectError[*s3.GetObjectOutput]("InvalidPartNumber")(client.GetObject(background, &s3.GetObjectInput{
		Bucket: bucket, Key: aws.String("single"), PartNumber: aws.Int32(2)}))
}
