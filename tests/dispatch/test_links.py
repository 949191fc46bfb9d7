"""A department gives a case to a crew by link: what it opens, what it does, when it ends, what is written down."""

import json
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from cases import actions as cases
from cases.actions import NotYours
from cases.models import CaseEvent, EventText, Evidence
from cases.workflow import Stage, StintStage
from dispatch import actions, links, retention, teams
from dispatch.models import CaseLink, Crew, LinkStep
from office import actions as office
from office import settings
from office.models import Delivery, Erasure, Message
from tests.county import LONG_AGO, County, beijing, picture

pytestmark = pytest.mark.django_db
NOON = beijing(2026, 3, 2, 11)
LATER = NOON + timedelta(minutes=30)


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def crew(county) -> Crew:
    made = Crew(department=county.sanitation_bureau, name="保洁一班", contact="贺强", phone="13900000002",
                valid_from=LONG_AGO)  # fmt: skip
    return links.keep_crew(made, by=county.sanitation, at=NOON)


def stint_in_hand(county, stage=Stage.HANDLING):
    return county.case_at(stage).stints.get()


def give(county, stint, **said) -> CaseLink:
    return links.make(stint, by=county.sanitation, at=NOON, **{"name": "贺强", **said})


def what(link) -> list[str]:
    return list(link.steps.order_by("id").values_list("what", flat=True))


# — what it does —


def test_done_by_link_hands_the_case_over_in_the_name_of_the_unit_and_says_whose_hands_it_was(county, crew):
    stint = stint_in_hand(county)
    link = give(county, stint, crew=crew)
    case = links.finish(link, at=LATER, words="已清运", files=county.pictures(2))
    stint.refresh_from_db()
    assert (stint.stage, stint.handed_over_at) == (StintStage.HANDED_OVER, LATER)
    event = case.events.get(verb="hand_over")
    assert (event.actor, event.department, event.facts["link"]) == (
        county.sanitation, county.sanitation_bureau, str(link.public_id),
    )  # fmt: skip
    text = EventText.objects.get(case=case, sequence=event.sequence).text
    assert "已清运" in text
    assert "保洁一班 贺强" in text
    assert Evidence.objects.filter(case=case, usage="after", stint=stint).count() == 2


def test_a_case_that_nobody_received_yet_is_received_by_being_done(county):
    stint = stint_in_hand(county, Stage.PENDING_HANDLE)
    links.finish(give(county, stint), at=LATER, words="已清运", files=county.pictures())
    stint.refresh_from_db()
    assert (stint.received_at, stint.stage) == (LATER, StintStage.HANDED_OVER)


def test_a_department_that_wants_to_confirm_gets_the_result_and_hands_it_over_itself(county):
    links.set_practice(county.sanitation_bureau, by=county.sanitation, at=NOON, confirms=True)
    stint = stint_in_hand(county)
    case = links.finish(give(county, stint), at=LATER, words="已清运", files=county.pictures())
    stint.refresh_from_db()
    assert (stint.stage, stint.submitted_at, case.stage) == (StintStage.HANDLING, LATER, Stage.HANDLING)
    told = Message.objects.get(recipient=county.sanitation, code="crew_reported")
    assert told.facts["crew"] == "贺强"
    settings.set_value("dispatch.result_needs_picture", True, by=None, at=NOON, valid_from=LONG_AGO)
    assert actions.hand_over(stint, by=county.sanitation, at=LATER, opinion="已核对").stage == Stage.HANDED_OVER


def test_what_a_crew_sent_may_be_sent_back_and_then_needs_another_link(county):
    links.set_practice(county.sanitation_bureau, by=county.sanitation, at=NOON, confirms=True)
    stint = stint_in_hand(county)
    link = give(county, stint)
    links.finish(link, at=LATER, words="已清运", files=county.pictures())
    teams.send_back_result(stint, by=county.sanitation, at=LATER, reason="还有一半")
    link.refresh_from_db()
    assert links.standing(link, at=LATER) == links.Standing.USED
    assert links.finish(give(county, stint), at=LATER, words="全部清运", files=county.pictures())


