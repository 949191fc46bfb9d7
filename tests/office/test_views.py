"""The message box: one's own, and nobody else's."""

from datetime import UTC, datetime

import pytest

from accounts.roles import Role
from office import actions
from office.models import Message
from tests.factories import person

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
FACTS = {"person": "管力", "done_at": "2026-03-02T01:30:00+00:00"}


def tell(*people, url="/accounts/profile/", dedupe="once"):
    actions.tell(people, code="password_reset", facts=FACTS, about="", url=url, dedupe=dedupe, at=AT)


@pytest.mark.parametrize("role", [None, *Role])
def test_everybody_reads_his_own_box(seat, role):
    reader, other = person(role), person(role)
    tell(reader, other)
    rows = shown(seat(reader).get("/messages/"))
    assert [message.recipient_id for message in rows] == [reader.pk]


def shown(page) -> list[Message]:
    return [message for _day, rows in page.context["days"] for message, _kind, _sentence in rows]


def test_the_box_is_read_by_kind_and_what_is_new_alone(seat):
    reader = person()
    Message.objects.bulk_create(
        Message(
            recipient=reader, kind=kind, code="password_reset", dedupe_key=str(number), created_at=AT,
            read_at=AT if number % 2 else None,
        )
        for number, kind in enumerate(["alarm", "alarm", "task", "notice"])
    )  # fmt: skip
    browser = seat(reader)
    assert len(shown(browser.get("/messages/"))) == 4
    assert [one.kind for one in shown(browser.get("/messages/?kind=alarm"))] == ["alarm", "alarm"]
    assert len(shown(browser.get("/messages/?unread=yes"))) == 2
    assert len(shown(browser.get("/messages/?kind=nonsense"))) == 4


def test_a_full_box_is_paged_and_costs_few_queries(seat, django_assert_max_num_queries):
    reader = person(Role.ADMINISTRATOR)
    Message.objects.bulk_create(
        Message(recipient=reader, kind="notice", code="password_reset", dedupe_key=str(number), created_at=AT)
        for number in range(120)
    )
    browser = seat(reader)
    with django_assert_max_num_queries(12):
        page = browser.get("/messages/?page=2")
    assert len(shown(page)) == 50
    assert page.context["unread_messages"] == 100


def test_opening_a_message_reads_it_and_leads_to_what_it_is_about(seat):
    reader = person()
    tell(reader)
    message = Message.objects.get()
    assert seat(reader).get(f"/messages/{message.public_id}/")["Location"] == "/accounts/profile/"
    message.refresh_from_db()
    assert message.read_at is not None


def test_nobody_opens_somebody_elses_message(seat):
    tell(person())
    assert seat(person()).get(f"/messages/{Message.objects.get().public_id}/").status_code == 404


def test_only_the_unread_ones_are_shown_when_asked(seat):
    reader = person()
    tell(reader)
    browser = seat(reader)
    assert len(shown(browser.get("/messages/?unread=yes"))) == 1
    browser.post("/messages/read/")
    assert shown(browser.get("/messages/?unread=yes")) == []
    assert len(shown(browser.get("/messages/"))) == 1
