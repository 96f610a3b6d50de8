"""Thumbnails beside libvips: CPU, peak memory and bytes, per kind of image.

Every figure comes from a process of its own, ours and libvips' in turns: neither warms the other's caches nor
hides in its memory. libvips runs on one thread, and writes WebP of the same quality with the same effort.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS: Final = 3
REPEATS: Final = 5
"""Runs in one process after the first: a function renders many images with its code loaded."""

BUDGET_12MP_JPEG: Final = 1.15

_LARGE, _SMALL = (4000, 3000), (1920, 1080)
KINDS: Final = {
    "12mp_jpeg": (_LARGE, ".jpg[Q=88]", 8),
    "12mp_progressive_jpeg": (_LARGE, ".jpg[Q=88,interlace]", 8),
    "2mp_jpeg": (_SMALL, ".jpg[Q=88]", 8),
    "2mp_png": (_SMALL, ".png", 8),
    "2mp_png_16_bit": (_SMALL, ".png", 16),
    "2mp_png_16_bit_grey": (_SMALL, ".png", 16),
    "12mp_tiff": (_LARGE, ".tif", 8),
}


@dataclass(frozen=True, slots=True)
class Sample:
    cpu_ms: float
    peak_mb: float


def measure() -> dict[str, dict[str, object]]:
    results: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        _in_a_process("write_pictures", folder)
        for kind in KINDS:
            results |= _measure_kind(kind, Path(folder) / kind)
    return results


def table(results: "Mapping[str, Mapping[str, Any]]") -> str:
    """One line per kind of image."""
    head = f"{'':24}{'CPU':>9}{'libvips':>9}{'ratio':>7}{'peak':>9}{'libvips':>9}{'bytes':>11}"
    return "\n".join((head, *(_line(kind, results) for kind in KINDS)))


def _line(kind: str, results: "Mapping[str, Mapping[str, Any]]") -> str:
    def value(name: str) -> float:
        return float(results[name.format(kind)]["value"])

    return (
        f"{kind.replace('_', ' '):24}"
        f"{value('thumbnail_cpu_{}'):6.1f} ms{value('thumbnail_cpu_{}_of_libvips'):6.1f} ms"
        f"{value('thumbnail_cpu_{}_vs_libvips'):7.2f}"
        f"{value('thumbnail_memory_{}'):6.0f} MB{value('thumbnail_memory_{}_of_libvips'):6.0f} MB"
        f"{value('thumbnail_bytes_{}'):11,.0f}"
    )


def _measure_kind(kind: str, path: Path) -> dict[str, dict[str, object]]:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_sample("render_ours", path))
        theirs.append(_sample("render_with_libvips", path))
    cpu, peak = median(s.cpu_ms for s in ours), median(s.peak_mb for s in ours)
    cpu_of_libvips, peak_of_libvips = median(s.cpu_ms for s in theirs), median(s.peak_mb for s in theirs)
    return {
        f"thumbnail_cpu_{kind}_vs_libvips": {
            "value": round(cpu / cpu_of_libvips, 3),
            "unit": "ratio",
            "budget": BUDGET_12MP_JPEG if kind == "12mp_jpeg" else None,
        },
        f"thumbnail_cpu_{kind}": _figure(cpu, "ms"),
        f"thumbnail_cpu_{kind}_of_libvips": _figure(cpu_of_libvips, "ms"),
        f"thumbnail_memory_{kind}": _figure(peak, "MB"),
        f"thumbnail_memory_{kind}_of_libvips": _figure(peak_of_libvips, "MB"),
        f"thumbnail_bytes_{kind}": _figure(path.stat().st_size, "bytes"),
    }


def _figure(value: float, unit: str) -> dict[str, object]:
    return {"value": round(value, 1), "unit": unit, "budget": None}


def _sample(function: str, path: Path) -> Sample:
    return Sample(**json.loads(_in_a_process(function, str(path))))


def _in_a_process(function: str, argument: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", f"from bench import imaging; imaging.{function}({argument!r})"],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "VIPS_CONCURRENCY": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def render_ours(path: str) -> None:
    from chalicelib.formats import signatures
    from chalicelib.preprocess import imaging
    from chalicelib.preprocess.headers import Limits

    limits = Limits(pixels=50_000_000, bytes=50_000_000)
    data = Path(path).read_bytes()

    def run() -> bytes | None:
        return imaging.render(data, signatures.recognize(data[: signatures.HEAD_BYTES]), limits).thumbnail

    _report(run)


def render_with_libvips(path: str) -> None:
    import pyvips

    from chalicelib.preprocess import imaging

    data = Path(path).read_bytes()

    def run() -> bytes | None:
        image = pyvips.Image.thumbnail_buffer(data, 256, height=256)
        written: bytes = image.webpsave_buffer(Q=imaging.QUALITY, effort=imaging.EFFORT, keep="none")
        return written

    _report(run)


def _report(run: "Callable[[], bytes | None]") -> None:
    if not run():
        raise SystemExit("no thumbnail")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    print(json.dumps({"cpu_ms": min(times) * 1000, "peak_mb": peak / 1024}))


def write_pictures(folder: str) -> None:
    """Like photographs: shapes of all sizes, and noise, so that a JPEG of 12 MP has its 3 to 5 MB."""
    for kind, (size, suffix, bits) in KINDS.items():
        picture = photograph(*size)
        if bits == 16:
            picture = (picture * 257).cast("ushort").copy(interpretation="rgb16")
        else:
            picture = picture.cast("uchar").copy(interpretation="srgb")
        if kind.endswith("grey"):
            picture = picture[0].copy(interpretation="grey16")
        (Path(folder) / kind).write_bytes(picture.write_to_buffer(suffix))


def photograph(width: int, height: int) -> Any:
    import pyvips

    def waves(cell: int, strength: float) -> Any:
        return pyvips.Image.perlin(width, height, cell_size=cell, seed=cell) * strength

    shapes = waves(512, 50) + waves(128, 30) + waves(32, 16) + waves(8, 9) + 120
    colours = shapes.bandjoin([shapes * 0.9 + waves(300, 25), shapes * 0.8 + waves(200, 30)])
    return colours + pyvips.Image.gaussnoise(width, height, mean=0, sigma=8, seed=1)
