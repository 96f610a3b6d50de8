from typing import TYPE_CHECKING

from chalice.app import Blueprint

from chalicelib.api.data import list_data, show_content, show_data, show_thumbnail
from chalicelib.api.exchanges import Route, answering
from chalicelib.api.lakes import count_lake, list_lakes, show_lake
from chalicelib.api.parameters import PageParameters

if TYPE_CHECKING:
    from chalice.app import Chalice, ChaliceAuthorizer

ROUTES = (
    Route("GET", "/v1/datalakes", list_lakes),
    Route("GET", "/v1/datalakes/{lake}", show_lake),
    Route("GET", "/v1/datalakes/{lake}/stats", count_lake),
    Route("GET", "/v1/datalakes/{lake}/data", list_data, PageParameters),
    Route("GET", "/v1/datalakes/{lake}/data/{id}", show_data),
    Route("GET", "/v1/datalakes/{lake}/data/{id}/content", show_content),
    Route("GET", "/v1/datalakes/{lake}/data/{id}/thumbnail", show_thumbnail),
)


def register(app: "Chalice", authorizer: "ChaliceAuthorizer") -> None:
    blueprint = Blueprint(__name__)
    for route in ROUTES:
        # No content types: Chalice would refuse others with an answer that is no problem+json.
        decorate = blueprint.route(
            route.path, methods=[route.method], authorizer=authorizer, content_types=[]
        )
        decorate(answering(blueprint, route))
    app.register_blueprint(blueprint)
