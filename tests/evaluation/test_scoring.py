"""Scores, grades, ranks and awards against the vectors T2–T16 and N1–N4, read from the file as they are."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.indicators import INDICATORS
from evaluation.scoring import (
    BY_CODE,
    FUNCTIONS,
    LADDER,
    NO_DATA_COLOUR,
    PROFILES,
    Item,
    ObjectType,
    OnNull,
    Scheme,
    SubsidyLine,
    TieMode,
    change,
    check,
    exact,
    from_data,
    grade_of,
    half_up,
    increment_subsidy,
    percent,
    points_between,
    rank_awards,
    ranks,
    score,
    tie_break,
    to_data,
    weighted,
)

DATA = json.loads((Path(__file__).parent / "evaluation_vectors.json").read_text(encoding="utf-8"))
VECTORS = {vector["id"]: vector for vector in DATA["vectors"]}

# How the file names a fraction, and the two counts it is made of.
FRACTIONS = {
    "closed_over_need_close": ("closed", "need_close"),
    "handled_on_time_over_need_handle": ("handled_on_time", "need_handle"),
    "reworked_over_handled": ("reworked", "handled"),
    "closed_on_time_over_need_close": ("closed_on_time", "need_close"),
    "valid_reported_over_reported": ("valid_reported", "reported"),
    "missed_over_filed": ("missed", "filed_in_reach"),
    "verified_on_time_over_need_verify": ("verified_on_time", "need_verify"),
    "checked_on_time_over_need_check": ("checked_on_time", "need_check"),
    "send_verify_on_time_over_need_send_verify": ("sent_verify_on_time", "need_send_verify"),
    "send_check_on_time_over_need_send_check": ("sent_check_on_time", "need_send_check"),
    "filed_on_time_over_filed": ("filed_on_time", "filed"),
    "filed_accurately_over_filed": ("filed_accurately", "filed"),
    "dispatched_on_time_over_need_dispatch": ("dispatched_on_time", "need_dispatch"),
    "dispatched_accurately_over_need_dispatch": ("dispatched_accurately", "need_dispatch"),
}
PLAIN = {"public": "public_verified"}


def counts_of(inputs: dict) -> dict[str, int]:
    """Turn a vector's inputs into counts."""
    counts: dict[str, int] = {}
    for name, value in inputs.items():
        if name in FRACTIONS:
            counts.update(zip(FRACTIONS[name], value, strict=True))
        elif name == "patrolled":
            counts["patrolled"] = int(value)
        elif name != "area_class":
            counts[PLAIN.get(name, name)] = value
    return counts


def scheme_of(vector: dict, inputs: dict) -> Scheme:
    code = vector["profile"]
    return BY_CODE[f"{code}_{inputs['area_class']}" if code == "STD_area" else code]


def rows() -> Iterator:
    for vector in DATA["vectors"]:
        if "profile" not in vector:
            continue
        for row in vector.get("rows", [vector]):
            yield pytest.param(vector, row, id=f"{vector['id']}-{row.get('row', 'only')}")


@pytest.mark.parametrize(("vector", "row"), list(rows()))
def test_a_composite_score_is_the_published_one(vector, row):
    expected, inputs = row["expected"], row["inputs"]
    counts = counts_of(inputs)
    if vector["profile"] == "STD_area":
        counts["grids"] = 1
    result = score(scheme_of(vector, inputs), counts)
    assert result.score == (None if expected["score"] is None else Decimal(expected["score"]))
    if "grade" in expected:
        assert result.grade == (expected["grade"] or "")
    if "colour" in expected:
        assert result.colour == expected["colour"] == NO_DATA_COLOUR
    if "parts" in expected:
        in_points = vector["id"] in ("T3", "T4")
        printed = [part.points if in_points else part.score for part in result.parts]
        assert [None if one is None else str(half_up(one)) for one in printed] == expected["parts"]
    for name in ("close_rate", "on_time_handle_rate", "rework_rate"):
        if name in expected:
            assert percent(INDICATORS[name].of(counts)) == Decimal(expected[name])
    if "band" in expected:
        assert result.parts[0].score == expected["band"]


