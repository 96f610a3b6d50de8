import csv
import io

import pytest

from chalicelib.imports import report
from chalicelib.imports.report import Entry, Outcome


def read(entry: Entry) -> dict[str, str]:
    [found] = csv.DictReader(io.StringIO(report.head() + report.text([entry]), newline=""))
    return found


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start):
    found = read(Entry(3, f"{start}cmd|' /C calc'!A0", Outcome.FAILED, "invalid_url", f"{start}SUM(A1)"))
    assert found["name"] == f"'{start}cmd|' /C calc'!A0"
    assert found["detail"] == f"'{start}SUM(A1)"


def test_cells_are_quoted_and_long_ones_cut():
    found = read(Entry(3, 'a "b", c\nd', Outcome.CREATED, "", "x" * 5000))
    assert (found["row"], found["name"], found["outcome"]) == ("3", 'a "b", c\nd', "created")
    assert len(found["detail"]) == 500
