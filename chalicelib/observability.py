"""The logger and the metrics, shared. The service name is also the Chalice app's name, so that both log as
one."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

SERVICE = "tidelake"

logger = Logger(service=SERVICE)
metrics = Metrics(namespace="Tidelake", service=SERVICE)


def count(name: str, value: int = 1, **dimensions: str) -> None:
    """With `dimensions` all that the call counts has them: what an alarm is to tell from another stack's."""
    if value:
        for dimension, of in dimensions.items():
            metrics.add_dimension(name=dimension, value=of)
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
