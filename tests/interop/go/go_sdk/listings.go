// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/url"
	"sort"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	. "sluice.test/interop/harness"
)

// list is every key and common prefix, over all pages.
func list(input s3.ListObjectsV2Input) (keys, prefixes []string) {
	if input.Bucket == nil {
		input.Bucket = bucket
	}
	pages := s3.NewListObjectsV2Paginator(client, &input)
	for pages.HasMorePages() {
		page := Got(pages.NextPage(background))
		Same("KeyCount", int(*page.KeyCount), len(page.Contents)+len(page.CommonPrefixes))
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
		for _, prefix := range page.CommonPrefixes {
			prefixes = append(prefixes, *prefix.Prefix)
		}
	}
	return keys, prefixes
}

func checkListings() {
	pages := aws.String("pages")
	Check("1,050 keys in pages of 1,000 and of 7", func() {
		for _, most := range []int32{1000, 7} {
			keys, _ := list(s3.ListObjectsV2Input{Bucket: pages, MaxKeys: &most})
			Same("keys", len(keys), 1050)
			for i, key := range keys {
				Same("key", key, fmt.Sprintf("many/%04d", i+1))
			}
		}
		first := Got(client.ListObjectsV2(background, &s3.ListObjectsV2Input{Bucket: pages}))
		Same("a page", len(first.Contents), 1000)
		Expect(*first.IsTruncated && first.NextContinuationToken != nil, "no more pages")
	})
	Check("prefix, delimiter, start-after, owners", func() {
		keys, _ := list(s3.ListObjectsV2Input{Bucket: pages, StartAfter: aws.String("many/1047")})
		Expect(len(keys) == 3 && keys[0] == "many/1048", "%v", keys)
		keys, prefixes := list(s3.ListObjectsV2Input{Bucket: pages, Delimiter: aws.String("/")})
		Expect(len(keys) == 0 && len(prefixes) == 1 && prefixes[0] == "many/", "%v %v", keys, prefixes)
		keys, _ = list(s3.ListObjectsV2Input{Bucket: pages, Prefix: aws.String("many/000")})
		Same("keys", len(keys), 9)
		owned := Got(client.ListObjectsV2(background, &s3.ListObjectsV2Input{Bucket: pages, MaxKeys: aws.Int32(1), FetchOwner: aws.Bool(true)}))
		Expect(owned.Contents[0].Owner != nil, "no owner")
		none := Got(client.ListObjectsV2(background, &s3.ListObjectsV2Input{Bucket: pages, MaxKeys: aws.Int32(0)}))
		Expect(len(none.Contents) == 0 && !*none.IsTruncated, "MaxKeys 0: %d", len(none.Contents))
	})
	Check("odd names, as they are and encoded as URLs", func() {
		right := make([]string, 0, len(OddNames))
		for _, name := range OddNames {
			right = append(right, "odd/"+name)
		}
		sort.Strings(right)
		keys, _ := list(s3.ListObjectsV2Input{Prefix: aws.String("odd/")})
		Same("keys", fmt.Sprint(keys), fmt.Sprint(right))
		encoded := Got(client.ListObjectsV2(background, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("odd/a b"), EncodingType: types.EncodingTypeUrl}))
		Same("keys", len(encoded.Contents), 1)
		Same("key", Got(url.QueryUnescape(*encoded.Contents[0].Key)), "odd/a b")
		Same("prefix", Got(url.QueryUnescape(*encoded.Prefix)), "odd/a b")
	})
	Check("version 1 with markers; versions, of which each object has the one named null", func() {
		first := Got(client.ListObjects(background, &s3.ListObjectsInput{Bucket: pages, MaxKeys: aws.Int32(1000)}))
		Expect(*first.IsTruncated && len(first.Contents) == 1000, "%d", len(first.Contents))
		rest := Got(client.ListObjects(background, &s3.ListObjectsInput{Bucket: pages, Marker: first.Contents[999].Key}))
		Expect(!*rest.IsTruncated && len(rest.Contents) == 50, "%d", len(rest.Contents))
		versions, count := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: pages, MaxKeys: aws.Int32(500)}), 0
		for versions.HasMorePages() {
			for _, version := range Got(versions.NextPage(background)).Versions {
				Same("version", *version.VersionId, "null")
				count++
			}
		}
		Same("versions", count, 1050)
	})
}
