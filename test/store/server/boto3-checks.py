"""What boto3 does with the server; each check prints its name when it has passed."""

import hashlib
import io
import os
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

s3 = boto3.client("s3")
BUCKET = "Boto_Bucket"


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"{code} expected")


def read(key, **more):
    return s3.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()


s3.create_bucket(Bucket=BUCKET)
assert BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
assert boto3.resource("s3").Bucket(BUCKET).creation_date is not None
refused("404", s3.head_bucket, Bucket="absent")
print("buckets")

odd = ["a b", "a+b", "ü", "日本", "a//b", "/a", "../x", "a/./b", "dir/", "%2F", "q?x=y&z", "a" * 1024, "<&>\"'"]
for key in odd:
    s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
for key in odd:
    assert read(key) == key.encode(), key
listed = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
assert listed == sorted(odd, key=lambda key: key.encode()), listed
print("odd keys")

s3.put_object(
    Bucket=BUCKET, Key="meta", Body=b"x", ContentType="text/csv", Metadata={"a": "b"},
    ServerSideEncryption="aws:kms", Tagging="k=v",
)
head = s3.head_object(Bucket=BUCKET, Key="meta")
assert head["ContentType"] == "text/csv" and head["Metadata"] == {"a": "b"}
assert head["ServerSideEncryption"] == "aws:kms"
assert head["ETag"] == '"%s"' % hashlib.md5(b"x").hexdigest()
print("metadata")

large = os.urandom(30 * 1024 * 1024)
s3.upload_fileobj(io.BytesIO(large), BUCKET, "large", Config=TransferConfig(multipart_chunksize=8 * 1024 * 1024))
target = io.BytesIO()
s3.download_fileobj(BUCKET, "large", target)
assert target.getvalue() == large
print("large file")

assert read("large", Range="bytes=100-199") == large[100:200]
assert read("large", Range="bytes=-5") == large[-5:]
refused("InvalidRange", s3.get_object, Bucket=BUCKET, Key="large", Range="bytes=99999999-")
print("ranges")

refused("NoSuchKey", s3.get_object, Bucket=BUCKET, Key="absent")
refused("NoSuchBucket", s3.get_object, Bucket="absent", Key="absent")
refused("NotImplemented", s3.get_bucket_acl, Bucket=BUCKET)
refused("BadDigest", s3.put_object, Bucket=BUCKET, Key="bad", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
wrong = boto3.client("s3", aws_secret_access_key="wrong", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"])
refused("SignatureDoesNotMatch", wrong.list_buckets)
print("errors")

for number in range(25):
    s3.put_object(Bucket=BUCKET, Key=f"page/{number % 5}/{number:02}", Body=b"")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="page/", PaginationConfig={"PageSize": 4})
assert len([item for page in pages for item in page["Contents"]]) == 25
groups = s3.list_objects(Bucket=BUCKET, Prefix="page/", Delimiter="/")["CommonPrefixes"]
assert [group["Prefix"] for group in groups] == [f"page/{number}/" for number in range(5)]
print("listing")

s3.copy({"Bucket": BUCKET, "Key": "large"}, BUCKET, "copy of large")
assert read("copy of large") == large
s3.copy_object(Bucket=BUCKET, Key="meta2", CopySource=f"{BUCKET}/meta")
assert s3.head_object(Bucket=BUCKET, Key="meta2")["Metadata"] == {"a": "b"}
print("copy")

s3.put_object(Bucket=BUCKET, Key="once", Body=b"1", IfNoneMatch="*")
refused("PreconditionFailed", s3.put_object, Bucket=BUCKET, Key="once", Body=b"2", IfNoneMatch="*")
print("conditional")

keys = [{"Key": f"page/{number % 5}/{number:02}"} for number in range(25)]
assert len(s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})["Deleted"]) == 25
s3.delete_object(Bucket=BUCKET, Key="absent")
print("delete")

for version in ("s3", "s3v4"):
    signer = boto3.client("s3", config=Config(signature_version=version))
    url = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "a b"}, ExpiresIn=60)
    assert urllib.request.urlopen(url).read() == b"a b"
    url = signer.generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": "signed ü", "ContentType": "text/x"}, ExpiresIn=60
    )
    request = urllib.request.Request(url, data=version.encode(), method="PUT", headers={"Content-Type": "text/x"})
    assert urllib.request.urlopen(request).status == 200
    assert read("signed ü") == version.encode()
plain = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "a b", "ResponseContentType": "a/b"})
assert urllib.request.urlopen(plain).headers["Content-Type"] == "a/b"
print("presigned")

s3.put_object_tagging(Bucket=BUCKET, Key="meta", Tagging={"TagSet": [{"Key": "x y", "Value": "z"}]})
assert s3.get_object_tagging(Bucket=BUCKET, Key="meta")["TagSet"] == [{"Key": "x y", "Value": "z"}]
print("tagging")
