"""What pages say of clocks, limits and departments."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.utils.translation import override

from office.templatetags import ui

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def clock(due_in: timedelta | None, *, yellow_in: timedelta = timedelta(), paused: bool = False):
    due_at = None if due_in is None else NOON + due_in
    return SimpleNamespace(due_at=due_at, yellow_at=NOON + yellow_in, clock_paused=paused)


@pytest.mark.parametrize(
    ("it", "lamp", "words"),
    [
        (clock(timedelta(hours=2), yellow_in=timedelta(hours=1)), "green", "2 h 0 min left"),
        (clock(timedelta(minutes=9)), "yellow", "9 min left"),
        (clock(timedelta(0)), "yellow", "0 min left"),
        (clock(-timedelta(days=1, hours=3)), "red", "1 d 3 h late"),
        (clock(-timedelta(hours=1), paused=True), "paused", "stopped"),
        (clock(None), "none", "—"),
    ],
)
def test_a_lamp_has_a_colour_a_sign_and_words(it, lamp, words):
    with override("en"):
        shown = ui.lamp_of({"at": NOON}, it)
    assert (shown["name"], shown["words"]) == (lamp, words)
    assert shown["sign"] == ui.SIGNS[lamp][0]


def test_every_lamp_has_a_sign_of_its_own():
    signs = [sign for sign, _label in ui.SIGNS.values()]
    assert len(set(signs)) == len(signs)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        ("0.25", "continuous_hour", "15 min"),
        ("2", "continuous_hour", "2 continuous hours"),
        ("4.000000", "working_hour", "4 working hours"),
        (None, "", "none"),
    ],
)
def test_a_limit_reads_as_people_say_it(value, unit, words):
    it = SimpleNamespace(
        limit_value=value and Decimal(value),
        limit_unit=unit,
        get_limit_unit_display=lambda: unit.replace("_", " ") + "s",
    )
    with override("en"):
        assert ui.limit(it) == words


def test_a_department_is_called_by_its_short_name_in_chinese_only():
    class Centre:
        short_name = "监督中心"

        def __str__(self):
            return "Supervision centre"

    with override("zh-hans"):
        assert ui.short(Centre()) == "监督中心"
    with override("en"):
        assert ui.short(Centre()) == "Supervision centre"


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (245, "0:04:05"), (-3600, "1:00"), (360_000, "100:00")])
def test_work_time_in_hours_and_minutes(seconds, shown):
    assert ui.duration(seconds) == shown


def test_a_page_of_a_list_keeps_the_filters_of_its_address(rf):
    request = rf.get("/desk/?tab=accept&street=999902001&page=2")
    shown = Template("{% load ui %}{% keeping page=3 %}").render(Context({"request": request}))
    assert shown == "tab=accept&amp;street=999902001&amp;page=3"


def test_the_bar_shows_the_places_of_ones_roles_and_marks_where_one_is(rf):
    appointments = [SimpleNamespace(role="dispatcher")]
    places = ui.places_of_work({"appointments": appointments, "request": rf.get("/dispatch/")})
    assert [place["url"] for place in places] == ["/dispatch/", "/requests/", "/hand-over/", "/evaluation/ranking/"]
    assert [place["here"] for place in places] == [True, False, False, False]


def test_an_administrator_has_nothing_to_search():
    assert not ui.sees_cases({"appointments": [SimpleNamespace(role="administrator")]})
    assert ui.sees_cases({"appointments": [SimpleNamespace(role="handler")]})
