"""What boto3 does with an S3 server, new and old versions alike: `boto3-checks.py BUCKET`.

The store is named by the environment. Every check runs, whatever became of the others, and prints a line of JSON:
{"check": its name, "error": null or what went wrong}. BUCKET is made by the first one, and is the names' prefix.
"""

import hashlib
import io
import json
import os
import sys
import time
import urllib.error
import urllib.request
import zlib
from base64 import b64encode
from datetime import datetime, timedelta, timezone

import boto3
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = sys.argv[1]
SECOND = BUCKET + "-second"
MIB = 1 << 20
CHECKS = []


def connect(*, signature_version=None, **more):
    config = Config(signature_version=signature_version, s3={"addressing_style": "path"})
    # 1.26 does not read this variable.
    return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=config, **more)


s3 = connect()


def check(function):
    CHECKS.append(function)
    return function


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r}"[:300] + " instead of " + f"{expected!r}"[:300])


def refused(codes, call, **arguments):
    """The call must fail with one of the codes, or statuses where the answer has no body."""
    try:
        call(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in codes.split():
            raise AssertionError(f"refused with {code} instead of {codes}") from error
    else:
        raise AssertionError(f"not refused, {codes} expected")


def put(key, body=b"x", **more):
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body, **more)


def read(key, **more):
    return s3.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()


def keys_under(prefix):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def with_header(operation, name, value, call):
    """Sends a header that old versions have no argument for."""

    def add(params, **_):
        params["headers"][name] = value

    event = f"before-call.s3.{operation}"
    s3.meta.events.register(event, add)
    try:
        return call()
    finally:
        s3.meta.events.unregister(event, add)


def open_url(url, **more):
    with urllib.request.urlopen(urllib.request.Request(url, **more)) as answer:
        return answer.read(), answer.headers


@check
def buckets():
    s3.create_bucket(Bucket=BUCKET)
    s3.create_bucket(Bucket=SECOND)
    listed = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    same([BUCKET in listed, SECOND in listed], [True, True])
    s3.head_bucket(Bucket=BUCKET)
    s3.create_bucket(Bucket=BUCKET + "-gone")
    s3.delete_bucket(Bucket=BUCKET + "-gone")
    refused("404", s3.head_bucket, Bucket=BUCKET + "-gone")


@check
def dates_of_buckets():
    made = {bucket["Name"]: bucket["CreationDate"] for bucket in s3.list_buckets()["Buckets"]}[BUCKET]
    same(abs(datetime.now(timezone.utc) - made) < timedelta(minutes=10), True)


@check
def region_of_a_bucket():
    same(s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"], None)


@check
def versioning_of_a_bucket():
    same(s3.get_bucket_versioning(Bucket=BUCKET).get("Status"), None)


@check
def a_bucket_with_objects_is_kept():
    s3.put_object(Bucket=SECOND, Key="x", Body=b"x")
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=SECOND)
    s3.delete_object(Bucket=SECOND, Key="x")


@check
def put_get_head_delete():
    answer = put("plain", b"content")
    same(answer["ETag"], '"%s"' % hashlib.md5(b"content").hexdigest())
    same(read("plain"), b"content")
    head = s3.head_object(Bucket=BUCKET, Key="plain")
    same([head["ContentLength"], head["ETag"]], [7, answer["ETag"]])
    same(abs(datetime.now(timezone.utc) - head["LastModified"]) < timedelta(minutes=10), True)
    put("plain", b"other")
    same(read("plain"), b"other")
    s3.delete_object(Bucket=BUCKET, Key="plain")
    refused("404", s3.head_object, Bucket=BUCKET, Key="plain")
    s3.delete_object(Bucket=BUCKET, Key="plain")


@check
def an_empty_object():
    put("empty", b"")
    same([read("empty"), s3.head_object(Bucket=BUCKET, Key="empty")["ContentLength"]], [b"", 0])


@check
def what_is_not_there():
    refused("NoSuchKey", s3.get_object, Bucket=BUCKET, Key="absent")
    refused("NoSuchBucket", s3.get_object, Bucket=BUCKET + "-absent", Key="absent")
    refused("NoSuchBucket", s3.list_objects_v2, Bucket=BUCKET + "-absent")
    # By a client of its own: after a refused upload, 1.26 takes its status for that of the next one on the connection.
    refused("NoSuchBucket", connect().put_object, Bucket=BUCKET + "-absent", Key="absent", Body=b"")


