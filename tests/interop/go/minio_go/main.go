// SPDX-License-Identifier: Apache-2.0

// minio_go is minio-go, which Thanos and Mimir use, against a server: with trailing checksums and without.
//
// usage: minio_go ENDPOINT CA CERT KEY WORK_DIR BUCKET    (prints TAP)
//
// The server has a bucket "pages" of 1,050 keys many/0001 and so on.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	. "sluice.test/interop/harness"
)

const partBytes = 5 * MiB

var (
	place      = PlaceOfArguments()
	bucket     = place.Bucket
	background = context.Background()
	large      = Random(1, 2*partBytes+1000)
	trailing   = newClient(true)
	plain      = newClient(false)
)

var algorithms = []minio.ChecksumType{minio.ChecksumCRC32, minio.ChecksumCRC32C, minio.ChecksumCRC64NVME, minio.ChecksumSHA1, minio.ChecksumSHA256,
	minio.ChecksumFullObjectCRC32, minio.ChecksumFullObjectCRC32C}

func newClient(withTrailers bool) minio.Core {
	secure := strings.HasPrefix(place.Endpoint, "https://")
	return minio.Core{Client: Got(minio.New(place.Endpoint[strings.Index(place.Endpoint, "://")+3:], &minio.Options{
		Creds:           credentials.NewStaticV4("dummy", "dummy-secret", ""),
		Secure:          secure,
		Transport:       place.Transport,
		Region:          "us-east-1",
		BucketLookup:    minio.BucketLookupPath,
		TrailingHeaders: withTrailers,
		MaxRetries:      1,
	}))}
}

func expectError[T any](code string) func(T, error) {
	return func(none T, err error) {
		Expect(err != nil, "%T: no error, not even %s", none, code)
		Same(fmt.Sprintf("code instead of %T", none), minio.ToErrorResponse(err).Code, code)
	}
}

func put(key string, body []byte, options minio.PutObjectOptions) minio.UploadInfo {
	return Got(trailing.Client.PutObject(background, bucket, key, bytes.NewReader(body), int64(len(body)), options))
}

func get(key string, options minio.GetObjectOptions) ([]byte, error) {
	object, err := trailing.Client.GetObject(background, bucket, key, options)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	return io.ReadAll(object)
}

func stat(key string) minio.ObjectInfo {
	return Got(trailing.StatObject(background, bucket, key, minio.StatObjectOptions{Checksum: true}))
}

func list(from string, options minio.ListObjectsOptions) (keys []string) {
	for object := range trailing.Client.ListObjects(background, from, options) {
		Must(object.Err)
		keys = append(keys, object.Key)
	}
	return keys
}

func main() {
	Check("buckets: made, there, listed, not there", func() {
		Must(plain.MakeBucket(background, bucket, minio.MakeBucketOptions{}))
		Expect(Got(plain.BucketExists(background, bucket)), "it is not there")
		Expect(!Got(plain.BucketExists(background, "no-such-bucket")), "it is there")
		Same("buckets", len(Got(plain.ListBuckets(background))), 2)
		Same("location", Got(plain.GetBucketLocation(background, bucket)), "us-east-1")
		Same("again", minio.ToErrorResponse(plain.MakeBucket(background, bucket, minio.MakeBucketOptions{})).Code, "BucketAlreadyOwnedByYou")
	})
	checkUploads()
	checkReads()
	checkWrites()
	checkCopies()
	checkListings()
	checkParts()
	checkDeletes()
	Done()
}

// isOfFullObject is whether an object has one checksum that is of all its bytes, rather than of its parts' checksums.
func isOfFullObject(algorithm minio.ChecksumType) bool {
	return algorithm == minio.ChecksumCRC64NVME || algorithm == minio.ChecksumFullObjectCRC32 || algorithm == minio.ChecksumFullObjectCRC32C
}

