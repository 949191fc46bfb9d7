"""Phrases: one's own and those of one's role, and who may keep which."""

import pytest

from office.models import Phrase
from tests.county import County

pytestmark = pytest.mark.django_db


@pytest.fixture
def county() -> County:
    return County.build()


def mine(browser) -> list[str]:
    return [one["text"] for one in browser.get("/phrases/mine/").json()["phrases"]]


def test_ones_own_come_before_those_of_the_role_and_nobody_elses_come_at_all(seat, county):
    Phrase.objects.create(role="acceptance_operator", text="岗位的话", number=1)
    Phrase.objects.create(role="dispatcher", text="别人的岗位", number=1)
    Phrase.objects.create(owner=county.duty_leader, text="别人的话", number=1)
    browser = seat(county.operator)
    browser.post("/phrases/", {"text": "我的第二句", "use": "", "number": "2"})
    browser.post("/phrases/", {"text": "我的第一句", "use": "reason", "number": "1"})
    assert mine(browser) == ["我的第一句", "我的第二句", "岗位的话"]


def test_a_phrase_is_changed_and_dropped_by_its_owner_only(seat, county):
    phrase = Phrase.objects.create(owner=county.operator, text="旧的话", number=1)
    address, facts = f"/phrases/{phrase.public_id}/", {"text": "新的话", "use": "", "number": "1"}
    assert seat(county.duty_leader).post(address, facts).status_code == 404
    browser = seat(county.operator)
    browser.post(address, facts)
    assert mine(browser) == ["新的话"]
    browser.post(address, {"drop": "yes"})
    assert mine(browser) == []


def test_the_phrases_of_a_role_are_kept_by_those_who_may(seat, county):
    facts = {"text": "请按时限处置", "use": "opinion", "number": "1"}
    assert seat(county.operator).post("/phrases/?role=dispatcher", facts).status_code == 404
    assert seat(county.duty_leader).post("/phrases/?role=nobody", facts).status_code == 404
    seat(county.administrator).post("/phrases/?role=dispatcher", facts)
    assert mine(seat(county.dispatcher)) == ["请按时限处置"]


def test_an_empty_phrase_is_sent_back(seat, county):
    assert seat(county.operator).post("/phrases/", {"text": " ", "use": "", "number": "1"}).status_code == 422
    assert not Phrase.objects.exists()