@check
def odd_keys():
    odd = ["a b", "a+b", "ü", "日本", "😀", "%2F", "100%", "q?x=y&z", "<&>\"'", "a,b;c:d@e=f$g!h*i(j)k~l", "dir/"]
    for key in odd:
        put("odd/" + key, b"" if key.endswith("/") else key.encode())
    for key in odd:
        same(read("odd/" + key), b"" if key.endswith("/") else key.encode())
    same(keys_under("odd/"), sorted(("odd/" + key for key in odd), key=lambda key: key.encode()))


@check
def keys_that_are_no_paths():
    paths = ["no-paths/a//b", "/no-paths", "no-paths/../x", "no-paths/a/./b", "n" * 1024]
    for key in paths:
        put(key, key.encode())
    for key in paths:
        same(read(key), key.encode())


@check
def a_key_beside_keys_below_it():
    put("beside", b"file")
    put("beside/x", b"below")
    same([read("beside"), read("beside/x")], [b"file", b"below"])
    same(keys_under("beside"), ["beside", "beside/x"])


@check
def metadata_and_content_headers():
    put(
        "meta", ContentType="text/csv", CacheControl="no-cache", ContentDisposition='attachment; filename="x"',
        ContentLanguage="de", ContentEncoding="identity", Metadata={"a": "b", "two-words": "c d"},
    )
    head = s3.head_object(Bucket=BUCKET, Key="meta")
    same(head["Metadata"], {"a": "b", "two-words": "c d"})
    names = ["ContentType", "CacheControl", "ContentDisposition", "ContentLanguage", "ContentEncoding"]
    same([head.get(name) for name in names], ["text/csv", "no-cache", 'attachment; filename="x"', "de", "identity"])


@check
def type_of_an_untyped_object():
    put("untyped")
    same(s3.head_object(Bucket=BUCKET, Key="untyped")["ContentType"], "binary/octet-stream")


@check
def encryption_that_is_asked_for():
    put("encrypted", ServerSideEncryption="AES256")
    same(s3.head_object(Bucket=BUCKET, Key="encrypted").get("ServerSideEncryption"), "AES256")


@check
def encryption_with_a_kms_key():
    put("encrypted-kms", ServerSideEncryption="aws:kms")
    same(s3.head_object(Bucket=BUCKET, Key="encrypted-kms").get("ServerSideEncryption"), "aws:kms")


@check
def headers_that_the_query_asks_for():
    put("headers")
    answer = s3.get_object(Bucket=BUCKET, Key="headers", ResponseContentType="a/b", ResponseCacheControl="no-store")
    same([answer["ContentType"], answer["CacheControl"]], ["a/b", "no-store"])


LARGE = os.urandom(20 * MIB + 7)


@check
def a_large_file_in_parts():
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.upload_fileobj(io.BytesIO(LARGE), BUCKET, "large", Config=config)
    target = io.BytesIO()
    s3.download_fileobj(BUCKET, "large", target, Config=config)
    same(hashlib.sha256(target.getvalue()).hexdigest(), hashlib.sha256(LARGE).hexdigest())
    parts = [hashlib.md5(LARGE[at : at + 8 * MIB]).digest() for at in range(0, len(LARGE), 8 * MIB)]
    etag = '"%s-3"' % hashlib.md5(b"".join(parts)).hexdigest()
    same(s3.head_object(Bucket=BUCKET, Key="large")["ETag"], etag)


@check
def ranges():
    body = bytes(range(256)) * 4
    put("ranged", body)
    answer = s3.get_object(Bucket=BUCKET, Key="ranged", Range="bytes=100-199")
    same([answer["Body"].read(), answer["ContentRange"]], [body[100:200], "bytes 100-199/1024"])
    same(read("ranged", Range="bytes=1000-"), body[1000:])
    same(read("ranged", Range="bytes=-5"), body[-5:])
    same(read("ranged", Range="bytes=1000-5000"), body[1000:])
    refused("InvalidRange", s3.get_object, Bucket=BUCKET, Key="ranged", Range="bytes=2000-")


@check
def a_range_across_parts():
    same(read("large", Range=f"bytes={8 * MIB - 5}-{8 * MIB + 4}"), LARGE[8 * MIB - 5 : 8 * MIB + 5])


