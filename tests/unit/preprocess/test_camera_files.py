from pathlib import Path

import pytest

from chalicelib.model.data import Facts, Status
from tests.unit.preprocess.pictures import corners, render, thumbnail

SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the camera files are not part of the project")


def facts(name: str) -> Facts:
    return render((SAMPLES / name).read_bytes()).facts


def test_one_scene_in_eight_orientations_is_always_upright() -> None:
    for orientation in range(1, 9):
        found = facts(f"landscape_{orientation}.jpg")
        assert (found.width, found.height, found.orientation) == (600, 450, orientation)
        sky, _, ground, _ = (
            sum(colour)
            for colour in corners(thumbnail((SAMPLES / f"landscape_{orientation}.jpg").read_bytes()))
        )
        assert sky > ground


def test_a_camera_with_gps_tells_place_and_time() -> None:
    metadata = facts("DSCN0010.jpg").metadata
    assert (metadata["latitude"], metadata["longitude"]) == (43.4674483, 11.8851267)
    assert metadata["acquired_at"] == "2008-10-22T16:28:39.000"


def test_a_phone_held_upright_is_displayed_upright() -> None:
    found = facts("canon_hdr_NO.jpg")
    assert (found.width, found.height, found.orientation) == (1536, 2048, 6)


def test_the_width_is_that_of_the_pixels() -> None:
    assert facts("canon-ixus.jpg").width == 640


def test_an_image_that_is_not_decoded_is_skipped() -> None:
    found = facts("samplefilehub.heif")
    assert (found.status, found.content_type) == (Status.SKIPPED, "image/heic")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.[jt]*")), ids=lambda path: path.name)
def test_every_camera_file_has_a_thumbnail(path: Path) -> None:
    made = render(path.read_bytes())
    assert made.facts.status is Status.READY
    assert len(str(dict(made.facts.metadata))) < 600
    assert max(thumbnail(path.read_bytes()).size) <= 256
