"""Small files that would cost much are refused before they cost anything."""

import io
import time
import zipfile
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.datastructures import MultiValueDict
from PIL import Image

from office import actions
from office.forms import FilesField, KeepsFiles, kept_mark
from tests.county import MONDAY

pytestmark = pytest.mark.django_db


def store(content: bytes, name: str = "x.jpg"):
    upload = SimpleUploadedFile(name, content, "application/octet-stream")
    return actions.store_file(upload, public_id=uuid4(), by=None, at=MONDAY, kinds=["picture"])


def test_a_picture_of_very_many_scans_is_refused_before_it_is_drawn():
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(out, "JPEG", progressive=True)
    whole = out.getvalue()
    start = whole.rindex(b"\xff\xda")
    again = whole[:start] + whole[start:-2] * 500 + b"\xff\xd9"
    began = time.perf_counter()
    with pytest.raises(actions.FileNotWhatItSays):
        store(again)
    assert time.perf_counter() - began < 1


def test_a_common_progressive_picture_is_taken():
    out = io.BytesIO()
    Image.effect_noise((640, 480), 40).convert("RGB").save(out, "JPEG", progressive=True)
    assert store(out.getvalue()).width == 640


def test_nobody_who_sends_pictures_has_an_archive_opened(monkeypatch):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(actions.FileNotWhatItSays):
        store(out.getvalue())


@pytest.mark.parametrize(("mode", "most"), [("RGB", 0), ("RGBA", 1), ("LA", 1), ("P", 2)])
def test_a_picture_is_made_small_before_anything_else_is_done_with_it(mode, most):
    out = io.BytesIO()
    Image.new(mode, (4000, 3000)).save(out, "PNG", **({"transparency": 0} if mode == "P" else {}))
    images = []
    made = Image.Image._new

    def counted(self, core):
        images.append(core.size)
        return made(self, core)

    Image.Image._new = counted
    try:
        stored = store(out.getvalue())
    finally:
        Image.Image._new = made
    assert (stored.width, stored.height) == (4000, 3000)
    assert sum(width * height > 4_000_000 for width, height in images) <= most


class OnePicture(KeepsFiles):
    picture = FilesField(needed=True)


def test_a_video_kept_at_another_field_is_no_picture_here():
    upload = SimpleUploadedFile("x.mp4", b"\0\0\0\x18ftypisom" + b"\0" * 64, "video/mp4")
    video = actions.store_file(upload, public_id=uuid4(), by=None, at=MONDAY, kinds=["video"])
    form = OnePicture(MultiValueDict({"picture_kept": [kept_mark(video, by=None)]}), MultiValueDict())
    form.keep_files(by=None, at=MONDAY)
    assert form.errors["picture"]
