"""Who should get it, without a database."""

from datetime import datetime, time

import pytest

from dispatch.certainty import Experience, Outcome
from dispatch.routing import (
    Department,
    Problem,
    Proposal,
    Row,
    Rule,
    alternatives,
    choose,
    conditions,
    is_time_of,
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


def in_the_city(right: int = 0, wrong: int = 0) -> Experience:
    outcome = Outcome.of(right, wrong)
    return Experience(street=outcome, district=outcome, city=outcome)


def test_experience_moves_the_figure_and_outweighs_the_estimate_in_the_end():
    def figure(**known) -> float:
        return choose(litter(), departments=[SANITATION], experience={"sanitation": in_the_city(**known)})[0].confidence

    assert figure(wrong=1) < figure() < figure(right=1)
    assert figure(right=980, wrong=20) == pytest.approx(0.977, abs=0.002)


def test_whoever_gave_most_of_them_back_goes_behind_the_others():
    found = choose(litter(), departments=DEPARTMENTS, experience={"taoxi": in_the_city(right=2, wrong=7)})
    assert who(found) == [("sanitation", "catalogue"), ("taoxi", "street")]


def test_a_few_returns_do_not_yet_change_the_order():
    found = choose(litter(), departments=DEPARTMENTS, experience={"taoxi": in_the_city(wrong=4)})
    assert who(found)[0] == ("taoxi", "street")


def test_whoever_gave_them_back_on_this_street_goes_behind_the_others_on_this_street_only():
    here = Experience(street=Outcome.of(1, 8), district=Outcome.of(90, 8), city=Outcome.of(90, 8))
    there = Experience(district=Outcome.of(90, 8), city=Outcome.of(90, 8))
    row = Row(department_code="sanitation", class_code="06-003")
    assert who(choose(litter(), departments=DEPARTMENTS, rows=[row], experience={"sanitation": here}))[0][0] == "taoxi"
    found = choose(litter(), departments=DEPARTMENTS, rows=[row], experience={"sanitation": there})
    assert who(found)[0][0] == "sanitation"


# — precedents —


def test_a_precedent_goes_before_the_table_and_names_its_case():
    table = Row(department_code="parks", class_code="06-003", area_code=COMMUNITY)
    settled = Row(department_code="sanitation", class_code="06-003", precedent="999902-20260302-00007")
    first, second, *_others = choose(litter(), departments=DEPARTMENTS, rows=[table, settled])
    assert (first.department_code, first.rule) == ("sanitation", Rule.PRECEDENT)
    assert first.facts["case"] == "999902-20260302-00007"
    assert second.department_code == "parks"


def test_of_two_precedents_for_the_same_the_newer_goes_first():
    older, newer = (
        Row(department_code=code, class_code="06-003", precedent="1", newest=day)
        for code, day in (("parks", "2026-01-01"), ("sanitation", "2026-02-01"))
    )
    assert who(choose(litter(), departments=DEPARTMENTS, rows=[older, newer]))[0][0] == "sanitation"


# — at which time —

NIGHT = (time(18), time(2))


@pytest.mark.parametrize(
    ("row", "at", "holds"),
    [
        (Row(department_code="x", hours=NIGHT), datetime(2026, 3, 2, 18), True),
        (Row(department_code="x", hours=NIGHT), datetime(2026, 3, 2, 17, 59), False),
        (Row(department_code="x", hours=NIGHT), datetime(2026, 3, 3, 1, 59), True),
        (Row(department_code="x", hours=NIGHT), datetime(2026, 3, 3, 2), False),
        (Row(department_code="x", hours=(time(8), time(12))), datetime(2026, 3, 2, 12), False),
        (Row(department_code="x", weekdays="67"), datetime(2026, 3, 7, 9), True),  # a Saturday
        (Row(department_code="x", weekdays="67"), datetime(2026, 3, 9, 9), False),
        (Row(department_code="x", weekdays="6", hours=NIGHT), datetime(2026, 3, 8, 1), True),  # Saturday's night
        (Row(department_code="x", weekdays="7", hours=NIGHT), datetime(2026, 3, 8, 1), False),
        (Row(department_code="x", season=("05-01", "09-30")), datetime(2026, 9, 30), True),
        (Row(department_code="x", season=("05-01", "09-30")), datetime(2026, 10, 1), False),
        (Row(department_code="x", season=("11-15", "03-15")), datetime(2026, 1, 1), True),
        (Row(department_code="x", season=("11-15", "03-15")), datetime(2026, 7, 1), False),
        (Row(department_code="x", hours=NIGHT), None, False),
        (Row(department_code="x"), None, True),
    ],
)
def test_a_row_for_some_times_holds_then(row, at, holds):
    assert is_time_of(row, at) is holds


def test_the_night_market_goes_to_the_night_shift_after_six():
    night = Row(department_code="parks", class_code="06-003", hours=NIGHT)
    always = Row(department_code="sanitation", class_code="06-003")
    day, evening = datetime(2026, 3, 2, 10), datetime(2026, 3, 2, 20)
    assert who(choose(litter(at=day), departments=DEPARTMENTS, rows=[always, night]))[0][0] == "sanitation"
    found = choose(litter(at=evening), departments=DEPARTMENTS, rows=[always, night])
    assert who(found)[0][0] == "parks"
    assert "18:00–02:00" in found[0].facts["conditions"]
    assert conditions(Row(department_code="x")) == "*"


# — at which place —


@pytest.mark.parametrize(
    ("row", "fits"),
    [
        (Row(department_code="parks", duty_grid="7"), True),
        (Row(department_code="parks", duty_grid="8"), False),
        (Row(department_code="parks", road="3"), True),
        (Row(department_code="parks", road="4"), False),
        (Row(department_code="parks", area_code=COMMUNITY + "004"), True),
        (Row(department_code="parks", area_code=COMMUNITY + "005"), False),
    ],
)
def test_a_row_may_hold_for_a_duty_grid_a_road_or_a_cell(row, fits):
    problem = litter(duty_grid="7", road="3", cell_code=COMMUNITY + "004")
    assert (("parks", "table") in who(choose(problem, departments=DEPARTMENTS, rows=[row]))) is fits


# — a city's own order —


def test_a_city_may_send_components_to_the_street_first():
    found = choose(cover(owner_code="water"), departments=DEPARTMENTS, order=["street"])
    assert who(found) == [("taoxi", "street"), ("water", "owner")]


def test_the_order_of_the_rows_in_the_database_changes_nothing():
    rows = list(ROWS.values())
    found = [who(choose(litter(), departments=DEPARTMENTS, rows=some)) for some in (rows, rows[::-1])]
    assert found[0] == found[1]


# — the words of stems —


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
