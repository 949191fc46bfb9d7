"""Telling people: once each, in their own box, in the reader's language."""

from datetime import UTC, datetime

import pytest
from django.utils import translation

from office import actions, messages_text
from office.models import Message
from tests.factories import person

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
FACTS = {"person": "管力", "done_at": "2026-03-02T01:30:00+00:00"}


def tell(*people, dedupe="once", **facts) -> int:
    facts = {"code": "password_reset", "facts": FACTS, "about": "", "url": "/desk/", "at": AT} | facts
    return actions.tell(people, dedupe=dedupe, **facts)


def test_each_is_told_once():
    sun_li, chen_jing = person(), person()
    assert tell(sun_li, sun_li) == 1
    assert tell(sun_li, chen_jing) == 1
    assert tell(sun_li, chen_jing) == 0
    assert tell(sun_li, dedupe="another") == 1
    assert Message.objects.for_box(sun_li).count() == 2


def test_nobody_to_tell_is_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert tell() == 0


def test_whoever_left_is_not_told():
    assert tell(person(is_active=False)) == 0


def test_many_are_told_in_two_queries(django_assert_num_queries):
    people = [person() for _ in range(30)]
    with django_assert_num_queries(2):
        assert tell(*people) == 30


def test_a_message_nobody_has_words_for_is_a_mistake():
    with pytest.raises(KeyError):
        tell(person(), code="no_such_code")


def test_the_sentence_is_made_when_it_is_shown():
    tell(person())
    message = Message.objects.get()
    with translation.override("en"):
        assert messages_text.sentence(message) == "管力 reset your password at 2026-03-02 09:30."


def test_a_message_of_an_older_version_still_says_something():
    tell(person())
    message = Message.objects.get()
    message.code = "gone"
    with translation.override("en"):
        assert "news" in messages_text.sentence(message)
    message.code, message.facts = "password_reset", {}
    with translation.override("en"):
        assert messages_text.sentence(message) == "— reset your password at —."


def test_opening_counts_the_first_time():
    reader = person()
    tell(reader)
    message = Message.objects.get()
    actions.open_message(message, at=AT)
    actions.open_message(message, at=AT.replace(hour=5))
    message.refresh_from_db()
    assert message.read_at == AT
    assert Message.objects.unread(reader).count() == 0


def test_opening_all_leaves_other_boxes_alone():
    reader, other = person(), person()
    tell(reader, other)
    tell(reader, dedupe="second")
    assert actions.open_all(by=reader, at=AT) == 2
    assert Message.objects.unread(other).count() == 1


@pytest.mark.parametrize("code", messages_text.TEXTS)
def test_every_text_is_of_a_known_kind_and_can_be_worded_without_facts(code):
    text = messages_text.TEXTS[code]
    assert text.kind in messages_text.KINDS
    assert messages_text.worded(text.sentence, {})
