"""The index of the API: every route, who may take it at least, and the operation that it leads to."""

from typing import TYPE_CHECKING

from chalice.app import Blueprint

from chalicelib.api.exchanges import answering
from chalicelib.api.operations import Route
from chalicelib.model.key import Role

if TYPE_CHECKING:
    from chalice.app import Chalice, ChaliceAuthorizer

ROUTES = (
    Route("GET", "/v1/openapi.json", "description.show_openapi", None),
    Route("GET", "/v1/caller", "keys.show_caller"),
    Route("GET", "/v1/keys", "keys.list_keys", Role.ADMIN),
    Route("POST", "/v1/keys", "keys.create_key", Role.ADMIN),
    Route("DELETE", "/v1/keys/{id}", "keys.revoke_key", Role.ADMIN),
    Route("GET", "/v1/connectors", "connectors.list_connectors", Role.ADMIN),
    Route("POST", "/v1/connectors", "connectors.create_connector", Role.ADMIN),
    Route("GET", "/v1/connectors/{id}", "connectors.show_connector", Role.ADMIN),
    Route("PATCH", "/v1/connectors/{id}", "connectors.change_connector", Role.ADMIN),
    Route("DELETE", "/v1/connectors/{id}", "connectors.delete_connector", Role.ADMIN),
    Route("POST", "/v1/connectors/{id}/check", "connectors.check_connector", Role.ADMIN),
    Route("GET", "/v1/jobs", "jobs.list_jobs"),
    Route("GET", "/v1/jobs/{id}", "jobs.show_job"),
    Route("POST", "/v1/jobs/{id}/cancel", "jobs.cancel_job", Role.EDITOR),
    Route("GET", "/v1/jobs/{id}/report", "jobs.show_report"),
    Route("GET", "/v1/datalakes", "lakes.list_lakes"),
    Route("POST", "/v1/datalakes", "lakes.create_lake", Role.ADMIN),
    Route("GET", "/v1/datalakes/{lake}", "lakes.show_lake"),
    Route("PATCH", "/v1/datalakes/{lake}", "lakes.edit_lake", Role.ADMIN),
    Route("DELETE", "/v1/datalakes/{lake}", "lakes.delete_lake", Role.ADMIN),
    Route("GET", "/v1/datalakes/{lake}/stats", "lakes.count_lake"),
    Route("POST", "/v1/datalakes/{lake}/sync", "walks.begin_sync", Role.EDITOR),
    Route("GET", "/v1/datalakes/{lake}/data", "searches.list_data"),
    Route("POST", "/v1/datalakes/{lake}/data/search", "searches.search_data"),
    Route("GET", "/v1/datalakes/{lake}/data/find", "searches.find_data"),
    Route("GET", "/v1/datalakes/{lake}/data/{id}", "data.show_data"),
    Route("GET", "/v1/datalakes/{lake}/data/{id}/content", "data.show_content"),
    Route("GET", "/v1/datalakes/{lake}/data/{id}/link", "data.show_link"),
    Route("POST", "/v1/datalakes/{lake}/data/content", "data.locate_content"),
    Route("GET", "/v1/datalakes/{lake}/data/{id}/thumbnail", "data.show_thumbnail"),
    Route("PATCH", "/v1/datalakes/{lake}/data", "edits.edit_many", Role.EDITOR),
    Route("PATCH", "/v1/datalakes/{lake}/data/{id}", "edits.edit_data", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/data/tags", "labels.attach_tags", Role.EDITOR),
    Route("DELETE", "/v1/datalakes/{lake}/data/tags", "labels.detach_tags", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/links", "links.create_links", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/links/check", "links.check_links", Role.EDITOR),
    Route("DELETE", "/v1/datalakes/{lake}/data/{id}", "deletions.delete_data", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/data/delete", "deletions.delete_many", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/uploads", "uploads.announce_uploads", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/uploads/status", "uploads.show_uploads"),
    Route("GET", "/v1/datalakes/{lake}/uploads/{upload_id}/parts", "uploads.list_parts", Role.EDITOR),
    Route(
        "POST", "/v1/datalakes/{lake}/uploads/{upload_id}/complete", "uploads.complete_upload", Role.EDITOR
    ),
    Route("DELETE", "/v1/datalakes/{lake}/uploads/{upload_id}", "uploads.drop_upload", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/imports/csv", "imports.import_csv", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/imports/bucket", "imports.import_bucket", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/imports/export", "exports.import_export", Role.EDITOR),
    Route("POST", "/v1/datalakes/{lake}/exports", "exports.begin_export", Role.EDITOR),
    Route("GET", "/v1/datalakes/{lake}/tags", "labels.list_tags"),
    Route("POST", "/v1/datalakes/{lake}/tags", "labels.create_tag", Role.EDITOR),
    Route("GET", "/v1/datalakes/{lake}/tags/{name}", "labels.show_tag"),
    Route("PUT", "/v1/datalakes/{lake}/tags/{name}", "labels.put_tag", Role.EDITOR),
    Route("PATCH", "/v1/datalakes/{lake}/tags/{name}", "labels.rename_tag", Role.EDITOR),
    Route("DELETE", "/v1/datalakes/{lake}/tags/{name}", "labels.delete_tag", Role.EDITOR),
    Route("GET", "/v1/datalakes/{lake}/sources", "labels.list_sources"),
    Route("POST", "/v1/datalakes/{lake}/sources", "labels.create_source", Role.EDITOR),
    Route("GET", "/v1/datalakes/{lake}/sources/{name}", "labels.show_source"),
    Route("PUT", "/v1/datalakes/{lake}/sources/{name}", "labels.put_source", Role.EDITOR),
    Route("PATCH", "/v1/datalakes/{lake}/sources/{name}", "labels.rename_source", Role.EDITOR),
    Route("DELETE", "/v1/datalakes/{lake}/sources/{name}", "labels.delete_source", Role.EDITOR),
)


PAGES = (
    Route("GET", "/", "gallery.show_page", None),
    Route("GET", "/web/{file}", "gallery.show_file", None),
)
"""For people's browsers, and no part of the API that is described."""


def register(app: "Chalice", authorizer: "ChaliceAuthorizer") -> None:
    blueprint = Blueprint(__name__)
    for route in (*PAGES, *ROUTES):
        # No content types: Chalice would refuse others with an answer that is no problem+json.
        decorate = blueprint.route(
            route.path,
            methods=[route.method],
            name=route.name,
            authorizer=authorizer if route.role else None,
            content_types=[],
        )
        decorate(answering(blueprint, route))
    app.register_blueprint(blueprint)
