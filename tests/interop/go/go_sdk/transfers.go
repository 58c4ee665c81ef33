// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	transfer "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	. "sluice.test/interop/harness"
)

var large = Random(6, 23*MiB+5)

// writerAt keeps what is written in any order.
type writerAt []byte

func (into writerAt) WriteAt(data []byte, offset int64) (int, error) {
	return copy(into[offset:], data), nil
}

func checkTransfers() {
	checkManager()
	for _, algorithm := range []transfer.ChecksumAlgorithm{"", "CRC32", "CRC32C", "SHA1", "SHA256"} {
		Check("transfermanager: upload in parts, checksum "+string(algorithm), func() {
			managed := transfermanager.New(client)
			Got(managed.UploadObject(background, &transfermanager.UploadObjectInput{Bucket: bucket, Key: aws.String("transfer/large"),
				Body: bytes.NewReader(large), ChecksumAlgorithm: algorithm, Metadata: map[string]string{"a": "b"}}))
			used := types.ChecksumAlgorithm(algorithm)
			if used == "" {
				used = "CRC32"
			}
			var split [][]byte
			for rest := large; len(rest) > 0; {
				length := min(len(rest), 8*MiB)
				split, rest = append(split, rest[:length]), rest[length:]
			}
			Same("checksum", sumOfHead(head("transfer/large"), used), composite(used, split))
		})
	}
	for _, how := range []transfer.GetObjectType{transfer.GetObjectParts, transfer.GetObjectRanges} {
		managed := transfermanager.New(client, func(options *transfermanager.Options) { options.GetObjectType = how })
		for _, key := range []string{"transfer/large", "range"} {
			right := large
			if key == "range" {
				right = []byte("0123456789")
			}
			Check("transfermanager: read "+key+" by "+string(how), func() {
				got := Got(managed.GetObject(background, &transfermanager.GetObjectInput{Bucket: bucket, Key: aws.String(key)}))
				SameBytes("body", Got(io.ReadAll(got.Body)), right)
			})
			Check("transfermanager: download "+key+" by "+string(how), func() {
				into := make(writerAt, len(right))
				got := Got(managed.DownloadObject(background, &transfermanager.DownloadObjectInput{Bucket: bucket, Key: aws.String(key), WriterAt: into}))
				SameBytes("body", into, right)
				Same("length", aws.ToInt64(got.ContentLength), int64(len(right)))
			})
		}
	}
	Check("transfermanager: a stream of unknown length, a condition", func() {
		managed := transfermanager.New(client)
		input := &transfermanager.UploadObjectInput{Bucket: bucket, Key: aws.String("transfer/stream"), Body: io.MultiReader(bytes.NewReader(large)), IfNoneMatch: aws.String("*")}
		Got(managed.UploadObject(background, input))
		SameBytes("body", body("transfer/stream"), large)
		input.Body = io.MultiReader(bytes.NewReader(large))
		expectError[*transfermanager.UploadObjectOutput]("PreconditionFailed")(managed.UploadObject(background, input))
	})
	Check("transfermanager: a folder there and back", checkFolder)
}

func checkManager() {
	for _, algorithm := range append([]types.ChecksumAlgorithm{""}, algorithms...) {
		Check("manager: upload in parts and download, checksum "+string(algorithm), func() {
			uploader := manager.NewUploader(client, func(uploader *manager.Uploader) { uploader.PartSize = partBytes })
			sent := Got(uploader.Upload(background, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("manager/large"),
				Body: io.MultiReader(bytes.NewReader(large)), ChecksumAlgorithm: algorithm, ContentType: aws.String("text/x-large")}))
			Same("parts", len(sent.CompletedParts), 5)
			into := manager.NewWriteAtBuffer(nil)
			Got(manager.NewDownloader(client).Download(background, into, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("manager/large")}))
			SameBytes("body", into.Bytes(), large)
			Same("content type", *head("manager/large").ContentType, "text/x-large")
		})
	}
}

func checkFolder() {
	managed := transfermanager.New(client)
	from, to := filepath.Join(place.Work, "from"), filepath.Join(place.Work, "to")
	for i, name := range []string{"top", "a b/é", "a b/c+d/deep", "large"} {
		path := filepath.Join(from, filepath.FromSlash(name))
		Must(os.MkdirAll(filepath.Dir(path), 0o777))
		content := Random(int64(i), 1000*i)
		if name == "large" {
			content = large
		}
		Must(os.WriteFile(path, content, 0o666))
	}
	up := Got(managed.UploadDirectory(background, &transfermanager.UploadDirectoryInput{Bucket: bucket, Source: &from, Recursive: aws.Bool(true), KeyPrefix: aws.String("folder")}))
	Same("uploaded", up.ObjectsUploaded, 4)
	Must(os.MkdirAll(to, 0o777))
	down := Got(managed.DownloadDirectory(background, &transfermanager.DownloadDirectoryInput{Bucket: bucket, Destination: &to, KeyPrefix: aws.String("folder")}))
	Same("downloaded", down.ObjectsDownloaded, 4)
	for _, name := range []string{"top", "a b/é", "a b/c+d/deep", "large"} {
		SameBytes(name, Got(os.ReadFile(filepath.Join(to, name))), Got(os.ReadFile(filepath.Join(from, name))))
	}
}