// checkUploads sends every form of a body that this client has.
func checkUploads() {
	small := Random(2, 100000)
	for _, algorithm := range algorithms {
		right, name := algorithm.ChecksumBytes(small).Encoded(), algorithm.String()
		if algorithm != algorithm.Base() {
			name += ", of the full object,"
		}
		Check("one PUT with a trailing "+name, func() {
			sent := put("small", small, minio.PutObjectOptions{Checksum: algorithm})
			Same("said", sumOfUpload(sent, algorithm), right)
			Same("kept", stat("small").Checksum(algorithm), right)
			SameBytes("body", Got(get("small", minio.GetObjectOptions{Checksum: true})), small)
		})
		for _, length := range []int64{int64(len(large)), -1} {
			Check(fmt.Sprintf("parts of a stream of length %d with a trailing %s", length, name), func() {
				options := minio.PutObjectOptions{Checksum: algorithm, PartSize: partBytes, UserMetadata: map[string]string{"a": "b"}}
				sent := Got(trailing.Client.PutObject(background, bucket, "large", io.MultiReader(bytes.NewReader(large)), length, options))
				Same("said", sumOfUpload(sent, algorithm), sumOfLarge(algorithm))
				is := stat("large")
				Same("kept", is.Checksum(algorithm), sumOfLarge(algorithm))
				Same("metadata", is.UserMetadata["A"], "b")
				SameBytes("body", Got(get("large", minio.GetObjectOptions{Checksum: true})), large)
			})
		}
	}
	for _, one := range []struct {
		name    string
		options minio.PutObjectOptions
	}{
		{"the defaults", minio.PutObjectOptions{}},
		{"parts", minio.PutObjectOptions{PartSize: partBytes}},
		{"parts in parallel", minio.PutObjectOptions{PartSize: partBytes, ConcurrentStreamParts: true, NumThreads: 3}},
		{"MD5", minio.PutObjectOptions{PartSize: partBytes, SendContentMd5: true}},
		{"no SHA256", minio.PutObjectOptions{PartSize: partBytes, DisableContentSha256: true}},
		{"CRC64NVME where it is feasible", minio.PutObjectOptions{PartSize: partBytes, AutoChecksum: minio.ChecksumCRC64NVME}},
	} {
		for name, client := range map[string]minio.Core{"trailers": trailing, "no trailers": plain} {
			Check(one.name+", "+name+": nothing, a small body, a large one, streams", func() {
				for _, body := range [][]byte{nil, small, large} {
					Got(client.Client.PutObject(background, bucket, "default", bytes.NewReader(body), int64(len(body)), one.options))
					SameBytes("body", Got(get("default", minio.GetObjectOptions{})), body)
					Got(client.Client.PutObject(background, bucket, "default", io.MultiReader(bytes.NewReader(body)), -1, one.options))
					SameBytes("stream", Got(get("default", minio.GetObjectOptions{})), body)
				}
			})
		}
	}
	Check("a file there and back, in parallel", func() {
		from, to := filepath.Join(place.Work, "from.txt"), filepath.Join(place.Work, "to.txt")
		Must(os.WriteFile(from, large, 0o666))
		Got(trailing.FPutObject(background, bucket, "file", from, minio.PutObjectOptions{PartSize: partBytes, NumThreads: 4}))
		Must(trailing.FGetObject(background, bucket, "file", to, minio.GetObjectOptions{Checksum: true}))
		SameBytes("file", Got(os.ReadFile(to)), large)
		Same("type by its name", stat("file").ContentType, "text/plain; charset=utf-8")
	})
}

func sumOfUpload(info minio.UploadInfo, algorithm minio.ChecksumType) string {
	return map[minio.ChecksumType]string{minio.ChecksumCRC32: info.ChecksumCRC32, minio.ChecksumCRC32C: info.ChecksumCRC32C,
		minio.ChecksumCRC64NVME: info.ChecksumCRC64NVME, minio.ChecksumSHA1: info.ChecksumSHA1, minio.ChecksumSHA256: info.ChecksumSHA256}[algorithm.Base()]
}

