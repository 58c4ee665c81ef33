// SPDX-License-Identifier: Apache-2.0
"use strict";
// aws-sdk-js-v3 against a server: its client of S3, and lib-storage.
//
// usage: NODE_PATH=... node js_calls.cjs ENDPOINT CA CERT KEY WORK_DIR BUCKET    (prints TAP)
//
// The server has a bucket "pages" of 1,050 keys many/0001 and so on.
const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const fs = require("node:fs");
const https = require("node:https");
const path = require("node:path");
const { Readable } = require("node:stream");
const zlib = require("node:zlib");

const s3 = require("@aws-sdk/client-s3");
const { Upload } = require("@aws-sdk/lib-storage");
const { NodeHttpHandler } = require("@smithy/node-http-handler");

const [endpoint, ca, cert, key, work, Bucket] = process.argv.slice(2);
const MIB = 1024 * 1024;
const httpsAgent = new https.Agent({
	ca: fs.readFileSync(ca),
	cert: fs.readFileSync(cert),
	key: fs.readFileSync(key),
	keepAlive: true,
	maxSockets: 16,
});
const settings = {
	endpoint,
	region: "us-east-1",
	forcePathStyle: true,
	credentials: { accessKeyId: "dummy", secretAccessKey: "dummy-secret" },
	maxAttempts: 1,
	requestHandler: new NodeHttpHandler({ httpsAgent }),
};
const client = new s3.S3Client(settings);

/* Tests are collected, and then run one after the other. */
const tests = [];
const check = (name, test) => tests.push([name, test]);

/** Sends a command by its name: call("GetObject", {...}). The bucket is that of this run unless told. */
const call = (name, input) => client.send(new s3[`${name}Command`]({ Bucket, ...input }));
const put = (Key, Body, more) => call("PutObject", { Key, Body, ...more });
const get = async (Key, more) => Buffer.from(await (await call("GetObject", { Key, ...more })).Body.transformToByteArray());
const head = (Key, more) => call("HeadObject", { Key, ChecksumMode: "ENABLED", ...more });

async function fails(name, code, input) {
	await assert.rejects(
		() => call(name, input),
		(error) => {
			assert.equal(error.name, code, `${name}: ${error.name} (${error.message}), not ${code}`);
			return true;
		},
		`${name}: no error, not even ${code}`,
	);
}

const same = (is, right, what) => assert.ok(Buffer.compare(is, right) === 0, `${what}: ${is.length} bytes, not these ${right.length}`);
const sha256 = (data) => crypto.createHash("sha256").update(data).digest("base64");

/* The checksums of "hello", by other programs: zlib, rhash, and openssl. */
const SUMS = {
	CRC32: "NhCmhg==",
	CRC32C: "mnG7TA==",
	CRC64NVME: "M3eFcAZSQlc=",
	SHA1: "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
	SHA256: "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
};
const ODD = ["a b", "a+b", "a%20b", "a%b", "é/ü", "#?", "a=b&c", "q'\"<>", "日本", "~-_.", "(1)*!$,;:@"];
const large = crypto.randomBytes(17 * MIB + 3);

check("buckets: made, there, listed by prefix and in pages", async () => {
	await call("CreateBucket", {});
	await s3.waitUntilBucketExists({ client, maxWaitTime: 60 }, { Bucket });
	await fails("CreateBucket", "BucketAlreadyOwnedByYou", {});
	assert.equal((await call("GetBucketLocation", {})).LocationConstraint, undefined);
	assert.equal((await call("HeadBucket", {})).BucketRegion, "us-east-1");
	const names = async (input) => {
		const found = [];
		for await (const page of s3.paginateListBuckets({ client }, input)) found.push(...page.Buckets.map((one) => one.Name));
		return found;
	};
	assert.deepEqual(await names({}), [Bucket, "pages"].sort());
	assert.deepEqual(await names({ MaxBuckets: 1 }), [Bucket, "pages"].sort());
	assert.deepEqual(await names({ Prefix: "pag" }), ["pages"]);
});

check("bodies: a string, bytes, none, a stream of known length", async () => {
	for (const body of ["", "x", "grüße", Buffer.alloc(300000, 7)]) {
		await put("body", body);
		same(await get("body"), Buffer.from(body), "body");
	}
	await put("body", Readable.from([large.subarray(0, 100000), large.subarray(100000, 200001)]), { ContentLength: 200001 });
	same(await get("body"), large.subarray(0, 200001), "stream");
});

