"""Where a link may point to: an https URL, or an object as s3://bucket/key.

Strict, because whatever is read differently here and elsewhere is a way around the checks: what browsers
would mend is refused.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote, unquote

from chalicelib.model import limits
from chalicelib.model.addresses import is_public

S3: Final = "s3://"

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029\ud800-\udfff]")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PARTS: Final = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]@%]+)(?::([0-9]{0,5}))?", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_DEVIATING: Final = re.compile("[\u00df\u03c2\u200c\u200d]")
"""Characters that the old and the new rules of international host names take for different hosts."""
_PRIVATE_SUFFIXES: Final = frozenset({"localhost", "localdomain", "local", "internal"})
_KEPT: Final = "".join(map(chr, range(0x21, 0x7F)))
_HOST_CHARACTERS: Final = 253
_HTTPS_PORT: Final = 443


@dataclass(frozen=True, slots=True)
class Url:
    text: str
    """In normal form: scheme and host in lower case and ASCII, the rest in ASCII, its case as given."""
    scheme: str
    host: str
    """Or the bucket."""
    port: int
    target: str
    """Path and query, as they are asked for; or the key."""

    @property
    def in_s3(self) -> bool:
        return self.scheme == "s3"

    @property
    def name(self) -> str:
        """What follows the last slash of the path, or the host where nothing does."""
        path = self.target if self.in_s3 else self.target.partition("?")[0]
        last = path.rpartition("/")[2]
        return last if self.in_s3 else _decoded(last) or self.host


def read(text: str, test_server: str | None = None) -> Url:
    """Raises ValueError with the reason, for people. Only `test_server`, a host with its port, may be asked
    without TLS."""
    if len(text) > limits.URL_CHARACTERS:
        raise ValueError(f"A URL should have at most {limits.URL_CHARACTERS:,} characters")
    url = _read_s3(text) if text[: len(S3)].lower() == S3 else _read_https(text, test_server)
    if len(url.text) > limits.URL_CHARACTERS:
        raise ValueError(f"A URL should have at most {limits.URL_CHARACTERS:,} characters when encoded")
    return url


def _read_s3(text: str) -> Url:
    bucket, _, key = text[len(S3) :].partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("s3:// should be followed by the name of a bucket")
    if not key or len(key.encode(errors="replace")) > limits.KEY_BYTES or _CONTROLS.search(key):
        raise ValueError("The bucket should be followed by / and a key without control characters")
    return Url(f"{S3}{bucket}/{key}", "s3", bucket, 0, key)


def _read_https(text: str, test_server: str | None) -> Url:
    if _FORBIDDEN.search(text):
        raise ValueError("A URL should have no blanks, backslashes or control characters")
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError("A URL should begin with https:// or s3://")
    scheme, authority, target = parts[1].lower(), parts[2], quote(parts[3], safe=_KEPT)
    rest = quote(text[parts.end(2) :], safe=_KEPT)
    if not target.startswith("/"):
        target = f"/{target}"
    if test_server and scheme == "http" and authority == test_server:
        host, _, port = authority.rpartition(":")
        return Url(f"http://{authority}{rest}", scheme, host, int(port), target)
    if scheme != "https":
        raise ValueError("A URL should begin with https:// or s3://")
    if "@" in authority:
        raise ValueError("A URL should hold no user name and no password")
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise ValueError("A URL should name a host")
    if found[2] and int(found[2]) != _HTTPS_PORT:
        raise ValueError("A URL should name no port but 443")
    host = _read_host(found[1])
    return Url(f"https://{host}{rest}", scheme, host, _HTTPS_PORT, target)


def _read_host(text: str) -> str:
    if text.startswith("["):
        return f"[{_public(IPv6Address, text[1:-1])}]"
    host = _to_ascii(text).lower()
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _public(IPv4Address, host)
    if len(host) > _HOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("A URL should name a host as DNS has them")
    if len(labels) < 2 or labels[-1] in _PRIVATE_SUFFIXES:
        raise ValueError("A URL should name a host of the public internet")
    return host


def _public(kind: type[IPv4Address] | type[IPv6Address], text: str) -> str:
    try:
        address = str(kind(text))
    except (AddressValueError, ValueError) as error:
        raise ValueError("A URL should name a host as DNS has them") from error
    if not is_public(address):
        raise ValueError("A URL should name a host of the public internet")
    return address


def _to_ascii(host: str) -> str:
    if host.isascii():
        return host
    if _DEVIATING.search(host):
        raise ValueError("The host should be written in ASCII, as xn--…: its characters mean two hosts")
    try:
        return host.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError("A URL should name a host as DNS has them") from error


def _decoded(segment: str) -> str:
    """As people would write it, unless that is no name."""
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return segment
    return segment if "/" in text or _CONTROLS.search(text) else text
