"""What a file really is, by its bytes. Pure: no Django.

A name or a declared type proves nothing. Only the formats listed here are taken; everything else is refused.
"""

import io
import re
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import IO, Any

from PIL import ExifTags, Image, ImageOps

Image.MAX_IMAGE_PIXELS = None  # `read_picture` has its own limit, checked before a pixel is decoded.

PICTURE, SOUND, VIDEO, DOCUMENT = "picture", "sound", "video", "document"


@dataclass(frozen=True)
class Format:
    kind: str
    content_type: str
    extension: str


JPEG = Format(PICTURE, "image/jpeg", "jpg")
PNG = Format(PICTURE, "image/png", "png")
WEBP = Format(PICTURE, "image/webp", "webp")
MP3 = Format(SOUND, "audio/mpeg", "mp3")
WAV = Format(SOUND, "audio/wav", "wav")
AMR = Format(SOUND, "audio/amr", "amr")
OGG = Format(SOUND, "audio/ogg", "ogg")
M4A = Format(SOUND, "audio/mp4", "m4a")
WEBM_SOUND = Format(SOUND, "audio/webm", "weba")
MP4 = Format(VIDEO, "video/mp4", "mp4")
MOV = Format(VIDEO, "video/quicktime", "mov")
WEBM = Format(VIDEO, "video/webm", "webm")
PDF = Format(DOCUMENT, "application/pdf", "pdf")
XLSX = Format(DOCUMENT, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx")
DOCX = Format(DOCUMENT, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx")

FORMATS = (JPEG, PNG, WEBP, MP3, WAV, AMR, OGG, M4A, WEBM_SOUND, MP4, MOV, WEBM, PDF, XLSX, DOCX)
EXTENSIONS = {format.content_type: format.extension for format in FORMATS}

# First match counts. A pattern is matched against the first bytes of the file.
BEGINNINGS: tuple[tuple[re.Pattern[bytes], Format], ...] = tuple(
    (re.compile(pattern, re.DOTALL), format)
    for pattern, format in (
        (rb"\xff\xd8\xff", JPEG),
        (rb"\x89PNG\r\n\x1a\n", PNG),
        (rb"RIFF....WEBP", WEBP),
        (rb"RIFF....WAVE", WAV),
        (rb"ID3|\xff[\xfb\xf3\xf2\xfa]", MP3),
        (rb"#!AMR", AMR),
        (rb"OggS", OGG),
        (rb"....ftypM4A", M4A),
        (rb"....ftypqt", MOV),
        (rb"....ftyp(isom|iso[2-9]|mp4[12]|avc1|dash|3gp|M4V|MSNV)", MP4),
        (rb"\x1a\x45\xdf\xa3", WEBM),
        (rb"%PDF-", PDF),
    )
)
# Recorders of browsers write sound into containers of video; there, and only there, the declared type decides.
SOUND_IN_VIDEO = {MP4: M4A, WEBM: WEBM_SOUND}
# Which part of an office document says what it is.
OFFICE_PARTS = (("xl/workbook.xml", XLSX), ("word/document.xml", DOCX))


def recognise(file: IO[bytes], *, declared: str, kinds: Collection[str]) -> Format | None:
    """What the bytes say the file is, None for anything not taken. `declared` is the type the sender named.

    Only where documents are among the `kinds` that are wanted is an archive opened: its list of names may be endless.
    """
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return _office_document(file) if DOCUMENT in kinds else None
    for beginning, format in BEGINNINGS:
        if beginning.match(head):
            return SOUND_IN_VIDEO.get(format, format) if declared.startswith("audio/") else format
    return None


def _office_document(file: IO[bytes]) -> Format | None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError):
        return None
    finally:
        file.seek(0)
    return next((format for part, format in OFFICE_PARTS if part in names), None)


# PostgreSQL keeps instants that Python cannot read back: one such row would break every page that shows it. So a time
# that somebody else's clock says is kept only if it may have been meant.
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def is_possible(instant: datetime) -> bool:
    """Whether a camera, a phone or a caller may have meant this instant."""
    return EARLIEST <= instant <= LATEST


class NotAPicture(Exception):
    """The bytes begin like a picture but cannot be decoded as one."""


class TooManyPixels(Exception):
    """`megapixels` says how many there are."""

    def __init__(self, megapixels: int) -> None:
        super().__init__(megapixels)
        self.megapixels = megapixels


@dataclass(frozen=True)
class Picture:
    """What was read out of a picture. `view` and `thumb` are JPEGs without anything but the pixels."""

    width: int
    height: int
    taken_at: datetime | None
    taken_point: tuple[float, float] | None
    view: bytes
    thumb: bytes


VIEW_PIXELS = 1920
THUMB_PIXELS = 320


def read_picture(file: IO[bytes], *, megapixels: int, zone: timezone | Any) -> Picture:
    """Decode a picture and make what others may see of it. Raises NotAPicture, TooManyPixels.

    It is made small first: sixty million pixels are turned, laid on white and encoded only once they are few.

    `width` and `height` are as a person sees it, turned upright. `zone` is the zone of a time without one.
    """
    file.seek(0)
    try:
        _refuse_endless_jpeg(file)
        image = Image.open(file, formats=["JPEG", "PNG", "WEBP"])
        if image.width * image.height > megapixels * 1_000_000:
            raise TooManyPixels(image.width * image.height // 1_000_000)
        said = image.getexif()
        taken_at, taken_point = _taken_at(said, zone), _taken_point(said)
        width, height = image.size
        if said.get(ExifTags.Base.Orientation) in LYING:
            width, height = height, width
        # Transparent parts become white, not black.
        flat = _flat(ImageOps.exif_transpose(_small(image)))
        return Picture(
            width=width,
            height=height,
            taken_at=taken_at,
            taken_point=taken_point,
            view=_jpeg(flat, VIEW_PIXELS, quality=82),
            thumb=_jpeg(flat, THUMB_PIXELS, quality=75),
        )
    except (TooManyPixels, NotAPicture):
        raise
    except Exception as error:  # Damaged files make Pillow raise nearly anything.
        raise NotAPicture from error
    finally:
        file.seek(0)


# A JPEG may say again and again in a few bytes that every pixel changes a little. Cameras write one scan, others ten.
MOST_SCANS = 100
MOST_SEGMENTS = 5_000
NEXT_SEGMENT = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
SCAN, END = 0xDA, 0xD9
LYING = (5, 6, 7, 8)  # orientations that a camera on its side writes


def _refuse_endless_jpeg(file: IO[bytes]) -> None:
    file.seek(0)
    data = file.read()
    file.seek(0)
    if not data.startswith(b"\xff\xd8"):
        return
    place, scans, segments = 2, 0, 0
    while (marker := NEXT_SEGMENT.search(data, place)) and data[marker.end() - 1] != END:
        scans += data[marker.end() - 1] == SCAN
        segments += 1
        if scans > MOST_SCANS or segments > MOST_SEGMENTS:
            raise NotAPicture
        place = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")


def _small(image: Image.Image) -> Image.Image:
    """The picture no larger than others see it. Colours by number cannot be mixed and become plain ones first."""
    if image.mode not in {"RGB", "RGBA", "L", "LA", "CMYK"} or "transparency" in image.info:
        has_holes = image.mode == "PA" or "transparency" in image.info
        image = image.convert("RGBA" if has_holes else "RGB")
    image.thumbnail((VIEW_PIXELS, VIEW_PIXELS))
    return image


def _flat(image: Image.Image) -> Image.Image:
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        white = Image.new("RGBA", with_alpha.size, "white")
        return Image.alpha_composite(white, with_alpha).convert("RGB")
    return image.convert("RGB")


def _jpeg(image: Image.Image, longest: int, *, quality: int) -> bytes:
    smaller = image.copy()
    smaller.thumbnail((longest, longest))
    smaller.info.clear()
    out = io.BytesIO()
    smaller.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _taken_at(said: Image.Exif, zone: Any) -> datetime | None:
    details = said.get_ifd(ExifTags.IFD.Exif)
    text = details.get(ExifTags.Base.DateTimeOriginal) or said.get(ExifTags.Base.DateTime)
    try:
        local = datetime.strptime(str(text).strip("\x00 "), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    offset = re.fullmatch(r"([+-])(\d\d):(\d\d)", str(details.get(ExifTags.Base.OffsetTimeOriginal, "")).strip())
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        if minutes < 24 * 60:
            zone = timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    # A camera that lost its battery names any year.
    taken_at = local.replace(tzinfo=zone)
    return taken_at if is_possible(taken_at) else None


def _taken_point(said: Image.Exif) -> tuple[float, float] | None:
    """Longitude and latitude in degrees, WGS 84, as the camera wrote them; None when missing or impossible."""
    gps = said.get_ifd(ExifTags.IFD.GPSInfo)
    try:
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef], "W")
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef], "S")
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    # Phones without a fix write 0, 0.
    possible = -180 <= longitude <= 180 and -90 <= latitude <= 90 and (longitude, latitude) != (0, 0)
    return (longitude, latitude) if possible else None


def _degrees(parts: Any, reference: Any, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if str(reference).strip("\x00 ").upper() == negative else value
