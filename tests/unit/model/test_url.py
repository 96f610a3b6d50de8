import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model import limits
from chalicelib.model import url as urls

SERVER = "127.0.0.1:8080"

TAKEN = {
    "https://images.example.org/a/frame.0001.jpg": "https://images.example.org/a/frame.0001.jpg",
    "HTTPS://Images.Example.ORG/A": "https://images.example.org/A",
    "https://example.org:443/a": "https://example.org/a",
    "https://example.org": "https://example.org",
    "https://example.org?q=1#part": "https://example.org?q=1#part",
    "https://example.org/a%20b?x=%zz&y='\"<>": "https://example.org/a%20b?x=%zz&y='\"<>",
    "https://bücher.example/ü?ü": "https://xn--bcher-kva.example/%C3%BC?%C3%BC",
    "https://8.8.8.8/a": "https://8.8.8.8/a",
    "https://[2606:4700::1111]/a": "https://[2606:4700::1111]/a",
    "https://a_b.example.org/": "https://a_b.example.org/",
    "s3://some-bucket/folder/a b?.jpg": "s3://some-bucket/folder/a b?.jpg",
    "S3://some-bucket/é": "s3://some-bucket/é",
}
REFUSED = (
    *("", "no url", "example.org/a", "//example.org/a", "/a", "https:example.org", "https:///a", "https://"),
    *("http://example.org/", "ftp://example.org/", "file:///etc/passwd", "data:image/png;base64,AAAA"),
    *("javascript:alert(1)", "gopher://example.org/", "http://127.0.0.1:8081/", "http://127.0.0.1/"),
    *("https://user@example.org/", "https://user:word@example.org/", "https://@example.org/"),
    *("https://example.org:80/", "https://example.org:8443/", "https://example.org:0443x/"),
    *("https://localhost/", "https://a.localhost/", "https://printer.local/", "https://intranet/"),
    *("https://metadata.google.internal/", "https://a.localdomain/", "https://example.org./"),
    *(
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
    ),
    *("https://0177.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data"),
    *("https://192.168.0.1/", "https://100.64.0.1/", "https://0.0.0.0/", "https://255.255.255.255/"),
    *(
        "https://[::1]/",
        "https://[::]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fc00::1]/",
    ),
    *(
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001::1]/",
    ),
    *("https://[127.0.0.1]/", "https://[::1/", "https://::1/", "https://①②⑦.0.0.1/", "https://faß.de/"),
    *("https://-a.org/", "https://a..org/", "https://a%2eorg/", f"https://{'a' * 64}.org/"),
    *(
        "https://example.org\\@evil.org/",
        "https://example.org/\\a",
        "https://example.org/a b",
        "https://a.org/\n",
    ),
    *(
        "https://example.org/\x7f",
        "https://example.org/\u2028",
        "https://example.org/\ud800",
        " https://a.org/",
    ),
    *(
        "s3://",
        "s3://bucket",
        "s3://bucket/",
        "s3:///key",
        "s3://B/key",
        "s3://bucket/a\nb",
        "s3://u@bucket/a",
    ),
    f"s3://bucket/{'é' * 513}",
    f"https://example.org/{'a' * limits.URL_CHARACTERS}",
    f"https://example.org/{'é' * 400}",
)


@pytest.mark.parametrize(("text", "normal"), TAKEN.items())
def test_a_url_is_taken_in_its_normal_form(text: str, normal: str) -> None:
    url = urls.read(text)
    assert url.text == normal
    assert urls.read(normal) == url


@pytest.mark.parametrize("text", REFUSED)
def test_what_leads_home_or_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        urls.read(text, SERVER)


@pytest.mark.parametrize(
    ("text", "name"),
    {
        "https://example.org/a/frame.0001.jpg?x=/y#z": "frame.0001.jpg",
        "https://example.org/a%20b.jpg": "a b.jpg",
        "https://example.org/a%2Fb.jpg": "a%2Fb.jpg",
        "https://example.org/%00.jpg": "%00.jpg",
        "https://example.org/%ff.jpg": "%ff.jpg",
        "https://example.org/": "example.org",
        "https://example.org": "example.org",
        "s3://bucket/a/b%20c.jpg": "b%20c.jpg",
    }.items(),
)
def test_a_link_without_a_name_is_called_as_its_target(text: str, name: str) -> None:
    assert urls.read(text).name == name


def test_only_the_test_server_may_be_asked_without_tls() -> None:
    url = urls.read(f"http://{SERVER}/a?b", SERVER)
    assert (url.scheme, url.host, url.port, url.target) == ("http", "127.0.0.1", 8080, "/a?b")
    for text in (f"http://{SERVER}/a", f"https://{SERVER}/a"):
        with pytest.raises(ValueError, match=r"\w"):
            urls.read(text)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_text_makes_a_request_of_several_lines(rest: str) -> None:
    try:
        url = urls.read(f"https://example.org/{rest}")
    except ValueError:
        return
    assert f"{url.host}{url.target}".isascii()
    assert f"{url.host}{url.target}".isprintable()
    assert " " not in url.target
