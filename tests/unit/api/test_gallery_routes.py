import re
from types import SimpleNamespace

import pytest

import app
from chalicelib.config import Config
from chalicelib.storage import aws
from chalicelib.web import files

CONTEXT = SimpleNamespace(
    function_name="api", memory_limit_in_mb=1024, invoked_function_arn="arn", aws_request_id="r"
)
ADDRESS = re.compile(r'(?:href|src)="([^"]+)"')


@pytest.fixture(autouse=True)
def in_ireland(monkeypatch):
    monkeypatch.setattr(Config, "gallery_origins", ["https://store.example.org:9000"])
    client = SimpleNamespace(meta=SimpleNamespace(endpoint_url="https://s3.eu-west-1.amazonaws.com"))
    monkeypatch.setattr(aws, "client", {"s3": client}.__getitem__)


def get(resource, headers=None, path="/api/", **names):
    event = {
        "headers": headers or {},
        "multiValueQueryStringParameters": None,
        "pathParameters": names or None,
        "stageVariables": None,
        "isBase64Encoded": False,
        "body": None,
        "requestContext": {"requestId": "r", "resourcePath": resource, "httpMethod": "GET", "path": path},
    }
    answer = app.app(event, CONTEXT)
    return SimpleNamespace(
        status=answer["statusCode"],
        body=answer["body"],
        headers={name.lower(): value for name, value in answer["headers"].items()},
    )


def page():
    return get("/")


def addresses():
    return ADDRESS.findall(page().body)


def policy():
    parts = (part.split() for part in page().headers["content-security-policy"].split("; "))
    return {name: sources for name, *sources in parts}


def test_the_page_is_html_that_is_asked_for_anew():
    answer = page()
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


def test_all_that_the_page_names_is_relative_and_there():
    found = addresses()
    assert len(found) == 3
    for address in found:
        folder, name = address.split("/")
        assert folder == "web"
        assert get("/web/{file}", file=name).status == 200


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/", "web"),
        ("/api", "/api/web"),
        ("/a/b/", "web"),
        ("/a/b", "/a/b/web"),
        ("", "web"),
        ('/"<', "/%22%3C/web"),
    ],
)
def test_what_the_page_names_is_beside_it_with_and_without_a_slash(path, folder):
    found = ADDRESS.findall(get("/", path=path).body)
    assert len(found) == 3
    assert {each.rpartition("/")[0] for each in found} == {folder}


def test_files_are_named_by_what_they_hold_and_kept(monkeypatch, tmp_path):
    script = next(each for each in addresses() if each.endswith(".js")).removeprefix("web/")
    answer = get("/web/{file}", file=script)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert re.fullmatch(r"app\.[0-9a-f]{16}\.js", script)
    assert files.find(script) is not None


def test_what_is_known_is_not_sent_again():
    first = page()
    again = get("/", {"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, "")
    assert again.headers["etag"] == first.headers["etag"]
    assert get("/", {"If-None-Match": 'W/"0"'}).status == 200


@pytest.mark.parametrize(
    "name",
    [
        *("app.js", "style.css", "index.html", "files.py", "app.0000000000000000.js", "nothing", ".."),
        *("..%2f..%2fapp.py", "%2e%2e%2fconfig.py", "%2fetc%2fpasswd", "vendor%2fpreact.js", "a%00.js"),
    ],
)
def test_nothing_else_is_served(name):
    answer = get("/web/{file}", file=name)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_answer_is_told_what_browsers_may_do_with_it():
    names = [address.removeprefix("web/") for address in addresses()]
    for answer in (page(), *(get("/web/{file}", file=name) for name in names)):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_the_page_runs_its_own_script_alone_and_talks_to_nobody_but_storage():
    storage = [
        "'self'",
        "https://s3.eu-west-1.amazonaws.com",
        "https://*.s3.eu-west-1.amazonaws.com",
        "https://store.example.org:9000",
    ]
    assert policy() == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "connect-src": storage,
        "img-src": storage,
        "media-src": storage,
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }


def test_the_page_holds_no_script_and_no_style_of_its_own():
    body = page().body
    assert not re.search(r"<style|\son\w+=|\sstyle=|javascript:|https?:", body)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", body) == [""]
