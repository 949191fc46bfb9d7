"""What has been kept long enough is gone for good and leaves a tombstone; the history still proves itself."""

from datetime import timedelta

import pytest
from django.core.files.storage import storages
from django.db import DatabaseError, connection, transaction

from accounts import vault
from accounts.models import VaultRecord
from cases import actions, retention
from cases.models import CaseEvent, EventText, Evidence
from cases.verification import Tally, Wanted, verify
from hotline import actions as hotline
from hotline import retention as of_calls
from office import retention as of_readings
from office import settings as office_settings
from office.actions import note_reading
from office.models import Erasure, ReadLog, StoredFile
from tests.county import DIVISION, MONDAY, County

pytestmark = pytest.mark.django_db

LATER = MONDAY + timedelta(days=400)
PHONE = "13900001234"


@pytest.fixture
def county():
    return County.build()


def keep(county, key: str, days: int, *, area_code: str = "") -> None:
    office_settings.set_value(
        key, days, by=county.administrator, at=MONDAY, valid_from=MONDAY.date(), area_code=area_code
    )


def sealed(at=MONDAY):
    return vault.seal(kind="citizen", name="许知远", phone=PHONE, words="井盖没了", at=at)


def closed(county, **facts):
    return county.case_at("closed", source="web", reporter_ref=sealed(), **facts)


def is_erased(case) -> bool:
    return VaultRecord.objects.get(public_id=case.reporter_ref).erased_at is not None


def no_finding() -> bool:
    return list(verify(Wanted(files=True), Tally())) == []


def test_a_reporters_data_go_when_the_city_says(county):
    case, still_open = closed(county), county.report(source="web", reporter_ref=sealed())
    keep(county, "cases.keep_reporter_days", 365)
    retention.erase_what_is_due(at=MONDAY + timedelta(days=365))
    assert not is_erased(case)
    retention.erase_what_is_due(at=LATER)
    assert is_erased(case)
    assert not is_erased(still_open)
    noted = Erasure.objects.get()
    assert (noted.rule, noted.number, noted.by, noted.at) == ("reporter", case.number, None, LATER)
    assert noted.why == "cases.keep_reporter_days = 365"
    assert no_finding()


def test_by_default_three_years_after_the_end(county):
    case = closed(county)
    retention.erase_what_is_due(at=MONDAY + timedelta(days=1095))
    assert not is_erased(case)
    retention.erase_what_is_due(at=MONDAY + timedelta(days=1096))
    assert is_erased(case)


def test_an_area_may_keep_longer_and_zero_is_for_good(county):
    case = closed(county)
    keep(county, "cases.keep_reporter_days", 30)
    keep(county, "cases.keep_reporter_days", 3000, area_code=DIVISION)
    retention.erase_what_is_due(at=LATER)
    assert not is_erased(case)
    keep(county, "cases.keep_reporter_days", 0, area_code=DIVISION)
    retention.erase_what_is_due(at=MONDAY + timedelta(days=9000))
    assert not is_erased(case)
    keep(county, "cases.keep_reporter_days", 60, area_code=DIVISION)
    retention.erase_what_is_due(at=LATER)
    assert is_erased(case)


def test_a_legal_hold_stops_every_rule_until_it_ends(county):
    case = closed(county)
    for key in ("reporter", "words", "pictures", "sounds"):
        keep(county, f"cases.keep_{key}_days", 30)
    with pytest.raises(retention.ReasonNeeded):
        retention.hold(case, by=county.administrator, at=MONDAY, why=" ")
    held = retention.hold(case, by=county.administrator, at=MONDAY, why="诉讼")
    with pytest.raises(retention.HeldAlready):
        retention.hold(case, by=county.administrator, at=MONDAY, why="再来")
    assert retention.erase_what_is_due(at=LATER) == 0
    retention.end_hold(held, by=county.administrator, at=LATER)
    retention.erase_what_is_due(at=LATER)
    assert is_erased(case)
    assert {row.rule for row in Erasure.objects.all()} == {"reporter", "words", "pictures"}


def test_words_go_and_the_chain_still_proves_itself(county):
    case = closed(county)
    other = county.case_at("handling")
    words, events = EventText.objects.filter(case=case).count(), CaseEvent.objects.count()
    keep(county, "cases.keep_words_days", 365)
    retention.erase_what_is_due(at=LATER)
    assert words
    assert set(EventText.objects.filter(case=case).values_list("text", "erased_at")) == {("", LATER)}
    assert {bytes(salt) for salt in EventText.objects.filter(case=case).values_list("salt", flat=True)} == {b""}
    assert EventText.objects.filter(case=other, erased_at__isnull=False).count() == 0
    assert Erasure.objects.get(rule="words").pieces == words
    assert CaseEvent.objects.count() == events
    assert no_finding()
    assert retention.erase_what_is_due(at=LATER) == 0


def test_words_erased_by_nobody_are_a_finding(county):
    case = closed(county)
    EventText.objects.filter(case=case).update(text="", salt=b"", erased_at=LATER)
    assert {one.code for one in verify(Wanted(), Tally())} == {"erased_without_note"}


