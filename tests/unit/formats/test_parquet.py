import hashlib
import io
import json
import struct
import subprocess
import sys
from types import SimpleNamespace

import pytest
from arro3.core import Array, DataType, Table
from arro3.io import write_parquet
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import MalformedFile, StorageUnavailable
from chalicelib.formats import parquet, parquet_reader
from chalicelib.formats.parquet import Column
from infra.package import ROOT
from tests.unit.formats import damage
from tests.unit.formats.bombs import bomb

COLUMNS = {
    "name": Column.TEXT,
    "tags": Column.TEXTS,
    "size": Column.INTEGER,
    "shown": Column.FLAG,
    "at": Column.MOMENT,
}
WHOLE = {
    "name": "é\U0001f600",
    "tags": ["a", "b"],
    "size": 2**60,
    "shown": True,
    "at": "2026-01-02T03:04:05.678Z",
}


def lines(rows):
    return (f"{json.dumps(row, ensure_ascii=False)}\n".encode() for row in rows)


def written(rows, columns=COLUMNS):
    file = io.BytesIO()
    parquet.write(lines(rows), columns, file)
    return file.getvalue()


def numbers(count):
    return written(({"size": number} for number in range(count)), {"size": Column.INTEGER})


def test_all_that_a_row_holds_comes_back():
    found = list(parquet.rows(io.BytesIO(written([WHOLE, {"name": ""}, {"tags": [], "other": 1}]))))
    assert found == [
        WHOLE,
        dict.fromkeys(COLUMNS) | {"name": ""},
        dict.fromkeys(COLUMNS) | {"tags": []},
    ]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=50))
@settings(max_examples=10, deadline=None)
def test_any_text_comes_back(names):
    file = io.BytesIO(written([{"name": name, "tags": names} for name in names]))
    assert [(row["name"], row["tags"]) for row in parquet.rows(file)] == [(name, names) for name in names]


def test_what_json_has_no_word_for_becomes_text_or_nothing():
    file = io.BytesIO()
    content = Array([b"a", b"\xff", None], DataType.binary())
    days = Array([1, None, 0], DataType.int32()).cast(DataType.date32())
    write_parquet(Table.from_arrays([content, days], names=["bytes", "day"]), file)
    assert list(parquet.rows(file)) == [
        {"bytes": "a", "day": "1970-01-02"},
        {"bytes": None, "day": None},
        {"bytes": None, "day": "1970-01-01"},
    ]


@pytest.mark.parametrize("start", [0, 1, 999, 1000, 1001, 2499, 2500, 9999])
def test_rows_may_be_skipped(start):
    found = [row["size"] for row in parquet.rows(io.BytesIO(numbers(2500)), start)]
    assert found == list(range(2500))[start:]


def test_no_row_makes_a_file_all_the_same():
    assert list(parquet.rows(io.BytesIO(written([])))) == []


class Counting(io.BytesIO):
    """What was asked of a file, by how many bytes."""

    def __init__(self, content=b""):
        super().__init__(content)
        self.passed = 0

    def read(self, size=-1):
        found = super().read(size)
        self.passed += len(found)
        return found

    def write(self, content):
        self.passed += len(content)
        return super().write(content)


def many(count):
    return ({"name": hashlib.sha512(b"%d" % number).hexdigest()} for number in range(count))


def test_only_the_end_and_the_group_of_rows_that_is_wanted_are_read(monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 2000)
    content = written(many(20_000), {"name": Column.TEXT})
    file = Counting(content)
    assert next(parquet.rows(file)) == next(many(1))
    assert file.passed < len(content) / 4


def test_groups_of_rows_are_written_before_the_next_ones_are_read(monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 2000)
    target = Counting()
    passed = []

    def told():
        for line in lines(many(20_000)):
            passed.append(target.passed)
            yield line

    parquet.write(told(), COLUMNS, target)
    assert passed[len(passed) // 2] > target.passed / 4


@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"a,b\n1,2\n", b"x" * 1000, numbers(10)[:-20], b"PAR1" + b"\xff" * 100 + b"PAR1"],
    ids=["empty", "magic", "csv", "noise", "torn", "no footer"],
)
def test_what_is_no_parquet_is_told(content):
    with pytest.raises(MalformedFile, match="cannot be read as Parquet"):
        list(parquet.rows(io.BytesIO(content)))


def test_a_thousand_damaged_files_are_read_or_told():
    content, seed, deadly = written([WHOLE, {"name": "x"}, {"tags": ["z"]}] * 20), 0, []
    while seed < 1000:
        command = [sys.executable, "-m", damage.__name__, str(seed), "1000"]
        done = subprocess.run(command, input=content, capture_output=True, cwd=ROOT, check=False)
        ends = [json.loads(line) for line in done.stdout.splitlines()]
        assert all(end is None or end.startswith("it ") for end in ends)
        seed += len(ends)
        if seed < 1000:
            assert done.returncode < 0, done.stderr
            deadly.append(seed)
            seed += 1
    for seed in deadly:
        with pytest.raises(MalformedFile, match="it is damaged"):
            list(parquet.rows(io.BytesIO(damage.damaged(content, seed))))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bomb(200, 4_000_000), "unfolds to more than there is memory for"),
        (bomb(2, 2_000_000), "a row has more than 1048576 bytes"),
    ],
    ids=["rows", "row"],
)
def test_what_unfolds_to_too_much_is_told(content, reason):
    with pytest.raises(MalformedFile, match=reason):
        list(parquet.rows(io.BytesIO(content)))


