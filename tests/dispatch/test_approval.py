"""Which rule of approval holds, and which chains make sense."""

import pytest

from dispatch import approval
from dispatch.approval import Asked, Row, terms


def test_without_a_row_the_defaults_hold():
    assert terms(Asked(kind="extension"), max_count=2).chain == ("dispatcher",)
    assert terms(Asked(kind="extension"), max_count=2).max_count == 2
    assert terms(Asked(kind="return", ground="no_need")).chain == ("dispatcher", "commander")
    assert terms(Asked(kind="appeal")).max_count == 1


def test_every_kind_of_request_has_a_default_whose_last_word_fits():
    for row in approval.DEFAULTS:
        assert approval.problem(row.kind, row.chain) == ""
    assert {row.kind for row in approval.DEFAULTS} == set(approval.LAST_WORD)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({"class_code": "06-003"}, {"major_code": "06", "class_kind": "event"}),
        ({"major_code": "06"}, {"area_code": "999902001001"}),
        ({"area_code": "999902001"}, {"area_code": "999902", "level": 1}),
        ({"level": 2}, {"nth": 2}),
        ({"nth": 2}, {"min_days": 30}),
        ({"min_days": 60}, {"min_days": 30}),
    ],
)
def test_the_narrower_row_wins(narrow, wide):
    asked = Asked(kind="suspension", class_kind="event", major_code="06", class_code="06-003",
                  area_code="999902001001", level=narrow.get("level", 1), nth=2, days=90)  # fmt: skip
    rows = [
        Row(kind="suspension", chain=("dispatcher",), **wide),
        Row(kind="suspension", chain=("commander",), **narrow),
    ]
    assert terms(asked, rows).chain == terms(asked, rows[::-1]).chain == ("commander",)


def test_a_row_that_does_not_fit_is_no_row():
    row = Row(kind="suspension", chain=("commander",), min_days=30)
    assert terms(Asked(kind="suspension", days=29), [row]).chain == ("dispatcher",)


@pytest.mark.parametrize(
    ("kind", "chain", "wrong"),
    [
        ("extension", (), "empty"),
        ("extension", ("leader",), "unknown"),
        ("extension", ("dispatcher", "dispatcher"), "twice"),
        ("extension", ("dispatcher", "duty_leader"), "last"),
        ("voiding", ("duty_leader", "commander"), "last"),
        ("extension", ("duty_leader", "commander"), ""),
    ],
)
def test_a_chain_that_makes_no_sense_says_why(kind, chain, wrong):
    assert approval.problem(kind, chain) == wrong
