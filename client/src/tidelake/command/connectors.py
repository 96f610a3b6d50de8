"""How buckets are reached."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from tidelake.command import settings
from tidelake.command.bars import bar
from tidelake.command.options import Json
from tidelake.command.root import app, command
from tidelake.command.telling import OK, SOME_FAILED, tell_one

if TYPE_CHECKING:
    from tidelake.client import Client
    from tidelake.connectors import Connector
    from tidelake.datalakes import Datalake


@command(app)
def connect(
    bucket: Annotated[str, typer.Argument(help="As s3://bucket/prefix.")],
    region: Annotated[str, typer.Option("--region", envvar="AWS_DEFAULT_REGION", help="The bucket's.")],
    name: Annotated[str, typer.Option("--name", help="Of the connector and the datalake.")] = "",
    role_arn: Annotated[str, typer.Option("--role-arn", help="A role that Tidelake may assume.")] = "",
    access_key_id: Annotated[str, typer.Option("--access-key-id", help="In the place of a role.")] = "",
    endpoint_url: Annotated[str, typer.Option("--endpoint-url", help="Of another storage than S3.")] = "",
    allow_delete: Annotated[bool, typer.Option("--allow-delete", help="Let objects be deleted.")] = False,
    as_json: Json = False,
) -> int:
    """Make a connector to a bucket, check it, tell what to grant, and make a datalake on it. It ends with 1
    while something is to be granted: grant it, and say the same again. The secret of an access key is read
    from TIDELAKE_SECRET_ACCESS_KEY."""
    parts = urlsplit(bucket)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"{bucket} is not like s3://bucket/prefix")
    if bool(role_arn) == bool(access_key_id):
        raise ValueError("give either --role-arn or --access-key-id")
    called = name or parts.netloc
    with settings.read().open() as client, bar("connecting", quiet=as_json) as drawn:
        connector = _connector(client, called)
        if connector is None:
            connector = client.create_connector(
                called,
                parts.netloc,
                region,
                kind="role" if role_arn else "keys",
                role_arn=role_arn or None,
                access_key_id=access_key_id or None,
                secret_access_key=os.environ.get("TIDELAKE_SECRET_ACCESS_KEY") if access_key_id else None,
                endpoint_url=endpoint_url or None,
                allow_delete=allow_delete,
            )
        found = connector.check()
        told: dict[str, Any] = {"connector": connector.id, "state": found.state, "errors": dict(found.errors)}
        if found.state not in ("active", "degraded"):
            told |= {"policy": connector.policy, "trust_policy": connector.trust_policy}
            drawn.end()
            tell_one(told, as_json=as_json)
            return SOME_FAILED
        told["datalake"] = _lake_on(client, called, connector, parts.path.lstrip("/")).id
    tell_one(told, as_json=as_json)
    return OK


@command(app)
def check(
    connector: Annotated[str, typer.Argument(help="Its id or name.")] = "stack",
    as_json: Json = False,
) -> int:
    """Try what a connector may really do, and tell what to grant."""
    with settings.read().open() as client, bar("checking", quiet=as_json):
        found = _connector(client, connector) or client.get_connector(connector)
        checked = found.check()
    tell_one(checked, as_json=as_json)
    return OK if checked.state == "active" else SOME_FAILED


def _connector(client: Client, name: str) -> Connector | None:
    return next((each for each in client.list_connectors() if name in (each.name, each.id)), None)


def _lake_on(client: Client, name: str, connector: Connector, prefix: str) -> Datalake:
    there = next((each for each in client.list_datalakes() if each.name == name), None)
    return there or client.create_datalake(name, connector.id, prefix=prefix)