def begin(key):
    return s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]


def send_part(key, upload, number, body):
    answer = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=body)
    return {"PartNumber": number, "ETag": answer["ETag"]}


def complete(key, upload, parts):
    return s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


@check
def parts_are_listed():
    upload = begin("listed parts")
    send_part("listed parts", upload, 2, b"two")
    send_part("listed parts", upload, 1, b"1")
    listed = s3.list_parts(Bucket=BUCKET, Key="listed parts", UploadId=upload)["Parts"]
    same([(part["PartNumber"], part["Size"]) for part in listed], [(1, 1), (2, 3)])
    s3.abort_multipart_upload(Bucket=BUCKET, Key="listed parts", UploadId=upload)


@check
def open_uploads_are_listed():
    upload = begin("open/upload")
    listed = s3.list_multipart_uploads(Bucket=BUCKET, Prefix="open/").get("Uploads", [])
    same([(one["Key"], one["UploadId"] == upload) for one in listed], [("open/upload", True)])
    s3.abort_multipart_upload(Bucket=BUCKET, Key="open/upload", UploadId=upload)
    same(s3.list_multipart_uploads(Bucket=BUCKET, Prefix="open/").get("Uploads", []), [])


@check
def an_aborted_upload_leaves_nothing():
    upload = begin("aborted")
    part = send_part("aborted", upload, 1, b"x")
    s3.abort_multipart_upload(Bucket=BUCKET, Key="aborted", UploadId=upload)
    same(keys_under("aborted"), [])
    refused("NoSuchUpload", complete, key="aborted", upload=upload, parts=[part])


@check
def wrong_completions_are_refused():
    upload = begin("wrong")
    small = [send_part("wrong", upload, 1, b"too small"), send_part("wrong", upload, 2, b"x")]
    refused("InvalidPart", complete, key="wrong", upload=upload, parts=[{"PartNumber": 7, "ETag": small[0]["ETag"]}])
    refused("InvalidPartOrder", complete, key="wrong", upload=upload, parts=small[::-1])
    refused("EntityTooSmall", complete, key="wrong", upload=upload, parts=small)
    same(keys_under("wrong"), [])
    s3.abort_multipart_upload(Bucket=BUCKET, Key="wrong", UploadId=upload)


@check
def parts_that_are_copies():
    upload = begin("copied parts")
    part = s3.upload_part_copy(
        Bucket=BUCKET, Key="copied parts", UploadId=upload, PartNumber=1,
        CopySource={"Bucket": BUCKET, "Key": "large"}, CopySourceRange=f"bytes=1-{5 * MIB}",
    )["CopyPartResult"]
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}, send_part("copied parts", upload, 2, b"end")]
    complete("copied parts", upload, parts)
    same(read("copied parts") == LARGE[1 : 5 * MIB + 1] + b"end", True)


@check
def lists_in_pages():
    for number in range(25):
        put(f"page/{number % 5}/{number:02}", b"")
    expected = sorted(f"page/{number % 5}/{number:02}" for number in range(25))
    for version in ("list_objects_v2", "list_objects"):
        pages = s3.get_paginator(version).paginate(Bucket=BUCKET, Prefix="page/", PaginationConfig={"PageSize": 4})
        pages = [[item["Key"] for item in page["Contents"]] for page in pages]
        same([key for page in pages for key in page], expected)
        same(max(len(page) for page in pages), 4)


@check
def lists_of_groups():
    for version in (s3.list_objects_v2, s3.list_objects):
        answer = version(Bucket=BUCKET, Prefix="page/", Delimiter="/")
        same([group["Prefix"] for group in answer["CommonPrefixes"]], [f"page/{number}/" for number in range(5)])
        same(answer.get("Contents", []), [])
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="page/", Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    same([len(page["CommonPrefixes"]) for page in pages], [2, 2, 1])


@check
def lists_from_a_key_on():
    expected = [f"page/4/{number:02}" for number in (9, 14, 19, 24)]
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="page/", StartAfter="page/4/04")["Contents"]
    same([item["Key"] for item in listed], expected)
    listed = s3.list_objects(Bucket=BUCKET, Prefix="page/", Marker="page/4/04")["Contents"]
    same([item["Key"] for item in listed], expected)


