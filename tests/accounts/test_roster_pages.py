"""The pages of roster, contacts, deliveries and how one is reached; who may open them, and what they change."""

from datetime import time

import pytest

from accounts.models import Contact, RosterEntry, Shift
from office import actions as office
from office.models import Delivery, Message, Reach
from tests.county import MONDAY, County

pytestmark = pytest.mark.django_db


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def night(db) -> Shift:
    return Shift.objects.create(name="夜班", begins_at=time(20), ends_at=time(8))


def test_a_duty_leader_puts_somebody_on_the_roster_for_several_weekdays(
    county, night, seat, django_assert_max_num_queries
):
    page = seat(county.duty_leader)
    said = {"kind": "seat", "department": county.departments["command"].pk, "role": "dispatcher", "shift": night.pk,
            "user": county.dispatcher.pk, "weekdays": ["0", "2"], "valid_from": "2026-03-01"}  # fmt: skip
    assert page.post("/maintenance/roster/", said).status_code == 302
    assert page.post("/maintenance/roster/", said).status_code == 302  # pressed twice
    assert sorted(RosterEntry.objects.values_list("weekday", flat=True)) == [0, 2]
    with django_assert_max_num_queries(12):
        shown = page.get("/maintenance/roster/?week=2026-03-02").content.decode()
    assert shown.count("<td>王伟</td>") == 2 + 2  # two days of the week, two entries


def test_a_roster_entry_that_makes_no_sense_is_refused_in_words(county, night, seat):
    page = seat(county.administrator)
    said = {
        "kind": "seat",
        "department": county.departments["command"].pk,
        "shift": night.pk,
        "valid_from": "2026-03-01",
    }
    answer = page.post("/maintenance/roster/", said)
    assert answer.status_code == 422
    assert not RosterEntry.objects.exists()


def test_a_turn_is_handed_over_for_a_day_and_an_entry_ended(county, night, seat):
    entry = RosterEntry.objects.create(
        kind="seat", role="dispatcher", department=county.departments["command"], shift=night, user=county.dispatcher,
        weekday=0, valid_from="2026-01-01",
    )  # fmt: skip
    page = seat(county.duty_leader)
    page.post("/maintenance/roster/hand/", {"entry": entry.pk, "on": "2026-03-02", "to": county.commander.pk})
    assert RosterEntry.objects.get(on_date="2026-03-02").user == county.commander
    page.post("/maintenance/roster/hand/", {"entry": entry.pk, "on": "2026-03-03", "to": county.commander.pk})
    assert RosterEntry.objects.filter(on_date="2026-03-03").count() == 0  # no Monday
    page.post(f"/maintenance/roster/{entry.public_id}/end/")
    entry.refresh_from_db()
    assert entry.valid_to is not None


def test_a_shift_is_added_once_by_its_name(county, seat):
    page = seat(county.duty_leader)
    for _twice in range(2):
        page.post("/maintenance/roster/shifts/", {"name": "早班", "begins_at": "08:00", "ends_at": "16:00"})
    assert Shift.objects.get().begins_at == time(8)


def test_a_department_keeps_its_own_contacts_and_sees_no_others(county, seat):
    Contact.objects.create(department=county.water_company, name="水司老王", mobile="1")
    page = seat(county.sanitation)
    assert "水司老王" not in page.get("/maintenance/contacts/").content.decode()
    said = {"department": county.sanitation_bureau.pk, "name": "老张", "mobile": "13900000001", "sort": 1}
    assert page.post("/maintenance/contacts/", said).status_code == 302
    assert page.post("/maintenance/contacts/", said | {"department": county.water_company.pk}).status_code == 422
    contact = Contact.objects.get(name="老张")
    page.post(f"/maintenance/contacts/{contact.public_id}/", said | {"name": "老李"})
    page.post(f"/maintenance/contacts/{contact.public_id}/end/")
    contact.refresh_from_db()
    assert (contact.name, contact.ended_at is None) == ("老李", False)
    other = Contact.objects.get(name="水司老王")
    page.post(f"/maintenance/contacts/{other.public_id}/end/")
    other.refresh_from_db()
    assert other.ended_at is None


