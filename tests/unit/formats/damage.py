"""Reads one damaged file after the other until one of them ends the process, and says of each what was said
of it at last."""

import io
import random
import sys

from chalicelib.formats import parquet_reader


def damaged(content: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    variant = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        variant[chance.randrange(len(variant))] ^= 1 << chance.randrange(8)
    if seed % 10 == 0:
        del variant[chance.randrange(len(variant)) :]
    return bytes(variant)


if __name__ == "__main__":
    parquet_reader.limit()
    content = sys.stdin.buffer.read()
    for seed in range(*map(int, sys.argv[1:])):
        *_, end = parquet_reader.read(io.BytesIO(damaged(content, seed)), 0)
        print(end.decode(), end="", flush=True)
