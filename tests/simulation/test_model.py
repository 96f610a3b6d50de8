"""Every schedule of small histories, with the real handlers: at its end the record equals the bucket.

`pytest -rP` tells how many states and schedules each case has.
"""

import pytest

from chalicelib.model import limits
from tests.simulation import renaming
from tests.simulation.explorer import Bounds
from tests.simulation.model import check

ONCE, TWICE = (1, 1, 1, 1), (2, 2, 2, 2)
"""Copies of every event."""

PENDING = limits.ANNOUNCED_SECONDS + 60.0
"""Seconds after which an announcement is over."""


def explore(history: str, bounds: Bounds, *, versioned: bool = False, preprocess: bool = False) -> None:
    report = check(history.split(", "), bounds, versioned=versioned, preprocess=preprocess)
    assert report.ends
    print(f"{history}: {report.states:,} states, {report.ends:,} ends, by {report.schedules:.1e} schedules")


@pytest.mark.parametrize(
    ("history", "versioned"),
    [("put, delete", False), ("put, overwrite", False), ("put, put", False), ("put, put", True)],
)
def test_two_copies_of_each_event_and_one_fault(history: str, versioned: bool) -> None:
    explore(history, Bounds(copies=TWICE, faults=1), versioned=versioned)


def test_inserts_that_are_not_shown_what_is_there() -> None:
    report = check(["put", "delete"], Bounds(copies=TWICE, faults=1), shows_duplicates=False)
    assert report.ends


def test_two_copies_of_each_event_of_a_longer_history() -> None:
    explore("put, delete, put", Bounds(copies=TWICE))


@pytest.mark.parametrize("history", ["put, delete, put", "put, overwrite, delete", "put, put, delete"])
def test_a_crash_a_lost_answer_or_a_refusal_at_any_call(history: str) -> None:
    explore(history, Bounds(copies=ONCE, faults=1, in_flight=3))


@pytest.mark.parametrize(
    "history",
    [
        "put, delete, undelete",
        "put, overwrite, delete oldest",
        "put, overwrite, delete current",
        "put, delete, delete oldest",
        "put, delete current, put",
    ],
)
def test_versions_and_one_fault(history: str) -> None:
    explore(history, Bounds(copies=ONCE, faults=1, in_flight=3), versioned=True)


def test_an_object_that_is_hidden_and_comes_back() -> None:
    explore("put, overwrite, delete, undelete", Bounds(copies=ONCE, in_flight=3), versioned=True)


@pytest.mark.parametrize("history", ["put, delete", "put, overwrite"])
@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_event_and_a_listing(history: str, lost: int) -> None:
    explore(history, Bounds(copies=TWICE, faults=1, lost=lost))


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_event_and_a_listing_while_the_bucket_goes_on(lost: int) -> None:
    explore("put, delete, put", Bounds(copies=ONCE, lost=lost))
    explore("put, overwrite, delete", Bounds(copies=ONCE, lost=lost))


@pytest.mark.parametrize("history", ["put, scan, delete", "scan, put, overwrite", "put, delete, scan"])
def test_a_scan_amid_what_happens(history: str) -> None:
    explore(history, Bounds(copies=ONCE))


@pytest.mark.parametrize(
    ("history", "bounds"),
    [
        ("put, delete", Bounds(copies=TWICE, leaps=1)),
        ("put, delete", Bounds(copies=ONCE, leaps=1, faults=1)),
        ("put, delete, put", Bounds(copies=ONCE, leaps=1, in_flight=3)),
    ],
)
def test_a_tombstone_that_expires_at_any_moment(history: str, bounds: Bounds) -> None:
    explore(history, bounds)