func sumOfLarge(algorithm minio.ChecksumType) string {
	if isOfFullObject(algorithm) {
		return algorithm.ChecksumBytes(large).Encoded()
	}
	var digests []byte
	parts := 0
	for from := 0; from < len(large); from += partBytes {
		digests = append(digests, algorithm.ChecksumBytes(large[from:min(from+partBytes, len(large))]).Raw()...)
		parts++
	}
	return fmt.Sprintf("%s-%d", algorithm.ChecksumBytes(digests).Encoded(), parts)
}

func checkReads() {
	Check("ranges, seeks and ReadAt of an object", func() {
		put("default", large, minio.PutObjectOptions{})
		object := Got(trailing.Client.GetObject(background, bucket, "default", minio.GetObjectOptions{}))
		defer object.Close()
		into := make([]byte, 1000)
		Got(object.ReadAt(into, partBytes-500))
		SameBytes("in the middle", into, large[partBytes-500:partBytes+500])
		Got(object.Seek(-1000, io.SeekEnd))
		SameBytes("at the end", Got(io.ReadAll(object)), large[len(large)-1000:])
		options := minio.GetObjectOptions{}
		Must(options.SetRange(2, 4))
		SameBytes("a range", Got(get("default", options)), large[2:5])
		Must(options.SetRange(0, -7))
		SameBytes("the last", Got(get("default", options)), large[len(large)-7:])
	})
	Check("ranges in parallel", func() {
		body := Random(3, 40*MiB)
		put("parallel", body, minio.PutObjectOptions{})
		SameBytes("body", Got(get("parallel", minio.GetObjectOptions{ParallelWorkers: 4})), body)
	})
	Check("a part by its number", func() {
		put("numbered", large, minio.PutObjectOptions{PartSize: partBytes})
		for number := 1; number <= 3; number++ {
			right := large[(number-1)*partBytes : min(number*partBytes, len(large))]
			stream, info, header, err := trailing.GetObject(background, bucket, "numbered", minio.GetObjectOptions{PartNumber: number})
			Must(err)
			SameBytes("part", Got(io.ReadAll(stream)), right)
			stream.Close()
			Same("size", info.Size, int64(len(right)))
			Same("parts", header.Get("X-Amz-Mp-Parts-Count"), "3")
			Same("size by HEAD", Got(trailing.StatObject(background, bucket, "numbered", minio.StatObjectOptions{PartNumber: number})).Size, int64(len(right)))
		}
		put("whole", []byte("whole"), minio.PutObjectOptions{})
		SameBytes("part 1 of an object of one PUT", Got(get("whole", minio.GetObjectOptions{PartNumber: 1})), []byte("whole"))
		expectError[[]byte]("InvalidPartNumber")(get("whole", minio.GetObjectOptions{PartNumber: 2}))
	})
	Check("attributes: the parts with their sizes and checksums", func() {
		put("numbered", large, minio.PutObjectOptions{PartSize: partBytes, Checksum: minio.ChecksumSHA256})
		is := Got(trailing.GetObjectAttributes(background, bucket, "numbered", minio.ObjectAttributesOptions{}))
		Same("size", is.ObjectSize, len(large))
		Same("parts", is.ObjectParts.PartsCount, 3)
		Same("listed", len(is.ObjectParts.Parts), 3)
		Same("size of the last", is.ObjectParts.Parts[2].Size, 1000)
		Same("its checksum", is.ObjectParts.Parts[2].ChecksumSHA256, minio.ChecksumSHA256.ChecksumBytes(large[2*partBytes:]).Encoded())
	})
	Check("conditions of reads", func() {
		etag := put("whole", []byte("whole"), minio.PutObjectOptions{}).ETag
		options := minio.GetObjectOptions{}
		Must(options.SetMatchETag(etag))
		Got(get("whole", options))
		Must(options.SetMatchETag("other"))
		expectError[[]byte]("PreconditionFailed")(get("whole", options))
		options = minio.GetObjectOptions{}
		Must(options.SetMatchETagExcept(etag))
		_, err := get("whole", options)
		Same("not modified", minio.ToErrorResponse(err).StatusCode, 304)
	})
	Check("what is missing", func() {
		expectError[[]byte]("NoSuchKey")(get("nothing", minio.GetObjectOptions{}))
		expectError[minio.ObjectInfo]("NoSuchKey")(trailing.StatObject(background, bucket, "nothing", minio.StatObjectOptions{}))
		expectError[minio.UploadInfo]("NoSuchBucket")(trailing.Client.PutObject(background, "no-such-bucket", "key", bytes.NewReader(nil), 0, minio.PutObjectOptions{}))
		expectError[string]("NoSuchBucket")(trailing.NewMultipartUpload(background, "no-such-bucket", "key", minio.PutObjectOptions{}))
		for object := range trailing.Client.ListObjects(background, "no-such-bucket", minio.ListObjectsOptions{}) {
			Same("code", minio.ToErrorResponse(object.Err).Code, "NoSuchBucket")
		}
	})
	Check("presigned URLs", func() {
		signed := Got(plain.PresignedPutObject(background, bucket, "signed é", 600e9))
		request := Got(http.NewRequest("PUT", signed.String(), strings.NewReader("signed")))
		Same("PUT", do(request).StatusCode, 200)
		signed = Got(plain.PresignedGetObject(background, bucket, "signed é", 600e9, map[string][]string{"response-content-type": {"text/x-signed"}}))
		answer := do(Got(http.NewRequest("GET", signed.String(), nil)))
		Same("GET", answer.StatusCode, 200)
		Same("type", answer.Header.Get("Content-Type"), "text/x-signed")
	})
}

