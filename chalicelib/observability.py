"""The logger and the metrics, shared. The service name is also the Chalice app's name, so that both log as
one."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

SERVICE = "tidelake"

logger = Logger(service=SERVICE)
metrics = Metrics(namespace="Tidelake", service=SERVICE)


def count(name: str, value: int = 1) -> None:
    if value:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
