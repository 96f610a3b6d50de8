"""Label Studio syncs a folder as the source of a project into its SQLite database, as its button does. A
folder that comes again is synced again."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.peers.turns import take

_package = find_spec("label_studio")
assert _package
assert _package.origin
sys.path.insert(0, str(Path(_package.origin).parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings.label_studio"


def prepare() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def list_objects(prefix: str) -> int:
    from io_storages.s3.models import S3ImportStorage, S3ImportStorageLink
    from projects.models import Project

    project, _ = Project.objects.get_or_create(title=prefix, defaults=_owner())
    # Each object is a task, whatever its bytes; the endpoint and the keys are those of the environment.
    options = {"use_blob_urls": True, "recursive_scan": True}
    storage, _ = S3ImportStorage.objects.get_or_create(
        project=project, bucket=os.environ["BUCKET"], prefix=prefix, **options
    )
    storage.sync()
    count: int = S3ImportStorageLink.objects.filter(storage=storage).count()
    return count


def _owner() -> dict[str, Any]:
    from organizations.models import Organization
    from users.models import User

    user, is_new = User.objects.get_or_create(email="bench@localhost", username="bench")
    if is_new:
        Organization.create_organization(created_by=user, title="bench")
    return {"created_by": user, "organization": Organization.objects.get()}


if __name__ == "__main__":
    take(prepare, list_objects)
