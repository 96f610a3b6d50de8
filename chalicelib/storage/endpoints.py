"""Addresses of S3-compatible services, which anybody may name and which must lead nowhere inside."""

import socket
from urllib.parse import urlsplit

from chalicelib.config import config
from chalicelib.errors import CredentialsRefused
from chalicelib.model.addresses import is_public

HTTPS_PORT = 443
_UNPRIVILEGED_PORT = 1024
_CHARACTERS = 255


def mistake_in(url: str) -> str | None:
    """Why it can be no endpoint, by its form alone."""
    if config.test_endpoint and url == config.test_endpoint:
        return None
    if len(url) > _CHARACTERS or not url.isascii() or not url.isprintable():
        return f"Input should be a URL of at most {_CHARACTERS} ASCII characters"
    try:
        parts = urlsplit(url)
        port = parts.port or HTTPS_PORT
    except ValueError:
        return "Input should be a URL"
    if parts.scheme != "https" or not parts.hostname or " " in url:
        return "Input should be a URL that starts with https://"
    if parts.username is not None or parts.password is not None:
        return "Input should hold no user and no password"
    if parts.path not in ("", "/") or parts.query or parts.fragment or url.endswith(("?", "#")):
        return "Input should be a scheme, a host and perhaps a port"
    if port != HTTPS_PORT and port < _UNPRIVILEGED_PORT:
        return f"The port should be {HTTPS_PORT}, or {_UNPRIVILEGED_PORT} or above"
    return None


def require_public(url: str) -> None:
    """Raises CredentialsRefused where the host has an address that is not public, or none.

    It may have another one when it is called. What is inside then still has no certificate for its name, and
    is sent nothing.
    """
    if config.test_endpoint and url == config.test_endpoint:
        return
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or HTTPS_PORT, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CredentialsRefused("reach endpoint", "the endpoint's host has no address") from error
    if not all(is_public(str(address[0])) for *_, address in found):
        raise CredentialsRefused("reach endpoint", "the endpoint's host has an address that is not public")