def test_t2_the_five_departments_are_ranked_by_their_printed_scores():
    of = VECTORS["T2"]["rows"]
    printed = [score(BY_CODE["STD_department"], counts_of(row["inputs"])).score for row in of]
    assert ranks(printed) == [row["expected"]["rank_dense"] for row in of]


@pytest.mark.parametrize(("volume", "points"), VECTORS["T9"]["band_edges"])
def test_t9_the_edges_of_the_workload_bands(volume, points):
    assert score(BY_CODE["STD_dispatcher"], {"dispatched": volume, "need_dispatch": 1}).parts[0].score == points


@pytest.mark.parametrize("name", DATA["bands"])
def test_the_bands_of_the_profiles_are_those_of_the_file(name):
    item = {
        "std_department_filed": ("STD_department", 0),
        "std_area_filed_class_1": ("STD_area_1", 1),
        "std_area_filed_class_2": ("STD_area_2", 1),
        "std_post_workload": ("STD_dispatcher", 0),
    }[name]
    assert BY_CODE[item[0]].items[item[1]].params["bands"] == DATA["bands"][name]


def test_the_ladder_is_that_of_the_file():
    assert [(str(rung.least), rung.grade, rung.colour) for rung in LADDER] == [
        (rung["min"], rung["grade"], rung["colour"]) for rung in DATA["ladder"]
    ]


@pytest.mark.parametrize("row", VECTORS["T10"]["rows"], ids=lambda row: row["row"])
def test_t10_full_points_from_a_threshold_on(row):
    for rate, points in row["pairs"]:
        assert half_up(FUNCTIONS["threshold_linear"](exact(rate) / 100, row["params"])) == Decimal(points)


@pytest.mark.parametrize("row", VECTORS["T11"]["rows"], ids=lambda row: row["row"])
def test_t11_complaints_per_head(row):
    inputs = row["inputs"]
    assert half_up(FUNCTIONS["per_capita"](inputs["count"], inputs)) == Decimal(row["expected"])


@pytest.mark.parametrize("row", VECTORS["T12"]["rows"], ids=lambda row: row["raw"])
def test_t12_the_grade_comes_from_the_rounded_score(row):
    printed = half_up(exact(row["raw"]))
    assert str(printed) == row["expected"]["score"]
    assert grade_of(printed).grade == row["expected"]["grade"]


@pytest.mark.parametrize("mode", list(TieMode))
def test_t13_ties(mode):
    scores = [None if one is None else Decimal(one) for one in VECTORS["T13"]["inputs"]]
    assert ranks(scores, mode=mode) == VECTORS["T13"]["expected"][mode]


@pytest.mark.parametrize("row", VECTORS["T14"]["rows"], ids=lambda row: f"{row['this']}-{row['base']}")
def test_t14_change_on_a_base(row):
    expected = row["expected"]
    assert change(row["this"], row["base"]) == (None if expected is None else Decimal(expected))


def test_the_change_of_a_rate_is_in_points_not_in_percent_of_percent():
    assert points_between(Fraction(90, 100), Fraction(80, 100)) == Decimal("10.00")
    assert points_between(None, Fraction(1, 2)) is None


def test_t15_a_year_out_of_months_and_management():
    inputs = VECTORS["T15"]["inputs"]
    months = [exact(month) for month in inputs["months"]]
    share, rest = (exact(weight) for weight in inputs["weights"])
    parts = [*((share / len(months), month) for month in months), (rest, exact(inputs["management"]))]
    assert weighted(parts) == Decimal(VECTORS["T15"]["expected"])


@pytest.mark.parametrize(("done", "due", "printed"), VECTORS["T16"]["rows"])
def test_t16_a_rate_is_rounded_half_up_once_and_never_over_100(done, due, printed):
    assert percent(INDICATORS["close_rate"].of({"closed": done, "need_close": due})) == Decimal(printed)


