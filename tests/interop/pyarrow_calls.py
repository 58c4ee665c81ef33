#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pyarrow against a server: its file system over S3, and datasets of Parquet, Feather and CSV files on it.

usage: pyarrow_calls.py HOST:PORT BUCKET WORK_DIR    (prints TAP; plain HTTP)

The server has a bucket "pages" of 1,050 keys many/0001 and so on.
"""
import hashlib
import random
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from tap import check, done, expect, expect_raises, expect_same

HOST, BUCKET, WORK = sys.argv[1:4]
MIB = 1024 * 1024


def file_system(**options):
    return fs.S3FileSystem(
        access_key="dummy",
        secret_key="dummy-secret",
        region="us-east-1",
        scheme="http",
        endpoint_override=HOST,
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
        **options,
    )


s3 = file_system()


def write(path, data, **options):
    with s3.open_output_stream(f"{BUCKET}/{path}", **options) as stream:
        stream.write(data)


def read(path):
    with s3.open_input_stream(f"{BUCKET}/{path}") as stream:
        return stream.read()


def write_to_missing_bucket():
    with s3.open_output_stream("no-such-bucket/file") as stream:
        stream.write(b"x")


def listed(path, recursive=True):
    infos = s3.get_file_info(fs.FileSelector(f"{BUCKET}/{path}".rstrip("/"), recursive=recursive))
    return sorted((info.path.removeprefix(BUCKET + "/"), info.type) for info in infos)


def table_of(rows):
    years = [2020 + i % 3 for i in range(rows)]
    return pa.table({"year": years, "city": [f"é {i % 5}" for i in range(rows)], "value": list(range(rows))})


@check("a bucket is created, and is a directory")
def _():
    s3.create_dir(BUCKET)
    expect_same(s3.get_file_info(BUCKET).type, fs.FileType.Directory)
    expect_same(s3.get_file_info("no-such-bucket").type, fs.FileType.NotFound)
    infos = s3.get_file_info(fs.FileSelector("", recursive=False))
    expect_same(sorted(info.path for info in infos), sorted([BUCKET, "pages"]))


@check("small, empty and large files, written in the background and not")
def _():
    for background in (True, False):
        other = file_system(background_writes=background)
        for size in (0, 1, 100000, 23 * MIB + 7):
            data = random.Random(size).randbytes(size)
            with other.open_output_stream(f"{BUCKET}/file") as stream:
                for at in range(0, size, 3 * MIB):
                    stream.write(data[at : at + 3 * MIB])
            expect_same(hashlib.sha256(read("file")).digest(), hashlib.sha256(data).digest())
            expect_same(s3.get_file_info(f"{BUCKET}/file").size, size)


@check("a file is read at random")
def _():
    data = random.Random(1).randbytes(MIB)
    write("random", data)
    with s3.open_input_file(f"{BUCKET}/random") as file:
        expect_same(file.size(), MIB)
        expect_same(file.read_at(100, 5000), data[5000:5100])
        file.seek(MIB - 10)
        expect_same(file.read(), data[-10:])


@check("metadata and content type, of a small file and of one in parts")
def _():
    for size in (10, 12 * MIB):
        write("fields", b"x" * size, metadata={"Content-Type": "text/x-arrow", "Cache-Control": "no-store", "note": "a b"})
        with s3.open_input_stream(f"{BUCKET}/fields") as stream:
            has = {key: value.decode() for key, value in stream.metadata().items()}
        expect_same(has["Content-Type"], "text/x-arrow")
        expect_same(has["Cache-Control"], "no-store")
        expect_same(has["Content-Length"], str(size))


@check("odd names: written, read, listed, copied, moved")
def _():
    names = ["a b", "a+b", "a%20b", "a%b", "é", "#?", "a=b&c", "q'\"<>", "日本", "~-_."]
    for name in names:
        write(f"odd/{name}", name.encode())
        s3.copy_file(f"{BUCKET}/odd/{name}", f"{BUCKET}/copied/{name}")
        s3.move(f"{BUCKET}/copied/{name}", f"{BUCKET}/moved/{name}")
        expect_same(read(f"moved/{name}"), name.encode())
    expect_same(listed("odd"), sorted((f"odd/{name}", fs.FileType.File) for name in names))
    expect_same(listed("moved"), sorted((f"moved/{name}", fs.FileType.File) for name in names))


@check("1,050 files: all pages")
def _():
    infos = s3.get_file_info(fs.FileSelector("pages", recursive=True))
    expect_same(len([info for info in infos if info.type == fs.FileType.File]), 1050)
    infos = s3.get_file_info(fs.FileSelector("pages/many", recursive=False))
    expect_same(len(infos), 1050)


@check("directories: created one in the other, listed, kept when they become empty")
def _():
    s3.create_dir(f"{BUCKET}/tree/a/b", recursive=True)
    expect_same(s3.get_file_info(f"{BUCKET}/tree/a/b").type, fs.FileType.Directory)
    expect_same(listed("tree"), [("tree/a", fs.FileType.Directory), ("tree/a/b", fs.FileType.Directory)])
    write("tree/a/b/file", b"1")
    write("tree/file", b"2")
    expect_same(
        listed("tree", recursive=False), [("tree/a", fs.FileType.Directory), ("tree/file", fs.FileType.File)]
    )
    s3.delete_file(f"{BUCKET}/tree/a/b/file")
    expect_same(s3.get_file_info(f"{BUCKET}/tree/a/b").type, fs.FileType.Directory)


@check("directories: emptied, deleted")
def _():
    for i in range(30):
        write(f"gone/{i % 3}/{i}", b"x")
    s3.delete_dir_contents(f"{BUCKET}/gone")
    expect_same(s3.get_file_info(f"{BUCKET}/gone").type, fs.FileType.Directory)
    expect_same(listed("gone"), [])
    write("gone/again/1", b"x")
    s3.delete_dir(f"{BUCKET}/gone")
    expect_same(s3.get_file_info(f"{BUCKET}/gone").type, fs.FileType.NotFound)


@check("what is missing: files, directories, buckets")
def _():
    expect_same(s3.get_file_info(f"{BUCKET}/nothing").type, fs.FileType.NotFound)
    expect_raises(FileNotFoundError, s3.open_input_file, f"{BUCKET}/nothing")
    expect_raises(FileNotFoundError, s3.delete_file, f"{BUCKET}/nothing")
    expect_raises(OSError, s3.copy_file, f"{BUCKET}/nothing", f"{BUCKET}/to")
    expect_raises(FileNotFoundError, s3.get_file_info, fs.FileSelector(f"{BUCKET}/no/such"))
    expect_same(s3.get_file_info(fs.FileSelector(f"{BUCKET}/no/such", allow_not_found=True)), [])
    expect_raises(OSError, write_to_missing_bucket)


@check("a file that is replaced by one that is shorter")
def _():
    write("replaced", b"long" * 1000)
    write("replaced", b"short")
    expect_same(read("replaced"), b"short")


for form in ("parquet", "feather", "csv"):

    @check(f"a dataset in {form}: written in partitions, read back, filtered")
    def _(form=form):
        table = table_of(3000)
        ds.write_dataset(table, f"{BUCKET}/{form}", filesystem=s3, format=form, partitioning=["year"], partitioning_flavor="hive")
        back = ds.dataset(f"{BUCKET}/{form}", filesystem=s3, format=form, partitioning="hive")
        expect_same(len(back.files), 3)
        expect_same(back.count_rows(), 3000)
        rows = back.to_table(columns=["year", "city", "value"]).sort_by("value")
        expect_same(rows.column("value").to_pylist(), table.column("value").to_pylist())
        expect_same(rows.column("city").to_pylist(), table.column("city").to_pylist())
        some = back.to_table(filter=(pc.field("year") == 2021) & (pc.field("value") < 300))
        expect_same(some.num_rows, 100)


@check("a dataset: partitions by a column with odd values, replaced, deleted where it matches")
def _():
    arguments = dict(filesystem=s3, format="parquet", partitioning=["city"], partitioning_flavor="hive")
    for rows in (1000, 500):
        ds.write_dataset(table_of(rows), f"{BUCKET}/cities", existing_data_behavior="delete_matching", **arguments)
        back = ds.dataset(f"{BUCKET}/cities", filesystem=s3, partitioning="hive")
        expect_same(back.count_rows(), rows)
        expect_same(sorted(back.to_table()["city"].unique().to_pylist()), [f"é {i}" for i in range(5)])
    expect_raises(pa.ArrowInvalid, ds.write_dataset, table_of(1), f"{BUCKET}/cities", existing_data_behavior="error", **arguments)


@check("one large Parquet file: row groups are read by their ranges")
def _():
    values = random.Random(2).randbytes(16 * MIB)
    table = pa.table({"bytes": [values[i : i + 64] for i in range(0, len(values), 64)], "i": range(len(values) // 64)})
    pq.write_table(table, f"{BUCKET}/large.parquet", filesystem=s3, row_group_size=50000, compression="none", use_dictionary=False)
    expect(s3.get_file_info(f"{BUCKET}/large.parquet").size > 16 * MIB, "smaller than what is in it")
    file = pq.ParquetFile(f"{BUCKET}/large.parquet", filesystem=s3)
    expect_same(file.metadata.num_rows, len(values) // 64)
    group = file.read_row_group(2)
    expect_same(group["i"][0].as_py(), 100000)
    expect_same(group["bytes"][0].as_py(), values[6400000 : 6400000 + 64])
    expect(pq.read_table(f"{BUCKET}/large.parquet", filesystem=s3).equals(table), "the tables differ")


@check("fs.copy_files there and back")
def _():
    local = fs.SubTreeFileSystem(WORK, fs.LocalFileSystem())
    local.create_dir("from/sub")
    for name in ("from/1", "from/sub/2"):
        with local.open_output_stream(name) as stream:
            stream.write(name.encode() * 1000)
    fs.copy_files("from", f"{BUCKET}/copied-files", source_filesystem=local, destination_filesystem=s3)
    fs.copy_files(f"{BUCKET}/copied-files", "to", source_filesystem=s3, destination_filesystem=local)
    for name in ("1", "sub/2"):
        with local.open_input_stream(f"to/{name}") as stream:
            expect_same(stream.read(), f"from/{name}".encode() * 1000)


@check("the bucket and all that is in it are deleted")
def _():
    s3.delete_dir(BUCKET)
    expect_same(s3.get_file_info(BUCKET).type, fs.FileType.NotFound)


done(f"pyarrow {pa.__version__}")
