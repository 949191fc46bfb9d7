"""Files: taken for what their bytes say, limited, kept under their hash, shown without what the camera wrote."""

import errno
import io
import uuid
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image

from office import actions, settings
from office.models import StoredFile
from office.views import stored_file
from tests.factories import person

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
EVERYTHING = ("picture", "sound", "video", "document")


def picture(size=(640, 480), format="JPEG", mode="RGB", exif=None) -> bytes:
    out = io.BytesIO()
    image = Image.new(mode, size, "teal" if mode == "RGB" else (0, 128, 128, 0))
    image.save(out, format, **({"exif": exif} if exif is not None else {}))
    return out.getvalue()


def said_by_the_camera(*, orientation=1, latitude=(31.0, 27.0, 0.0)) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "SomeMaker X100"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:03:01 18:05:30"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef] = latitude, "N"
    gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef] = (116.0, 57.0, 0.0), "E"
    return exif


def office_document(part: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(part, "<x/>")
    return out.getvalue()


def upload(content: bytes, name="IMG_0001.jpg", content_type="application/octet-stream") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type)


def store(content: bytes, *, kinds=EVERYTHING, public_id=None, by=None, **facts) -> StoredFile:
    return actions.store_file(upload(content, **facts), public_id=public_id or uuid.uuid4(), by=by, at=AT, kinds=kinds)


def read(stored: StoredFile, variant: str) -> bytes:
    with storages["evidence"].open(stored.path(variant)) as file:
        return file.read()


# --- Pictures ---


def test_the_original_is_kept_byte_by_byte_under_its_hash():
    content = picture()
    stored = store(content)
    assert read(stored, "original") == content
    assert stored.path("original") == f"{stored.sha256[:2]}/{stored.sha256[2:4]}/{stored.sha256}.jpg"
    assert (stored.kind, stored.content_type, stored.size) == ("picture", "image/jpeg", len(content))


def test_what_others_see_carries_nothing_the_camera_wrote():
    stored = store(picture(exif=said_by_the_camera()))
    for variant in ("view", "thumb"):
        shown = read(stored, variant)
        assert b"SomeMaker X100" not in shown
        assert not Image.open(io.BytesIO(shown)).getexif()
    assert b"SomeMaker X100" in read(stored, "original")


def test_what_the_camera_said_is_kept_as_a_claim():
    stored = store(picture(exif=said_by_the_camera()))
    # The camera wrote local time without a zone.
    assert stored.taken_at == datetime(2026, 3, 1, 10, 5, 30, tzinfo=UTC)
    assert stored.taken_point.srid == 4490
    assert stored.taken_point.coords == pytest.approx((116.95, 31.45))


@pytest.mark.parametrize("latitude", [(310.0, 0.0, 0.0), (90.0, 30.0, 0.0)])
def test_an_impossible_position_is_no_position(latitude):
    assert store(picture(exif=said_by_the_camera(latitude=latitude))).taken_point is None


def test_a_picture_held_sideways_is_measured_and_shown_upright():
    stored = store(picture((640, 480), exif=said_by_the_camera(orientation=6)))
    assert (stored.width, stored.height) == (480, 640)
    assert Image.open(io.BytesIO(read(stored, "view"))).size == (480, 640)


def test_a_large_picture_is_shown_smaller():
    stored = store(picture((4000, 3000)))
    assert (stored.width, stored.height) == (4000, 3000)
    assert Image.open(io.BytesIO(read(stored, "view"))).size == (1920, 1440)
    assert Image.open(io.BytesIO(read(stored, "thumb"))).size == (320, 240)


@pytest.mark.parametrize(("format", "mode"), [("PNG", "RGBA"), ("WEBP", "RGBA"), ("PNG", "RGB")])
def test_other_pictures_are_shown_as_jpeg_on_white(format, mode):
    stored = store(picture(format=format, mode=mode))
    shown = Image.open(io.BytesIO(read(stored, "view")))
    assert shown.format == "JPEG"
    if mode == "RGBA":
        assert min(shown.getpixel((10, 10))) > 250


# --- What it says, and what it is ---


@pytest.mark.parametrize(
    ("content", "declared", "kind", "content_type"),
    [
        (b"ID3\x04" + b"\0" * 60, "audio/mpeg", "sound", "audio/mpeg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav", "sound", "audio/wav"),
        (b"#!AMR\n" + b"\0" * 60, "", "sound", "audio/amr"),
        (b"OggS" + b"\0" * 60, "audio/ogg", "sound", "audio/ogg"),
        (b"\0\0\0\x20ftypisom" + b"\0" * 60, "video/mp4", "video", "video/mp4"),
        (b"\0\0\0\x20ftypisom" + b"\0" * 60, "audio/mp4", "sound", "audio/mp4"),
        (b"\0\0\0\x14ftypqt  " + b"\0" * 60, "video/quicktime", "video", "video/quicktime"),
        (b"\x1a\x45\xdf\xa3" + b"\0" * 60, "video/webm", "video", "video/webm"),
        (b"\x1a\x45\xdf\xa3" + b"\0" * 60, "audio/webm", "sound", "audio/webm"),
        (b"%PDF-1.7\n", "application/pdf", "document", "application/pdf"),
        (office_document("xl/workbook.xml"), "", "document", None),
        (office_document("word/document.xml"), "", "document", None),
    ],
)
def test_a_file_is_what_its_bytes_say(content, declared, kind, content_type):
    stored = store(content, content_type=declared, name="录音.exe")
    assert stored.kind == kind
    assert content_type is None or stored.content_type == content_type


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\0" + b"\0" * 60,
        b"<script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + b"\0" * 60,
        office_document("evil.exe"),
        b"PK\x03\x04 not an archive",
        b"\xff\xd8\xff\xe0 begins like a picture" + b"\0" * 100,
        picture()[:-200],
    ],
    ids=["empty", "program", "html", "svg", "gif", "archive", "broken archive", "broken picture", "half a picture"],
)
def test_anything_else_is_refused_whatever_its_name(content):
    with pytest.raises(actions.FileNotWhatItSays) as refused:
        store(content, name="照片.jpg", content_type="image/jpeg")
    assert refused.value.facts["name"] == "照片.jpg"
    assert not StoredFile.objects.exists()


