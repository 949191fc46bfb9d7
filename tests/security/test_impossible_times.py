"""A time that no database row can give back is not kept: one such row would break every page that shows it."""

import io
from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import ExifTags, Image

from cases.models import Case
from hotline.actions import new_token
from hotline.models import Call
from office.models import StoredFile
from patrol.models import Fix
from tests.county import MONDAY, County, picture

pytestmark = pytest.mark.django_db
BEFORE_ALL_TIME, AFTER_ALL_TIME = "0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00"


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def county() -> County:
    return County.build()


def picture_of_the_year(year: str) -> SimpleUploadedFile:
    said = Image.Exif()
    said.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"{year}:01:01 00:00:00"
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "olive").save(out, "JPEG", exif=said)
    return SimpleUploadedFile("near.jpg", out.getvalue(), "image/jpeg")


@pytest.mark.parametrize("year", ["0001", "1969", "9999"])
def test_a_citizens_picture_of_an_impossible_year_does_not_break_the_desk(county, seat, year):
    place = {"lon": f"{county.point.x:.6f}", "lat": f"{county.point.y:.6f}"}
    facts = {"public_id": str(uuid4()), "token": new_token(), "minor_class": str(county.litter.public_id), **place}
    Client().post("/citizen/report/", {**facts, "near_seen": "yes", "files": [picture_of_the_year(year)]})
    case = Case.objects.get()
    assert seat(county.operator).get(f"/case/{case.public_id}/").status_code == 200
    assert StoredFile.objects.get().taken_at is None


@pytest.mark.parametrize("claimed", [BEFORE_ALL_TIME, AFTER_ALL_TIME])
def test_a_phone_that_names_an_impossible_time_says_nothing(county, seat, claimed):
    answer = seat(county.collector).post(
        "/field/report/",
        {
            "public_id": str(uuid4()), "minor_class": str(county.litter.public_id), "lon": f"{county.point.x:.6f}",
            "lat": f"{county.point.y:.6f}", "near": [picture()], "claimed": claimed, "near_seen": "yes",
        },
    )  # fmt: skip
    assert answer.status_code == 302
    assert (Case.objects.get().claimed_at, Fix.objects.get().claimed_at) == (None, None)
    assert seat(county.operator).get("/desk/").status_code == 200


@pytest.mark.parametrize("field", ["received_at", "happened_at"])
@pytest.mark.parametrize("when", [BEFORE_ALL_TIME, AFTER_ALL_TIME, "0001-01-01T00:00"])
def test_a_call_at_an_impossible_time_is_not_kept_so(county, seat, field, when):
    desk = seat(county.operator)
    said = {"public_id": str(uuid4()), "kind": "consultation", "urgency": "0", "result": "answered", "answer": "已答复"}
    answer = desk.post("/hotline/call/new/", {**said, field: when})
    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert not Call.objects.exists()
    assert desk.get("/hotline/").status_code == 200
