"""Calls, citizens' reports and their links, through the real actions."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.gis.geos import Point

from accounts import vault
from accounts.models import VaultRecord
from cases import actions as case_actions
from cases.actions import OutsideTheGrid
from cases.models import Case
from cases.workflow import Source, Stage
from hotline import actions
from hotline.models import Call, CallBack, FollowUp
from office import settings
from tests.county import MONDAY, County

pytestmark = pytest.mark.django_db
LATER = MONDAY + timedelta(hours=1)
CALLER = {"name": "张桂兰", "phone": "138 0013 8000", "words": "我家楼下一堆垃圾，天天臭，你们管不管！"}


@pytest.fixture
def county() -> County:
    return County.build()


def register(county: County, **facts) -> Call:
    facts = {
        "by": county.operator, "at": MONDAY, "kind": Call.Kind.COMPLAINT, "minor_class": county.litter,
        "point": county.point, "description": "路边堆放生活垃圾约两方", **CALLER, **facts,
    }  # fmt: skip
    return actions.register_call(**facts)


def report(county: County, **facts) -> Case:
    facts = {"at": MONDAY, "minor_class": county.litter, "point": county.point, **facts}
    return actions.report_as_citizen(**facts)


# — the telephone


def test_a_call_becomes_a_case_in_the_pool_and_the_caller_goes_into_the_vault(county):
    call = register(county)
    assert call.case.stage == Stage.REPORTED
    assert call.case.source == Source.HOTLINE
    assert call.case.description == "路边堆放生活垃圾约两方"
    opened = vault.open_record(call.case.reporter_ref, reader=county.operator, why="asking back", at=LATER)
    assert (opened.name, opened.phone, opened.words) == (CALLER["name"], CALLER["phone"], CALLER["words"])


def test_nothing_of_the_caller_stands_outside_the_vault(county):
    call = register(county)
    rows = [str(Call.objects.filter(pk=call.pk).values()), str(Case.objects.filter(pk=call.case_id).values())]
    rows += [str(list(call.case.events.values())), str(list(VaultRecord.objects.values()))]
    for row in rows:
        for secret in ("张桂兰", "13800138000", "138 0013 8000", "天天臭"):
            assert secret not in row


def test_who_registers_a_call_saw_nothing_himself_and_may_still_close_it(county):
    call = register(county, by=county.duty_leader)
    assert call.case.reported_by is None
    assert call.case.parts.get().had_hand is False


def test_only_the_acceptance_desk_takes_calls(county):
    for person in (county.collector, county.dispatcher, county.sanitation, county.leader, county.administrator):
        with pytest.raises(actions.NotASeat):
            register(county, by=person)
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    "description",
    [
        "张桂兰反映路边有垃圾",
        "电话13800138000的人说有垃圾",
        "请联系 138-0013-8000",
        "１３８００１３８０００ 报",
        "张 桂 兰 说的",
    ],
)
def test_a_fact_sheet_that_names_the_caller_is_refused(county, description):
    with pytest.raises(actions.CallerNamed):
        register(county, description=description)
    assert not VaultRecord.objects.exclude(kind="canary").exists()


def test_a_short_name_or_number_forbids_no_common_words(county):
    assert register(county, name="张", phone="12", description="张家港路12号路边有垃圾").case


def test_the_same_call_sent_twice_is_one_call(county):
    number = uuid4()
    assert register(county, public_id=number) == register(county, public_id=number)
    assert Case.objects.count() == Call.objects.count() == 1


def test_a_call_from_outside_the_grid_leaves_nothing_behind(county):
    with pytest.raises(OutsideTheGrid):
        register(county, point=Point(100, 30, srid=4490))
    assert not Call.objects.exists()
    assert not VaultRecord.objects.exclude(kind="canary").exists()


def test_a_consultation_is_answered_at_once_and_makes_no_case(county):
    call = actions.answer_call(by=county.operator, at=MONDAY, kind="consultation", answer="垃圾清运时间为每日6点至8点")
    assert (call.result, call.case) == ("answered", None)
    assert not Case.objects.exists()


def test_an_answer_without_words_is_refused(county):
    with pytest.raises(actions.AnswerMissing):
        actions.answer_call(by=county.operator, at=MONDAY, kind="consultation", answer="  ")


def test_a_second_caller_joins_the_open_case_and_is_kept_apart(county):
    case = register(county).case
    call = actions.join_call(
        case, by=county.operator, at=LATER, kind="complaint", name="李大力", phone="13900139000", words="同一堆垃圾"
    )
    assert (call.case, call.result) == (case, "joined")
    assert call.reporter_ref != case.reporter_ref
    assert Case.objects.count() == 1


def test_nobody_joins_a_case_that_has_ended(county):
    case = county.case_at(Stage.CLOSED)
    with pytest.raises(actions.JoinedCaseOver):
        actions.join_call(case, by=county.operator, at=LATER, kind="complaint", words="又来了")


def test_each_seat_sees_its_own_calls_and_the_duty_leader_all_of_the_centre(county):
    call = register(county)
    assert list(Call.objects.visible_to(county.operator, LATER)) == [call]
    assert list(Call.objects.visible_to(county.duty_leader, LATER)) == [call]
    for person in (county.collector, county.dispatcher, county.sanitation, county.leader, county.administrator):
        assert not Call.objects.visible_to(person, LATER).exists()


# — calling back


def ended(county: County, **facts) -> Case:
    case = register(county, **facts).case
    return case_actions.refuse(case, by=county.operator, at=LATER, reason="不属于城市管理范围")


def test_an_ended_case_waits_for_its_call_back_until_the_citizen_was_told(county):
    case = ended(county)
    assert list(CallBack.objects.owed(county.operator, LATER)) == [case]
    actions.tell_result(case, by=county.operator, at=LATER, outcome="not_reached")
    assert list(CallBack.objects.owed(county.operator, LATER)) == [case]
    actions.tell_result(case, by=county.operator, at=LATER, outcome="told")
    assert not CallBack.objects.owed(county.operator, LATER).exists()


def test_telling_twice_is_telling_once(county):
    case = ended(county)
    first = actions.tell_result(case, by=county.operator, at=LATER)
    assert actions.tell_result(case, by=county.duty_leader, at=LATER) == first


def test_who_left_no_number_waits_for_no_call_back(county):
    ended(county, phone="")
    assert not CallBack.objects.owed(county.operator, LATER).exists()


def test_whoever_joined_with_a_number_is_called_back_too(county):
    case = register(county, name="", phone="", words="").case
    actions.join_call(case, by=county.operator, at=MONDAY, kind="complaint", phone="13900139000")
    case_actions.refuse(case, by=county.operator, at=LATER, reason="不属实")
    assert list(CallBack.objects.owed(county.operator, LATER)) == [case]


def test_whoever_reported_what_is_attached_is_called_back_when_the_first_case_has_ended(county):
    first = register(county, name="", phone="", words="").case
    second = register(county).case
    case_actions.attach(second, by=county.operator, at=MONDAY, first=first)
    assert not CallBack.objects.owed(county.operator, LATER).exists()
    second.refresh_from_db()
    with pytest.raises(actions.NotOverYet):
        actions.tell_result(second, by=county.operator, at=LATER)
    case_actions.refuse(first, by=county.operator, at=LATER, reason="不属实")
    assert list(CallBack.objects.owed(county.operator, LATER)) == [second]
    second.refresh_from_db()
    actions.tell_result(second, by=county.operator, at=LATER)
    assert not CallBack.objects.owed(county.operator, LATER).exists()


def test_there_is_no_result_to_tell_while_a_case_is_open(county):
    case = register(county).case
    with pytest.raises(actions.NotOverYet):
        actions.tell_result(case, by=county.operator, at=LATER)


def test_a_department_neither_sees_nor_makes_calls_back(county):
    case = ended(county)
    assert not CallBack.objects.owed(county.sanitation, LATER).exists()
    with pytest.raises(actions.NotASeat):
        actions.tell_result(case, by=county.sanitation, at=LATER)


# — the citizen


def test_a_citizens_words_and_place_go_to_the_vault_and_the_case_says_nothing_of_him(county):
    case = report(county, words="我在三楼看得见", place="幸福里3栋502门口", name="王小明", phone="13700137000")
    assert (case.source, case.description) == (Source.WEB, "")
    assert "502" not in case.address
    opened = vault.open_record(case.reporter_ref, reader=county.operator, why="handling", at=LATER)
    assert opened.words == "幸福里3栋502门口\n我在三楼看得见"


def test_whoever_leaves_nothing_leaves_no_record(county):
    assert report(county).reporter_ref is None


def test_only_the_hash_of_a_links_secret_is_kept(county):
    token = actions.new_token()
    report(county, token=token)
    link = FollowUp.objects.get()
    assert token not in str(FollowUp.objects.values().get())
    assert actions.follow(token, at=LATER) == link


def test_a_secret_has_128_bits_and_no_two_are_alike():
    tokens = {actions.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(actions.is_token(token) for token in tokens)


def test_the_same_report_sent_twice_is_one_case_with_one_link(county):
    number, token = uuid4(), actions.new_token()
    assert report(county, public_id=number, token=token) == report(county, public_id=number, token=token)
    assert Case.objects.count() == FollowUp.objects.count() == 1


def test_the_number_of_somebody_elses_case_gives_no_link_to_it(county):
    case = county.report()
    with pytest.raises(actions.AlreadyReceived):
        report(county, public_id=case.public_id)
    assert not FollowUp.objects.exists()


def test_a_forged_link_opens_nothing(county):
    report(county)
    with pytest.raises(actions.LinkUnknown):
        actions.follow(actions.new_token(), at=LATER)


def test_a_link_works_while_the_matter_is_open_and_some_time_after_it_has_ended(county):
    token = actions.new_token()
    case = report(county, token=token)
    years_later = MONDAY + timedelta(days=900)
    assert actions.follow(token, at=years_later).case == case
    case_actions.refuse(case, by=county.operator, at=LATER, reason="不属实")
    days = settings.get("hotline.follow_days", on=MONDAY.date())
    assert actions.follow(token, at=LATER + timedelta(days=days))
    with pytest.raises(actions.LinkExpired):
        actions.follow(token, at=LATER + timedelta(days=days, seconds=1))


def test_who_joins_follows_the_same_case_without_being_its_reporter(county):
    case, token = report(county), actions.new_token()
    link = actions.join_as_citizen(case, at=LATER, token=token)
    assert (link.case, link.is_reporter) == (case, False)
    assert actions.follow(token, at=LATER) == link
