"""A one-case link opens one case to its holder and nothing else: never who reported it, never after its end."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases.models import Evidence
from cases.workflow import Stage
from citymgmt.logs import SECRETS
from dispatch import links
from dispatch.models import CaseLink, LinkStep
from hotline import actions as hotline
from hotline.actions import new_token
from office import settings as office_settings
from office.models import StoredFile
from tests.county import LONG_AGO, MONDAY, County, picture

pytestmark = pytest.mark.django_db
NAME, NUMBER, WORDS = "周明远", "13800000007", "是我家邻居老胡倒的"


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def link(county) -> CaseLink:
    """A link to a case that a citizen reported, with a picture of his."""
    at = timezone.now() - timedelta(hours=1)
    file = county.pictures(by=None, at=at)
    case = hotline.report_as_citizen(
        at=at, minor_class=county.litter, point=county.point, words=WORDS, name=NAME, phone=NUMBER, files=file
    )
    walk = county._trip("web")
    for minute in range(1, 30):
        case = next(walk)(case, at + timedelta(minutes=minute))
        if case.stage == Stage.HANDLING:
            break
    return links.make(case.stints.get(), by=county.sanitation, at=timezone.now(), name="贺强")


def address(link) -> str:
    return f"/l/{links.token_of(link)}/"


def test_the_reporter_is_on_no_page_of_the_link(link):
    page = Client().get(address(link)).content.decode()
    assert "暴露垃圾" in page
    for private in (NAME, NUMBER, "13900000002", WORDS, "老胡", "来电", "市民"):
        assert private not in page


def test_a_citizens_picture_is_shown_as_it_was_made_anew_and_never_as_it_came(link):
    one = Evidence.objects.get(case=link.stint.case, from_reporter=True)
    phone = Client()
    assert phone.get(f"{address(link)}{one.public_id}/thumb/").status_code == 200
    assert phone.get(f"{address(link)}{one.public_id}/original/").status_code == 404


def test_pictures_of_another_case_and_those_taken_afterwards_are_not_there(county, link):
    other = county.report(at=timezone.now(), files=[(file, "near") for file in county.pictures()])
    foreign = other.evidence.get()
    after = Evidence.objects.create(
        case=link.stint.case, file=StoredFile.objects.last(), usage="after", at=MONDAY, recorded_at=MONDAY
    )
    for one in (foreign, after):
        assert Client().get(f"{address(link)}{one.public_id}/view/").status_code == 404


@pytest.mark.parametrize("token", ["x" * 22, "x", "../../desk", "%00" * 22, "é" * 22])
def test_a_forged_address_opens_nothing(link, token):
    assert Client().get(f"/l/{token}/").status_code in (400, 404)
    assert not link.steps.filter(what="opened").exists()


@pytest.mark.parametrize("how", ["revoked", "expired", "used"])
def test_what_is_over_shows_neither_case_nor_pictures_and_takes_nothing(county, link, how):
    now = timezone.now()
    CaseLink.objects.filter(pk=link.pk).update(**{
        "revoked": {"revoked_at": now, "revoked_by": county.sanitation},
        "expired": {"made_at": now - timedelta(hours=2), "expires_at": now - timedelta(hours=1)},
        "used": {"done_at": now},
    }[how])  # fmt: skip
    phone, one = Client(), link.stint.case.evidence.first()
    page = phone.get(address(link))
    assert page.status_code == (200 if how == "used" else 410)
    assert "路边" not in page.content.decode()
    assert phone.get(f"{address(link)}{one.public_id}/view/").status_code == 404
    sent = phone.post(f"{address(link)}picture/", {"file": picture(3), "number": str(uuid4())})
    assert sent.status_code == 409
    assert phone.post(address(link), {"words": "已清运", "files": picture(4)}).status_code in (200, 410)
    link.stint.refresh_from_db()
    assert link.stint.stage == "handling"


def test_the_secret_lies_nowhere_in_the_database(link):
    token = links.token_of(link)
    Client().get(address(link))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type='BASE TABLE'"
        )
        for (table,) in cursor.fetchall():
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT count(*) FROM {quoted} AS row WHERE row::text LIKE %s", [f"%{token}%"])
            assert cursor.fetchone() == (0,), table


def test_the_secret_stands_in_no_line_of_the_log(link):
    assert links.token_of(link) not in SECRETS.sub(r"\1…", f"GET {address(link)} 200")


def test_another_houses_key_makes_another_secret(link, settings):
    token = links.token_of(link)
    settings.SECRET_KEY = "another-key-" * 5
    assert links.token_of(link) != token
    assert links.find(token) == link  # what is out stays good


def test_the_page_is_never_kept_indexed_or_told_to_others(link):
    answer = Client().get(address(link))
    assert answer["Cache-Control"] == "no-store"
    assert "noindex" in answer["X-Robots-Tag"]
    assert answer["Referrer-Policy"] == "strict-origin"


def test_whoever_guesses_is_stopped_and_so_is_a_link_used_without_end(link):
    for key, value in (("link_wrong_per_hour", 3), ("link_steps_per_hour", 10)):
        office_settings.set_value(f"dispatch.{key}", value, by=None, at=MONDAY, valid_from=LONG_AGO)
    statuses = [Client().get(f"/l/{new_token()}/").status_code for _ in range(5)]
    assert statuses == [404] * 3 + [429] * 2
    far = {"REMOTE_ADDR": "203.0.113.9"}
    assert [Client(**far).get(address(link)).status_code for _ in range(11)] == [200] * 10 + [429]


def test_a_file_that_is_no_picture_is_refused(link):
    from django.core.files.uploadedfile import SimpleUploadedFile

    page = SimpleUploadedFile("x.jpg", b"<script>alert(1)</script>", "image/jpeg")
    answer = Client().post(f"{address(link)}picture/", {"file": page, "number": str(uuid4())})
    assert answer.status_code == 415
    assert Client().post(f"{address(link)}picture/", {"file": picture(5), "number": "x"}).status_code == 404
    assert not StoredFile.objects.filter(name="x.jpg").exists()


def test_no_link_fills_the_disk(link):
    office_settings.set_value("office.files_at_once", 1, by=None, at=MONDAY, valid_from=LONG_AGO)
    phone = Client()
    sent = [
        phone.post(f"{address(link)}picture/", {"file": picture(20 + n), "number": str(uuid4())}).status_code
        for n in range(6)
    ]
    assert sent == [200] * 4 + [409] * 2


def test_a_stranger_page_cannot_send_in_the_name_of_a_link(link):
    phone = Client(enforce_csrf_checks=True)
    phone.get(address(link))
    assert phone.post(address(link), {"words": "已清运", "files": picture(6)}).status_code == 403


def test_every_opening_is_written_down(link):
    for _ in range(3):
        Client().get(address(link))
    assert list(LinkStep.objects.filter(link=link).values_list("what", flat=True)) == ["made", *["opened"] * 3]
