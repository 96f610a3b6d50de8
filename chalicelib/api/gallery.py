"""The gallery: its page, its script and its style."""

from typing import TYPE_CHECKING

from chalice.app import Response

from chalicelib.api.operations import operation
from chalicelib.config import config
from chalicelib.errors import UnknownFile
from chalicelib.storage import buckets
from chalicelib.web import files

if TYPE_CHECKING:
    from chalicelib.api.parameters import Parameters
    from chalicelib.web.files import File

_KEPT = "public, max-age=31536000, immutable"
_ASKED_ANEW = "no-cache"


@operation(answers={200: None}, placed=True)
def show_page(caller: None, parameters: "Parameters", place: str) -> Response:
    """Show the gallery."""
    return _answer(files.page(place), {"Content-Security-Policy": _policy()})


@operation(answers={200: None}, errors=(UnknownFile,))
def show_file(caller: None, parameters: "Parameters", file: str) -> Response:
    """Give a file of the gallery."""
    found = files.find(file)
    if found is None:
        raise UnknownFile(file)
    return _answer(found, {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"})


def _answer(file: "File", more: dict[str, str]) -> Response:
    headers: dict[str, str | list[str]] = {
        "Content-Type": file.content_type,
        "Cache-Control": _KEPT if file.lasts else _ASKED_ANEW,
        "ETag": file.etag,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        **more,
    }
    return Response(file.text, headers=headers)


def _policy() -> str:
    """Bytes come from and go to this origin, the buckets of the stack's region, and the origins that the
    stack was told of, whatever a page may be made to ask for."""
    origins = " ".join(["'self'", *buckets.origins(), *config.gallery_origins])
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src {origins}",
            f"img-src {origins}",
            f"media-src {origins}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
