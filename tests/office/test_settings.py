"""Settings: declared once, overridden from a day on, for the city or for an area; reading one costs no query."""

from datetime import UTC, date, datetime

import pytest

from office import settings
from office.declared import SETTINGS, Declared
from office.models import Setting
from tests.factories import person

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
KEY = "accounts.idle_minutes"
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


def keep(value, key=KEY, **facts):
    return settings.set_value(key, value, by=None, at=AT, **({"valid_from": MARCH} | facts))


def test_what_nobody_changed_is_as_declared():
    assert settings.get(KEY, on=MARCH) == SETTINGS[KEY].default


def test_what_is_not_declared_does_not_exist():
    with pytest.raises(KeyError):
        settings.get("accounts.nothing", on=MARCH)


@pytest.mark.django_db
class TestDated:
    def test_a_value_holds_from_its_day_on(self):
        keep(10)
        keep(20, valid_from=APRIL)
        assert settings.get(KEY, on=date(2026, 2, 28)) == SETTINGS[KEY].default
        assert settings.get(KEY, on=MARCH) == settings.get(KEY, on=date(2026, 3, 31)) == 10
        assert settings.get(KEY, on=APRIL) == 20

    def test_the_smallest_area_that_says_something_counts(self):
        keep(10)
        keep(20, area_code="340123")
        keep(30, area_code="340123001", valid_from=APRIL)
        asked = {
            area: settings.get(KEY, on=APRIL, area_code=area) for area in ("", "3401", "340123002", "340123001005")
        }
        assert asked == {"": 10, "3401": 10, "340123002": 20, "340123001005": 30}
        assert settings.get(KEY, on=MARCH, area_code="340123001005") == 20

    def test_the_same_day_and_area_again_replaces(self):
        keep(10)
        keep(15)
        assert settings.get(KEY, on=MARCH) == 15
        assert Setting.objects.count() == 1

    def test_who_changed_it_and_when_is_kept(self):
        somebody = person()
        row = settings.set_value(KEY, 10, by=somebody, at=AT, valid_from=MARCH)
        assert (row.changed_by, row.changed_at) == (somebody, AT)

    def test_reading_costs_no_query(self, django_assert_num_queries):
        keep(10)
        settings.get(KEY, on=MARCH)
        with django_assert_num_queries(0):
            assert [settings.get(KEY, on=MARCH, area_code="340123") for _ in range(100)] == [10] * 100

    def test_what_another_process_wrote_is_seen_after_ten_seconds(self, monkeypatch):
        keep(10)
        assert settings.get(KEY, on=MARCH) == 10
        Setting.objects.update(value=11)
        assert settings.get(KEY, on=MARCH) == 10
        later = settings.time.monotonic() + settings.FRESH_SECONDS + 1
        monkeypatch.setattr(settings.time, "monotonic", lambda: later)
        assert settings.get(KEY, on=MARCH) == 11

    @pytest.mark.parametrize("value", [0, 721, "30", 30.5, True, None])
    def test_a_value_that_is_not_allowed_is_refused(self, value):
        with pytest.raises(settings.SettingNotValid):
            keep(value)
        assert not Setting.objects.exists()


@pytest.mark.parametrize("key", SETTINGS)
def test_every_default_is_allowed(key):
    assert SETTINGS[key].accepts(SETTINGS[key].default)


@pytest.mark.parametrize(
    ("type_", "value", "allowed"),
    [
        (bool, True, True),
        (bool, 1, False),
        (int, 3, True),
        (int, True, False),
        (int, 3.0, False),
        (float, 0.8, True),
        (float, 1, True),
        (float, False, False),
        (str, "", True),
        (str, 3, False),
        (list, [1], True),
        (list, "1", False),
    ],
)
def test_a_value_is_of_the_declared_type(type_, value, allowed):
    assert Declared(type_, None, "").accepts(value) is allowed
