from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.api.answers import (
    BegunAnswer,
    CallerAnswer,
    ChangeAnswer,
    CompletedAnswer,
    ConnectorAnswer,
    ConnectorsAnswer,
    ContentsAnswer,
    DataAnswer,
    DeletionAnswer,
    FindingsAnswer,
    ImportAnswer,
    JobAnswer,
    JobsAnswer,
    KeysAnswer,
    LabelAnswer,
    LabelsAnswer,
    LakeAnswer,
    LakesAnswer,
    LinkedAnswer,
    LinkFileAnswer,
    NewKeyAnswer,
    PartsAnswer,
    ProgressAnswer,
    SearchAnswer,
    StatsAnswer,
    UploadsAnswer,
)
from chalicelib.api.connectors import (
    ConnectorBody,
    ConnectorChangeBody,
    change_connector,
    check_connector,
    create_connector,
    delete_connector,
    list_connectors,
    show_connector,
)
from chalicelib.api.data import (
    ContentBody,
    locate_content,
    show_content,
    show_data,
    show_link,
    show_thumbnail,
)
from chalicelib.api.deletions import DeletionParameters, DeletionsBody, delete_data, delete_many
from chalicelib.api.description import show_openapi
from chalicelib.api.edits import EditBody, EditsBody, edit_data, edit_many
from chalicelib.api.exchanges import Route, answering
from chalicelib.api.imports import CsvBody, import_csv
from chalicelib.api.jobs import JobsParameters, cancel_job, list_jobs, show_job, show_report
from chalicelib.api.keys import KeyBody, create_key, list_keys, revoke_key, show_caller
from chalicelib.api.labels import (
    LabelBody,
    TaggingBody,
    attach_tags,
    create_source,
    create_tag,
    delete_source,
    delete_tag,
    detach_tags,
    list_sources,
    list_tags,
    put_source,
    put_tag,
    rename_source,
    rename_tag,
    show_source,
    show_tag,
)
from chalicelib.api.lakes import (
    LakeBody,
    LakeEditBody,
    count_lake,
    create_lake,
    delete_lake,
    edit_lake,
    list_lakes,
    show_lake,
)
from chalicelib.api.links import ChecksBody, LinksBody, check_links, create_links
from chalicelib.api.parameters import ConfirmParameters, ListParameters, PageParameters
from chalicelib.api.searches import FindParameters, SearchBody, find_data, list_data, search_data
from chalicelib.api.uploads import (
    PartsBody,
    PartsParameters,
    StatusBody,
    UploadsBody,
    announce_uploads,
    complete_upload,
    drop_upload,
    list_parts,
    show_uploads,
)
from chalicelib.api.walks import SyncBody, begin_sync
from chalicelib.errors import (
    AccessDenied,
    Ambiguous,
    ConnectorChanged,
    ConnectorExists,
    ConnectorFails,
    ConnectorIdle,
    ConnectorInUse,
    DeleteNotAllowed,
    EtagMismatch,
    HasNoObject,
    InvalidCursor,
    InvalidQuery,
    JobIsOver,
    JobMustEnd,
    LabelExists,
    LakeExists,
    NoContent,
    NoReport,
    NotALink,
    NoTarget,
    NoThumbnail,
    NotSupported,
    ObjectExists,
    OfTheStack,
    UnknownConnector,
    UnknownData,
    UnknownJob,
    UnknownKey,
    UnknownLabel,
    UnknownLake,
    UnknownUpload,
)
from chalicelib.model.key import Role
from chalicelib.storage import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalice.app import Chalice, ChaliceAuthorizer, Response

type View = Callable[..., Response]


def _of_labels(
    group: str, list_all: View, create: View, show: View, put: View, rename: View, delete: View
) -> tuple[Route, ...]:
    all_of_them = f"/v1/datalakes/{{lake}}/{group}"
    one = f"{all_of_them}/{{name}}"
    return (
        Route("GET", all_of_them, list_all, ListParameters, answers={200: LabelsAnswer}),
        Route(
            "POST",
            all_of_them,
            create,
            role=Role.EDITOR,
            body=LabelBody,
            creates=True,
            answers={201: LabelAnswer},
            errors=(LabelExists,),
        ),
        Route(
            "GET",
            one,
            show,
            answers={200: LabelAnswer},
            errors=(UnknownLabel,),
        ),
        Route(
            "PUT",
            one,
            put,
            role=Role.EDITOR,
            answers={200: LabelAnswer, 201: LabelAnswer},
        ),
        Route(
            "PATCH",
            one,
            rename,
            role=Role.EDITOR,
            body=LabelBody,
            answers={200: LabelAnswer},
            errors=(UnknownLabel, LabelExists),
        ),
        Route(
            "DELETE",
            one,
            delete,
            role=Role.EDITOR,
            answers={202: BegunAnswer},
            errors=(UnknownLabel,),
        ),
    )


