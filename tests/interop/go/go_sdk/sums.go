// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/crc64nvme"
	. "sluice.test/interop/harness"
)

var algorithms = []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"}

// digest calculates here what the SDK and the server calculate, by other means than theirs.
func digest(algorithm types.ChecksumAlgorithm, data []byte) []byte {
	made := map[types.ChecksumAlgorithm]func() hash.Hash{
		"CRC32":     func() hash.Hash { return crc32.NewIEEE() },
		"CRC32C":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
		"CRC64NVME": func() hash.Hash { return crc64nvme.New() },
		"SHA1":      sha1.New,
		"SHA256":    sha256.New,
	}[algorithm]()
	made.Write(data)
	return made.Sum(nil)
}

func sumOf(algorithm types.ChecksumAlgorithm, data []byte) string {
	return base64.StdEncoding.EncodeToString(digest(algorithm, data))
}

func sumIn(of *types.Checksum, algorithm types.ChecksumAlgorithm) string {
	return aws.ToString(map[types.ChecksumAlgorithm]*string{"CRC32": of.ChecksumCRC32, "CRC32C": of.ChecksumCRC32C,
		"CRC64NVME": of.ChecksumCRC64NVME, "SHA1": of.ChecksumSHA1, "SHA256": of.ChecksumSHA256}[algorithm])
}

func sumOfPut(out *s3.PutObjectOutput, algorithm types.ChecksumAlgorithm) string {
	return sumIn(&types.Checksum{ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
		ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256}, algorithm)
}

func sumOfHead(out *s3.HeadObjectOutput, algorithm types.ChecksumAlgorithm) string {
	return sumIn(&types.Checksum{ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
		ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256}, algorithm)
}

func checkSums() {
	sent := Random(3, 100000)
	for _, algorithm := range algorithms {
		Check(string(algorithm)+": sent in the trailer, kept, verified by the SDK on its way back", func() {
			key := aws.String("sum")
			put := Got(client.PutObject(background, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader(sent), ChecksumAlgorithm: algorithm}))
			Same("put", sumOfPut(put, algorithm), sumOf(algorithm, sent))
			Same("head", sumOfHead(head("sum"), algorithm), sumOf(algorithm, sent))
			Same("type", head("sum").ChecksumType, types.ChecksumTypeFullObject)
			got := Got(client.GetObject(background, &s3.GetObjectInput{Bucket: bucket, Key: key, ChecksumMode: "ENABLED"}))
			SameBytes("body", read(got.Body), sent)
			verified, _ := s3.GetChecksumValidationMetadata(got.ResultMetadata)
			Expect(len(verified.AlgorithmsUsed) == 1 && verified.AlgorithmsUsed[0] == string(algorithm), "verified by %v", verified.AlgorithmsUsed)
			attributes := Got(client.GetObjectAttributes(background, &s3.GetObjectAttributesInput{Bucket: bucket, Key: key,
				ObjectAttributes: []types.ObjectAttributes{"Checksum", "ObjectSize", "ETag", "StorageClass"}}))
			Expect(attributes.Checksum != nil, "no checksum among the attributes")
			Same("attributes", sumIn(attributes.Checksum, algorithm), sumOf(algorithm, sent))
			Same("size", *attributes.ObjectSize, int64(len(sent)))
		})
		Check(string(algorithm)+": one that is wrong is refused, and the old object stays", func() {
			wrong := aws.String(sumOf(algorithm, []byte("other")))
			input := &s3.PutObjectInput{Bucket: bucket, Key: aws.String("sum"), Body: bytes.NewReader([]byte("wrong"))}
			switch algorithm {
			case "CRC32":
				input.ChecksumCRC32 = wrong
			case "CRC32C":
				input.ChecksumCRC32C = wrong
			case "CRC64NVME":
				input.ChecksumCRC64NVME = wrong
			case "SHA1":
				input.ChecksumSHA1 = wrong
			case "SHA256":
				input.ChecksumSHA256 = wrong
			}
			expectError[*s3.PutObjectOutput]("BadDigest")(client.PutObject(background, input))
			SameBytes("body", body("sum"), sent)
		})
	}
	Check("Content-MD5: right is taken, wrong is BadDigest", func() {
		input := &s3.PutObjectInput{Bucket: bucket, Key: aws.String("md5"), ContentMD5: aws.String("XUFAKrxLKna5cZ2REBfFkg=="), Body: bytes.NewReader([]byte("hello"))}
		Got(client.PutObject(background, input))
		input.Body = bytes.NewReader([]byte("hullo"))
		expectError[*s3.PutObjectOutput]("BadDigest")(client.PutObject(background, input))
	})
	Check("a SHA512 that is wrong is not taken, whether the server has SHA512 or not", func() {
		_, err := client.PutObject(background, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("sha512"), Body: bytes.NewReader(sent),
			ChecksumSHA512: aws.String(base64.StdEncoding.EncodeToString(make([]byte, 64)))})
		Expect(err != nil, "taken")
		_, err = client.HeadObject(background, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("sha512")})
		expectKind[*types.NotFound](err)
	})
}
