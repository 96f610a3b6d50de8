import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.preprocess import exif
from tests.unit.preprocess.pictures import (
    ASCII,
    BYTE,
    DOUBLE,
    LONG,
    RATIONAL,
    SHORT,
    SIGNED_LONG,
    SIGNED_RATIONAL,
    UNDEFINED,
    Tag,
    block,
)

ROME = {
    1: (ASCII, "N"),
    2: (RATIONAL, (43, 1, 28, 1, 281400000, 100000000)),
    3: (ASCII, "E"),
    4: (RATIONAL, (11, 1, 53, 1, 645599999, 100000000)),
}

EVERYTHING = block(
    main={
        271: (ASCII, "NIKON  "),
        272: (ASCII, "COOLPIX P6000"),
        274: (SHORT, 6),
        282: (RATIONAL, (300, 1)),
        283: (RATIONAL, (300, 1)),
        296: (SHORT, 2),
        305: (ASCII, "Transfer 1.1"),
        315: (ASCII, "Zoë"),
        259: (SHORT, 6),
    },
    camera={
        33434: (RATIONAL, (1, 75)),
        33437: (RATIONAL, (59, 10)),
        34855: (SHORT, (64, 64)),
        36867: (ASCII, "2008:10:22 16:28:39"),
        36881: (ASCII, "+02:00"),
        37386: (RATIONAL, (24, 1)),
        37521: (ASCII, "52"),
        40961: (SHORT, 1),
        42036: (ASCII, "24-70mm"),
    },
    gps={**ROME, 5: (BYTE, b"\1"), 6: (RATIONAL, (125, 10))},
)


def metadata(**directories: Any) -> dict[str, Any]:
    return dict(exif.read(block(**directories)).metadata)


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_a_camera_writes_is_read_in_both_byte_orders(order: str) -> None:
    place = exif.read(block(gps=ROME, order=order)).metadata
    assert (place["latitude"], place["longitude"]) == (43.4674483, 11.8851267)


def test_all_fields_have_their_names_and_types() -> None:
    read = exif.read(EVERYTHING)
    assert read.orientation == 6
    assert read.metadata == {
        "latitude": 43.4674483,
        "longitude": 11.8851267,
        "altitude": -12.5,
        "acquired_at": "2008-10-22T14:28:39.520Z",
        "acquired_by": "Zoë",
        "manufacturer": "NIKON",
        "model": "COOLPIX P6000",
        "software": "Transfer 1.1",
        "lens": "24-70mm",
        "exposure_time": 0.0133333,
        "f_number": 5.9,
        "iso": 64,
        "focal_length": 24.0,
        "color_space": "sRGB",
        "compression": "jpeg",
        "resolution_x": 300.0,
        "resolution_y": 300.0,
        "resolution_unit": "inch",
    }


@pytest.mark.parametrize(
    ("camera", "expected"),
    [
        ({36867: (ASCII, "2008:10:22 16:28:39")}, "2008-10-22T16:28:39.000"),
        ({36867: (ASCII, "2008-10-22T16:28:39")}, "2008-10-22T16:28:39.000"),
        ({36867: (ASCII, "2008:10:22 16:28:39"), 36881: (ASCII, "Z")}, "2008-10-22T16:28:39.000Z"),
        ({36867: (ASCII, "2008:10:22 00:28:39"), 36881: (ASCII, "+05:45")}, "2008-10-21T18:43:39.000Z"),
        ({36867: (ASCII, "2008:10:22 16:28:39"), 36881: (ASCII, "   :  ")}, "2008-10-22T16:28:39.000"),
        ({36867: (ASCII, "2008:10:22 16:28:39"), 36881: (ASCII, "+99:99")}, "2008-10-22T16:28:39.000"),
        ({36867: (ASCII, "2008:10:22 16:28:39"), 37521: (ASCII, "0012345")}, "2008-10-22T16:28:39.001"),
        ({36867: (ASCII, "2008:10:22 16:28:39"), 37521: (ASCII, "x")}, "2008-10-22T16:28:39.000"),
        ({36868: (ASCII, "2009:01:02 03:04:05")}, "2009-01-02T03:04:05.000"),
        (
            {36867: (ASCII, "0000:00:00 00:00:00"), 36868: (ASCII, "2009:01:02 03:04:05")},
            "2009-01-02T03:04:05.000",
        ),
        ({36867: (ASCII, "2008:02:30 16:28:39")}, None),
        ({36867: (ASCII, "2008:10:22 25:00:00")}, None),
        ({36867: (ASCII, "2008:10:22")}, None),
        ({36867: (ASCII, "    :  :     :  :  ")}, None),
        ({36867: (ASCII, "٢٠٠٨:10:22 16:28:39")}, None),
        ({36867: (LONG, 5)}, None),
    ],
)
def test_a_moment_is_utc_where_the_offset_is_known_and_local_time_where_it_is_not(
    camera: dict[int, Tag], expected: str | None
) -> None:
    assert metadata(camera=camera).get("acquired_at") == expected