def test_the_citys_word_holds_where_a_department_said_nothing(county):
    settings.set_value("dispatch.link_confirm", True, by=None, at=NOON, valid_from=LONG_AGO)
    assert give(county, stint_in_hand(county)).confirms
    links.set_practice(county.sanitation_bureau, by=county.sanitation, at=NOON, confirms=False)
    assert not give(county, stint_in_hand(county)).confirms


def test_the_result_of_a_level_below_goes_up_and_not_to_the_centre(county):
    county.add_teams(levels=2)
    own = stint_in_hand(county)
    teams.sub_dispatch(own, by=county.sanitation, at=NOON, department_below=county.squad)
    below = own.below.get()
    link = links.make(below, by=county.squad_operator, at=NOON, name="贺强")
    links.finish(link, at=LATER, words="已清运", files=county.pictures())
    below.refresh_from_db()
    assert below.stage == StintStage.HANDED_UP


def test_twice_done_is_done_once(county):
    link = give(county, stint_in_hand(county))
    links.finish(link, at=LATER, words="已清运", files=county.pictures())
    with pytest.raises(links.LinkUsed):
        links.finish(link, at=LATER, words="已清运", files=county.pictures())
    assert CaseEvent.objects.filter(verb="hand_over").count() == 1


# — when it ends —


def ended_by(county, link, stint):
    """Return ways to end a link, each by its name: (what is done, the refusal)."""
    return {
        "time": (lambda: None, links.LinkRanOut, NOON + timedelta(hours=72)),
        "revoked": (lambda: links.revoke(link, by=county.sanitation, at=LATER), links.LinkTakenBack, LATER),
        "taken_back": (
            lambda: actions.withdraw_dispatch(stint, by=county.dispatcher, at=LATER, reason="派错"),
            links.CaseElsewhere, LATER,
        ),
        "handed_over": (
            lambda: actions.hand_over(stint, by=county.sanitation, at=LATER, opinion="已清运"), links.CaseElsewhere,
            LATER,
        ),
        "returning": (
            lambda: actions.ask_return(stint, by=county.sanitation, at=LATER, ground="not_ours", reason="不属于"),
            links.CaseRests, LATER,
        ),
        "maker_gone": (lambda: county.sanitation.appointments.update(valid_to=NOON.date()), links.CaseElsewhere, LATER),
    }  # fmt: skip


@pytest.mark.parametrize("how", ["time", "revoked", "taken_back", "handed_over", "returning", "maker_gone"])
def test_a_link_ends(county, how):
    stint = stint_in_hand(county)
    link = give(county, stint)
    act, refusal, at = ended_by(county, link, stint)[how]
    links.refuse_unless_open(links.find(links.token_of(link)), at=LATER)
    act()
    with pytest.raises(refusal):
        links.refuse_unless_open(links.find(links.token_of(link)), at=at)
    with pytest.raises(refusal):
        links.finish(link, at=at, words="已清运", files=county.pictures())


def test_the_same_department_that_gets_a_case_again_needs_another_link(county):
    stint = stint_in_hand(county)
    link = give(county, stint)
    case = actions.withdraw_dispatch(stint, by=county.dispatcher, at=LATER, reason="派错")
    again = LATER + timedelta(minutes=5)
    actions.dispatch(case, by=county.dispatcher, at=again, department=county.sanitation_bureau)
    assert case.stints.get() == stint
    assert links.standing(links.find(links.token_of(link)), at=again) == links.Standing.ELSEWHERE


def test_rework_needs_another_link(county):
    case = county.case_at(Stage.PENDING_CLOSE)
    stint = case.stints.get()
    cases.rework(case, by=county.duty_leader, at=NOON, reason="未清净")
    stint.refresh_from_db()
    first = give(county, stint)
    assert links.standing(first, at=LATER) == links.Standing.OPEN
    assert first.rework_count == 1


