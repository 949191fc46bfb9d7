"""Counting what became of dispatches: exact, repeatable, read in one query."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import actions as cases
from cases.models import Case, HandlingStint
from cases.workflow import Stage
from dispatch import actions, experience, facts
from dispatch.models import OutcomeCount, SettledStint
from tests.county import MONDAY, County

pytestmark = pytest.mark.django_db

LATER = MONDAY + timedelta(hours=3)


@pytest.fixture
def county() -> County:
    return County.build()


def counted() -> list[tuple]:
    """Every count, in an order of its own."""
    rows = OutcomeCount.objects.values_list("minor_class", "area_code", "department", "kind", "rule", "month", "right",
                                            "wrong")  # fmt: skip
    return sorted(rows, key=str)


def sent_back(county, at=LATER) -> HandlingStint:
    stint = county.case_at(Stage.HANDLING).stints.get()
    actions.ask_return(stint, by=county.sanitation, at=at, ground="not_ours", reason="不属于我单位")
    actions.grant_return(stint.requests.get(), by=county.dispatcher, at=at)
    return stint


def about(county, at=LATER + timedelta(days=1)):
    return experience.about(county.report(at=at), at=at).departments


def test_what_stayed_is_right_and_what_came_back_is_wrong_on_the_street_in_the_district_and_in_the_city(county):
    county.case_at(Stage.PENDING_CHECK)
    sent_back(county)
    experience.learn(at=LATER)
    known = about(county)[county.sanitation_bureau.pk]
    for level in (known.street, known.district, known.city):
        assert (level.right, level.wrong) == (1, 1)


def test_an_open_or_a_voided_case_says_nothing(county):
    county.case_at(Stage.HANDLING)
    voided = county.case_at(Stage.HANDLING)
    cases.void(voided, by=county.duty_leader, at=LATER, reason="误报")
    experience.learn(at=LATER)
    assert about(county) == {}


def test_learning_twice_counts_once(county):
    county.case_at(Stage.PENDING_CHECK)
    assert experience.learn(at=LATER) == 1
    before = counted()
    assert experience.learn(at=LATER) == 0
    assert experience.learn(at=LATER + timedelta(minutes=1)) == 0
    assert counted() == before


def test_what_turned_out_otherwise_is_counted_otherwise(county):
    """A return that was dispatched to the same bureau again and done there was right after all."""
    experience.learn(at=MONDAY)
    stint = sent_back(county)
    experience.learn(at=LATER)
    assert about(county)[county.sanitation_bureau.pk].city.wrong == 1
    at = LATER + timedelta(minutes=5)
    case = actions.dispatch(stint.case, by=county.dispatcher, at=at, department=county.sanitation_bureau)
    experience.learn(at=at)
    assert about(county) == {}  # open again
    again = case.stints.get()
    actions.receive(again, by=county.sanitation, at=at)
    actions.hand_over(again, by=county.sanitation, at=at, opinion="已清运", files=county.pictures())
    actions.pass_on(again, by=county.dispatcher, at=at)
    experience.learn(at=at)
    known = about(county)[county.sanitation_bureau.pk].city
    assert (known.right, known.wrong) == (1, 0)


def test_counting_step_by_step_and_counting_anew_lead_to_the_same(county):
    at = MONDAY
    for number in range(8):
        at += timedelta(hours=5)
        if number % 3 == 2:
            case = county.case_at(Stage.HANDLING, at=at)
            actions.ask_return(case.stints.get(), by=county.sanitation, at=at + timedelta(hours=1), ground="not_ours",
                               reason="不属于我单位")  # fmt: skip
            actions.grant_return(case.requests.get(), by=county.dispatcher, at=at + timedelta(hours=1))
        else:
            county.case_at(Stage.PENDING_CHECK if number % 2 else Stage.HANDLING, at=at)
        experience.learn(at=at + timedelta(hours=2))
    step_by_step, ledger = counted(), SettledStint.objects.count()
    assert experience.rebuild(at=at + timedelta(hours=2)) == ledger
    assert counted() == step_by_step
    assert ledger > 4


def test_the_counts_are_as_many_as_classes_places_and_months_not_as_cases(county):
    for number in range(4):
        county.case_at(Stage.PENDING_CHECK, at=MONDAY + timedelta(days=number))
    experience.learn(at=MONDAY + timedelta(days=5))
    assert OutcomeCount.objects.count() == 5  # street, district, city; by rule, and that over all classes
    assert sum(OutcomeCount.objects.filter(area_code="", department__isnull=False).values_list("right", flat=True)) == 4


def test_a_proposal_reads_them_in_one_query_and_says_what_it_rests_on(county):
    for number in range(3):
        county.case_at(Stage.PENDING_CHECK, at=MONDAY + timedelta(minutes=number))
    experience.learn(at=LATER)
    case = Case.objects.with_row().get(pk=county.case_at(Stage.PENDING_DISPATCH, at=LATER).pk)
    with CaptureQueriesContext(connection) as queries:
        found = facts.suggestions(case, at=LATER)
    assert len(queries) == 3
    sanitation = next(one for one in found if one.department == county.sanitation_bureau)
    assert sanitation.proposal.experience.street.right == 3
    first = next(one for one in found if one.department == county.street_office)
    assert first.proposal.experience.city.total == 0
    assert sanitation.experience != first.experience
    assert 0.5 < sanitation.proposal.confidence < 0.99
