"""What the examples find in their datalake."""

import io
from pathlib import Path

from PIL import Image

from tests.client.stack import Stack


def picture(width: int, height: int, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, kind)
    return out.getvalue()


def fill(stack: Stack) -> None:
    stack.put("camera-one/0600.jpg", picture(480, 640))
    stack.put("camera-one/1000.jpg", picture(512, 512))
    stack.put("others/dot.png", picture(1, 1, "PNG"))
    stack.put("others/notes.txt", b"some notes")


def write(folder: Path) -> None:
    """Files that the examples upload."""
    for n, name in enumerate(("a.png", "b.png"), 1):
        (folder / name).write_bytes(picture(n, n, "PNG"))
