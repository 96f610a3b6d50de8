import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from chalicelib.api import answers, cursors
from chalicelib.api.bodies import Body
from chalicelib.api.operations import operation
from chalicelib.api.parameters import ListParameters
from chalicelib.errors import UnknownKey
from chalicelib.model import limits, moment
from chalicelib.model.key import Role
from chalicelib.storage import keys

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


def _dated(given: object) -> object:
    # Pydantic would take seconds since the epoch as well.
    if not (isinstance(given, str) and _RFC3339.fullmatch(given)):
        raise PydanticCustomError("rfc3339", "Input should be a time with its zone, as RFC 3339 has it")
    return given


def _future(time: datetime) -> datetime:
    if not moment.now() < time < _LATEST:
        raise PydanticCustomError("future", "Input should be in the future, before the year 10000")
    return time


type Future = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_dated), AfterValidator(_future)]


class KeyBody(Body):
    name: Annotated[str, Field(min_length=1, max_length=limits.NAME_CHARACTERS)]
    """What people know it by. Several keys may have the same name."""
    role: Role
    """`viewer` reads; `editor` also adds, labels, describes and removes data; `admin` also manages keys,
    connectors and datalakes."""
    expires_at: Future | None = None
    """From then on it is refused. Null: never."""


@operation(answers={200: answers.CallerAnswer})
def show_caller(caller: "Caller", parameters: "Parameters") -> "Response":
    """Show who asks.

    What the API takes the sender of the key for.
    """
    return answers.found(answers.describe_caller(caller))


@operation(body=KeyBody, creates=True, hidden={"key": keys.text_of}, answers={201: answers.NewKeyAnswer})
def create_key(caller: "Caller", parameters: "Parameters", body: KeyBody, seed: bytes) -> "Response":
    """Create an API key.

    `key` is what to send as `Authorization: Bearer`. It is shown in this answer only, and stored nowhere.
    """
    key, text = keys.create(caller.organization, body.name, body.role, body.expires_at, seed)
    return answers.created(answers.describe_key(key) | {"key": text})


@operation(ListParameters, answers={200: answers.KeysAnswer})
def list_keys(caller: "Caller", parameters: "ListParameters") -> "Response":
    """List the organization's API keys.

    In no particular order, and without what is to be sent. A key that was created or revoked a moment ago may
    not be in the list yet or still be there.
    """
    walk = ["keys", caller.organization]
    after = cursors.unseal(walk, parameters.cursor) if parameters.cursor is not None else ""
    found = keys.of_organization(caller.organization, after, parameters.limit + 1)
    page = found[: parameters.limit]
    end = cursors.seal(walk, page[-1].id) if len(found) > len(page) else None
    return answers.found({"items": [answers.describe_key(key) for key in page], "next_cursor": end})


@operation(answers={204: None}, errors=(UnknownKey,))
def revoke_key(caller: "Caller", parameters: "Parameters", id: str) -> "Response":
    """Revoke an API key.

    It is refused within 30 seconds.
    """
    keys.revoke(caller.organization, id)
    return answers.removed()
