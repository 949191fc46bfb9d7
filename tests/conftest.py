"""What every test can ask for, and what no test may leave behind."""

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import vault
from accounts.middleware import SEEN_COOKIE, seen_cookie
from office import health, settings


@pytest.fixture(autouse=True)
def nothing_left_over():
    """What a process remembers between requests is forgotten between tests."""
    settings.begin_empty()
    cache.clear()
    health.forget()
    vault.forget()


@pytest.fixture
def seat():
    """A browser in which somebody logged in and is at work: `page = seat(sun_li).get("/desk/")`."""

    def take(user) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        client.cookies[SEEN_COOKIE] = seen_cookie(client.session.session_key)
        return client

    return take