for (const [ChecksumAlgorithm, right] of Object.entries(SUMS))
	check(`${ChecksumAlgorithm}: sent, kept, given back, and verified`, async () => {
		const name = `Checksum${ChecksumAlgorithm}`;
		for (const Body of ["hello", Readable.from([Buffer.from("hello")])]) {
			const sent = await put("sum", Body, { ChecksumAlgorithm, ContentLength: 5 });
			assert.equal(sent[name], right);
			const is = await head("sum");
			assert.equal(is[name], right);
			assert.equal(is.ContentEncoding, undefined);
			assert.equal(is.ChecksumType, "FULL_OBJECT");
			same(await get("sum", { ChecksumMode: "ENABLED" }), Buffer.from("hello"), "body");
		}
		await fails("PutObject", "BadDigest", { Key: "sum", Body: "hullo", [name]: right });
		same(await get("sum"), Buffer.from("hello"), "the old object");
		const { Checksum } = await call("GetObjectAttributes", { Key: "sum", ObjectAttributes: ["Checksum", "ObjectSize"] });
		assert.equal(Checksum[name], right);
	});

check("metadata, content type and the other fields come back", async () => {
	const fields = {
		ContentType: "text/plain; charset=utf-8",
		CacheControl: "max-age=60",
		ContentDisposition: 'attachment; filename="a.txt"',
		ContentLanguage: "de",
		ContentEncoding: "gzip",
		Metadata: { one: "1", "two-words": "a b" },
	};
	await put("fields", "x", fields);
	const is = await head("fields");
	for (const [name, right] of Object.entries(fields)) assert.deepEqual(is[name], right, name);
});

check("ranges, and what the response is to say", async () => {
	await put("range", "0123456789");
	assert.equal(String(await get("range", { Range: "bytes=2-4" })), "234");
	assert.equal(String(await get("range", { Range: "bytes=-3" })), "789");
	await fails("GetObject", "InvalidRange", { Key: "range", Range: "bytes=10-" });
	const is = await call("GetObject", { Key: "range", ResponseContentType: "text/csv", ResponseContentDisposition: "inline", ResponseCacheControl: "no-store" });
	await is.Body.transformToString();
	assert.equal(is.ContentType, "text/csv");
	assert.equal(is.ContentDisposition, "inline");
	assert.equal(is.CacheControl, "no-store");
});

check("odd names: put, got, listed, copied", async () => {
	for (const name of ODD) {
		await put(`odd/${name}`, name);
		assert.equal(String(await get(`odd/${name}`)), name);
		await call("CopyObject", { Key: `copy/${name}`, CopySource: encodeURIComponent(`${Bucket}/odd/${name}`) });
		assert.equal(String(await get(`copy/${name}`)), name);
		await call("CopyObject", { Key: `copy2/${name}`, CopySource: `/${Bucket}/odd/${name.split("/").map(encodeURIComponent).join("/")}` });
		assert.equal(String(await get(`copy2/${name}`)), name);
	}
	const right = ODD.map((name) => Buffer.from(`odd/${name}`)).sort(Buffer.compare).map(String);
	const { Contents } = await call("ListObjectsV2", { Prefix: "odd/" });
	assert.deepEqual(Contents.map((one) => one.Key), right);
	const encoded = await call("ListObjectsV2", { Prefix: "odd/", EncodingType: "url" });
	assert.deepEqual(encoded.Contents.map((one) => decodeURIComponent(one.Key.replaceAll("+", "%20"))), right);
});

check("copies: metadata kept or replaced, conditions", async () => {
	const { ETag } = await put("from", "from", { Metadata: { a: "b" } });
	const CopySource = `${Bucket}/from`;
	await call("CopyObject", { Key: "to", CopySource, CopySourceIfMatch: ETag });
	assert.deepEqual((await head("to")).Metadata, { a: "b" });
	await call("CopyObject", { Key: "from", CopySource, Metadata: { c: "d" }, MetadataDirective: "REPLACE" });
	assert.deepEqual((await head("from")).Metadata, { c: "d" });
	await fails("CopyObject", "PreconditionFailed", { Key: "to", CopySource, CopySourceIfMatch: '"other"' });
	await fails("CopyObject", "NoSuchKey", { Key: "to", CopySource: `${Bucket}/nothing` });
	const { CopyObjectResult } = await call("CopyObject", { Key: "to", CopySource, ChecksumAlgorithm: "SHA256" });
	assert.equal(CopyObjectResult.ChecksumSHA256, sha256("from"));
});

