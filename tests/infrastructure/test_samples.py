import io

from PIL import Image, ImageOps

from infra import samples


def test_the_same_seed_gives_the_same_samples():
    assert list(samples.generate()) == list(samples.generate())


def test_every_orientation_is_upright_for_whoever_heeds_it():
    oriented = [sample for sample in samples.generate() if sample.name.startswith("orientations/")]
    upright = [ImageOps.exif_transpose(Image.open(io.BytesIO(sample.content))) for sample in oriented]
    assert [picture.size for picture in upright] == [(600, 400)] * 8
    for picture in upright:
        blue_at_the_foot = picture.convert("RGB").getpixel((300, 395))
        assert blue_at_the_foot[2] > blue_at_the_foot[0]


def test_formats_and_modes_are_many():
    opened = {}
    for sample in samples.generate():
        if not sample.name.endswith(".txt"):
            picture = Image.open(io.BytesIO(sample.content))
            opened[sample.name] = (picture.format, picture.mode)
    assert {kind for kind, _ in opened.values()} >= {"JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"}
    assert {mode for _, mode in opened.values()} >= {
        "1",
        "L",
        "LA",
        "P",
        "RGB",
        "RGBA",
        "CMYK",
        "YCbCr",
        "I;16",
        "F",
    }
    assert len(opened) >= 59
