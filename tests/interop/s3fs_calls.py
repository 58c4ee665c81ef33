#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""s3fs against a server: files and trees as fsspec has them.

usage: s3fs_calls.py ENDPOINT CA CERT KEY WORK_DIR BUCKET    (prints TAP)

The server has a bucket "pages" of 1,050 keys many/0001 and so on.
"""
import os
import random
import sys

import fsspec
import s3fs

from tap import check, done, expect, expect_raises, expect_same

ENDPOINT, CA, CERT, KEY, WORK, BUCKET = sys.argv[1:7]
MIB = 1024 * 1024
ODD = ["a b", "a+b", "a%20b", "a%b", "é", "#", "a=b&c", "q'\"<>", "日本", "~-_."]


def file_system(**options):
    return s3fs.S3FileSystem(
        key="dummy",
        secret="dummy-secret",
        endpoint_url=ENDPOINT,
        client_kwargs={"verify": CA},
        config_kwargs={
            "region_name": "us-east-1",
            "client_cert": (CERT, KEY),
            "s3": {"addressing_style": "path"},
            "retries": {"max_attempts": 1},
        },
        skip_instance_cache=True,
        use_listings_cache=False,
        **options,
    )


s3 = file_system()


def at(path):
    return f"{BUCKET}/{path}"


def below(paths):
    return sorted(path.removeprefix(BUCKET + "/") for path in paths)


def make_tree(name):
    """Files of a few sizes, of which one is sent in parts."""
    top = os.path.join(WORK, name)
    sizes = {"one": 1, "a b/two": 2, "a b/é/three": 30000, "a b/empty": 0, "large": 11 * MIB}
    for path, size in sizes.items():
        path = os.path.join(top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(random.Random(size).randbytes(size))
    return top, sizes


def expect_tree(top, sizes):
    for path, size in sizes.items():
        with open(os.path.join(top, path), "rb") as file:
            expect(file.read() == random.Random(size).randbytes(size), path)


@check("mkdir of a bucket, exists, ls of buckets")
def _():
    s3.mkdir(BUCKET)
    expect(s3.exists(BUCKET) and s3.isdir(BUCKET), "it is not there")
    expect(not s3.exists("no-such-bucket"), "it is there")
    expect_same(sorted(s3.ls("")), sorted([BUCKET, "pages"]))
    expect_raises(FileExistsError, s3.mkdir, BUCKET)


@check("pipe and cat: empty, small, large")
def _():
    for size in (0, 1, 100000, 60 * MIB):
        data = random.Random(size).randbytes(size)
        s3.pipe_file(at("piped"), data)
        expect(s3.cat_file(at("piped")) == data, f"{size} bytes differ")
        expect_same(s3.size(at("piped")), size)


@check("cat_ranges, cat of several, head, tail, read_block")
def _():
    s3.pipe({at("ranges/1"): b"0123456789", at("ranges/2"): b"abcdefghij"})
    one, two = at("ranges/1"), at("ranges/2")
    expect_same(s3.cat_ranges([one, two, one], [0, 3, 8], [2, 6, 100]), [b"01", b"def", b"89"])
    expect_same(s3.cat([one, two]), {one: b"0123456789", two: b"abcdefghij"})
    expect_same(s3.cat_file(one, start=-3), b"789")
    expect_same(s3.head(one, 4), b"0123")
    expect_same(s3.tail(one, 4), b"6789")


@check("open to write in small blocks: parts, then read back in blocks, with seeks")
def _():
    data = random.Random(3).randbytes(16 * MIB + 11)
    with s3.open(at("blocks"), "wb", block_size=5 * MIB) as file:
        for i in range(0, len(data), 700001):
            file.write(data[i : i + 700001])
    with s3.open(at("blocks"), "rb", block_size=MIB) as file:
        expect(file.read() == data, "the bytes differ")
        file.seek(5 * MIB - 3)
        expect_same(file.read(6), data[5 * MIB - 3 : 5 * MIB + 3])
    with s3.open(at("lines"), "w") as file:
        file.write("one\nzwö\n")
    with s3.open(at("lines"), "r") as file:
        expect_same(file.readlines(), ["one\n", "zwö\n"])


@check("append: to a small file, to one that is larger than a part")
def _():
    for size in (10, 6 * MIB):
        s3.pipe_file(at("appended"), b"x" * size)
        with s3.open(at("appended"), "ab") as file:
            file.write(b"end")
        expect(s3.cat_file(at("appended")) == b"x" * size + b"end", f"{size} bytes and 3")


@check("exclusive creation: the second one fails, in one PUT and in parts")
def _():
    for size in (10, 12 * MIB):
        path = at(f"exclusive-{size}")
        s3.pipe_file(path, b"1" * size, mode="create", chunksize=5 * MIB)
        expect_raises(FileExistsError, s3.pipe_file, path, b"2" * size, mode="create", chunksize=5 * MIB)
        expect(s3.cat_file(path) == b"1" * size, "the first one stays")
    with s3.open(at("exclusive"), "xb") as file:
        file.write(b"1")
    expect_same(s3.cat_file(at("exclusive")), b"1")


@check("put and get of a tree")
def _():
    top, sizes = make_tree("tree")
    s3.put(top, at("tree"), recursive=True)
    expect_same(below(s3.find(at("tree"))), sorted(f"tree/{path}" for path in sizes))
    s3.get(at("tree"), os.path.join(WORK, "back"), recursive=True)
    expect_tree(os.path.join(WORK, "back"), sizes)
    s3.put_file(os.path.join(top, "large"), at("large"), chunksize=5 * MIB)
    expect_same(s3.size(at("large")), 11 * MIB)


@check("ls, find, walk, du, glob, tree of that tree")
def _():
    _, sizes = make_tree("tree")
    expect_same(below(s3.ls(at("tree"))), ["tree/a b", "tree/large", "tree/one"])
    kinds = {entry["name"]: entry["type"] for entry in s3.ls(at("tree"), detail=True)}
    expect_same(kinds[at("tree/a b")], "directory")
    expect_same(kinds[at("tree/one")], "file")
    walked = [(below([path])[0], sorted(folders), sorted(files)) for path, folders, files in s3.walk(at("tree"))]
    expect_same(
        walked, [("tree", ["a b"], ["large", "one"]), ("tree/a b", ["é"], ["empty", "two"]), ("tree/a b/é", [], ["three"])]
    )
    expect_same(s3.du(at("tree")), sum(sizes.values()))
    expect_same(below(s3.glob(at("tree/*/t*"))), ["tree/a b/two"])
    expect_same(below(s3.glob(at("tree/**/t*"))), ["tree/a b/two", "tree/a b/é/three"])
    expect_same(below(s3.find(at("tree"), maxdepth=1)), ["tree/large", "tree/one"])
    expect(s3.isdir(at("tree/a b")) and s3.isfile(at("tree/one")) and not s3.exists(at("tree/nothing")), "kinds")


@check("1,050 keys: find, ls, walk, a prefix")
def _():
    expect_same(len(s3.find("pages")), 1050)
    expect_same(len(s3.ls("pages/many")), 1050)
    expect_same(len(s3.find("pages/many", prefix="000")), 9)
    expect_same(sum(len(files) for _, _, files in s3.walk("pages")), 1050)


@check("odd names: written, read, listed, copied, moved")
def _():
    for name in ODD:
        s3.pipe_file(at(f"odd/{name}"), name.encode())
        expect_same(s3.cat_file(at(f"odd/{name}")), name.encode())
        s3.cp_file(at(f"odd/{name}"), at(f"copied/{name}"))
        s3.mv(at(f"copied/{name}"), at(f"moved/{name}"))
        expect_same(s3.cat_file(at(f"moved/{name}")), name.encode())
    for folder in ("odd", "moved"):
        expect_same(below(s3.ls(at(folder))), sorted(f"{folder}/{name}" for name in ODD))
    expect(not s3.exists(at("copied")), "what was moved is gone")


@check("trees: copied, removed")
def _():
    _, sizes = make_tree("tree")
    s3.cp(at("tree"), at("tree2"), recursive=True)
    expect_same(below(s3.find(at("tree2"))), sorted(f"tree2/{path}" for path in sizes))
    expect(s3.cat_file(at("tree2/large")) == random.Random(11 * MIB).randbytes(11 * MIB), "large")
    s3.rm(at("tree2"), recursive=True)
    expect(not s3.exists(at("tree2")), "what was removed is gone")


@check("info, checksum, modified, metadata, content type")
def _():
    s3.pipe_file(at("info"), b"info")
    info = s3.info(at("info"))
    expect_same((info["size"], info["type"], info["name"]), (4, "file", at("info")))
    expect(info["ETag"].startswith('"') and info["LastModified"] == s3.modified(at("info")), info)
    before = s3.checksum(at("info"))
    expect_same(s3.checksum(at("info")), before)
    s3.pipe_file(at("info"), b"other")
    expect(s3.checksum(at("info")) != before, "another version, the same checksum")
    with s3.open(at("typed"), "wb", ContentType="text/x-typed", Metadata={"one": "1"}) as file:
        file.write(b"x")
    expect_same(s3.info(at("typed"))["ContentType"], "text/x-typed")
    expect_same(s3.metadata(at("typed")), {"one": "1"})
    s3.setxattr(at("typed"), two="2", copy_kwargs={"ContentType": "text/x-typed"})
    expect_same(s3.metadata(at("typed")), {"one": "1", "two": "2"})
    expect_same(s3.getxattr(at("typed"), "two"), "2")


@check("checksums of each algorithm, by an argument of every write")
def _():
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        other = file_system(s3_additional_kwargs={"ChecksumAlgorithm": algorithm})
        with other.open(at("summed"), "wb") as file:
            file.write(algorithm.encode())
        expect_same(s3.cat_file(at("summed")), algorithm.encode())


@check("touch, also of what is there; truncate")
def _():
    s3.touch(at("touched"))
    expect_same(s3.size(at("touched")), 0)
    s3.pipe_file(at("touched"), b"x")
    expect_same(s3.size(at("touched")), 1)
    s3.touch(at("touched"), truncate=True)
    expect_same(s3.size(at("touched")), 0)


@check("a transaction: nothing until it ends, nothing when it fails")
def _():
    with s3.transaction:
        for name in ("1", "2"):
            with s3.open(at(f"transaction/{name}"), "wb") as file:
                file.write(name.encode() * 6 * MIB)
        expect(not s3.exists(at("transaction/1")), "it is there before the end")
    expect_same(below(s3.find(at("transaction"))), ["transaction/1", "transaction/2"])

    def fail():
        with s3.transaction:
            with s3.open(at("transaction/3"), "wb") as file:
                file.write(b"3" * 6 * MIB)
            raise KeyError("the end")

    expect_raises(KeyError, fail)
    expect(not s3.exists(at("transaction/3")), "it is there")


@check("uploads that nobody completes: listed, cleared")
def _():
    file = s3.open(at("unfinished"), "wb", block_size=5 * MIB)
    file.write(b"x" * 6 * MIB)
    file.flush()
    expect_same([upload["Key"] for upload in s3.list_multipart_uploads(BUCKET)], ["unfinished"])
    s3.clear_multipart_uploads(BUCKET)
    expect_same(s3.list_multipart_uploads(BUCKET), [])
    file.closed = True


@check("a marker of a directory, as consoles make them")
def _():
    s3.pipe_file(at("marker/"), b"")
    expect(s3.isdir(at("marker")), "no directory")
    s3.pipe_file(at("marker/file"), b"x")
    expect("marker/file" in below(s3.ls(at("marker"))), "the file is not listed")
    s3.rm(at("marker"), recursive=True)
    expect(not s3.exists(at("marker")), "it is still there")


@check("a presigned URL; a bucket that keeps no versions")
def _():
    expect(s3.sign(at("info")).startswith(f"{ENDPOINT}/{BUCKET}/info?"), "a URL of another form")
    expect_same(s3.is_bucket_versioned(BUCKET), False)


@check("what is missing")
def _():
    expect_raises(FileNotFoundError, s3.cat_file, at("nothing"))
    expect_raises(FileNotFoundError, s3.info, at("nothing"))
    expect_raises(FileNotFoundError, s3.ls, at("nothing/below"))
    expect_raises(FileNotFoundError, s3.cp_file, at("nothing"), at("to"))
    expect_raises(FileNotFoundError, s3.pipe_file, "no-such-bucket/key", b"x")
    expect_raises(FileNotFoundError, s3.ls, "no-such-bucket")


@check("a mapping, as zarr uses it")
def _():
    mapping = fsspec.FSMap(at("map"), s3)
    mapping.update({"a/0": b"0", "a/1": b"1", "b": b"2"})
    expect_same(sorted(mapping), ["a/0", "a/1", "b"])
    expect_same(mapping["a/1"], b"1")
    del mapping["b"]
    expect("b" not in mapping, "it is still there")


@check("rm of many, rmdir of the buckets")
def _():
    expect_raises(OSError, s3.rmdir, "pages")
    for bucket in (BUCKET, "pages"):
        s3.rm([path for path in s3.find(bucket)])
        expect_same(s3.find(bucket), [])
        s3.rmdir(bucket)
    expect_same(s3.ls(""), [])


done(f"s3fs {s3fs.__version__}")
