"""Where presigned addresses lead, of which the gallery's page is told."""

from urllib.parse import urlsplit

import pytest

from chalicelib.storage import aws, buckets


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    yield
    aws._make.cache_clear()
    aws._session.cache_clear()


def client(monkeypatch, region, endpoint=None):
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    aws._make.cache_clear()
    aws._session.cache_clear()
    return aws.client("s3")


def admitted(url):
    """As a browser decides it, for a list of origins."""
    found = urlsplit(url)
    parent = found.netloc.partition(".")[2]
    return {f"{found.scheme}://{found.netloc}", f"{found.scheme}://*.{parent}"} & set(buckets.origins())


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize("bucket", ["tidelake-data-1", "with.a.dot"])
def test_whatever_is_presigned_is_there(monkeypatch, region, bucket):
    s3 = client(monkeypatch, region)
    assert admitted(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}))
    assert admitted(s3.generate_presigned_post(bucket, "k")["url"])


def test_another_region_is_not(monkeypatch):
    client(monkeypatch, "eu-west-1")
    assert not admitted("https://bucket.s3.eu-north-1.amazonaws.com/k")
    assert not admitted("https://example.org/k")


def test_the_local_endpoint_is_its_own_origin_alone(monkeypatch):
    client(monkeypatch, "us-east-1", "http://127.0.0.1:4566")
    assert buckets.origins() == ["http://127.0.0.1:4566"]