def test_of_a_billion_rows_the_first_are_there_at_once_and_the_last_never(monkeypatch):
    file = io.BytesIO(bomb(2**30, 1))
    assert next(parquet.rows(file)) == {"object_name": "x"}
    monkeypatch.setattr(parquet, "CPU_SECONDS", 0.1)
    with pytest.raises(MalformedFile, match="it takes too long to read"):
        next(parquet.rows(file, 2**29))


def test_what_reads_on_and_on_comes_to_an_end(monkeypatch):
    monkeypatch.setattr(parquet, "SECONDS", -1)
    with pytest.raises(MalformedFile, match="it takes too long to read"):
        next(parquet.rows(io.BytesIO(numbers(1))))


def test_time_is_given_anew_to_more_rows(monkeypatch):
    now = [0]

    class Slow(io.BytesIO):
        def read(self, size=-1):
            now[0] += 1
            return super().read(size)

    monkeypatch.setattr(parquet, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(parquet, "SECONDS", 8)
    assert len(list(parquet.rows(Slow(written(many(20_000), {"name": Column.TEXT}))))) == 20_000
    assert now[0] > 2 * parquet.SECONDS


def test_the_time_that_others_take_with_rows_is_not_the_files(monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 1500)
    content, now = written(many(6000), {"name": Column.TEXT}), [0]
    monkeypatch.setattr(parquet, "time", SimpleNamespace(monotonic=lambda: now[0]))
    told = 0
    for _ in parquet.rows(io.BytesIO(content)):
        now[0] += parquet.SECONDS
        told += 1
    assert told == 6000


def test_there_is_an_end_to_rows(monkeypatch):
    monkeypatch.setattr(parquet_reader, "MOST_ROWS", 1000)
    *rows, end = parquet_reader.read(io.BytesIO(bomb(1000, 1)), 0)
    assert (len(rows), json.loads(end)) == (1000, None)
    *rows, end = parquet_reader.read(io.BytesIO(bomb(2**30, 1)), 0)
    assert (len(rows), json.loads(end)) == (1000, "it has more than 1000 rows")


def test_no_more_than_a_piece_of_what_a_file_claims_is_held():
    class Watched(io.BytesIO):
        most = 0

        def read(self, size=-1):
            self.most = max(self.most, size)
            return super().read(size)

    footer = 50_000_000
    file = Watched(b"PAR1" + bytes(footer) + struct.pack("<i", footer) + b"PAR1")
    with pytest.raises(MalformedFile):
        list(parquet.rows(file))
    assert 0 < file.most <= 1024**2


def test_the_reader_ends_with_its_rows(monkeypatch):
    readers = []

    def start(*given, **options):
        readers.append(subprocess.Popen(*given, **options))
        return readers[-1]

    monkeypatch.setattr(parquet, "Popen", start)
    found = parquet.rows(io.BytesIO(numbers(50_000)))
    assert next(found) == {"size": 0}
    found.close()
    assert len(list(parquet.rows(io.BytesIO(numbers(1))))) == 1
    assert all(reader.returncode is not None for reader in readers)


def test_a_reader_that_does_not_start_says_nothing_of_the_file(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="did not start"):
        list(parquet.rows(io.BytesIO(numbers(1))))


@pytest.mark.parametrize("reads", [0, 1])
def test_what_a_file_raises_is_raised(reads):
    class Failing(io.BytesIO):
        left = reads

        def read(self, size=-1):
            if not self.left:
                raise StorageUnavailable("read", "Timeout")
            self.left -= 1
            return super().read(size)

    with pytest.raises(StorageUnavailable, match="Timeout"):
        list(parquet.rows(Failing(numbers(50_000))))


def test_what_the_lines_raise_is_raised():
    def failing():
        yield from [b'{"size": 1}\n'] * 5000
        raise StorageUnavailable("read", "Timeout")

    with pytest.raises(StorageUnavailable, match="Timeout"):
        parquet.write(failing(), COLUMNS, io.BytesIO())


def test_lines_come_in_pieces_of_any_size():
    content = b"".join(lines([WHOLE] * 300))
    for size in (1, 7, 100_000):
        file = io.BytesIO()
        parquet.write((content[at : at + size] for at in range(0, len(content), size)), COLUMNS, file)
        assert len(list(parquet.rows(file))) == 300


def test_what_cannot_be_written_is_raised():
    class Full(io.BytesIO):
        def write(self, content):
            raise StorageUnavailable("write", "SlowDown")

    with pytest.raises(StorageUnavailable, match="SlowDown"):
        parquet.write(lines([WHOLE]), COLUMNS, Full())


@pytest.mark.parametrize(
    "module",
    [
        "app",
        "chalicelib.upstream.intake",
        "chalicelib.preprocess.worker",
        "chalicelib.imports.worker",
        "chalicelib.changes.fold",
        "chalicelib.jobs.nightly",
    ],
)
def test_who_has_no_use_for_it_does_not_load_it(module):
    code = f"import sys, {module}; sys.exit(any(name.startswith('arro3') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
