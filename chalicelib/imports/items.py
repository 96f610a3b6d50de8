"""What a row of a CSV file asks for."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from chalicelib.errors import InvalidUrl
from chalicelib.formats import signatures
from chalicelib.imports.dialect import Column, names_in
from chalicelib.model import limits, strict_json, upload
from chalicelib.model.data import Type
from chalicelib.model.edit import mistakes_in_custom
from chalicelib.model.label import mistake_in
from chalicelib.model.sheet import Action
from chalicelib.model.strict_json import InvalidJson
from chalicelib.model.url import S3

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.imports.dialect import Dialect
    from chalicelib.imports.rows import Row

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,", re.ASCII | re.IGNORECASE)
_BLANKS = dict.fromkeys(map(ord, " \t\r\n"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    line: int
    name: str | None
    """Below the folder. None: as the link's address has it."""
    action: Action
    url: str | None
    encoded: str = ""
    """The bytes, in base64."""
    mimetype: str | None
    tags: tuple[str, ...] = ()
    source: str | None = None
    metadata: "Mapping[str, Any]" = field(default_factory=dict)
    custom_metadata: "Mapping[str, Any]" = field(default_factory=dict)
    description: str | None = None


class BadRow(Exception):
    """Its arguments are the mistakes, each a column and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for all rows of a file."""

    dialect: "Dialect"
    folder: str
    """Where the items go, with its `/`, as object names have it."""
    action: Action
    """Where a row does not say."""
    schema: "Mapping[str, Any] | None"
    check_url: "Callable[[str], str]"
    """The URL as it is kept. Raises InvalidUrl."""


def read_item(row: "Row", rules: Rules) -> Item:
    """Raises BadRow with every mistake there is."""
    return _Reading(row, rules).item()


def decode(encoded: str) -> bytes:
    """Raises ValueError with what is wrong."""
    text = _DATA_URL.sub("", encoded, count=1).translate(_BLANKS)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is not base64") from error


def content_type_of(head: bytes) -> str:
    """What the bytes say they are. Raises ValueError when that is nothing that may be uploaded."""
    found = signatures.recognize(head[: signatures.HEAD_BYTES])
    content_type = found.content_type or "unknown"
    if found.type is Type.OTHER or content_type not in upload.EXTENSIONS:
        raise ValueError(f"the bytes are {content_type}, and not an image or a video")
    return content_type


