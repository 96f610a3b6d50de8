"""The index of the house: every Lambda entry point. What it does is behind the name that it calls.

All functions share this module. What is not the API's each imports when it is called, as people wait for the
API's cold start.

The queues, the stream and the schedule named here are placeholders: infra/resources.yaml puts the stack's own
in their place.
"""

import gc

# Importing makes many objects and no garbage; looking for it all the while takes a seventh of a cold start.
gc.disable()

from collections.abc import Callable
from typing import Any

from chalice.app import (
    AuthRequest,
    AuthResponse,
    Chalice,
    CloudWatchEvent,
    ConvertToMiddleware,
    DynamoDBEvent,
    SQSEvent,
)

from chalicelib.api import auth, routes
from chalicelib.observability import SERVICE, logger, metrics

app = Chalice(app_name=SERVICE, configure_logs=False)
app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context))
for source in ("sqs", "dynamodb", "scheduled"):
    app.register_middleware(ConvertToMiddleware(metrics.log_metrics), event_type=source)


@app.authorizer(ttl_seconds=auth.CACHE_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse | dict[str, Any]:
    return auth.authorize(request)


routes.register(app, authorize)


@app.on_sqs_message(queue="events", batch_size=500)
def upstream(event: SQSEvent) -> dict[str, Any]:
    from chalicelib.upstream import intake

    return intake.receive(*_delivery(event))


@app.on_sqs_message(queue="preprocess", batch_size=10)
def preprocess(event: SQSEvent) -> dict[str, Any]:
    from chalicelib.preprocess import worker

    return worker.receive(*_delivery(event), worker.SMALL)


@app.on_sqs_message(queue="preprocess-large", batch_size=1)
def preprocess_large(event: SQSEvent) -> dict[str, Any]:
    from chalicelib.preprocess import worker

    return worker.receive(*_delivery(event), worker.LARGE)


@app.on_sqs_message(queue="fetches", batch_size=10)
def fetch(event: SQSEvent) -> dict[str, Any]:
    from chalicelib.imports import worker

    return worker.receive(*_delivery(event))


@app.on_sqs_message(queue="jobs", batch_size=1)
def jobs(event: SQSEvent) -> dict[str, Any]:
    from chalicelib.jobs import worker

    return worker.receive(*_delivery(event))


@app.on_sqs_message(queue="walks", batch_size=1)
def walk(event: SQSEvent) -> dict[str, Any]:
    from chalicelib.jobs import walks

    return walks.receive(*_delivery(event))


@app.schedule("cron(0 3 * * ? *)")
def sync_all(event: CloudWatchEvent) -> None:
    from chalicelib.jobs import nightly

    nightly.sync_all()


@app.schedule("rate(5 minutes)")
def watch_quotas(event: CloudWatchEvent) -> None:
    from chalicelib.jobs import quotas

    context: Any = event.context
    quotas.watch(context.function_name)


@app.on_dynamodb_record(stream_arn="data", batch_size=1000)
def changes(event: DynamoDBEvent) -> dict[str, Any]:
    from chalicelib.changes import fold

    return fold.receive(event.to_dict())


def _delivery(event: Any) -> tuple[list[dict[str, Any]], Callable[[], int]]:
    return event.to_dict()["Records"], event.context.get_remaining_time_in_millis


gc.freeze()
gc.enable()
