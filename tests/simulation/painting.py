"""Images for the simulation: a header that the project's own code recognizes, and no pixels to decode."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from chalicelib.model.data import Facts, Reason, Status, Type
from chalicelib.preprocess import imaging
from chalicelib.preprocess.imaging import Rendered

_HEADER = b"GIF89a\x02\x00\x02\x00\x80\x00\x00"
_SPOILED = b"spoiled"


def picture(name: str) -> bytes:
    """Shown as wide as it has bytes, so that pictures can be told apart by what is recorded of them."""
    return _HEADER + name.encode()


def spoiled_picture() -> bytes:
    """A picture by its first bytes that no decoder can make sense of."""
    return _HEADER + _SPOILED


@contextmanager
def painted() -> Iterator[None]:
    with patch.object(imaging, "render", _render):
        yield


def _render(data: bytes, *_: Any) -> Rendered:
    if data.endswith(_SPOILED):
        facts = Facts(status=Status.FAILED, status_reason=Reason.CORRUPT, type=Type.IMAGE)
        return Rendered(facts)
    facts = Facts(status=Status.READY, type=Type.IMAGE, width=len(data), height=1)
    return Rendered(facts, b"thumbnail of " + data)