// do is what a client does that has nothing but its certificate.
func do(request *http.Request) *http.Response {
	answer := Got((&http.Client{Transport: place.Transport}).Do(request))
	answer.Body.Close()
	return answer
}

func checkWrites() {
	Check("conditions of writes: SetMatchETag, SetMatchETagExcept", func() {
		options := minio.PutObjectOptions{}
		options.SetMatchETagExcept("*")
		etag := put("condition", []byte("1"), options).ETag
		write := func(text string, options minio.PutObjectOptions) (minio.UploadInfo, error) {
			return trailing.Client.PutObject(background, bucket, "condition", strings.NewReader(text), int64(len(text)), options)
		}
		expectError[minio.UploadInfo]("PreconditionFailed")(write("2", options))
		options = minio.PutObjectOptions{}
		options.SetMatchETag(etag)
		Got(write("3", options))
		expectError[minio.UploadInfo]("PreconditionFailed")(write("4", options))
		// In parts the client says it where an upload begins, and not where the object is made: refused, not dropped.
		options.PartSize = partBytes
		expectError[minio.UploadInfo]("NotImplemented")(write(string(large), options))
		SameBytes("body", Got(get("condition", minio.GetObjectOptions{})), []byte("3"))
	})
	Check("metadata and fields", func() {
		put("fields", []byte("x"), minio.PutObjectOptions{ContentType: "text/x-a", CacheControl: "no-store", ContentDisposition: "inline",
			ContentEncoding: "gzip", ContentLanguage: "fr", UserMetadata: map[string]string{"One": "1", "X-Amz-Meta-Two": "a b"}})
		is := stat("fields")
		Same("type", is.ContentType, "text/x-a")
		Same("encoding", is.ContentEncoding, "gzip")
		Same("cache", is.Metadata.Get("Cache-Control"), "no-store")
		Same("disposition", is.Metadata.Get("Content-Disposition"), "inline")
		Same("language", is.Metadata.Get("Content-Language"), "fr")
		Same("one", is.UserMetadata["One"], "1")
		Same("two", is.UserMetadata["Two"], "a b")
	})
	Check("odd names: put, got, listed, copied, statted", func() {
		right := []string{}
		for _, name := range OddNames {
			right = append(right, "odd/"+name)
			put("odd/"+name, []byte(name), minio.PutObjectOptions{})
			SameBytes(name, Got(get("odd/"+name, minio.GetObjectOptions{})), []byte(name))
			Got(trailing.Client.CopyObject(background, minio.CopyDestOptions{Bucket: bucket, Object: "copy/" + name}, minio.CopySrcOptions{Bucket: bucket, Object: "odd/" + name}))
			Same(name, stat("copy/"+name).Size, int64(len(name)))
		}
		sort.Strings(right)
		Same("listed", fmt.Sprint(list(bucket, minio.ListObjectsOptions{Prefix: "odd/", Recursive: true})), fmt.Sprint(right))
	})
	Check("a marker of a folder", func() {
		put("marker/", nil, minio.PutObjectOptions{})
		Same("size", stat("marker/").Size, 0)
		Same("listed", fmt.Sprint(list(bucket, minio.ListObjectsOptions{Prefix: "marker", Recursive: true})), "[marker/]")
		Must(trailing.RemoveObject(background, bucket, "marker/", minio.RemoveObjectOptions{}))
		Same("gone", len(list(bucket, minio.ListObjectsOptions{Prefix: "marker", Recursive: true})), 0)
	})
}