@pytest.mark.parametrize(
    ("history", "bounds", "versioned"),
    [
        ("put picture", Bounds(copies=TWICE, faults=2), False),
        ("put picture, overwrite picture", Bounds(copies=ONCE, faults=1), False),
        ("put picture, put picture again later", Bounds(copies=ONCE, faults=1), False),
        ("put picture, put picture again later", Bounds(copies=ONCE, faults=1), True),
        ("put picture, delete", Bounds(copies=TWICE), False),
        ("put picture, delete, put picture", Bounds(copies=ONCE), False),
    ],
)
def test_thumbnails_are_those_of_the_present_content(history: str, bounds: Bounds, versioned: bool) -> None:
    explore(history, bounds, versioned=versioned, preprocess=True)


@pytest.mark.parametrize(
    ("history", "bounds"),
    [
        ("announce, put", Bounds(copies=TWICE, faults=1)),
        ("announce, announce, put", Bounds(copies=ONCE, faults=1)),
        ("announce, put, delete", Bounds(copies=ONCE, faults=1)),
        ("put, delete, announce", Bounds(copies=ONCE, faults=1)),
        ("put, announce, delete", Bounds(copies=ONCE, faults=1)),
        ("announce, put, overwrite", Bounds(copies=ONCE)),
    ],
)
def test_an_announcement_before_amid_and_after_what_it_announces(history: str, bounds: Bounds) -> None:
    explore(history, bounds)


@pytest.mark.parametrize(
    ("history", "bounds"),
    [
        ("announce, put", Bounds(copies=ONCE, leaps=1, faults=1)),
        ("announce, put, delete", Bounds(copies=(1, 2, 1), leaps=1, leap=PENDING)),
    ],
)
def test_an_announcement_that_expires_at_any_moment(history: str, bounds: Bounds) -> None:
    explore(history, bounds)


@pytest.mark.parametrize(
    ("history", "bounds"),
    [
        ("put, forget, overwrite", Bounds(copies=ONCE, faults=1)),
        ("put, overwrite, forget", Bounds(copies=ONCE, in_flight=3)),
        ("put, forget, delete", Bounds(copies=ONCE, faults=1)),
    ],
)
def test_what_is_forgotten_comes_back_only_as_what_it_is(history: str, bounds: Bounds) -> None:
    explore(history, bounds)


@pytest.mark.parametrize(
    ("history", "bounds"),
    [
        ("copy a b, delete a", Bounds(copies=TWICE)),
        ("delete a, put b", Bounds(copies=TWICE)),
        ("copy a b, delete a", Bounds(copies=ONCE, faults=1, in_flight=3)),
        ("delete a, put b", Bounds(copies=ONCE, faults=1, in_flight=3)),
        ("copy a b, delete a", Bounds(copies=ONCE, leaps=1, leap=1800)),
        ("copy a b, edit b, delete a", Bounds(copies=ONCE, faults=1, in_flight=3)),
        ("copy a b, delete a, edit b", Bounds(copies=ONCE, faults=1)),
    ],
)
def test_what_people_wrote_goes_with_the_bytes_to_their_new_name(history: str, bounds: Bounds) -> None:
    follow(history, bounds, "b")


@pytest.mark.parametrize(
    ("history", "last"),
    [("copy a b, delete a, copy b a, delete b", "a"), ("copy a b, delete a, copy b c, delete b", "c")],
)
def test_what_people_wrote_goes_with_the_bytes_from_name_to_name(history: str, last: str) -> None:
    follow(history, Bounds(copies=ONCE), last)


@pytest.mark.parametrize(
    ("history", "bounds"),
    [
        ("copy a b, copy a c, delete a", Bounds(copies=ONCE)),
        ("delete a, put b", Bounds(copies=ONCE, leaps=1, leap=3 * 3600)),
        ("delete a, delete twin, put b", Bounds(copies=ONCE)),
        ("delete a, put b, put a", Bounds(copies=ONCE)),
    ],
)
def test_what_people_wrote_is_never_lost_nor_doubled(history: str, bounds: Bounds) -> None:
    follow(history, bounds, *renaming.NAMES)


def follow(history: str, bounds: Bounds, *holders: str) -> None:
    report = renaming.check(history.split(", "), bounds, holders)
    assert report.ends
    print(f"{history}: {report.states:,} states, {report.ends:,} ends, by {report.schedules:.1e} schedules")
