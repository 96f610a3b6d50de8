import pytest

from chalicelib.imports import globs


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("a*", "a", True),
        ("a*c", "abc", True),
        ("a*a", "a", False),
        ("*a*b*", "xaxbx", True),
        ("*b*a*", "xaxbx", False),
        (r"a\**", "a*b", True),
        (r"a\**", "ab", False),
        ("**.jpg", "a/b.jpg", True),
        ("a***", "a", True),
    ],
)
def test_a_star_stands_for_any_characters_or_none(pattern: str, name: str, matches: bool) -> None:
    assert globs.read(pattern).matches(name) is matches


def test_stars_in_a_row_take_no_longer_than_one() -> None:
    assert globs.read(f"a{'*' * 100_000}b").parts == ("a", "b")