def test_a_crew_that_leaves_takes_its_links_with_it(county, crew):
    link = give(county, stint_in_hand(county), crew=crew)
    links.end_crew(crew, by=county.sanitation, at=LATER, on=LATER.date())
    assert links.standing(links.find(links.token_of(link)), at=LATER) == links.Standing.REVOKED


# — who may —


@pytest.mark.parametrize("who", ["handler", "water", "dispatcher", "operator", "leader", "collector"])
def test_only_the_departments_own_desk_gives_a_case_to_somebody(county, who):
    with pytest.raises(NotYours):
        links.make(stint_in_hand(county), by=getattr(county, who), at=NOON, name="贺强")


def test_the_crew_of_another_department_gets_nothing(county, crew):
    case = county.case_at(Stage.PENDING_DISPATCH)
    actions.dispatch(case, by=county.dispatcher, at=NOON, department=county.water_company)
    with pytest.raises(links.CrewNotOurs):
        links.make(case.stints.get(), by=county.water, at=NOON, name="贺强", crew=crew)


def test_a_department_keeps_its_own_crews_only(county, crew):
    with pytest.raises(PermissionDenied):
        links.end_crew(crew, by=county.water, at=NOON, on=NOON.date())
    with pytest.raises(PermissionDenied):
        links.set_practice(county.sanitation_bureau, by=county.water, at=NOON, confirms=True)
    with pytest.raises(links.CrewNamedAlready):
        links.keep_crew(
            Crew(department=county.sanitation_bureau, name=crew.name, contact="乙", valid_from=LONG_AGO),
            by=county.sanitation, at=NOON,
        )  # fmt: skip


# — out of the house —


def test_a_text_message_carries_the_address_and_the_outbox_does_not(county, tmp_path, settings):
    path = tmp_path / "sent.jsonl"
    settings.GATEWAYS = {"sms": {"kind": "file", "path": str(path)}}
    link = give(county, stint_in_hand(county), phone="13900000002", channels=["sms"])
    [kept] = Delivery.objects.all()
    token = links.token_of(link)
    assert token not in kept.url
    assert "贺强" not in json.dumps(kept.facts, ensure_ascii=False)
    assert office.send_some(at=NOON) == 1
    [line] = [json.loads(one) for one in path.read_text().splitlines()]
    assert (line["address"], line["link"]) == ("13900000002", f"{settings.SITE_URL}/l/{token}/")
    assert what(link) == ["made", "sent"]


def test_what_cannot_be_sent_is_not_made(county):
    with pytest.raises(links.NoWayToSend):
        give(county, stint_in_hand(county), phone="13900000002", channels=["sms"])
    assert not CaseLink.objects.exists()


# — the pages —


@pytest.fixture
def today(county):
    """A stint in hand of today, for pages that read the clock."""
    return county.case_at(Stage.HANDLING, at=timezone.now() - timedelta(minutes=20)).stints.get()


def test_the_operator_makes_copies_and_takes_back_a_link_beside_the_case(county, crew, today, seat):
    browser = seat(county.sanitation)
    beside = f"/department/{today.case.public_id}/links/"
    assert "通过链接交班组办理" in browser.get(beside).content.decode()
    answer = browser.post(f"{beside}{today.public_id}/", {"crew": str(crew.public_id), "note": "带铁锹"})
    link = CaseLink.objects.get()
    assert (link.name, link.phone, link.crew, link.note) == ("贺强", "13900000002", crew, "带铁锹")
    assert f"/l/{links.token_of(link)}/" in answer.content.decode()
    assert links.token_of(link) not in browser.get(beside).content.decode()
    assert links.token_of(link) in browser.post(f"/department/links/{link.public_id}/show/").content.decode()
    browser.post(f"/department/links/{link.public_id}/revoke/")
    assert what(link) == ["made", "shown", "shown", "revoked"]
    assert browser.post(f"{beside}{today.public_id}/", {"note": "无人"}).status_code == 422


