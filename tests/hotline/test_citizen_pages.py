"""The citizen's pages: what is typed stays, nothing leaks, links are secret, every kind of input gets a kind answer."""

from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
import time_machine
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import VaultRecord
from cases import actions as case_actions
from cases.models import Case, Evidence
from cases.workflow import Source, Stage
from dispatch import actions as dispatch
from hotline import actions
from hotline.actions import new_token
from hotline.models import FollowUp
from hotline.views import JOIN_SALT
from office import settings as office_settings
from office.models import StoredFile
from tests.county import LONG_AGO, MONDAY, SIDE, SOUTH, STAGES_OF_THE_TRIP, WEST, County

pytestmark = pytest.mark.django_db
REPORT = "/citizen/report/"


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def citizen() -> Client:
    return Client()


def picture(name: str = "near.jpg", *, colour: str = "olive", size=(64, 48)) -> SimpleUploadedFile:
    out = BytesIO()
    Image.effect_noise(size, 40).convert("RGB").point(lambda value: value // 2).save(out, "JPEG")
    return SimpleUploadedFile(name, out.getvalue() + colour.encode(), content_type="image/jpeg")


def said(county: County, **changed) -> dict:
    facts = {
        "public_id": str(uuid4()), "token": new_token(), "minor_class": str(county.litter.public_id),
        "lon": f"{county.point.x:.6f}", "lat": f"{county.point.y:.6f}", "words": "垃圾成堆", "place": "桥头",
        "name": "王小明", "phone": "13700137000", "near_seen": "yes", **changed,
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}


def send(citizen: Client, county: County, **changed):
    return citizen.post(REPORT, said(county, **changed))


# — sending


def test_a_report_with_a_picture_becomes_a_case_and_leads_to_its_own_address(county, citizen):
    token = new_token()
    answer = send(citizen, county, token=token, files=[picture()])
    assert answer.status_code == 302
    assert answer["Location"] == f"/citizen/follow/{token}/?new=yes"
    case = Case.objects.get()
    assert (case.source, case.stage) == (Source.WEB, Stage.REPORTED)
    assert (case.evidence.get().from_reporter, case.evidence.get().usage) == (True, "before")
    page = citizen.get(answer["Location"])
    assert case.number in page.content.decode()


def test_without_a_map_a_community_and_words_are_enough(county, citizen):
    answer = send(citizen, county, lon=None, lat=None, area=str(county.community.public_id))
    assert answer.status_code == 302
    assert Case.objects.get().area_code == county.community.code


def test_without_any_place_the_form_comes_back_with_everything_that_was_typed(county, citizen):
    page = send(citizen, county, lon=None, lat=None).content.decode()
    for typed in ("垃圾成堆", "桥头", "王小明", "13700137000"):
        assert typed in page
    assert not Case.objects.exists()


def test_pictures_chosen_before_an_error_are_kept_and_go_along_the_next_time(county, citizen):
    page = send(citizen, county, minor_class="", files=[picture("a.jpg"), picture("b.jpg", colour="red")])
    kept = [one.mark for one in page.context["form"].fields["files"].widget.kept]
    assert len(kept) == 2
    assert citizen.get(reverse("office:kept", args=[kept[0]])).status_code == 200
    send(citizen, county, files_kept=kept)
    assert Case.objects.get().evidence.count() == 2


def test_a_picture_may_be_left_out_again(county, citizen):
    page = send(citizen, county, minor_class="", files=[picture("a.jpg"), picture("b.jpg", colour="red")])
    kept = [one.mark for one in page.context["form"].fields["files"].widget.kept]
    send(citizen, county, files_kept=kept, files_drop=kept[:1])
    assert Case.objects.get().evidence.count() == 1


def test_nobody_attaches_somebody_elses_file_by_its_number(county, citizen):
    send(citizen, county, files=[picture()])
    file = StoredFile.objects.get()
    page = send(citizen, county, files_kept=[str(file.public_id)])
    assert "files" in page.context["form"].errors
    assert Case.objects.count() == 1


def test_pressing_send_twice_makes_one_case(county, citizen):
    facts = said(county)
    assert citizen.post(REPORT, facts)["Location"] == citizen.post(REPORT, facts)["Location"]
    assert Case.objects.count() == FollowUp.objects.count() == 1
    assert VaultRecord.objects.exclude(kind="canary").count() == 1


def test_the_number_of_another_report_is_refused_in_words(county, citizen):
    facts = said(county)
    citizen.post(REPORT, facts)
    page = citizen.post(REPORT, {**facts, "token": new_token()})
    assert page.status_code == 200
    assert page.context["form"].non_field_errors()


def test_outside_the_grid_is_said_in_words_and_nothing_is_lost(county, citizen):
    page = send(citizen, county, lon="2.35", lat="48.85", files=[picture()])
    assert page.status_code == 200
    assert page.context["form"].non_field_errors()
    assert page.context["form"].fields["files"].widget.kept
    assert "垃圾成堆" in page.content.decode()


NASTY = {
    "script": "<script>alert(1)</script>",
    "sql": "'; DROP TABLE cases_case; --",
    "emoji": "🗑️🐀👩‍👩‍👧‍👦",
    "rare": "𠮷野家门口有垃圾",
    "right to left": "القمامة في الشارع ‮txt",
    "template": "{{ settings.SECRET_KEY }}{% debug %}",
    "percent": "100%(due)s %s %%",
}


@pytest.mark.parametrize("words", NASTY.values(), ids=NASTY.keys())
def test_whatever_is_written_arrives_as_it_was_written_and_does_nothing(county, citizen, words):
    token = new_token()
    assert send(citizen, county, words=words, name=words[:40], token=token).status_code == 302
    case = Case.objects.get()
    opened = actions.vault.open_record(case.reporter_ref, reader=county.operator, why="handling", at=MONDAY)
    assert words in opened.words
    page = send(citizen, county, words=words, minor_class="").content.decode()
    assert "<script>alert" not in page


def test_ten_thousand_characters_are_refused_in_words_and_kept(county, citizen):
    words = "长" * 10_000
    page = send(citizen, county, words=words)
    assert "words" in page.context["form"].errors
    assert words in page.content.decode()


NONSENSE = ("nan", "inf", "1e400", "<b>", "\x00", "''", "-", "９９９９")


@pytest.mark.parametrize("field", ["lon", "lat", "accuracy_m", "minor_class", "area", "public_id", "token"])
def test_nonsense_in_a_field_is_an_error_of_the_form_not_of_the_server(county, citizen, field):
    for nonsense in NONSENSE:
        assert send(citizen, county, **{field: nonsense}).status_code in (200, 302)


BAD_FILES = {
    "empty": SimpleUploadedFile("empty.jpg", b"", content_type="image/jpeg"),
    "text named jpg": SimpleUploadedFile("note.jpg", b"hello, this is text", content_type="image/jpeg"),
    "page named png": SimpleUploadedFile("x.png", b"<html><script>1</script>", content_type="image/png"),
    "cut off": SimpleUploadedFile("cut.jpg", b"\xff\xd8\xff\xe0" + b"\x00" * 40, content_type="image/jpeg"),
    "program": SimpleUploadedFile("a.jpg", b"MZ\x90\x00" + b"\x00" * 60, content_type="image/jpeg"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_is_no_picture_is_refused_in_words_and_the_rest_stays(county, citizen, kind):
    BAD_FILES[kind].seek(0)
    page = send(citizen, county, files=[picture(), BAD_FILES[kind]])
    assert page.status_code == 200
    assert "files" in page.context["form"].errors
    assert len(page.context["form"].fields["files"].widget.kept) == 1
    assert "垃圾成堆" in page.content.decode()
    assert not Case.objects.exists()


def test_a_png_named_jpg_is_taken_for_what_it_is(county, citizen):
    out = BytesIO()
    Image.effect_noise((20, 20), 40).save(out, "PNG")
    send(citizen, county, files=[SimpleUploadedFile("a.jpg", out.getvalue(), content_type="image/jpeg")])
    assert StoredFile.objects.get().content_type == "image/png"


def test_a_decompression_bomb_is_refused_before_it_is_opened(county, citizen):
    out = BytesIO()
    Image.new("1", (8_000, 8_000)).save(out, "PNG")
    bomb = SimpleUploadedFile("bomb.png", out.getvalue(), content_type="image/png")
    assert "files" in send(citizen, county, files=[bomb]).context["form"].errors


def test_more_pictures_than_allowed_are_refused_in_words(county, citizen):
    many = [picture(f"{number}.jpg", colour=str(number)) for number in range(6)]
    assert "files" in send(citizen, county, files=many).context["form"].errors


def test_too_many_reports_from_one_address_are_asked_to_wait_and_keep_their_words(county, citizen):
    office_settings.set_value("hotline.reports_per_hour", 1, by=None, at=MONDAY, valid_from=LONG_AGO)
    assert send(citizen, county).status_code == 302
    page = send(citizen, county)
    assert page.status_code == 429
    assert "垃圾成堆" in page.content.decode()
    assert send(Client(REMOTE_ADDR="203.0.113.9"), county).status_code == 302


# — similar reports


def test_before_a_second_report_of_the_same_is_sent_the_first_is_shown(county, citizen):
    county.report(description="王家门口")
    page = send(citizen, county, near_seen=None)
    assert page.status_code == 200
    assert len(page.context["near"]) == 1
    assert Case.objects.count() == 1
    assert send(citizen, county).status_code == 302


def test_somebody_elses_report_shows_its_class_and_how_far_it_is_and_nothing_more(county, citizen):
    case = county.report(description="王家门口的垃圾", source=Source.WEB, by=None)
    facts = {"lon": county.point.x, "lat": county.point.y, "minor_class": str(county.litter.public_id)}
    page = citizen.get("/citizen/near/", facts).content.decode()
    assert county.litter.name_zh in page
    for hidden in (case.number, "王家", str(case.public_id), case.address or "花城"):
        assert hidden not in page


def test_whoever_sees_his_problem_there_follows_it_instead(county, citizen):
    case = county.report()
    facts = {"lon": county.point.x, "lat": county.point.y, "minor_class": str(county.litter.public_id)}
    ref = citizen.get("/citizen/near/", facts).context["near"][0]["ref"]
    token = new_token()
    answer = citizen.post("/citizen/join/", {"join": ref, "token": token})
    assert answer["Location"] == f"/citizen/follow/{token}/"
    assert FollowUp.objects.get().case == case
    assert citizen.get(answer["Location"]).status_code == 200


def test_a_city_may_keep_to_itself_what_is_open_close_by(county, citizen):
    county.report()
    office_settings.set_value("hotline.show_similar", value=False, by=None, at=MONDAY, valid_from=LONG_AGO)
    facts = {"lon": county.point.x, "lat": county.point.y, "minor_class": str(county.litter.public_id)}
    assert citizen.get("/citizen/near/", facts).context["near"] == []
    assert send(citizen, county, near_seen=None).status_code == 302


# — reported before by somebody else


def attached(county: County, stage: str = Stage.HANDLING) -> tuple[Case, Case, str]:
    """A citizen's report, attached to somebody else's case that has come so far; and the secret of his link."""
    first, _token = followed(county, stage, name="李大力", phone="13900139000", words="邻居堆的", place="幸福里")
    token = new_token()
    second = actions.report_as_citizen(
        at=MONDAY, minor_class=county.litter, point=county.point, token=token, phone="13700137000",
        files=[stored(county)],
    )  # fmt: skip
    return first, case_actions.attach(second, by=county.operator, at=MONDAY, first=first), token


def test_whoever_reported_what_was_known_follows_the_first_case_without_its_reporter(county, citizen):
    first, second, token = attached(county)
    page = citizen.get(f"/citizen/follow/{token}/")
    words = page.content.decode()
    assert page.context["plain"].heading == "With a department"
    assert second.number in words
    for hidden in ("李大力", "13900139000", "邻居堆的", "幸福里", first.number):
        assert hidden not in words
    told = [label for label, _at in page.context["milestones"]]
    assert len([label for label in told if label == told[0]]) == 1
    assert len(page.context["pictures"]["before"]) == 1


def test_he_sees_the_result_of_the_first_case_and_never_its_reporters_pictures(county, citizen):
    first, _second, token = attached(county, Stage.PENDING_CLOSE)
    Evidence.objects.create(
        case=first, file=stored(county, "b" * 64), usage="before", from_reporter=True, at=MONDAY, recorded_at=MONDAY
    )
    case_actions.close(first, by=county.duty_leader, at=MONDAY, met=True)
    page = citizen.get(f"/citizen/follow/{token}/")
    assert page.context["plain"].is_solved
    assert [len(page.context["pictures"][when]) for when in ("before", "after")] == [1, 1]


def test_his_link_lives_as_long_as_the_first_case(county, citizen):
    _first, _second, token = attached(county)
    with time_machine.travel(MONDAY + timedelta(days=400), tick=False):
        assert citizen.get(f"/citizen/follow/{token}/").status_code == 200


@pytest.mark.parametrize("facts", [{}, {"join": "x", "token": "y"}, {"join": str(uuid4()), "token": "a" * 22}])
def test_nobody_joins_what_was_not_offered(county, citizen, facts):
    county.report()
    assert citizen.post("/citizen/join/", facts).status_code == 404
    assert not FollowUp.objects.exists()


@pytest.mark.parametrize(
    "asked", [{}, {"lon": "x"}, {"lon": "nan", "lat": "1", "minor_class": "z"}, {"lon": "1e9", "lat": "0"}]
)
def test_looking_for_similar_reports_with_nonsense_finds_none(county, citizen, asked):
    assert citizen.get("/citizen/near/", asked).context["near"] == []


# — following


def followed(county: County, stage: str, **facts) -> tuple[Case, str]:
    """A citizen's report brought to a stage, and the secret of its link."""
    token = new_token()
    case = actions.report_as_citizen(
        at=MONDAY - timedelta(days=2), minor_class=county.litter, point=county.point, token=token, **facts
    )
    at = MONDAY - timedelta(days=2)
    for step in county._trip(Source.WEB):
        if case.stage == stage:
            break
        at += timedelta(minutes=1)
        case = step(case, at)
    return case, token


def names_of_everybody(county: County) -> list[str]:
    return [one.name_zh for one in county.people.values()] + [one.username for one in county.people.values()]


def test_each_stage_is_told_in_plain_words_without_anybodys_name(county, citizen):
    case, token = followed(county, "reported")
    told, at = [], MONDAY
    for step in county._trip(Source.WEB):
        page = citizen.get(f"/citizen/follow/{token}/")
        told.append(case.stage)
        assert page.status_code == 200
        words = page.content.decode()
        assert "%(" not in words
        for name in (*names_of_everybody(county), county.sanitation_bureau.name_zh):
            assert name not in words
        at += timedelta(minutes=1)
        case = step(case, at)
    assert tuple(told) == STAGES_OF_THE_TRIP[:-1]
    assert citizen.get(f"/citizen/follow/{token}/").context["plain"].is_solved


def test_the_reason_why_it_was_not_taken_up_is_told(county, citizen):
    case, token = followed(county, "reported")
    case_actions.refuse(case, by=county.operator, at=MONDAY, reason="属于物业管理范围，请联系物业")
    assert "属于物业管理范围" in citizen.get(f"/citizen/follow/{token}/").content.decode()


def test_a_passed_deadline_is_owned_up_to(county, citizen, settings):
    _case, token = followed(county, "handling")
    due_at = FollowUp.objects.get().case.due_at
    with time_machine.travel(due_at + timedelta(days=1), tick=False):
        citizen.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
        page = citizen.get(f"/citizen/follow/{token}/")
    assert page.context["sentence"].startswith("A department was to have dealt with it")


def test_the_picture_of_the_result_is_shown_only_after_somebody_has_seen_it_is_done(county, citizen):
    case, token = followed(county, "handling", files=[stored(county)])
    after = stored(county, sha256="b" * 64)
    case = dispatch.hand_over(case.stints.get(), by=county.sanitation, at=MONDAY, opinion="已清运", files=[after])
    shown = citizen.get(f"/citizen/follow/{token}/").context["pictures"]
    assert (len(shown["before"]), len(shown["after"])) == (1, 0)
    at = MONDAY
    for step in list(county._trip(Source.WEB))[7:]:
        at += timedelta(minutes=1)
        case = step(case, at)
    assert case.stage == Stage.CLOSED
    shown = citizen.get(f"/citizen/follow/{token}/").context["pictures"]
    assert (len(shown["before"]), len(shown["after"])) == (1, 1)


def stored(county: County, sha256: str = "a" * 64) -> StoredFile:
    return StoredFile.objects.create(
        sha256=sha256, size=9, content_type="image/jpeg", kind="picture", recorded_at=MONDAY
    )


def test_whoever_joined_never_sees_the_pictures_of_the_one_who_reported(county, citizen):
    case, _token = followed(county, "reported", files=[stored(county)])
    mine = new_token()
    actions.join_as_citizen(case, at=MONDAY, token=mine)
    assert citizen.get(f"/citizen/follow/{mine}/").context["pictures"] == {"before": [], "after": []}
    evidence = Evidence.objects.get()
    assert citizen.get(f"/citizen/follow/{mine}/{evidence.public_id}/thumb/").status_code == 404


def test_a_picture_is_handed_out_made_anew_and_only_under_its_own_link(county, citizen, settings):
    settings.EVIDENCE_ACCEL_PREFIX = ""
    token = new_token()
    send(citizen, county, token=token, files=[picture()])
    evidence = Evidence.objects.get()
    answer = citizen.get(f"/citizen/follow/{token}/{evidence.public_id}/view/")
    assert answer.status_code == 200
    assert not Image.open(BytesIO(b"".join(answer.streaming_content))).getexif()
    assert citizen.get(f"/citizen/follow/{new_token()}/{evidence.public_id}/view/").status_code == 404
    assert citizen.get(f"/evidence/{evidence.public_id}/view/").status_code == 302  # to the log-in


def test_the_original_is_not_handed_out_under_a_link(county, citizen):
    token = new_token()
    send(citizen, county, token=token, files=[picture()])
    evidence = Evidence.objects.get()
    assert citizen.get(f"/citizen/follow/{token}/{evidence.public_id}/original/").status_code == 404


@pytest.mark.parametrize("token", ["x", "a" * 22, "a" * 200, "%00", "..", "' OR 1=1 --"])
def test_a_forged_link_says_so_and_nothing_else(county, citizen, token):
    case, _token = followed(county, "reported")
    page = citizen.get(reverse("citizen:follow", args=[token.replace("/", "-")]))
    assert page.status_code == 404
    assert case.number not in page.content.decode()


def test_an_expired_link_says_so_and_leaks_nothing(county, citizen):
    case, token = followed(county, "reported")
    case_actions.refuse(case, by=county.operator, at=MONDAY, reason="不属实")
    with time_machine.travel(MONDAY + timedelta(days=900), tick=False):
        page = citizen.get(f"/citizen/follow/{token}/")
    assert page.status_code == 410
    assert case.number not in page.content.decode()


def test_an_address_that_guesses_links_is_stopped(county, citizen):
    office_settings.set_value("hotline.wrong_links_per_hour", 5, by=None, at=MONDAY, valid_from=LONG_AGO)
    codes = [citizen.get(f"/citizen/follow/{new_token()}/").status_code for _ in range(7)]
    assert codes == [404] * 5 + [429] * 2


def test_citizens_pages_are_kept_by_nobody_and_told_to_nobody(county, citizen):
    _case, token = followed(county, "reported")
    for address in ("/citizen/", REPORT, "/citizen/near/", f"/citizen/follow/{token}/", "/citizen/follow/wrong/"):
        answer = citizen.get(address)
        assert answer["Cache-Control"] == "no-store"
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] == "strict-origin"


def test_the_pages_are_light_in_queries_and_in_bytes(county, citizen, django_assert_max_num_queries):
    _case, token = followed(county, "handling")
    for address in (REPORT, f"/citizen/follow/{token}/"):
        with django_assert_max_num_queries(12):
            assert len(citizen.get(address).content) < 150_000


def test_a_report_takes_few_queries(county, citizen, django_assert_max_num_queries):
    send(citizen, county, lon=str(WEST + SIDE * 1.5), lat=str(SOUTH + SIDE * 1.5))  # what is found once is known then
    facts = said(county)
    with django_assert_max_num_queries(30):
        assert citizen.post(REPORT, facts).status_code == 302


# — what a citizen may still say —


def test_whoever_finds_it_not_solved_says_so_and_it_is_opened_again(citizen, county):
    case, token = followed(county, Stage.CLOSED)
    page = citizen.get(f"/citizen/follow/{token}/").content.decode()
    assert "仍未解决" in page
    assert citizen.post(f"/citizen/follow/{token}/unsolved/", {"ground": "still_there"}).status_code == 302
    case.refresh_from_db()
    assert (case.stage, case.reopened_count) == (Stage.PENDING_CHECK, 1)
    assert case.events.order_by("-sequence").first().facts == {"ground": "still_there", "reopened": 1}
    assert "仍未解决" in citizen.get(f"/citizen/follow/{token}/").content.decode()


@pytest.mark.parametrize("said", [{}, {"ground": "<script>"}])
def test_without_one_of_the_ways_nothing_is_opened(citizen, county, said):
    case, token = followed(county, Stage.CLOSED)
    assert citizen.post(f"/citizen/follow/{token}/unsolved/", said).status_code == 422
    case.refresh_from_db()
    assert case.stage == Stage.CLOSED


def test_after_some_days_it_is_too_late_and_the_page_says_so(citizen, county):
    case, token = followed(county, Stage.CLOSED)
    with time_machine.travel(case.closed_at + timedelta(days=8), tick=False):
        assert "unsolved" not in citizen.get(f"/citizen/follow/{token}/").content.decode()
        answer = citizen.post(f"/citizen/follow/{token}/unsolved/", {"ground": "came_back"})
    assert (answer.status_code, "不能再重新打开" in answer.content.decode()) == (422, True)


def test_a_report_is_taken_back_by_its_sender_only(citizen, county):
    case, token = followed(county, Stage.REPORTED)
    other = new_token()
    actions.join_as_citizen(case, at=MONDAY, token=other)
    assert citizen.post(f"/citizen/follow/{other}/withdraw/").status_code == 422
    assert citizen.post(f"/citizen/follow/{token}/withdraw/").status_code == 302
    case.refresh_from_db()
    assert case.stage == Stage.REPORTED  # somebody else waits for it too
    alone, token = followed(county, Stage.REPORTED)
    assert citizen.post(f"/citizen/follow/{token}/withdraw/").status_code == 302
    alone.refresh_from_db()
    assert alone.stage == Stage.VOIDED


def test_a_case_that_its_citizen_no_longer_needs_goes_on(citizen, county):
    case, token = followed(county, Stage.HANDLING)
    assert citizen.post(f"/citizen/follow/{token}/withdraw/").status_code == 302
    case.refresh_from_db()
    assert case.stage == Stage.HANDLING
    assert "withdraw/" not in citizen.get(f"/citizen/follow/{token}/").content.decode()


def test_joining_again_and_again_comes_to_an_end(citizen, county, seat):
    case, _token = followed(county, Stage.HANDLING)
    set_to = {"by": county.administrator, "at": MONDAY, "valid_from": LONG_AGO}
    office_settings.set_value("hotline.reports_per_hour", 2, **set_to)
    ref = signing.dumps(str(case.public_id), salt=JOIN_SALT)
    answers = [citizen.post("/citizen/join/", {"join": ref, "token": new_token()}).status_code for _ in range(3)]
    assert answers == [302, 302, 429]


def test_calling_back_about_an_attached_report_opens_the_first_case(county, seat):
    first, _token = followed(county, Stage.PENDING_CLOSE)
    second = county.report(source="web", at=MONDAY - timedelta(days=1))
    case_actions.attach(second, by=county.operator, at=MONDAY, first=first)
    case_actions.close(first, by=county.duty_leader, at=MONDAY, met=True)
    assert (
        seat(county.operator).post(f"/hotline/visits/{second.public_id}/", {"outcome": "unsolved"}).status_code == 302
    )
    first.refresh_from_db()
    assert first.stage == Stage.PENDING_CHECK


def test_calling_back_may_find_that_it_is_not_solved(county, seat):
    case, _token = followed(county, Stage.CLOSED)
    assert seat(county.operator).post(f"/hotline/visits/{case.public_id}/", {"outcome": "unsolved"}).status_code == 302
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_CHECK