check("1,050 keys in pages, a delimiter, version 1", async () => {
	for (const pageSize of [1000, 100]) {
		const keys = [];
		let pages = 0;
		for await (const page of s3.paginateListObjectsV2({ client, pageSize }, { Bucket: "pages" })) {
			keys.push(...page.Contents.map((one) => one.Key));
			pages++;
		}
		assert.equal(pages, Math.ceil(1050 / pageSize));
		assert.equal(keys.length, 1050);
		assert.deepEqual(keys, [...keys].sort());
	}
	const top = await call("ListObjectsV2", { Bucket: "pages", Delimiter: "/" });
	assert.deepEqual(top.CommonPrefixes, [{ Prefix: "many/" }]);
	const after = await call("ListObjectsV2", { Bucket: "pages", StartAfter: "many/1047", FetchOwner: true });
	assert.equal(after.KeyCount, 3);
	assert.ok(after.Contents[0].Owner.ID);
	const first = await call("ListObjects", { Bucket: "pages", Delimiter: "/", Prefix: "many/", MaxKeys: 10 });
	assert.equal(first.NextMarker, "many/0010");
});

check("conditions of reads and writes", async () => {
	const Key = "condition";
	const { ETag } = await put(Key, "1", { IfNoneMatch: "*" });
	await fails("PutObject", "PreconditionFailed", { Key, Body: "2", IfNoneMatch: "*" });
	await put(Key, "3", { IfMatch: ETag });
	await fails("PutObject", "PreconditionFailed", { Key, Body: "4", IfMatch: ETag });
	await fails("GetObject", "PreconditionFailed", { Key, IfMatch: ETag });
	const now = (await head(Key)).ETag;
	await assert.rejects(() => get(Key, { IfNoneMatch: now }), (error) => error.$metadata.httpStatusCode === 304);
	await fails("DeleteObject", "PreconditionFailed", { Key, IfMatch: ETag });
	await call("DeleteObject", { Key, IfMatch: now });
	await fails("HeadObject", "NotFound", { Key });
});

for (const [ChecksumAlgorithm, ChecksumType] of [
	[undefined],
	["CRC32", "FULL_OBJECT"],
	["CRC32", "COMPOSITE"],
	["CRC32C"],
	["CRC64NVME"],
	["SHA1"],
	["SHA256"],
])
	check(`lib-storage: parts of a stream and of bytes, ${ChecksumAlgorithm ?? "default"} ${ChecksumType ?? ""}`, async () => {
		for (const Body of [large, Readable.from([large.subarray(0, MIB), large.subarray(MIB)])]) {
			const params = { Bucket, Key: "storage/large", Body, ChecksumAlgorithm, ChecksumType, Metadata: { a: "b" }, ContentType: "text/x-large" };
			const parts = [];
			const upload = new Upload({ client, params, partSize: 5 * MIB, queueSize: 4 });
			upload.on("httpUploadProgress", (progress) => parts.push(progress.part));
			await upload.done();
			assert.equal(parts.length, 4);
			same(await get("storage/large", { ChecksumMode: "ENABLED" }), large, "body");
			const is = await head("storage/large");
			assert.deepEqual(is.Metadata, { a: "b" });
			assert.equal(is.ContentType, "text/x-large");
			if (ChecksumType) assert.equal(is.ChecksumType, ChecksumType);
			if (ChecksumType === "FULL_OBJECT" && zlib.crc32) {
				const right = Buffer.alloc(4);
				right.writeUInt32BE(zlib.crc32(large));
				assert.equal(is.ChecksumCRC32, right.toString("base64"));
			}
			if (ChecksumAlgorithm === "SHA256") {
				const digests = [];
				for (let at = 0; at < large.length; at += 5 * MIB)
					digests.push(crypto.createHash("sha256").update(large.subarray(at, at + 5 * MIB)).digest());
				assert.equal(is.ChecksumSHA256, `${sha256(Buffer.concat(digests))}-4`);
			}
		}
	});

check("lib-storage: a small body is one PUT; an upload that is aborted leaves nothing", async () => {
	await new Upload({ client, params: { Bucket, Key: "storage/small", Body: "small" } }).done();
	same(await get("storage/small"), Buffer.from("small"), "small");
	const upload = new Upload({ client, params: { Bucket, Key: "storage/aborted", Body: large }, partSize: 5 * MIB, queueSize: 1 });
	upload.on("httpUploadProgress", () => upload.abort());
	await assert.rejects(() => upload.done(), { name: "AbortError" });
	/* done() does not wait for the AbortMultipartUpload that it leads to */
	const until = Date.now() + 120000;
	while ((await call("ListMultipartUploads", { Prefix: "storage/aborted" })).Uploads) assert.ok(Date.now() < until, "the upload is still there");
});

check("a file there, and back in ranges", async () => {
	const from = path.join(work, "from");
	fs.writeFileSync(from, large);
	await new Upload({ client, params: { Bucket, Key: "file", Body: fs.createReadStream(from) }, partSize: 5 * MIB }).done();
	const parts = [];
	for (let at = 0; at < large.length; at += 4 * MIB) parts.push(await get("file", { Range: `bytes=${at}-${at + 4 * MIB - 1}` }));
	same(Buffer.concat(parts), large, "ranges");
});

