"""Photographs as cameras write them, with all the EXIF that a telephone adds."""

from typing import Final

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from bench import imaging

_APP1: Final = b"\xff\xe1"


def take_photograph(width: int, height: int) -> bytes:
    picture = imaging.photograph(width, height).cast("uchar").copy(interpretation="srgb")
    jpeg: bytes = picture.write_to_buffer(".jpg[Q=88,keep=none]")
    exif = _exif().tobytes()
    return jpeg[:2] + _APP1 + (len(exif) + 2).to_bytes(2) + exif + jpeg[2:]


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Make] = "Google"
    exif[Base.Model] = "Pixel 9 Pro"
    exif[Base.Software] = "HDR+ 1.0.657089714zd"
    exif[Base.Orientation] = 6
    exif[Base.DateTime] = "2026:11:03 14:07:21"
    exif[Base.XResolution] = exif[Base.YResolution] = 72.0
    exif[Base.ResolutionUnit] = 2
    camera = exif.get_ifd(IFD.Exif)
    camera[Base.DateTimeOriginal] = camera[Base.DateTimeDigitized] = "2026:11:03 14:07:21"
    camera[Base.SubsecTimeOriginal] = "418"
    camera[Base.OffsetTimeOriginal] = "+01:00"
    camera[Base.ExposureTime] = 1 / 1357
    camera[Base.FNumber] = 1.68
    camera[Base.ISOSpeedRatings] = 47
    camera[Base.FocalLength] = 6.9
    camera[Base.ColorSpace] = 1
    camera[Base.LensModel] = "Pixel 9 Pro back camera 6.9mm f/1.68"
    place = exif.get_ifd(IFD.GPSInfo)
    place[GPS.GPSLatitudeRef], place[GPS.GPSLatitude] = "N", (43.0, 28.0, 59.512)
    place[GPS.GPSLongitudeRef], place[GPS.GPSLongitude] = "W", (1.0, 33.0, 30.867)
    place[GPS.GPSAltitude] = 41.3
    return exif