def test_only_the_kinds_asked_for_are_taken():
    with pytest.raises(actions.FileNotWhatItSays):
        store(b"%PDF-1.7\n", kinds=("picture",))


# --- Limits ---


def limit(key, value):
    settings.set_value(key, value, by=None, at=AT, valid_from=AT.date())


def test_a_file_above_the_limit_of_its_kind_is_refused():
    limit("office.document_mb", 1)
    store(b"%PDF-" + b"\0" * (1024 * 1024 - 5))
    with pytest.raises(actions.FileTooLarge):
        store(b"%PDF-" + b"\0" * (1024 * 1024 - 4))


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded():
    limit("office.picture_megapixels", 1)
    store(picture((1000, 1000)))
    with pytest.raises(actions.FileTooLarge):
        store(picture((1001, 1000)))


def test_too_many_files_at_once_are_refused_together():
    limit("office.files_at_once", 2)
    files = [upload(picture((10, 10 + n))) for n in range(3)]
    with pytest.raises(actions.TooManyFiles):
        actions.store_files(files, by=None, at=AT, kinds=EVERYTHING)
    assert len(actions.store_files(files[:2], by=None, at=AT, kinds=EVERYTHING)) == 2


def test_one_bad_file_among_several_refuses_all():
    with pytest.raises(actions.FileNotWhatItSays):
        actions.store_files([upload(picture()), upload(b"no")], by=None, at=AT, kinds=EVERYTHING)
    assert not StoredFile.objects.exists()


# --- Again, and again ---


def test_the_same_file_sent_again_under_its_number_is_the_one_already_kept():
    number = uuid.uuid4()
    assert store(picture(), public_id=number) == store(picture(), public_id=number)


def test_another_file_under_a_number_already_used_is_refused():
    number = uuid.uuid4()
    store(picture(), public_id=number)
    with pytest.raises(actions.FileNumberTaken):
        store(picture((10, 10)), public_id=number)


def test_equal_files_of_two_people_lie_in_one_place():
    first, second = store(picture(), by=person()), store(picture(), by=person())
    assert first != second
    assert first.path("original") == second.path("original")


def test_a_file_cut_short_by_a_crash_is_written_again():
    stored = store(picture())
    storage = storages["evidence"]
    storage.delete(stored.path("original"))
    with open(storage.path(stored.path("original")), "wb") as file:
        file.write(b"half")
    again = store(picture())
    assert read(again, "original") == picture()


def test_a_full_disk_is_said_in_words_and_leaves_nothing_behind(monkeypatch):
    def no_room(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    content = picture((33, 44))
    monkeypatch.setattr(type(storages["evidence"]), "_save", no_room)
    with pytest.raises(actions.DiskFull):
        store(content)
    monkeypatch.undo()
    assert not StoredFile.objects.exists()
    assert read(store(content), "original") == content


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../etc/passwd.jpg", "passwd.jpg"), ("C:\\图\\a.jpg", "a.jpg"), ("a\0\x1f\u202eb.jpg", "ab.jpg"), ("", "")],
)
def test_a_name_is_only_shown_never_a_path(name, kept):
    file = upload(picture())
    file._name = name
    stored = actions.store_file(file, public_id=uuid.uuid4(), by=None, at=AT, kinds=EVERYTHING)
    assert stored.name == kept


# --- Handing out ---


def test_nginx_hands_the_file_out_where_there_is_one(settings):
    settings.EVIDENCE_ACCEL_PREFIX = "/protected-evidence/"
    stored = store(picture(), name="井盖.jpg")
    response = stored_file(stored, "view")
    assert response["X-Accel-Redirect"] == f"/protected-evidence/{stored.path('view')}"
    assert response["Content-Type"] == "image/jpeg"
    assert "%E4%BA%95%E7%9B%96" not in response["Content-Disposition"]
    assert "%E4%BA%95%E7%9B%96" in stored_file(stored, "original")["Content-Disposition"]


def test_without_nginx_the_file_is_sent_by_ourselves(settings):
    settings.EVIDENCE_ACCEL_PREFIX = ""
    response = stored_file(store(content := picture()), "original")
    assert b"".join(response.streaming_content) == content


def test_a_document_is_saved_never_opened_in_our_pages(settings):
    settings.EVIDENCE_ACCEL_PREFIX = "/protected-evidence/"
    response = stored_file(store(b"%PDF-1.7\n", name="通知.pdf"), "original")
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
