"""DataChain lists a prefix into its SQLite database, anew each time. Versions are left out: nobody else here
looks for them."""

import os

import datachain

from bench.peers.turns import take


def list_objects(prefix: str) -> int:
    config = {"aws_endpoint_url": os.environ["AWS_ENDPOINT_URL"]}
    uri = f"s3://{os.environ['BUCKET']}/{prefix}"
    chain = datachain.read_storage(uri, update=True, versions=False, client_config=config)
    count: int = chain.count()
    return count


if __name__ == "__main__":
    take(lambda: None, list_objects)
