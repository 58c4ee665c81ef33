#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""boto3 against a server: every call of S3 that it makes for its users, with its defaults.

usage: boto3_calls.py ENDPOINT CA CERT KEY WORK_DIR BUCKET    (prints TAP)
"""
import base64
import hashlib
import os
import sys
import zlib

import boto3
import botocore
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from tap import check, done, expect

ENDPOINT, CA, CERT, KEY, WORK, BUCKET = sys.argv[1:7]
MIB = 1024 * 1024

s3 = boto3.client(
    "s3",
    endpoint_url=ENDPOINT,
    region_name="us-east-1",
    aws_access_key_id="dummy",
    aws_secret_access_key="dummy-secret",
    verify=CA,
    config=Config(client_cert=(CERT, KEY), s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
)


def expect_error(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        expect(error.response["Error"]["Code"] in (code, str(code)), f"{error.response['Error']}, not {code}")
        return
    raise AssertionError(f"no error, not even {code}")


def made_file(name, size):
    path = os.path.join(WORK, name)
    with open(path, "wb") as file:
        file.write(os.urandom(size))
    return path


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(
            file.read()
        ).hexdigest()


def body_of(key, **arguments):
    return s3.get_object(Bucket=BUCKET, Key=key, **arguments)["Body"].read()


@check("create a bucket, see it in the list")
def _():
    s3.create_bucket(Bucket=BUCKET)
    expect(BUCKET in [b["Name"] for b in s3.list_buckets()["Buckets"]], "not listed")
    s3.head_bucket(Bucket=BUCKET)
    expect_error("BucketAlreadyOwnedByYou", s3.create_bucket, Bucket=BUCKET)
    expect(s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] is None, "us-east-1")


@check("put small and empty objects with the default checksum, get them back")
def _():
    for body in (b"", b"x", b"hello, block"):
        s3.put_object(Bucket=BUCKET, Key="small", Body=body)
        expect(body_of("small") == body, body)
    head = s3.head_object(Bucket=BUCKET, Key="small")
    expect(head["ContentLength"] == 12, head)
    expect(head["ContentType"] in ("binary/octet-stream", "application/octet-stream"), head["ContentType"])


@check("metadata, content type and the other fields come back")
def _():
    fields = dict(
        ContentType="text/plain; charset=utf-8",
        CacheControl="max-age=60",
        ContentDisposition='attachment; filename="a.txt"',
        ContentLanguage="de",
        ContentEncoding="gzip",
    )
    s3.put_object(Bucket=BUCKET, Key="fields", Body=b"x", Metadata={"one": "1", "two-words": "a b"}, **fields)
    head = s3.head_object(Bucket=BUCKET, Key="fields")
    for name, value in fields.items():
        expect(head.get(name) == value, f"{name}: {head.get(name)}")
    expect(head["Metadata"] == {"one": "1", "two-words": "a b"}, head["Metadata"])


@check("the default checksum goes in a trailer after aws-chunked")
def _():
    if not hasattr(Config(), "request_checksum_calculation"):
        return f"boto3 {boto3.__version__} sends none unless asked"
    sent = {}

    def look(request, **_):
        sent.update({name.lower(): value for name, value in request.headers.items()})

    s3.meta.events.register("before-send.s3.PutObject", look)
    s3.put_object(Bucket=BUCKET, Key="trailer", Body=b"hello")
    s3.meta.events.unregister("before-send.s3.PutObject", look)
    encoding, trailer = (
        value.decode() if isinstance(value, bytes) else value
        for value in (sent.get("content-encoding", ""), sent.get("x-amz-trailer", ""))
    )
    expect(encoding == "aws-chunked" and trailer.startswith("x-amz-checksum-crc"), f"{encoding}, {trailer}")
    head = s3.head_object(Bucket=BUCKET, Key="trailer", ChecksumMode="ENABLED")
    expect(head["ChecksumCRC32"] == "NhCmhg==", head)  # of "hello", by zlib
    expect("ContentEncoding" not in head, "aws-chunked is not the object's")
    return None


@check("each checksum algorithm is verified, kept and given back")
def _():
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        put = s3.put_object(Bucket=BUCKET, Key="sum", Body=b"hello", ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
        expect(put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"], algorithm)
    expect_error(
        "BadDigest", s3.put_object, Bucket=BUCKET, Key="sum", Body=b"hullo", ChecksumSHA256=head["ChecksumSHA256"]
    )
    expect(body_of("sum") == b"hello", "the old object stays")


@check("CRC32C is verified, kept and given back")
def _():
    try:
        put = s3.put_object(Bucket=BUCKET, Key="sum", Body=b"hello", ChecksumAlgorithm="CRC32C")
    except botocore.exceptions.MissingDependencyException:
        return f"this boto3 {boto3.__version__} has no CRT to calculate it"
    head = s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
    expect(put["ChecksumCRC32C"] == head["ChecksumCRC32C"], "CRC32C")
    return None


@check("upload_file and download_file of 70 MiB: multipart, in parallel, whole")
def _():
    path, back = made_file("large", 70 * MIB), os.path.join(WORK, "large.back")
    s3.upload_file(path, BUCKET, "dir/large", Config=TransferConfig(multipart_chunksize=8 * MIB))
    s3.download_file(BUCKET, "dir/large", back)
    expect(sha256(path) == sha256(back), "SHA-256 differs")
    expect(s3.head_object(Bucket=BUCKET, Key="dir/large")["ContentLength"] == 70 * MIB, "size")
    attributes = s3.get_object_attributes(Bucket=BUCKET, Key="dir/large", ObjectAttributes=["ETag", "ObjectSize"])
    expect(attributes["ObjectSize"] == 70 * MIB, attributes)


@check("ranges: first, last, clipped, beyond the end")
def _():
    s3.put_object(Bucket=BUCKET, Key="range", Body=b"0123456789")
    expect(body_of("range", Range="bytes=2-4") == b"234", "2-4")
    expect(body_of("range", Range="bytes=-3") == b"789", "-3")
    expect(body_of("range", Range="bytes=8-100") == b"89", "8-100")
    expect_error("InvalidRange", s3.get_object, Bucket=BUCKET, Key="range", Range="bytes=10-")


@check("keys with spaces, plus, percent, quotes, UTF-8 come back as they went")
def _():
    names = ["a b", "a+b", "a%20b", "a%b", "käse/ü", "日本", "q'\"<>&", "tab\tx", "~-_.", "a=b&c", "#?"]
    for name in names:
        s3.put_object(Bucket=BUCKET, Key="odd/" + name, Body=name.encode())
        expect(body_of("odd/" + name) == name.encode(), name)
    listed = [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix="odd/")["Contents"]]
    expect(listed == sorted(("odd/" + n for n in names), key=lambda k: k.encode()), listed)
    listed = [o["Key"] for o in s3.list_objects(Bucket=BUCKET, Prefix="odd/")["Contents"]]
    expect(len(listed) == len(names), "version 1")


@check("more than 1,000 keys: pages, prefixes, a delimiter, start-after")
def _():
    for i in range(1050):
        s3.put_object(Bucket=BUCKET, Key=f"many/{i % 7}/{i:04}", Body=b"")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="many/"))
    keys = [o["Key"] for p in pages for o in p["Contents"]]
    expect(len(pages) == 2 and len(keys) == 1050 and keys == sorted(keys), f"{len(pages)} pages, {len(keys)} keys")
    top = s3.list_objects_v2(Bucket=BUCKET, Prefix="many/", Delimiter="/", MaxKeys=3)
    expect([p["Prefix"] for p in top["CommonPrefixes"]] == ["many/0/", "many/1/", "many/2/"], top)
    more = s3.list_objects_v2(
        Bucket=BUCKET, Prefix="many/", Delimiter="/", ContinuationToken=top["NextContinuationToken"]
    )
    expect([p["Prefix"] for p in more["CommonPrefixes"]] == [f"many/{i}/" for i in (3, 4, 5, 6)], more)
    after = s3.list_objects_v2(Bucket=BUCKET, Prefix="many/", StartAfter="many/6/1040")
    expect([o["Key"] for o in after["Contents"]] == ["many/6/1042", "many/6/1049"][: len(after["Contents"])], after)
    after = s3.list_objects_v2(Bucket=BUCKET, Prefix="many/", Delimiter="/", StartAfter="many/5/0500")
    expect([p["Prefix"] for p in after["CommonPrefixes"]] == ["many/5/", "many/6/"], after)
    after = s3.list_objects(Bucket=BUCKET, Prefix="many/", Delimiter="/", Marker="many/5/")
    expect([p["Prefix"] for p in after["CommonPrefixes"]] == ["many/6/"], after)
    versions = s3.list_object_versions(Bucket=BUCKET, Prefix="many/0/", MaxKeys=2)
    expect([v["VersionId"] for v in versions["Versions"]] == ["null", "null"], versions)


@check("copy, with and without new metadata; copy as a part")
def _():
    s3.put_object(Bucket=BUCKET, Key="from here", Body=b"copied", Metadata={"a": "b"})
    s3.copy_object(Bucket=BUCKET, Key="to", CopySource={"Bucket": BUCKET, "Key": "from here"})
    expect(body_of("to") == b"copied" and s3.head_object(Bucket=BUCKET, Key="to")["Metadata"] == {"a": "b"}, "copy")
    s3.copy_object(
        Bucket=BUCKET,
        Key="to",
        CopySource={"Bucket": BUCKET, "Key": "to"},
        Metadata={"c": "d"},
        MetadataDirective="REPLACE",
    )
    expect(s3.head_object(Bucket=BUCKET, Key="to")["Metadata"] == {"c": "d"}, "replaced")
    expect_error("NoSuchKey", s3.copy_object, Bucket=BUCKET, Key="to", CopySource=f"{BUCKET}/nothing")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    parts = []
    for number, span in ((1, f"0-{6 * MIB - 1}"), (2, "100-199")):
        part = s3.upload_part_copy(
            Bucket=BUCKET,
            Key="parts",
            UploadId=upload,
            PartNumber=number,
            CopySource={"Bucket": BUCKET, "Key": "dir/large"},
            CopySourceRange="bytes=" + span,
        )
        parts.append({"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(Bucket=BUCKET, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    large = body_of("dir/large", Range=f"bytes=0-{6 * MIB - 1}")
    expect(body_of("parts") == large + large[100:200], "copied parts")


@check("multipart: listed, aborted, refused")
def _():
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="mp")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="mp", UploadId=upload, PartNumber=2, Body=b"small")
    listed = s3.list_parts(Bucket=BUCKET, Key="mp", UploadId=upload)
    expect([(p["PartNumber"], p["Size"]) for p in listed["Parts"]] == [(2, 5)], listed)
    expect(upload in [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]], "uploads")

    def complete(parts):
        s3.complete_multipart_upload(Bucket=BUCKET, Key="mp", UploadId=upload, MultipartUpload={"Parts": parts})

    good = {"PartNumber": 2, "ETag": part["ETag"]}
    expect_error("InvalidPart", lambda: complete([{"PartNumber": 1, "ETag": part["ETag"]}, good]))
    expect_error("InvalidPart", lambda: complete([{"PartNumber": 2, "ETag": '"other"'}]))
    expect_error("InvalidPartOrder", lambda: complete([good, {"PartNumber": 1, "ETag": part["ETag"]}]))
    s3.abort_multipart_upload(Bucket=BUCKET, Key="mp", UploadId=upload)
    expect_error("NoSuchUpload", lambda: complete([good]))
    expect_error("NoSuchUpload", s3.abort_multipart_upload, Bucket=BUCKET, Key="mp", UploadId=upload)


def has_parameter(operation, name):
    return name in s3.meta.service_model.operation_model(operation).input_shape.members


PARTS = (b"a" * (5 * MIB), b"bcd")


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def upload_parts(key, algorithm, **create):
    """An upload of PARTS, not completed: its id, and the parts as CompleteMultipartUpload wants them."""
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key, ChecksumAlgorithm=algorithm, **create)
    expect(upload["ChecksumAlgorithm"] == algorithm, upload)
    parts = []
    for number, body in enumerate(PARTS, 1):
        part = s3.upload_part(
            Bucket=BUCKET,
            Key=key,
            UploadId=upload["UploadId"],
            PartNumber=number,
            Body=body,
            ChecksumAlgorithm=algorithm,
        )
        name = f"Checksum{algorithm}"
        parts.append({"PartNumber": number, "ETag": part["ETag"], name: part[name]})
    return upload["UploadId"], parts


@check("multipart: composite checksums of parts and of the object")
def _():
    upload, parts = upload_parts("composite", "CRC32")
    expect([part["ChecksumCRC32"] for part in parts] == [crc32(body) for body in PARTS], parts)
    listed = s3.list_parts(Bucket=BUCKET, Key="composite", UploadId=upload)
    expect(listed["Parts"][1]["ChecksumCRC32"] == crc32(PARTS[1]), listed)
    wrong = [dict(parts[0], ChecksumCRC32=crc32(b"other")), parts[1]]
    arguments = dict(Bucket=BUCKET, Key="composite", UploadId=upload)
    expect_error(
        "InvalidPart", s3.complete_multipart_upload, **arguments, MultipartUpload={"Parts": wrong}
    )
    whole = crc32(b"".join(base64.b64decode(part["ChecksumCRC32"]) for part in parts)) + "-2"
    done = s3.complete_multipart_upload(**arguments, MultipartUpload={"Parts": parts})
    expect(done["ChecksumCRC32"] == whole, done)
    head = s3.head_object(Bucket=BUCKET, Key="composite", ChecksumMode="ENABLED")
    expect(head["ChecksumCRC32"] == whole, head)
    told = s3.get_object_attributes(
        Bucket=BUCKET, Key="composite", ObjectAttributes=["Checksum", "ObjectParts"]
    )
    expect(told["Checksum"]["ChecksumCRC32"] == whole, told)
    expect(told["ObjectParts"]["TotalPartsCount"] == 2, told)
    sizes = [(part["Size"], part["ChecksumCRC32"]) for part in told["ObjectParts"]["Parts"]]
    expect(sizes == [(len(body), crc32(body)) for body in PARTS], told)


@check("multipart: the checksum of a full object, combined from those of its parts")
def _():
    if not has_parameter("CompleteMultipartUpload", "ChecksumType"):
        return f"boto3 {boto3.__version__} has no ChecksumType"
    upload, parts = upload_parts("full", "CRC32", ChecksumType="FULL_OBJECT")
    whole = b"".join(PARTS)
    arguments = dict(
        Bucket=BUCKET, Key="full", UploadId=upload, MultipartUpload={"Parts": parts}, ChecksumType="FULL_OBJECT"
    )
    expect_error("BadDigest", s3.complete_multipart_upload, ChecksumCRC32=crc32(b"other"), **arguments)
    expect_error("InvalidRequest", s3.complete_multipart_upload, MpuObjectSize=1, **arguments)
    done = s3.complete_multipart_upload(ChecksumCRC32=crc32(whole), MpuObjectSize=len(whole), **arguments)
    expect((done["ChecksumCRC32"], done["ChecksumType"]) == (crc32(whole), "FULL_OBJECT"), done)
    expect(body_of("full", ChecksumMode="ENABLED") == whole, "verified by the client as it is read")
    path = made_file("checked", 20 * MIB)
    with open(path, "rb") as file:
        value = crc32(file.read())
    s3.upload_file(path, BUCKET, "checked", ExtraArgs={"ChecksumCRC32": value})
    head = s3.head_object(Bucket=BUCKET, Key="checked", ChecksumMode="ENABLED")
    expect((head["ChecksumCRC32"], head["ChecksumType"]) == (value, "FULL_OBJECT"), head)
    copied = s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/composite", ChecksumAlgorithm="CRC32")
    expect(copied["CopyObjectResult"]["ChecksumCRC32"] == crc32(whole), copied)
    return None


@check("objects by the numbers of their parts")
def _():
    for number, body in enumerate(PARTS, 1):
        got = s3.get_object(Bucket=BUCKET, Key="composite", PartNumber=number, ChecksumMode="ENABLED")
        expect((got["PartsCount"], got["ContentLength"]) == (2, len(body)), got)
        expect(got["Body"].read() == body, number)
    expect_error("InvalidPartNumber", s3.get_object, Bucket=BUCKET, Key="composite", PartNumber=3)
    s3.put_object(Bucket=BUCKET, Key="single", Body=b"one")
    head = s3.head_object(Bucket=BUCKET, Key="single", PartNumber=1)
    expect(head["ResponseMetadata"]["HTTPStatusCode"] == 206 and "PartsCount" not in head, head)
    expect(body_of("single", PartNumber=1) == b"one", "the whole is part 1")


@check("conditional writes: only if absent, only if it is still that one")
def _():
    if "IfMatch" not in s3.meta.service_model.operation_model("PutObject").input_shape.members:
        return f"boto3 {boto3.__version__} does not have them"
    etag = s3.put_object(Bucket=BUCKET, Key="cond", Body=b"1", IfNoneMatch="*")["ETag"]
    expect_error("PreconditionFailed", s3.put_object, Bucket=BUCKET, Key="cond", Body=b"2", IfNoneMatch="*")
    s3.put_object(Bucket=BUCKET, Key="cond", Body=b"3", IfMatch=etag)
    expect_error("PreconditionFailed", s3.put_object, Bucket=BUCKET, Key="cond", Body=b"4", IfMatch=etag)
    expect(body_of("cond") == b"3", "one winner")
    return None


@check("what is absent: NoSuchKey, 404, NoSuchBucket")
def _():
    expect_error("NoSuchKey", s3.get_object, Bucket=BUCKET, Key="nothing")
    expect_error("404", s3.head_object, Bucket=BUCKET, Key="nothing")
    expect_error("NoSuchBucket", s3.list_objects_v2, Bucket="no-such-bucket")
    expect_error("NoSuchBucket", s3.put_object, Bucket="no-such-bucket", Key="x", Body=b"")
    s3.delete_object(Bucket=BUCKET, Key="nothing")


@check("what is not served says so: tags, encryption, policies")
def _():
    expect(s3.get_object_tagging(Bucket=BUCKET, Key="small")["TagSet"] == [], "no tags")
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    expect_error("NotImplemented", s3.put_object_tagging, Bucket=BUCKET, Key="small", Tagging=tags)
    expect_error("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=BUCKET)
    expect_error("NotImplemented", s3.put_bucket_policy, Bucket=BUCKET, Policy="{}")
    expect_error("NotImplemented", s3.put_object, Bucket=BUCKET, Key="x", Body=b"", ServerSideEncryption="AES256")


@check("markers of folders")
def _():
    s3.put_object(Bucket=BUCKET, Key="marked/", Body=b"", ContentType="application/x-directory")
    s3.put_object(Bucket=BUCKET, Key="marked/file", Body=b"x")
    head = s3.head_object(Bucket=BUCKET, Key="marked/")
    expect((head["ContentLength"], head["ContentType"]) == (0, "application/x-directory"), head)
    expect(body_of("marked/") == b"", "empty")
    expect_error("404", s3.head_object, Bucket=BUCKET, Key="marked")
    expect_error("InvalidArgument", s3.put_object, Bucket=BUCKET, Key="marked/", Body=b"x")
    page = s3.list_objects_v2(Bucket=BUCKET, Prefix="marked/", Delimiter="/")
    expect([o["Key"] for o in page["Contents"]] == ["marked/", "marked/file"], page)
    page = s3.list_objects_v2(Bucket=BUCKET, Prefix="marked", Delimiter="/")
    expect([p["Prefix"] for p in page["CommonPrefixes"]] == ["marked/"], page)
    s3.delete_object(Bucket=BUCKET, Key="marked/file")
    expect(body_of("marked/") == b"", "it has stayed")
    s3.copy_object(Bucket=BUCKET, Key="copied/", CopySource={"Bucket": BUCKET, "Key": "marked/"})
    s3.delete_object(Bucket=BUCKET, Key="marked/")
    page = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")
    expect("copied/" in [p["Prefix"] for p in page["CommonPrefixes"]], page)
    expect("marked/" not in [p["Prefix"] for p in page["CommonPrefixes"]], page)


@check("delete many, then the bucket, with an upload that nobody has finished")
def _():
    expect_error("BucketNotEmpty", s3.delete_bucket, Bucket=BUCKET)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        keys = [{"Key": o["Key"]} for o in page["Contents"]]
        result = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})
        expect(len(result["Deleted"]) == len(keys) and "Errors" not in result, result.get("Errors"))
    expect("Contents" not in s3.list_objects_v2(Bucket=BUCKET), "empty")
    s3.create_multipart_upload(Bucket=BUCKET, Key="unfinished")
    s3.delete_bucket(Bucket=BUCKET)
    expect(BUCKET not in [b["Name"] for b in s3.list_buckets()["Buckets"]], "gone")


done(f"boto3 {boto3.__version__}, botocore {botocore.__version__}")
