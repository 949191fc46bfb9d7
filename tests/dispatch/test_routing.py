"""Who should get it, without a database."""

import pytest

from dispatch.routing import (
    Department,
    Outcome,
    Problem,
    Proposal,
    Row,
    Rule,
    alternatives,
    choose,
    confidence,
    names_street,
    same_type,
)

COMMUNITY = "999902001001"
STREET = Department(code="taoxi", kind="street", area_code="999902001")
OTHER_STREET = Department(code="liulin", kind="street", area_code="999902002")
SANITATION = Department(code="sanitation", kind="department", types="环卫部门", area_code="999902")
PARKS = Department(code="parks", kind="department", types="园林绿化部门", area_code="999902")
WATER = Department(code="water", kind="utility", types="供水企业", area_code="")
CONTRACTOR = Department(code="brightways", kind="contractor", types="环卫部门", area_code="999902")
DEPARTMENTS = (STREET, OTHER_STREET, SANITATION, PARKS, WATER, CONTRACTOR)


def litter(**facts) -> Problem:
    facts = {"kind": "event", "class_code": "06-003", "department_type": "环卫部门", "area_code": COMMUNITY, **facts}
    return Problem(**facts)


def cover(**facts) -> Problem:
    facts = {
        "kind": "component", "class_code": "01-001", "department_type": "供水企业", "area_code": COMMUNITY,
        "component": "99990201001000001", **facts,
    }  # fmt: skip
    return Problem(**facts)


def who(proposals: list[Proposal]) -> list[tuple[str, str]]:
    return [(one.department_code, str(one.rule)) for one in proposals]


def test_an_event_goes_to_the_street_of_the_place_first_then_to_whom_the_catalogue_names():
    assert who(choose(litter(), departments=DEPARTMENTS)) == [("taoxi", "street"), ("sanitation", "catalogue")]


def test_a_component_goes_to_its_owner_first_then_to_its_maintainer_and_last_to_the_street():
    found = choose(cover(owner_code="parks", maintainer_code="brightways"), departments=DEPARTMENTS)
    assert who(found) == [
        ("parks", "owner"), ("brightways", "maintainer"), ("water", "catalogue"), ("taoxi", "street"),
    ]  # fmt: skip


def test_a_department_named_by_two_rules_is_proposed_once_under_the_first():
    found = choose(cover(owner_code="water"), departments=DEPARTMENTS)
    assert who(found) == [("water", "owner"), ("taoxi", "street")]


def test_a_component_whose_owner_is_not_known_goes_to_whom_the_catalogue_names():
    assert who(choose(cover(), departments=DEPARTMENTS))[0] == ("water", "catalogue")


def test_a_department_elsewhere_is_never_proposed():
    row = Row(department_code="liulin", class_code="06-003")
    assert "liulin" not in [code for code, _rule in who(choose(litter(), departments=DEPARTMENTS, rows=[row]))]


def test_nobody_fits_then_nobody_is_proposed():
    assert choose(litter(), departments=[OTHER_STREET, WATER]) == []


def test_the_responsibility_table_comes_before_every_other_rule():
    row = Row(department_code="parks", kind="event", major_code="06")
    assert who(choose(litter(), departments=DEPARTMENTS, rows=[row]))[0] == ("parks", "table")


ROWS = {
    "any": Row(department_code="water"),
    "area": Row(department_code="taoxi", area_code="999902001"),
    "major": Row(department_code="parks", kind="event", major_code="06"),
    "minor": Row(department_code="sanitation", class_code="06-003"),
}


def test_of_several_rows_the_narrower_comes_first():
    found = choose(litter(), departments=DEPARTMENTS, rows=list(ROWS.values()))
    assert who(found)[:4] == [("sanitation", "table"), ("parks", "table"), ("taoxi", "table"), ("water", "table")]


@pytest.mark.parametrize(
    ("row", "problem", "fits"),
    [
        (Row(department_code="parks", road_class="main"), litter(road_class="main"), True),
        (Row(department_code="parks", road_class="main"), litter(road_class="lane"), False),
        (Row(department_code="parks", kind="component", major_code="06"), litter(), False),
        (Row(department_code="parks", class_code="06-004"), litter(), False),
        (Row(department_code="parks", area_code="999902002"), litter(), False),
        (Row(department_code="parks", owner_code="water"), cover(owner_code="water"), True),
        (Row(department_code="parks", owner_code="water"), cover(), False),
    ],
)
def test_a_row_counts_only_where_each_of_its_conditions_holds(row, problem, fits):
    assert (("parks", "table") in who(choose(problem, departments=DEPARTMENTS, rows=[row]))) is fits


def test_every_proposal_says_why():
    table = Row(department_code="parks", class_code="01-001", area_code="999902")
    found = choose(cover(owner_code="water"), departments=DEPARTMENTS, rows=[table])
    assert found[0].facts == {"conditions": "01-001, 999902"}
    assert found[1].facts == {"component": "99990201001000001"}


def test_without_experience_the_street_is_surer_where_the_catalogue_names_it():
    street_named = choose(litter(department_type="街道/属地执法部门"), departments=DEPARTMENTS)[0]
    other_named = choose(litter(department_type="公安交警"), departments=DEPARTMENTS)[0]
    assert street_named.rule == other_named.rule == Rule.STREET
    assert street_named.confidence > 0.8 > other_named.confidence


@pytest.mark.parametrize("problem", [litter(), cover(owner_code="parks", maintainer_code="brightways")])
def test_before_any_experience_the_order_of_the_rules_is_the_order_of_confidence(problem):
    figures = [one.confidence for one in choose(problem, departments=DEPARTMENTS)]
    assert figures == sorted(figures, reverse=True)


def test_experience_moves_the_figure_and_outweighs_the_estimate_in_the_end():
    assert confidence(0.5, Outcome()) == 0.5
    assert confidence(0.5, Outcome(right=1)) == pytest.approx(0.6)
    assert confidence(0.5, Outcome(wrong=1)) == pytest.approx(0.4)
    assert confidence(0.5, Outcome(right=980, wrong=20)) == pytest.approx(0.978, abs=0.001)


def test_whoever_gave_most_of_them_back_goes_behind_the_others():
    found = choose(litter(), departments=DEPARTMENTS, outcomes={"taoxi": Outcome(right=2, wrong=7)})
    assert who(found) == [("sanitation", "catalogue"), ("taoxi", "street")]


def test_a_few_returns_do_not_yet_change_the_order():
    found = choose(litter(), departments=DEPARTMENTS, outcomes={"taoxi": Outcome(wrong=4)})
    assert who(found)[0] == ("taoxi", "street")


@pytest.mark.parametrize(
    ("text", "stems"),
    [
        ("水务(河道)部门/市政/园林部门", ["水务", "市政", "园林"]),
        ("路灯(照明)管理单位", ["路灯"]),
        ("街道/属地执法部门(先兜底处置)", []),
        ("产权单位/街道", []),
        ("产权单位/应急、能源、市场监管部门", ["应急", "能源", "市场监管"]),
        ("", []),
    ],
)
def test_the_catalogues_words_are_taken_apart(text, stems):
    assert alternatives(text) == stems


def test_short_and_long_names_mean_the_same_kind_of_department():
    assert same_type("园林", "园林绿化")
    assert not same_type("供水", "供热")
    assert names_street("环卫部门/街道")
    assert not names_street("环卫部门")