@check
def what_a_list_says():
    put("said/one", b"content")
    answer = s3.list_objects_v2(Bucket=BUCKET, Prefix="said/", FetchOwner=True)
    same([answer["KeyCount"], answer["IsTruncated"], answer["Name"]], [1, False, BUCKET])
    [item] = answer["Contents"]
    same([item["Size"], item["ETag"]], [7, '"%s"' % hashlib.md5(b"content").hexdigest()])
    same([item["StorageClass"], "Owner" in item], ["STANDARD", True])
    same(s3.list_objects_v2(Bucket=BUCKET, Prefix="said/none")["KeyCount"], 0)


@check
def copies():
    put("source +ü", b"source", ContentType="text/csv", Metadata={"a": "b"})
    s3.copy_object(Bucket=SECOND, Key="copy", CopySource={"Bucket": BUCKET, "Key": "source +ü"})
    head = s3.head_object(Bucket=SECOND, Key="copy")
    same([head["ContentLength"], head["ContentType"], head["Metadata"]], [6, "text/csv", {"a": "b"}])
    s3.delete_object(Bucket=SECOND, Key="copy")
    refused("NoSuchKey", s3.copy_object, Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/absent")


@check
def copies_with_other_metadata():
    put("remeta", b"x", Metadata={"a": "b"})
    s3.copy_object(
        Bucket=BUCKET, Key="remeta", CopySource=f"{BUCKET}/remeta", MetadataDirective="REPLACE",
        Metadata={"c": "d"}, ContentType="text/x",
    )
    head = s3.head_object(Bucket=BUCKET, Key="remeta")
    same([head["Metadata"], head["ContentType"]], [{"c": "d"}, "text/x"])
    refused("InvalidRequest", s3.copy_object, Bucket=BUCKET, Key="remeta", CopySource=f"{BUCKET}/remeta")


@check
def copies_of_large_files():
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.copy({"Bucket": BUCKET, "Key": "large"}, BUCKET, "copy of large", Config=config)
    same(hashlib.sha256(read("copy of large")).hexdigest(), hashlib.sha256(LARGE).hexdigest())


@check
def conditional_reads():
    etag = put("conditional", b"x")["ETag"]
    same(read("conditional", IfMatch=etag), b"x")
    refused("304", s3.get_object, Bucket=BUCKET, Key="conditional", IfNoneMatch=etag)
    refused("PreconditionFailed", s3.get_object, Bucket=BUCKET, Key="conditional", IfMatch='"other"')
    later = datetime.now(timezone.utc) + timedelta(seconds=-1)
    time.sleep(1.1)
    refused("304", s3.get_object, Bucket=BUCKET, Key="conditional", IfModifiedSince=later + timedelta(seconds=2))
    refused(
        "PreconditionFailed", s3.get_object, Bucket=BUCKET, Key="conditional",
        IfUnmodifiedSince=datetime.now(timezone.utc) - timedelta(days=1),
    )


@check
def conditional_writes():
    with_header("PutObject", "If-None-Match", "*", lambda: put("once", b"1"))
    with_header(
        "PutObject", "If-None-Match", "*",
        lambda: refused("PreconditionFailed", s3.put_object, Bucket=BUCKET, Key="once", Body=b"2"),
    )
    same(read("once"), b"1")


@check
def replacing_what_is_known():
    etag = put("known", b"1")["ETag"]
    with_header("PutObject", "If-Match", etag, lambda: put("known", b"2"))
    with_header(
        "PutObject", "If-Match", etag,
        lambda: refused("PreconditionFailed", s3.put_object, Bucket=BUCKET, Key="known", Body=b"3"),
    )
    same(read("known"), b"2")


@check
def deletes_of_many():
    keys = [f"many/{number:04}" for number in range(20)] + ["many/<&>\"'", "many/a b+ü"]
    for key in keys:
        put(key, b"")
    objects = [{"Key": key} for key in keys + ["many/absent"]]
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
    same(sorted(one["Key"] for one in answer["Deleted"]), sorted(keys + ["many/absent"]))
    same([answer.get("Errors", []), keys_under("many/")], [[], []])
    put("many/quiet", b"")
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "many/quiet"}], "Quiet": True})
    same(answer.get("Deleted", []), [])