func checkCopies() {
	Check("copy: with its metadata, with other, onto itself, with conditions", func() {
		put("from", []byte("from"), minio.PutObjectOptions{UserMetadata: map[string]string{"A": "b"}})
		source := minio.CopySrcOptions{Bucket: bucket, Object: "from"}
		Got(trailing.Client.CopyObject(background, minio.CopyDestOptions{Bucket: bucket, Object: "to"}, source))
		Same("kept", stat("to").UserMetadata["A"], "b")
		Got(trailing.Client.CopyObject(background, minio.CopyDestOptions{Bucket: bucket, Object: "from", ReplaceMetadata: true,
			UserMetadata: map[string]string{"C": "d"}}, source))
		Same("replaced", fmt.Sprint(stat("from").UserMetadata), "map[C:d]")
		source.MatchETag = "other"
		expectError[minio.UploadInfo]("PreconditionFailed")(trailing.Client.CopyObject(background, minio.CopyDestOptions{Bucket: bucket, Object: "to"}, source))
		source.MatchETag, source.NoMatchETag = "", "other"
		Got(trailing.Client.CopyObject(background, minio.CopyDestOptions{Bucket: bucket, Object: "to"}, source))
	})
	Check("compose: of a whole and a range", func() {
		Got(trailing.ComposeObject(background, minio.CopyDestOptions{Bucket: bucket, Object: "composed"},
			minio.CopySrcOptions{Bucket: bucket, Object: "default"},
			minio.CopySrcOptions{Bucket: bucket, Object: "default", MatchRange: true, Start: 100, End: 199}))
		SameBytes("body", Got(get("composed", minio.GetObjectOptions{})), append(append([]byte{}, large...), large[100:200]...))
	})
}

func checkListings() {
	Check("1,050 keys: version 2, version 1, pages of 7, versions, start-after", func() {
		for _, options := range []minio.ListObjectsOptions{{}, {UseV1: true}, {MaxKeys: 7}, {UseV1: true, MaxKeys: 7}, {WithVersions: true}, {WithMetadata: true}} {
			options.Recursive = true
			keys := list("pages", options)
			Same("keys", len(keys), 1050)
			Same("last", keys[1049], "many/1050")
		}
		Same("rest", len(list("pages", minio.ListObjectsOptions{Recursive: true, StartAfter: "many/1047"})), 3)
		Same("top", fmt.Sprint(list("pages", minio.ListObjectsOptions{})), "[many/]")
	})
}

