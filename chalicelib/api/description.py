from typing import TYPE_CHECKING, Any

from chalicelib.api import answers
from chalicelib.api.operations import operation

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.parameters import Parameters


@operation(answers={200: dict[str, Any]})
def show_openapi(caller: None, parameters: "Parameters") -> "Response":
    """Describe this API.

    The OpenAPI 3.1 document of all routes. Takes no key.
    """
    # Only when it is asked for: no other request should wait while the document is made.
    from chalicelib.api import openapi

    return answers.public(openapi.text())
