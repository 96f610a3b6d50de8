import importlib.util
import subprocess
import sys
from pathlib import Path

UNCHECKED_HASH = 1
"""The flags in the second word of a .pyc: made of a hash, which is not compared with the source."""


def test_every_module_has_its_bytecode_which_is_not_checked_against_the_source(code):
    names = set(code.namelist())
    sources = {name for name in names if name.endswith(".py")}
    assert {"app.py", "chalice/app.py", "chalicelib/config.py", "botocore/client.py"} <= sources
    for source in sources:
        compiled = code.read(importlib.util.cache_from_source(source))
        assert compiled[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(compiled[4:8], "little") == UNCHECKED_HASH


def test_pillow_comes_with_its_libraries(code):
    assert any(name.startswith("pillow.libs/") for name in code.namelist())


def test_all_of_it_is_far_below_what_lambda_takes(code):
    assert sum(entry.file_size for entry in code.infolist()) < 100_000_000 < 250 * 1024**2


def test_the_grammar_of_queries_comes_with_its_module(code):
    assert {"chalicelib/query/reader.py", "chalicelib/query/grammar.lark"} <= set(code.namelist())


def test_the_gallery_comes_whole_and_with_the_licences_of_what_it_holds(code):
    shipped = {
        Path(name).relative_to("chalicelib/web") for name in code.namelist() if "chalicelib/web/" in name
    }
    web = Path("chalicelib/web")
    kept = {path.relative_to(web) for path in web.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert kept - {Path("vendor/README.md")} <= shipped


def test_only_what_runs_is_packaged(code):
    top = {name.split("/")[0] for name in code.namelist()}
    assert not top & {"pytest", "moto", "ministack", "mypy", "infra", "tests", "bench", "pip", "bin"}


def test_the_package_alone_is_enough_to_import_the_application(code, tmp_path):
    code.extractall(tmp_path)
    interpreter = Path(sys.base_prefix) / "bin" / "python3.13"
    script = (
        f"import io, sys; sys.path.insert(0, {str(tmp_path)!r}); import app; "
        "from chalicelib.formats import parquet; file = io.BytesIO(); "
        "parquet.write([b'{}'], {'size': parquet.Column.INTEGER}, file); "
        "assert len(list(parquet.rows(file))) == 1; print(app.__file__)"
    )
    done = subprocess.run(
        [interpreter, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(tmp_path / "app.py"), done.stderr


def test_the_package_is_readable_by_everybody(code):
    assert all(entry.external_attr >> 16 & 0o444 == 0o444 for entry in code.infolist())