func checkParts() {
	Check("core: parts listed in pages, an upload completed, one found and removed", func() {
		upload := Got(plain.NewMultipartUpload(background, bucket, "core", minio.PutObjectOptions{}))
		var sent []minio.CompletePart
		for i, body := range [][]byte{large[:partBytes], []byte("end")} {
			part := Got(plain.PutObjectPart(background, bucket, "core", upload, i+1, bytes.NewReader(body), int64(len(body)), minio.PutObjectPartOptions{}))
			sent = append(sent, minio.CompletePart{PartNumber: i + 1, ETag: part.ETag})
		}
		parts := Got(plain.ListObjectParts(background, bucket, "core", upload, 0, 1))
		Expect(parts.IsTruncated && len(parts.ObjectParts) == 1 && parts.NextPartNumberMarker == 1, "%+v", parts)
		copied := Got(plain.CopyObjectPart(background, bucket, "default", bucket, "core", upload, 3, 10, 20, nil))
		sent = append(sent, copied)
		sent[2].ETag = "other"
		wrong := []minio.CompletePart{sent[0], sent[2]}
		expectError[minio.UploadInfo]("InvalidPart")(plain.CompleteMultipartUpload(background, bucket, "core", upload, wrong, minio.PutObjectOptions{}))
		sent = sent[:2]
		Got(plain.CompleteMultipartUpload(background, bucket, "core", upload, sent, minio.PutObjectOptions{}))
		Same("size", stat("core").Size, partBytes+3)
		expectError[minio.ListObjectPartsResult]("NoSuchUpload")(plain.ListObjectParts(background, bucket, "core", upload, 0, 10))
	})
	Check("unfinished uploads: listed, grouped, removed", func() {
		for _, key := range []string{"up/a/1", "up/a/2", "up/b"} {
			Got(plain.NewMultipartUpload(background, bucket, key, minio.PutObjectOptions{}))
		}
		var keys []string
		for upload := range plain.ListIncompleteUploads(background, bucket, "up/", true) {
			Must(upload.Err)
			keys = append(keys, upload.Key)
		}
		Same("all", fmt.Sprint(keys), "[up/a/1 up/a/2 up/b]")
		Same("pages", len(Got(plain.ListMultipartUploads(background, bucket, "up/", "", "", "", 2)).Uploads), 2)
		keys = nil
		for upload := range plain.ListIncompleteUploads(background, bucket, "up/", false) {
			Must(upload.Err)
			keys = append(keys, upload.Key)
		}
		sort.Strings(keys)
		Same("grouped", fmt.Sprint(keys), "[up/a/ up/b]")
		Must(plain.RemoveIncompleteUpload(background, bucket, "up/b"))
		Same("left", len(Got(plain.ListMultipartUploads(background, bucket, "up/", "", "", "", 10)).Uploads), 2)
	})
}

func checkDeletes() {
	Check("questions that this client asks: versioning, policy, lifecycle", func() {
		Same("versioning", Got(plain.GetBucketVersioning(background, bucket)).Status, "")
		Same("policy", Got(plain.Client.GetBucketPolicy(background, bucket)), "")
		_, err := plain.GetBucketLifecycle(background, bucket)
		Same("lifecycle", minio.ToErrorResponse(err).Code, "NoSuchLifecycleConfiguration")
	})
	Check("remove many, and the buckets", func() {
		Same("not empty", minio.ToErrorResponse(plain.RemoveBucket(background, "pages")).Code, "BucketNotEmpty")
		for _, from := range []string{bucket, "pages"} {
			for failed := range plain.RemoveObjects(background, from, plain.Client.ListObjects(background, from, minio.ListObjectsOptions{Recursive: true}), minio.RemoveObjectsOptions{}) {
				panic(failed.Err)
			}
			Same("left", len(list(from, minio.ListObjectsOptions{Recursive: true})), 0)
			Must(plain.RemoveBucket(background, from))
		}
		err := plain.RemoveObject(background, bucket, "key", minio.RemoveObjectOptions{})
		Same("gone", minio.ToErrorResponse(err).Code, "NoSuchBucket")
	})
}