check("parts: listed in pages, copied, completed, got by their number", async () => {
	const Key = "parts";
	const { UploadId } = await call("CreateMultipartUpload", { Key });
	const bodies = [large.subarray(0, 5 * MIB), Buffer.from("end")];
	const Parts = [];
	for (const [i, Body] of bodies.entries()) {
		const { ETag, ChecksumCRC32 } = await call("UploadPart", { Key, UploadId, PartNumber: i + 1, Body });
		Parts.push({ ETag, ChecksumCRC32, PartNumber: i + 1 });
	}
	const listed = [];
	for await (const page of s3.paginateListParts({ client, pageSize: 1 }, { Bucket, Key, UploadId })) listed.push(...(page.Parts ?? []).map((one) => one.Size));
	assert.deepEqual(listed, [5 * MIB, 3]);
	await fails("CompleteMultipartUpload", "InvalidPart", { Key, UploadId, MultipartUpload: { Parts: [Parts[0], { ...Parts[1], ETag: '"other"' }] } });
	await call("CompleteMultipartUpload", { Key, UploadId, MultipartUpload: { Parts } });
	for (const [i, body] of bodies.entries()) {
		const is = await call("GetObject", { Key, PartNumber: i + 1 });
		same(Buffer.from(await is.Body.transformToByteArray()), body, "a part");
		assert.equal(is.PartsCount, 2);
	}
	await fails("GetObject", "InvalidPartNumber", { Key, PartNumber: 3 });
	const { ObjectParts } = await call("GetObjectAttributes", { Key, ObjectAttributes: ["ObjectParts", "ETag"] });
	assert.equal(ObjectParts.TotalPartsCount, 2);
	await fails("AbortMultipartUpload", "NoSuchUpload", { Key, UploadId });
});

check("what is missing", async () => {
	await fails("GetObject", "NoSuchKey", { Key: "nothing" });
	await fails("HeadObject", "NotFound", { Key: "nothing" });
	await fails("HeadBucket", "NotFound", { Bucket: "no-such-bucket" });
	for (const [name, input] of [
		["ListObjectsV2", {}],
		["GetObject", { Key: "x" }],
		["PutObject", { Key: "x", Body: "" }],
		["DeleteObject", { Key: "x" }],
		["DeleteObjects", { Delete: { Objects: [{ Key: "x" }] } }],
		["CreateMultipartUpload", { Key: "x" }],
		["ListMultipartUploads", {}],
	])
		await fails(name, "NoSuchBucket", { Bucket: "no-such-bucket", ...input });
});

check("questions on the way: versioning, policy, CORS, lifecycle, tags", async () => {
	assert.equal((await call("GetBucketVersioning", {})).Status, undefined);
	await fails("GetBucketPolicy", "NoSuchBucketPolicy", {});
	await fails("GetBucketCors", "NoSuchCORSConfiguration", {});
	await fails("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration", {});
	await fails("GetBucketTagging", "NoSuchTagSet", {});
});

check("delete many, quietly and not, with a condition, and the bucket", async () => {
	await fails("DeleteBucket", "BucketNotEmpty", {});
	await put("last", "x");
	const refused = await call("DeleteObjects", { Delete: { Objects: [{ Key: "last", ETag: '"other"' }] } });
	assert.equal(refused.Errors[0].Code, "PreconditionFailed");
	for await (const page of s3.paginateListObjectsV2({ client }, { Bucket })) {
		const Objects = [...page.Contents.map(({ Key }) => ({ Key })), { Key: "nothing é+" }];
		const gone = await call("DeleteObjects", { Delete: { Objects } });
		assert.equal(gone.Deleted.length, Objects.length);
		assert.equal(gone.Errors, undefined);
	}
	const quiet = await call("DeleteObjects", { Delete: { Objects: [{ Key: "nothing" }], Quiet: true } });
	assert.equal(quiet.Deleted, undefined);
	await call("DeleteBucket", {});
	await s3.waitUntilBucketNotExists({ client, maxWaitTime: 60 }, { Bucket });
});

(async () => {
	let failed = 0;
	for (const [i, [name, test]] of tests.entries())
		try {
			await test();
			console.log(`ok ${i + 1} - ${name}`);
		} catch (error) {
			failed++;
			console.log(`not ok ${i + 1} - ${name}\n# ${String(error).replaceAll(/\s+/g, " ")}`);
		}
	console.log(`1..${tests.length}\n# node ${process.version}`);
	httpsAgent.destroy();
	process.exitCode = failed ? 1 : 0;
})();