def presigned(version):
    put("signed ü +", b"signed")
    client = connect(signature_version=version)
    url = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "signed ü +"}, ExpiresIn=60)
    same(open_url(url)[0], b"signed")
    params = {"Bucket": BUCKET, "Key": "put ü +", "ContentType": "text/x"}
    url = client.generate_presigned_url("put_object", Params=params, ExpiresIn=60)
    open_url(url, data=b"put", method="PUT", headers={"Content-Type": "text/x"})
    same(read("put ü +"), b"put")
    params = {"Bucket": BUCKET, "Key": "signed ü +", "ResponseContentType": "a/b"}
    url = client.generate_presigned_url("get_object", Params=params, ExpiresIn=60)
    same(open_url(url)[1]["Content-Type"], "a/b")


@check
def presigned_urls():
    presigned("s3v4")


@check
def presigned_urls_of_version_2():
    presigned("s3")


@check
def presigned_urls_that_were_changed_or_have_expired():
    put("changed")
    client = connect(signature_version="s3v4")
    url = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "changed"}, ExpiresIn=1)
    for wrong in (url.replace("Expires=1&", "Expires=1000&"), url.replace("/changed", "/change")):
        same(status_of(wrong), 403)
    time.sleep(2.1)
    same(status_of(url), 403)


def status_of(url):
    try:
        return urllib.request.urlopen(url).status
    except urllib.error.HTTPError as error:
        return error.code


@check
def checksums():
    for algorithm in ("SHA256", "SHA1"):
        digest = b64encode(hashlib.new(algorithm.lower(), b"content").digest()).decode()
        put("summed", b"content", ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=BUCKET, Key="summed", ChecksumMode="ENABLED")
        same(head.get("Checksum" + algorithm), digest)
    put("summed", b"content", ChecksumAlgorithm="CRC32")
    answer = s3.get_object(Bucket=BUCKET, Key="summed", ChecksumMode="ENABLED")
    digest = b64encode(zlib.crc32(b"content").to_bytes(4, "big")).decode()
    same([answer.get("ChecksumCRC32"), answer["Body"].read()], [digest, b"content"])


@check
def wrong_checksums_are_refused():
    wrong = b64encode(bytes(32)).decode()
    codes = "BadDigest XAmzContentChecksumMismatch InvalidDigest"
    refused(codes, connect().put_object, Bucket=BUCKET, Key="bad", Body=b"x", ChecksumSHA256=wrong)
    same(keys_under("bad"), [])


@check
def wrong_md5_is_refused():
    md5 = b64encode(bytes(16)).decode()
    refused("BadDigest", connect().put_object, Bucket=BUCKET, Key="bad-md5", Body=b"x", ContentMD5=md5)
    same(keys_under("bad-md5"), [])


@check
def tags():
    put("tagged", Tagging="k=v&with+blank=%C3%BC")
    both = [{"Key": "k", "Value": "v"}, {"Key": "with blank", "Value": "ü"}]
    read_tags = lambda: s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"]
    same(sorted(read_tags(), key=lambda tag: tag["Key"]), both)
    s3.put_object_tagging(Bucket=BUCKET, Key="tagged", Tagging={"TagSet": [{"Key": "x y", "Value": "z"}]})
    same(read_tags(), [{"Key": "x y", "Value": "z"}])
    s3.delete_object_tagging(Bucket=BUCKET, Key="tagged")
    same(read_tags(), [])


@check
def attributes_of_an_object():
    etag = put("attributes", b"content")["ETag"]
    answer = s3.get_object_attributes(Bucket=BUCKET, Key="attributes", ObjectAttributes=["ETag", "ObjectSize"])
    same([answer["ETag"], answer["ObjectSize"]], [etag.strip('"'), 7])


@check
def wrong_and_missing_keys_are_refused():
    known = os.environ["AWS_ACCESS_KEY_ID"]
    wrong = connect(aws_access_key_id=known, aws_secret_access_key="wrong")
    refused("SignatureDoesNotMatch", wrong.list_buckets)
    unknown = connect(aws_access_key_id="NOBODY", aws_secret_access_key="wrong")
    refused("InvalidAccessKeyId", unknown.list_buckets)
    anonymous = connect(signature_version=UNSIGNED)
    refused("AccessDenied", anonymous.get_object, Bucket=BUCKET, Key="large")


for one in CHECKS:
    try:
        one()
        error = None
    except Exception as thrown:
        error = f"{type(thrown).__name__}: {thrown}"
    print(json.dumps({"check": one.__name__.replace("_", " "), "error": error}), flush=True)
