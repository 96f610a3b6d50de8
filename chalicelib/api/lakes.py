from typing import TYPE_CHECKING

from chalicelib.api import answers
from chalicelib.storage import counters, lakes

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters


def list_lakes(caller: "Caller", parameters: "Parameters") -> "Response":
    """List the organization's datalakes.

    All of them, by name.
    """
    found = sorted(lakes.of_organization(caller.organization), key=lambda lake: lake.name)
    return answers.found(answers.describe_lakes(found))


def show_lake(caller: "Caller", parameters: "Parameters", lake: str) -> "Response":
    """Show a datalake.

    Which bucket and prefix it looks at, and what may be done with it.
    """
    return answers.found(answers.describe_lake(lakes.find(caller.organization, lake)))


def count_lake(caller: "Caller", parameters: "Parameters", lake: str) -> "Response":
    """Count what is in a datalake.

    Items and their bytes, also by type, status and kind. A change is counted some seconds after it is seen.
    """
    return answers.found(answers.describe_counts(counters.read(lakes.find(caller.organization, lake).id)))