def test_pictures_go_with_their_bytes_and_not_those_of_another_case(county, seat):
    case = closed(county)
    evidence = case.evidence.select_related("file").get()
    path = evidence.file.path("original")
    keep(county, "cases.keep_pictures_days", 365)
    retention.erase_what_is_due(at=LATER)
    evidence.file.refresh_from_db()
    assert evidence.file.erased_at == LATER
    assert not storages["evidence"].exists(path)
    assert no_finding()
    assert seat(county.operator).get(f"/evidence/{evidence.public_id}/view/").status_code == 404
    assert "已于 2027-04-06 清除" in seat(county.operator).get(f"/case/{case.public_id}/").content.decode()
    # The same bytes of a case that goes on stay.
    second, going_on = closed(county), county.case_at("pending_check")
    twin = Evidence.objects.get(case=going_on)
    same = Evidence.objects.get(case=second).file
    StoredFile.objects.filter(pk=twin.file_id).update(sha256=same.sha256)
    retention.erase_what_is_due(at=LATER)
    assert storages["evidence"].exists(same.path("original"))


def test_what_another_caller_said_goes_after_the_end_of_the_case_he_joined(county):
    case = county.case_at("pending_check")
    joined = hotline.join_call(case, by=county.operator, at=MONDAY + timedelta(hours=1), kind="report", phone=PHONE,
                               name="许知远")  # fmt: skip
    asked = hotline.answer_call(by=county.operator, at=MONDAY, kind="consultation", answer="请到窗口", phone=PHONE)
    own = hotline.register_call(by=county.operator, at=MONDAY, kind="report", minor_class=county.litter, phone=PHONE,
                                point=county.point, description="垃圾")  # fmt: skip
    keep(county, "hotline.keep_caller_days", 365)
    of_calls.erase_what_is_due(at=LATER)
    assert not is_erased(joined)
    assert is_erased(asked)
    assert not is_erased(own)  # its own case answers for it
    actions.void(case, by=county.duty_leader, at=MONDAY + timedelta(days=1), reason="误报")
    of_calls.erase_what_is_due(at=LATER)
    assert is_erased(joined)
    assert set(Erasure.objects.values_list("rule", "number")) == {("callers", ""), ("callers", case.number)}


def test_nobody_erases_a_record_without_saying_why(county):
    with pytest.raises(vault.ReasonMissing):
        vault.erase(sealed(), by=county.administrator, rule="asked", why=" ", at=MONDAY)
    vault.erase(sealed(), by=county.administrator, rule="asked", why="本人要求", at=MONDAY)
    assert Erasure.objects.values_list("by", "why").get() == (county.administrator.pk, "本人要求")


# — the log of reading —————————————————————————————————————————————————————————————————————————————


def looked(county, at) -> None:
    note_reading(reader=county.operator, what="vault", about="x", why="核对", at=at)


def test_the_log_of_reading_and_tombstones_only_grow(county):
    from django.utils import timezone

    looked(county, timezone.now())
    retention_note = Erasure.objects.create(at=MONDAY, rule="words", why="x", about="x")
    for row in (ReadLog.objects.get(), retention_note):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(why="另一个理由")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            type(row).objects.filter(pk=row.pk).delete()


def test_old_readings_are_forgotten_and_young_ones_never(county):
    from django.utils import timezone

    now = timezone.now()
    for days in (2000, 1000, 10):
        looked(county, now - timedelta(days=days))
    rule = of_readings.RULES[0]
    assert [of_readings.run(rule, at=now), of_readings.run(rule, at=now)] == [1, 0]
    assert ReadLog.objects.count() == 2
    assert Erasure.objects.values_list("rule", "pieces").get() == ("readings", 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT office_forget_readings(now(), 100)")
        assert cursor.fetchone() == (1,)  # the one older than half a year; the youngest stays whatever is asked


# — the page ———————————————————————————————————————————————————————————————————————————————————————


def test_the_page_shows_beforehand_what_would_be_erased(county, seat, django_assert_max_num_queries):
    case = closed(county)
    keep(county, "cases.keep_reporter_days", 1)
    browser = seat(county.administrator)
    browser.get("/maintenance/retention/")
    with django_assert_max_num_queries(22):
        page = browser.get("/maintenance/retention/").content.decode()
    assert case.number in page
    assert not is_erased(case)


def test_a_hold_is_set_and_ended_on_the_page_by_the_administrator_alone(county, seat):
    case = closed(county)
    assert seat(county.operator).get("/maintenance/retention/").status_code == 403
    browser = seat(county.administrator)
    wrong = browser.post("/maintenance/retention/", {"number": "no such", "why": "诉讼"})
    assert wrong.status_code == 422
    assert "no such" in wrong.content.decode()
    assert browser.post("/maintenance/retention/", {"number": case.number, "why": "诉讼"}).status_code == 302
    held = case.holds.get()
    assert (held.why, held.by) == ("诉讼", county.administrator)
    assert browser.post("/maintenance/retention/", {"end": held.pk}).status_code == 302
    assert case.holds.get().ended_by == county.administrator


def test_a_file_that_hangs_on_another_case_too_stays_as_long_as_that_one_needs_it(county):
    [file] = county.pictures()
    ended = county.case_at("closed", files=[(file, Evidence.Usage.NEAR)])
    county.report(at=MONDAY + timedelta(days=390), files=[(file, Evidence.Usage.NEAR)])
    keep(county, "cases.keep_pictures_days", 365)
    retention.erase_what_is_due(at=LATER)
    file.refresh_from_db()
    assert file.erased_at is None
    assert ended.evidence.exclude(file=file).get().file.erased_at == LATER