@pytest.mark.parametrize("row", VECTORS["N1"]["rows"], ids=lambda row: row["score"])
def test_n1_a_subsidy_on_what_rose(row):
    inputs = VECTORS["N1"]["inputs"]
    lines = [SubsidyLine(exact(line["increment"]), exact(line["rate"])) for line in inputs["lines"]]
    parts, total = increment_subsidy(Decimal(row["score"]), lines, min_score=Decimal(inputs["min_score"]))
    assert str(total) == row["expected"]["total"]
    if "parts" in row["expected"]:
        assert [str(part) for part in parts] == row["expected"]["parts"]


def test_n1_what_fell_counts_as_no_rise():
    lines = [SubsidyLine(Fraction(-500), exact("0.40")), SubsidyLine(Fraction(100), exact("0.30"))]
    assert increment_subsidy(Decimal(80), lines, min_score=Decimal(75))[1] == Decimal("30.00")


@pytest.mark.parametrize("row", VECTORS["N2"]["rows"], ids=lambda row: row["rate"])
def test_n2_a_subsidy_by_tier(row):
    line = SubsidyLine(exact(VECTORS["N2"]["inputs"]["increment"]), exact(row["rate"]))
    assert str(increment_subsidy(Decimal(80), [line], min_score=Decimal(75))[1]) == row["expected"]


def test_n3_two_groups_paid_by_rank():
    inputs = VECTORS["N3"]["inputs"]
    paid = Decimal(0)
    for group in ("group_1", "group_2"):
        amounts = [Decimal(amount) for amount in inputs[group]]
        scores = [Decimal(99 - place) for place in range(9)]
        paid += sum(rank_awards(scores, from_top=amounts[:-1], from_bottom=amounts[-1:]))
    assert paid == Decimal(VECTORS["N3"]["expected"])


def test_n4_the_first_two_earn_what_the_last_two_pay():
    inputs, expected = VECTORS["N4"]["inputs"], VECTORS["N4"]["expected"]
    rules = inputs["rules"]
    amounts = rank_awards(
        [Decimal(one) for one in inputs["scores"]],
        from_top=[Decimal(rules["rank_1"]), Decimal(rules["rank_2"])],
        from_bottom=[Decimal(rules["last"]), Decimal(rules["last_but_one"])],
    )
    assert amounts == [Decimal(amount) for amount in expected["amounts"]]
    assert sum(amounts) == Decimal(expected["net"])


def test_equal_scores_share_what_their_places_bring():
    scores = [Decimal(90), Decimal(90), Decimal(80)]
    assert rank_awards(scores, from_top=[Decimal(60), Decimal(40)], from_bottom=[]) == [50, 50, 0]


# — the engine ——————————————————————————————————————————————————————————————————————————————————————————


@pytest.mark.parametrize("scheme", PROFILES, ids=lambda scheme: scheme.code)
def test_every_profile_is_sound_and_survives_being_kept_as_data(scheme):
    assert check(scheme) == []
    assert from_data(json.loads(json.dumps(to_data(scheme)))) == scheme


def test_a_scheme_whose_weights_do_not_add_up_is_named():
    scheme = Scheme("X", "X", ObjectType.DEPARTMENT, (Item(Fraction(90), "close_rate", "linear"),), presence=())
    assert check(scheme) == ["weights_do_not_add_up"]


def test_overlapping_bands_and_unknown_functions_are_named():
    twice = {"bands": [{"max": 5, "score": 100}, {"max": 5, "score": 0}, {"max": 3, "score": 0}]}
    items = (Item(Fraction(50), "filed", "band", twice), Item(Fraction(50), "close_rate", "magic"))
    scheme = Scheme("X", "X", ObjectType.DEPARTMENT, items, presence=())
    assert check(scheme) == ["bands_overlap", "no_such_function"]


@pytest.mark.parametrize(("on_null", "expected"), [("reweight", "100.00"), ("full", "100.00"), ("zero", "70.00")])
def test_a_rate_over_nothing_is_left_out_given_or_lost_as_the_scheme_says(on_null, expected):
    scheme = replace(BY_CODE["STD_department"], on_null=OnNull(on_null))
    counts = {
        "filed": 1,
        "need_handle": 1,
        "handled_on_time": 1,
        "need_close": 1,
        "closed": 1,
    }  # nothing handled: no rework
    assert score(scheme, counts).score == Decimal(expected)