class _Reading:
    def __init__(self, row: "Row", rules: Rules) -> None:
        self._row, self._rules = row, rules
        self._cells = rules.dialect.cells(row.cells)
        self._mistakes: list[tuple[str, str]] = []

    def item(self) -> Item:
        if any(cell.strip() for cell in self._row.cells[self._rules.dialect.width :]):
            raise BadRow(("row", f"it has more cells than there are columns: {self._rules.dialect.width}"))
        url, encoded = self._cell(Column.URL), self._cell(Column.IMAGE_BYTES)
        if bool(url) == bool(encoded):
            what = "both are given" if url else "neither is given"
            self._wrong(Column.URL, f"either a URL or image_bytes should be given, and {what}")
            url = encoded = ""
        action = self._action()
        given_id = self._text(Column.ID, limits.TEXT_CHARACTERS)
        item = Item(
            line=self._row.line,
            action=action,
            url=self._url(url, action) if url else None,
            encoded=self._bytes(encoded, action) if encoded else "",
            name=self._name(action, url, given_id),
            mimetype=self._text(Column.MIMETYPE, limits.NAME_CHARACTERS),
            tags=self._tags(),
            source=self._source(),
            metadata={"custom_id": given_id} if given_id else {},
            custom_metadata=self._custom_metadata(),
            description=self._text(Column.DESCRIPTION, limits.DESCRIPTION_CHARACTERS),
        )
        if self._mistakes:
            raise BadRow(*self._mistakes)
        return item

    def _cell(self, column: Column) -> str:
        return self._cells.get(column, "")

    def _wrong(self, column: Column, detail: str) -> None:
        self._mistakes.append((column, detail))

    def _text(self, column: Column, characters: int) -> str | None:
        text = self._cell(column)
        if len(text) > characters:
            self._wrong(column, f"it should have at most {characters} characters")
        return text or None

    def _action(self) -> Action:
        """Bytes alone can only be uploaded."""
        given = self._cell(Column.ACTION).casefold()
        if not given:
            only_bytes = self._cell(Column.IMAGE_BYTES) and not self._cell(Column.URL)
            return Action.UPLOAD if only_bytes else self._rules.action
        if given not in Action:
            self._wrong(Column.ACTION, "it should be link or upload")
            return self._rules.action
        return Action(given)

    def _url(self, url: str, action: Action) -> str:
        try:
            url = self._rules.check_url(url)
        except InvalidUrl as error:
            self._wrong(Column.URL, str(error))
        else:
            if action is Action.UPLOAD and url.startswith(S3):
                self._wrong(Column.URL, "an object of a bucket can be linked, and not be uploaded again")
        return url

    def _bytes(self, encoded: str, action: Action) -> str:
        if action is Action.LINK:
            self._wrong(Column.ACTION, "bytes cannot be a link")
        try:
            content_type_of(decode(encoded))
        except ValueError as error:
            self._wrong(Column.IMAGE_BYTES, str(error))
        return encoded

    def _name(self, action: Action, url: str, given_id: str | None) -> str | None:
        given = self._cell(Column.NAME)
        if not given and (action is Action.LINK or self._mistakes):
            return None
        name = given or _last_part(url) or given_id
        if not name:
            self._wrong(Column.NAME, "it should be given, as neither the URL nor the ID says one")
        elif mistake := _mistake_in_name(self._rules.folder, name):
            self._wrong(Column.NAME, mistake)
        return name

    def _tags(self) -> tuple[str, ...]:
        cell = self._cell(Column.TAGS)
        given = self._listed(cell) if cell.startswith("[") else names_in(cell)
        names = tuple(dict.fromkeys(name.strip() for name in given if name.strip()))
        for mistake in filter(None, map(mistake_in, names)):
            self._wrong(Column.TAGS, mistake)
        if len(names) > limits.TAGS_PER_RECORD:
            self._wrong(Column.TAGS, f"there should be at most {limits.TAGS_PER_RECORD}")
        return names

    def _listed(self, cell: str) -> list[str]:
        value = self._json(Column.TAGS)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return value
        self._wrong(Column.TAGS, "it should be names with commas between them, or a JSON list of names")
        return []

    def _source(self) -> str | None:
        name = self._cell(Column.SOURCE)
        if name and (mistake := mistake_in(name)):
            self._wrong(Column.SOURCE, mistake)
        return name or None

    def _custom_metadata(self) -> dict[str, Any]:
        value = self._json(Column.METADATA)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._wrong(Column.METADATA, "it should be a JSON object")
            return {}
        wrong = [(key, mistake) for key, each in value.items() if (mistake := _mistake_in_value(key, each))]
        kept = {key: each for key, each in value.items() if each is not None}
        if not wrong:
            found = mistakes_in_custom(kept, self._rules.schema)
            wrong = [("/".join(place[1:]), mistake) for place, mistake in found]
        for key, mistake in wrong:
            self._wrong(Column.METADATA, f"{key}: {mistake}" if key else mistake)
        return kept

    def _json(self, column: Column) -> Any:
        cell = self._cell(column)
        if not cell:
            return None
        try:
            return strict_json.read_unicode(cell)
        except InvalidJson as error:
            self._wrong(column, str(error))
            return None


def _mistake_in_name(folder: str, name: str) -> str | None:
    if _CONTROL.search(name):
        return "it should have no control characters"
    if {"", ".", ".."} & set(name.split("/")):
        return "no part of it should be empty, . or .."
    if len((folder + name).encode()) > limits.KEY_BYTES:
        return f"it should have at most {limits.KEY_BYTES} bytes with its folder"
    return None


def _mistake_in_value(key: str, value: object) -> str | None:
    if not 0 < len(key) <= limits.NAME_CHARACTERS:
        return f"A key should have 1 to {limits.NAME_CHARACTERS} characters"
    if value is not None and not isinstance(value, str | int | float):
        return "It should be a text, a number, true, false or null"
    if isinstance(value, str) and len(value) > limits.TEXT_CHARACTERS:
        return f"It should have at most {limits.TEXT_CHARACTERS} characters"
    return None


def _last_part(url: str) -> str:
    """The file name in its path, as people read it."""
    try:
        return unquote(urlsplit(url).path).rpartition("/")[2]
    except ValueError:
        return ""