def test_another_department_neither_sees_nor_touches_a_link(county, today, seat):
    link = links.make(today, by=county.sanitation, at=timezone.now(), name="贺强")
    browser = seat(county.water)
    assert browser.get(f"/department/{today.case.public_id}/links/").status_code == 404
    assert browser.post(f"/department/links/{link.public_id}/show/").status_code == 404
    assert (
        browser.post(f"/department/{today.case.public_id}/links/{today.public_id}/", {"name": "x"}).status_code == 404
    )
    assert seat(county.handler).get(f"/department/{today.case.public_id}/links/").status_code == 403


def test_the_page_of_crews_keeps_changes_and_ends_them(county, seat):
    browser = seat(county.sanitation)
    said = {"department": county.sanitation_bureau.pk, "name": "保洁二班", "contact": "魏民", "phone": "13900000003",
            "valid_from": "2026-01-01"}  # fmt: skip
    assert browser.post("/department/crews/", said).status_code == 302
    crew = Crew.objects.get()
    assert browser.post(f"/department/crews/{crew.public_id}/", {**said, "phone": "13900000009"}).status_code == 302
    assert "13900000009" in browser.get("/department/crews/").content.decode()
    assert browser.post("/department/crews/", {**said, "department": county.water_company.pk}).status_code == 422
    browser.post(f"/department/crews/practice/{county.sanitation_bureau.public_id}/", {"confirms": "yes"})
    assert links.confirms_results(county.sanitation_bureau, at=timezone.now())
    browser.post(f"/department/crews/{crew.public_id}/end/")
    crew.refresh_from_db()
    assert crew.valid_to is not None
    assert seat(county.dispatcher).get("/department/crews/").status_code == 403


def test_a_phone_opens_the_case_sends_pictures_and_is_done(county, today):
    link = links.make(today, by=county.sanitation, at=timezone.now(), name="贺强", note="带铁锹")
    phone, address = Client(), f"/l/{links.token_of(link)}/"
    page = phone.get(address).content.decode()
    for said in ("暴露垃圾", "带铁锹", "geo:31.0003", today.case.number, "清除"):
        assert said in page
    number = "6f6ad1a2-3f1c-4c5e-9d43-0e2f6f6ad1a2"
    sent = [phone.post(f"{address}picture/", {"file": picture(7), "number": number}).json()["mark"] for _ in range(2)]
    refused = phone.post(address, {"words": "已清运"})
    assert refused.status_code == 422
    assert phone.post(address, {"words": "已清运", "files_kept": sent[:1]}).status_code == 302
    done = phone.get(address)
    assert (done.status_code, "已提交" in done.content.decode()) == (200, True)
    assert Evidence.objects.filter(stint=today, usage="after").count() == 1
    assert what(link) == ["made", "opened", "picture", "picture", "done"]
    assert set(LinkStep.objects.filter(link=link).exclude(what="made").values_list("by", flat=True)) == {None}


# — how long it is kept for whom —


def test_for_whom_a_link_was_made_is_forgotten_after_three_years_and_the_log_stays(county, crew):
    link = give(county, stint_in_hand(county), crew=crew, phone="13900000002")
    links.end_crew(crew, by=county.sanitation, at=LATER, on=LATER.date())
    over = link.expires_at + timedelta(days=1095)
    assert retention.erase_what_is_due(at=over - timedelta(days=10)) == 0
    assert retention.erase_what_is_due(at=over + timedelta(seconds=1)) == 2
    link.refresh_from_db()
    crew.refresh_from_db()
    assert (link.name, link.phone, crew.contact, crew.phone) == ("", "", "", "")
    assert what(link) == ["made", "revoked"]
    assert set(Erasure.objects.values_list("rule", flat=True)) == {"link_holders", "crew_contacts"}
