"""An object of the deployed stack gets another name, by what S3 has for that: a copy, and a deletion."""

import uuid
from typing import Any

from tests.e2e.lake import Stack, eventually, png
from tests.e2e.test_access import send

TAG = "renamed"


def test_tags_description_and_time_of_creation_go_with_the_bytes(stack: Stack) -> None:
    folder = f"e2e-{uuid.uuid4().hex[:8]}/"
    # Bytes of its own: those of another test's object would be that one under another name.
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}old.png", Body=png() + folder.encode())
    assert eventually(lambda: stack.settled(folder))
    [old] = stack.index(folder)
    said = {"description": "of the yard", "custom_metadata": {"lot": 7}}
    assert send(stack, "PATCH", f"/v1/datalakes/default/data/{old['id']}", said).status == 200
    tagging = {"tags": [TAG], "ids": [old["id"]]}
    assert send(stack, "POST", "/v1/datalakes/default/data/tags", tagging).status == 200
    source = {"Bucket": stack.bucket, "Key": f"{folder}old.png"}
    stack.s3.copy_object(Bucket=stack.bucket, Key=f"{folder}new.png", CopySource=source)
    stack.s3.delete_object(Bucket=stack.bucket, Key=f"{folder}old.png")

    def is_renamed() -> bool:
        return [told(each) for each in stack.index(folder, tags=TAG)] == [
            (f"{folder}new.png", old["created_at"], "of the yard", {"lot": 7}, [TAG])
        ]

    assert eventually(is_renamed), list(stack.index(folder))
    assert stack.settled(folder)
    assert eventually(lambda: stack.call(f"/datalakes/default/tags/{TAG}").body["count"] == 1)
    stack.clear(folder)


def told(data: dict[str, Any]) -> tuple[Any, ...]:
    names = ("object_name", "created_at", "description", "custom_metadata", "tags")
    return tuple(data[name] for name in names)