@pytest.mark.parametrize("address", ["/maintenance/roster/", "/maintenance/deliveries/", "/maintenance/alarms/"])
def test_a_department_opens_none_of_the_centres_pages(county, seat, address):
    assert seat(county.sanitation).get(address).status_code == 403


def test_what_was_given_up_is_shown_and_sent_again(county, seat, settings):
    settings.GATEWAYS = {"sms": {"kind": "file", "path": "/dev/null"}}
    type(county.operator).objects.filter(pk=county.operator.pk).update(phone="13900000001")
    county.operator.refresh_from_db()
    facts = {"number": "1", "what": "暴露垃圾", "area": "桃溪街道", "clock": "Acceptance", "due_at": MONDAY.isoformat()}
    letter = office.Letter(county.operator, "clock_overdue", facts, "", "", "one", ("sms",), facts)
    office.tell_all([letter], at=MONDAY)
    Delivery.objects.update(state="dead", last_error="gateway_away")
    page = seat(county.duty_leader)
    shown = page.get("/maintenance/deliveries/").content.decode()
    assert "桃溪街道" in shown
    assert "gateway_away" in shown
    page.post(f"/maintenance/deliveries/{Delivery.objects.get().public_id}/again/")
    assert Delivery.objects.get().state == "waiting"
    assert "gateway_away" not in page.get("/maintenance/deliveries/").content.decode()
    assert "桃溪街道" in page.get("/maintenance/deliveries/?state=waiting&channel=sms").content.decode()
    assert Message.objects.count() == 1


def test_everybody_says_for_himself_how_he_is_reached(county, seat):
    page = seat(county.collector)
    said = {
        "mail-is_wanted": "on",
        "mail-address": "zhao@example.org",
        "sms-quiet_from": "22:00",
        "sms-quiet_to": "07:00",
    }
    assert page.post("/accounts/reach/", said).status_code == 302
    mail, sms = (Reach.objects.get(user=county.collector, channel=channel) for channel in ("mail", "sms"))
    assert (mail.is_wanted, mail.address) == (True, "zhao@example.org")
    assert (sms.is_wanted, sms.quiet_to) == (False, time(7))
    assert page.post("/accounts/reach/", said | {"sms-quiet_to": ""}).status_code == 422


# — escalation chains —


def steps(*rows: dict) -> dict:
    said = {"step-TOTAL_FORMS": 8, "step-INITIAL_FORMS": 8}
    for number in range(8):
        row = {"when": "overdue", "number": 0, **(rows[number] if number < len(rows) else {})}
        said |= {f"step-{number}-{name}": value for name, value in row.items()}
    return said


def test_an_administrator_writes_and_changes_and_ends_a_chain(county, seat):
    from cases.models import AlarmChain

    page = seat(county.administrator)
    assert "到期时" in page.get("/maintenance/alarms/").content.decode()
    said = {"name": "井盖", "kind": "component", "valid_from": "2026-01-01"}
    rows = steps({"when": "share", "number": 50, "to": ["holder"], "by": ["sms"]}, {"to": ["holder", "leader"]})
    assert page.post("/maintenance/alarms/new/", said | rows).status_code == 302
    chain = AlarmChain.objects.get()
    assert [(row["when"], row["number"]) for row in chain.steps] == [("share", 50), ("overdue", 0)]
    shown = page.get("/maintenance/alarms/").content.decode()
    assert "已用时限 50%" in shown
    assert page.get(f"/maintenance/alarms/{chain.public_id}/").status_code == 200
    assert page.post(f"/maintenance/alarms/{chain.public_id}/", said | steps({"to": ["leader"]})).status_code == 302
    assert AlarmChain.objects.count() == 2
    assert page.post(f"/maintenance/alarms/{chain.public_id}/", said | steps()).status_code == 422
    page.post(f"/maintenance/alarms/{AlarmChain.objects.get(valid_to=None).public_id}/end/")
    assert not AlarmChain.objects.filter(valid_to=None).exists()