def test_satellites_know_the_time_if_the_camera_does_not() -> None:
    gps = {7: (RATIONAL, (14, 1, 27, 1, 724, 100)), 29: (ASCII, "2008:10:23")}
    assert metadata(gps=gps)["acquired_at"] == "2008-10-23T14:27:07.000Z"
    assert metadata(gps=gps, camera={36867: (ASCII, "2008:10:22 16:28:39")})["acquired_at"].startswith(
        "2008-10-22"
    )
    assert metadata(gps={**gps, 7: (RATIONAL, (14, 0, 27, 1, 7, 1))}) == {}


def test_the_time_of_the_last_change_is_better_than_none() -> None:
    assert metadata(main={306: (ASCII, "2001:06:09 15:17:32")})["acquired_at"] == "2001-06-09T15:17:32.000"


@pytest.mark.parametrize(
    ("change", "latitude"),
    [
        ({1: (ASCII, "S")}, -43.4674483),
        ({1: (ASCII, "s")}, -43.4674483),
        ({1: (BYTE, b"S\0")}, -43.4674483),
        ({1: (UNDEFINED, b"n\0\0\0")}, 43.4674483),
        ({2: (RATIONAL, (90, 1, 0, 1, 0, 1))}, 90.0),
        ({2: (RATIONAL, (43, 1))}, 43.0),
        ({2: (RATIONAL, (435, 10, 30, 1))}, 44.0),
        ({2: (DOUBLE, (43.0, 30.0, 0.0))}, 43.5),
        ({2: (RATIONAL, (90, 1, 1, 1, 0, 1))}, None),
        ({2: (RATIONAL, (43, 0, 28, 1, 0, 1))}, None),
        ({2: (RATIONAL, (0, 0, 0, 0, 0, 0))}, None),
        ({2: (SIGNED_RATIONAL, (-43, 1, 0, 1, 0, 1))}, None),
        ({2: (DOUBLE, (math.nan, 0.0, 0.0))}, None),
        ({2: (DOUBLE, (math.inf, 0.0, 0.0))}, None),
        ({2: (DOUBLE, (math.inf, -math.inf, 0.0))}, None),
        ({2: (DOUBLE, (1.79e308, 1.79e308, 1.79e308))}, None),
        ({2: (ASCII, "43.46")}, None),
        ({1: (ASCII, "X")}, None),
        ({1: (ASCII, "")}, None),
        ({1: (ASCII, "E")}, None),
        ({3: (ASCII, "?")}, None),
        ({4: (RATIONAL, (180, 1, 1, 1, 0, 1))}, None),
    ],
)
def test_a_place_is_whole_and_on_the_globe_or_not_at_all(
    change: dict[int, Tag], latitude: float | None
) -> None:
    place = metadata(gps={**ROME, **change})
    assert place.get("latitude") == latitude
    assert ("longitude" in place) == (latitude is not None)


@pytest.mark.parametrize("missing", ROME)
def test_a_place_with_a_part_missing_is_none(missing: int) -> None:
    assert metadata(gps={tag: value for tag, value in ROME.items() if tag != missing}) == {}


