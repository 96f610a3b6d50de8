from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import Forbidden, Unauthorized
from chalicelib.model.key import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

_RANK = {role: rank for rank, role in enumerate((Role.VIEWER, Role.EDITOR, Role.ADMIN))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, as the authorizer found. Nothing in the request itself has a say in it."""

    organization: str
    role: Role
    key_id: str

    def require(self, role: Role) -> None:
        if _RANK[self.role] < _RANK[role]:
            raise Forbidden(role)


def caller_of(context: "Mapping[str, Any]") -> Caller:
    try:
        found = context["authorizer"]
        return Caller(organization=found["organization"], role=Role(found["role"]), key_id=found["key_id"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unauthorized from error