def test_a_department_without_cases_has_no_score_no_grade_and_no_rank():
    nothing = score(BY_CODE["JINNIU"], {"filed": 3})
    assert (nothing.score, nothing.grade) == (None, "")
    assert ranks([Decimal(1), nothing.score]) == [1, None]


def test_items_may_be_grouped_and_weigh_as_one():
    children = (Item(Fraction(3), "close_rate", "linear"), Item(Fraction(1), "rework_rate", "inverse"))
    scheme = Scheme(
        "TREE", "TREE", ObjectType.DEPARTMENT,
        (Item(Fraction(60), "handle_rate", "linear"), Item(Fraction(40), children=children)), presence=("need_handle",),
    )  # fmt: skip
    counts = {"need_handle": 4, "handled": 4, "need_close": 4, "closed": 2, "reworked": 1}
    assert check(scheme) == []
    assert score(scheme, counts).score == half_up(
        Fraction(60) + 40 * (Fraction(3, 4) * Fraction(1, 2) + Fraction(3, 16))
    )


def test_deductions_and_bonuses_are_capped():
    deduct = {"max": "5", "points": "0.2", "cap": "5"}
    assert FUNCTIONS["deduct_per_item"](3, deduct) == exact("4.4")
    assert FUNCTIONS["deduct_per_item"](100, deduct) == 0
    assert FUNCTIONS["bonus_per_item"](9, {"points": "5", "cap": "20"}) == 20


def test_a_tie_is_broken_by_the_on_time_rate_first():
    slow = {"need_handle": 10, "handled": 10, "handled_on_time": 8}
    quick = {"need_handle": 10, "handled": 10, "handled_on_time": 9}
    assert ranks([tie_break(Decimal(90), slow), tie_break(Decimal(90), quick)]) == [2, 1]


counts = st.fixed_dictionaries({
    "on_time": st.integers(0, 300), "overdue": st.integers(0, 300), "waiting": st.integers(0, 300),
    "closed": st.integers(0, 900), "reworked": st.integers(0, 600), "extended": st.integers(0, 900),
}).map(lambda n: {
    "need_handle": n["on_time"] + n["overdue"] + n["waiting"], "need_close": n["on_time"] + n["overdue"] + n["waiting"],
    "handled": n["on_time"] + n["overdue"], "handled_on_time": n["on_time"], "overdue_to_handle": n["waiting"],
    "handled_overdue": n["overdue"],
    "closed": min(n["closed"], n["on_time"] + n["overdue"] + n["waiting"]),
    "reworked": min(n["reworked"], n["on_time"] + n["overdue"]),
    "extended": min(n["extended"], n["on_time"] + n["overdue"] + n["waiting"]),
})  # fmt: skip
OF_DEPARTMENTS = [scheme for scheme in PROFILES if scheme.object_type is ObjectType.DEPARTMENT]


@given(counts=counts, scheme=st.sampled_from(OF_DEPARTMENTS))
def test_no_score_leaves_its_scale(counts, scheme):
    result = score(scheme, counts)
    assert result.score is None or 0 <= result.score <= scheme.maximum
    assert (result.score is None) == (counts["need_handle"] == 0)


@given(counts=counts)
def test_finishing_one_overdue_case_more_never_lowers_the_jinniu_score(counts):
    if not counts["overdue_to_handle"]:
        return
    later = {**counts, "handled": counts["handled"] + 1, "overdue_to_handle": counts["overdue_to_handle"] - 1}
    assert score(BY_CODE["JINNIU"], later).score >= score(BY_CODE["JINNIU"], counts).score


@given(st.lists(st.one_of(st.none(), st.integers(0, 20).map(Decimal)), max_size=12), st.sampled_from(list(TieMode)))
def test_a_higher_score_never_has_a_worse_place(scores, mode):
    placed = [(one, place) for one, place in zip(scores, ranks(scores, mode=mode), strict=True) if one is not None]
    assert all((a > b) <= (place_a < place_b) for a, place_a in placed for b, place_b in placed)
    assert not placed or min(place for _one, place in placed) == 1