@pytest.mark.parametrize(
    ("gps", "altitude"),
    [
        ({6: (RATIONAL, (100, 3))}, 33.333),
        ({5: (BYTE, b"\0"), 6: (RATIONAL, (12, 1))}, 12.0),
        ({5: (BYTE, b"\1"), 6: (RATIONAL, (12, 1))}, -12.0),
        ({5: (ASCII, "1"), 6: (RATIONAL, (12, 1))}, -12.0),
        ({6: (SIGNED_RATIONAL, (-12, 1))}, -12.0),
        ({6: (RATIONAL, (12, 0))}, None),
        ({6: (RATIONAL, (4294967295, 1))}, None),
    ],
)
def test_altitude_may_be_below_the_sea(gps: dict[int, Tag], altitude: float | None) -> None:
    assert metadata(gps=gps).get("altitude") == altitude


@pytest.mark.parametrize(
    "value",
    [
        (RATIONAL, (1, 0)),
        (RATIONAL, (0, 1)),
        (DOUBLE, math.nan),
        (DOUBLE, math.inf),
        (DOUBLE, 1e-300),
        (DOUBLE, 1e300),
        (SIGNED_LONG, -5),
        (ASCII, "5.6"),
        (99, b"abc"),
    ],
)
def test_a_bad_field_does_not_cost_the_others(value: Tag) -> None:
    read = metadata(
        main={271: (ASCII, "Canon"), 282: value}, camera={33437: value, 37386: (RATIONAL, (50, 1))}
    )
    assert read == {"manufacturer": "Canon", "focal_length": 50.0}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Canon\0\0junk", "Canon"),
        (b"  a \x01\x1b[31m\n b ", "a [31m b"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"x" * 100_000, "x" * exif.TEXT_CHARACTERS),
        (b"\0", None),
        (b"   ", None),
    ],
)
def test_texts_are_clean_and_short(raw: bytes, text: str | None) -> None:
    assert metadata(main={271: (ASCII, raw)}).get("manufacturer") == text


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(orientation: int) -> None:
    assert exif.read(block({274: (SHORT, orientation)})).orientation == 1


@pytest.mark.parametrize("wrong", [(LONG, 8), (LONG, 0), (LONG, 2**32 - 1), (SIGNED_LONG, -1), (ASCII, "x")])
def test_directories_that_lead_nowhere_or_in_circles_end(wrong: Tag) -> None:
    assert (
        exif.read(block({271: (ASCII, "Canon"), 34665: wrong, 34853: wrong})).metadata["manufacturer"]
        == "Canon"
    )


@pytest.mark.parametrize(
    "data", [b"", b"II", b"II*\0", b"MM\0*" + b"\xff" * 60, b"II*\0\x08\0\0\0\xff\xff" + bytes(20)]
)
def test_what_is_no_exif_has_no_metadata(data: bytes) -> None:
    assert exif.read(data) == exif.Exif()


def test_a_big_tiff_has_the_same_fields() -> None:
    entries = struct.pack("<HHQ8s", 271, 2, 6, b"Canon\0") + struct.pack("<HHQHxxxxxx", 274, 3, 1, 8)
    big = b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2) + entries + bytes(8)
    assert exif.read(big) == exif.Exif(8, {"manufacturer": "Canon"})


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, len(EVERYTHING) - 1), st.integers(0, 255)), max_size=12), st.integers(0)
)
def test_no_flaw_in_the_bytes_makes_a_value_that_cannot_be_stored(
    changes: list[tuple[int, int]], cut: int
) -> None:
    flawed = bytearray(EVERYTHING)
    for at, byte in changes:
        flawed[at] = byte
    read = exif.read(bytes(flawed[: cut % 2000 or None]))
    assert 1 <= read.orientation <= 8
    for value in read.metadata.values():
        assert isinstance(value, str | int | float)
        assert len(value) <= exif.TEXT_CHARACTERS if isinstance(value, str) else math.isfinite(value)
        assert not isinstance(value, float) or value == 0 or 1e-12 < abs(value) < 1e12
