"""What every test can ask for, and what no test may leave behind."""

import os
from copy import deepcopy

import pytest
from django.conf import settings as installation
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client, TransactionTestCase, override_settings
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from accounts import actions as accounts
from accounts import vault
from accounts.middleware import SEEN_COOKIE, seen_cookie
from cases import calendars, chains, clocks
from dispatch import terms
from office import health, settings

# The same slice of every property in every run; `./run prove` draws new examples, many of them.
hypothesis.register_profile("slice", derandomize=True, deadline=None, database=None)
hypothesis.register_profile(
    "prove", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
hypothesis.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "slice"))


@pytest.fixture(autouse=True, scope="session")
def files_of_this_run(tmp_path_factory):
    """What tests hand in lies in a folder of this run, so that no run finds files of an earlier one."""
    storages = deepcopy(installation.STORAGES)
    for alias in ("default", "evidence"):
        storages[alias]["OPTIONS"]["location"] = str(tmp_path_factory.mktemp("evidence"))
    with override_settings(STORAGES=storages, EVIDENCE_ROOT=storages["evidence"]["OPTIONS"]["location"]):
        yield


@pytest.fixture(autouse=True)
def nothing_left_over():
    """What a process remembers between requests is forgotten between tests."""
    settings.begin_empty()
    cache.clear()
    health.forget()
    vault.forget()
    clocks.forget_calendar()
    chains.begin_empty()
    terms.forget()


# What stays in a database of tests from one to the next; a flush makes it anew, and writes every file of every table.
LASTING = {"django_content_type", "auth_permission"}
EMPTY_WHAT_WAS_FILLED = """
DO $$ DECLARE one text; filled boolean; guarded text[]; BEGIN
    SELECT coalesce(array_agg(DISTINCT relname), '{}') INTO guarded
        FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid
        WHERE NOT tgisinternal AND tgenabled = 'O' AND relname = ANY (%(tables)s);
    FOREACH one IN ARRAY guarded LOOP EXECUTE format('ALTER TABLE %%I DISABLE TRIGGER USER', one); END LOOP;
    FOREACH one IN ARRAY %(tables)s LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %%I)', one) INTO filled;
        IF filled THEN EXECUTE format('DELETE FROM %%I', one); END IF;
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE;
    FOREACH one IN ARRAY guarded LOOP EXECUTE format('ALTER TABLE %%I ENABLE TRIGGER USER', one); END LOOP;
END $$
"""


@pytest.fixture(autouse=True, scope="session")
def only_what_was_filled_is_emptied():
    """After a test whose rows were committed only the tables that hold some are emptied; that takes hardly any time."""

    def empty(_case) -> None:
        tables = sorted(set(connection.introspection.django_table_names(only_existing=True)) - LASTING)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(EMPTY_WHAT_WAS_FILLED, {"tables": tables})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture
def seat():
    """A browser in which somebody logged in and is at work: `page = seat(sun_li).get("/desk/")`."""

    def take(user) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        client.cookies[SEEN_COOKIE] = seen_cookie(client.session.session_key)
        return client

    return take


@pytest.fixture
def program():
    """A program that works in somebody's name with a token of his: `program(sun_li).get("/api/v1/cases/")`.

    It reads Chinese unless it says otherwise, and sends JSON: `.post(address, {...}, content_type=JSON)`.
    """

    def log_in(user, **headers) -> Client:
        at = timezone.now()
        _token, secret = accounts.make_token(user, by=user, at=at, purpose="tests", days=1)
        return Client(headers={"authorization": f"Bearer {secret}", **headers})

    return log_in


@pytest.fixture(autouse=True)
def nothing_is_read_anew(monkeypatch):
    """What each process reads anew every ten seconds is read once: that is no request's doing, and a busy machine's."""
    for module in (settings, calendars, chains, terms):
        monkeypatch.setattr(module, "FRESH_SECONDS", 3600.0)
    monkeypatch.setattr(health, "BANNER_FRESH_SECONDS", 3600.0)