ROUTES = (
    Route("GET", "/v1/openapi.json", show_openapi, role=None, answers={200: dict[str, Any]}),
    Route("GET", "/v1/caller", show_caller, answers={200: CallerAnswer}),
    Route("GET", "/v1/keys", list_keys, ListParameters, Role.ADMIN, answers={200: KeysAnswer}),
    Route(
        "POST",
        "/v1/keys",
        create_key,
        role=Role.ADMIN,
        body=KeyBody,
        creates=True,
        hidden={"key": keys.text_of},
        answers={201: NewKeyAnswer},
    ),
    Route("DELETE", "/v1/keys/{id}", revoke_key, role=Role.ADMIN, answers={204: None}, errors=(UnknownKey,)),
    Route("GET", "/v1/connectors", list_connectors, role=Role.ADMIN, answers={200: ConnectorsAnswer}),
    Route(
        "POST",
        "/v1/connectors",
        create_connector,
        role=Role.ADMIN,
        body=ConnectorBody,
        creates=True,
        answers={201: ConnectorAnswer},
        errors=(ConnectorExists,),
    ),
    Route(
        "GET",
        "/v1/connectors/{id}",
        show_connector,
        role=Role.ADMIN,
        answers={200: ConnectorAnswer},
        errors=(UnknownConnector,),
    ),
    Route(
        "PATCH",
        "/v1/connectors/{id}",
        change_connector,
        role=Role.ADMIN,
        body=ConnectorChangeBody,
        answers={200: ConnectorAnswer},
        errors=(
            *(UnknownConnector, OfTheStack, ConnectorFails),
            *(ConnectorChanged, ConnectorExists, ConnectorInUse),
        ),
    ),
    Route(
        "DELETE",
        "/v1/connectors/{id}",
        delete_connector,
        ConfirmParameters,
        Role.ADMIN,
        answers={204: None},
        errors=(UnknownConnector, OfTheStack, ConnectorInUse, ConnectorChanged),
    ),
    Route(
        "POST",
        "/v1/connectors/{id}/check",
        check_connector,
        role=Role.ADMIN,
        answers={200: FindingsAnswer},
        errors=(UnknownConnector, ConnectorChanged),
    ),
    Route(
        "GET",
        "/v1/jobs",
        list_jobs,
        JobsParameters,
        answers={200: JobsAnswer},
        errors=(UnknownLake,),
    ),
    Route("GET", "/v1/jobs/{id}", show_job, answers={200: JobAnswer}, errors=(UnknownJob,)),
    Route(
        "POST",
        "/v1/jobs/{id}/cancel",
        cancel_job,
        role=Role.EDITOR,
        answers={202: BegunAnswer},
        errors=(UnknownJob, JobIsOver, JobMustEnd),
    ),
    Route("GET", "/v1/jobs/{id}/report", show_report, answers={302: None}, errors=(UnknownJob, NoReport)),
    Route("GET", "/v1/datalakes", list_lakes, answers={200: LakesAnswer}),
    Route(
        "POST",
        "/v1/datalakes",
        create_lake,
        role=Role.ADMIN,
        body=LakeBody,
        creates=True,
        answers={201: LakeAnswer},
        errors=(LakeExists, ConnectorIdle, ConnectorChanged),
    ),
    Route("GET", "/v1/datalakes/{lake}", show_lake, answers={200: LakeAnswer}),
    Route(
        "PATCH",
        "/v1/datalakes/{lake}",
        edit_lake,
        role=Role.ADMIN,
        body=LakeEditBody,
        answers={200: LakeAnswer},
        errors=(LakeExists,),
    ),
    Route(
        "DELETE",
        "/v1/datalakes/{lake}",
        delete_lake,
        ConfirmParameters,
        role=Role.ADMIN,
        answers={202: BegunAnswer},
    ),
    Route("GET", "/v1/datalakes/{lake}/stats", count_lake, answers={200: StatsAnswer}),
    Route(
        "POST",
        "/v1/datalakes/{lake}/sync",
        begin_sync,
        role=Role.EDITOR,
        body=SyncBody,
        answers={202: BegunAnswer},
    ),
    Route(
        "GET",
        "/v1/datalakes/{lake}/data",
        list_data,
        PageParameters,
        answers={200: SearchAnswer},
        errors=(InvalidQuery,),
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/data/search",
        search_data,
        body=SearchBody,
        answers={200: SearchAnswer},
        errors=(InvalidQuery, InvalidCursor),
    ),
    Route(
        "GET",
        "/v1/datalakes/{lake}/data/find",
        find_data,
        FindParameters,
        answers={200: DataAnswer},
        errors=(UnknownData, Ambiguous),
    ),
    Route(
        "GET",
        "/v1/datalakes/{lake}/data/{id}",
        show_data,
        answers={200: DataAnswer},
        errors=(UnknownData,),
    ),
    Route(
        "GET",
        "/v1/datalakes/{lake}/data/{id}/content",
        show_content,
        answers={302: None},
        errors=(UnknownData, NoTarget, NoContent),
    ),
    Route(
        "GET",
        "/v1/datalakes/{lake}/data/{id}/link",
        show_link,
        answers={200: LinkFileAnswer},
        errors=(UnknownData, NotALink),
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/data/content",
        locate_content,
        body=ContentBody,
        answers={200: ContentsAnswer},
    ),
    Route(
        "GET",
        "/v1/datalakes/{lake}/data/{id}/thumbnail",
        show_thumbnail,
        answers={302: None},
        errors=(UnknownData, NoThumbnail),
    ),
    Route(
        "PATCH",
        "/v1/datalakes/{lake}/data",
        edit_many,
        role=Role.EDITOR,
        body=EditsBody,
        answers={200: ChangeAnswer, 202: BegunAnswer},
        errors=(InvalidQuery,),
    ),
    Route(
        "PATCH",
        "/v1/datalakes/{lake}/data/{id}",
        edit_data,
        role=Role.EDITOR,
        body=EditBody,
        answers={200: DataAnswer},
        errors=(UnknownData,),
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/data/tags",
        attach_tags,
        role=Role.EDITOR,
        body=TaggingBody,
        answers={200: ChangeAnswer, 202: BegunAnswer},
        errors=(InvalidQuery,),
    ),
    Route(
        "DELETE",
        "/v1/datalakes/{lake}/data/tags",
        detach_tags,
        role=Role.EDITOR,
        body=TaggingBody,
        answers={200: ChangeAnswer, 202: BegunAnswer},
        errors=(InvalidQuery,),
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/links",
        create_links,
        role=Role.EDITOR,
        body=LinksBody,
        answers={200: LinkedAnswer},
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/links/check",
        check_links,
        role=Role.EDITOR,
        body=ChecksBody,
        answers={202: BegunAnswer},
        errors=(InvalidQuery,),
    ),
    Route(
        "DELETE",
        "/v1/datalakes/{lake}/data/{id}",
        delete_data,
        DeletionParameters,
        role=Role.EDITOR,
        answers={200: DeletionAnswer, 202: DeletionAnswer},
        errors=(
            UnknownData,
            NoContent,
            DeleteNotAllowed,
            HasNoObject,
            EtagMismatch,
            NotSupported,
            AccessDenied,
        ),
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/data/delete",
        delete_many,
        role=Role.EDITOR,
        body=DeletionsBody,
        answers={202: BegunAnswer},
        errors=(InvalidQuery, DeleteNotAllowed),
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/uploads",
        announce_uploads,
        role=Role.EDITOR,
        body=UploadsBody,
        answers={200: UploadsAnswer},
        errors=(NotSupported,),
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/uploads/status",
        show_uploads,
        body=StatusBody,
        answers={200: ProgressAnswer},
    ),
    Route(
        "GET",
        "/v1/datalakes/{lake}/uploads/{upload_id}/parts",
        list_parts,
        PartsParameters,
        role=Role.EDITOR,
        answers={200: PartsAnswer},
        errors=(UnknownUpload,),
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/uploads/{upload_id}/complete",
        complete_upload,
        role=Role.EDITOR,
        body=PartsBody,
        answers={200: CompletedAnswer},
        errors=(UnknownUpload, ObjectExists),
    ),
    Route(
        "DELETE",
        "/v1/datalakes/{lake}/uploads/{upload_id}",
        drop_upload,
        role=Role.EDITOR,
        answers={204: None},
        errors=(UnknownUpload,),
    ),
    Route(
        "POST",
        "/v1/datalakes/{lake}/imports/csv",
        import_csv,
        role=Role.EDITOR,
        body=CsvBody,
        answers={202: ImportAnswer},
    ),
    *_of_labels("tags", list_tags, create_tag, show_tag, put_tag, rename_tag, delete_tag),
    *_of_labels(
        "sources", list_sources, create_source, show_source, put_source, rename_source, delete_source
    ),
)


def register(app: "Chalice", authorizer: "ChaliceAuthorizer") -> None:
    blueprint = Blueprint(__name__)
    for route in ROUTES:
        # No content types: Chalice would refuse others with an answer that is no problem+json.
        decorate = blueprint.route(
            route.path,
            methods=[route.method],
            authorizer=authorizer if route.role else None,
            content_types=[],
        )
        decorate(answering(blueprint, route))
    app.register_blueprint(blueprint)
