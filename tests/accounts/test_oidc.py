"""Single sign-on against a real provider over HTTP: who gets in, and everything that must not."""

from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.middleware import SEEN_COOKIE, seen_cookie
from accounts.models import Duty, User
from citymgmt.settings import identity_provider
from tests import provider as providers
from tests.county import MONDAY, PASSWORD, County

SITE = "http://testserver"
DESK = "/desk/?tab=accept"
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def provider():
    with providers.running(SITE) as one:
        yield one


@pytest.fixture
def set_up(settings, provider):
    """Switch the single sign-on on, with anything changed."""

    def switch_on(**changed) -> None:
        settings.SITE_URL = SITE
        settings.OIDC = provider.settings(**changed)

    switch_on()
    return switch_on


@pytest.fixture
def county(db):
    return County.build()


def begin(client: Client, *, back: str = DESK) -> str:
    """Return the address at the provider to which the button leads."""
    answer = client.get(reverse("accounts:sign_on"), {"next": back})
    assert answer.status_code == 302
    return answer["Location"]


def come_back(client: Client, address: str):
    return client.get(address.removeprefix(SITE))


def with_query(address: str, **changed) -> str:
    """Return an address with some of its query changed; None takes a part out."""
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changed
    return urlunsplit(parts._replace(query=urlencode({name: one for name, one in query.items() if one is not None})))


def is_inside(client: Client) -> bool:
    return "_auth_user_id" in client.session


def signed_on(provider, user, *, browser=None) -> Client:
    client = Client()
    come_back(client, provider.go_through(begin(client), login=user.staff_number, browser=browser))
    assert is_inside(client)
    return client


# --- The way in ---


def test_somebody_with_a_staff_number_comes_in_as_with_a_password(set_up, provider, county):
    client = Client()
    assert reverse("accounts:sign_on") in client.get(reverse("accounts:login")).content.decode()
    asked = parse_qs(urlsplit(begin(client)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    answer = come_back(client, provider.go_through(begin(client), login=county.operator.staff_number))
    assert (answer.status_code, answer["Location"]) == (302, DESK)
    assert client.get("/accounts/profile/").status_code == 200  # not locked
    assert Duty.objects.filter(user=county.operator, ended_at__isnull=True).count() == 1


def test_the_staff_number_may_stand_on_the_page_about_the_person(set_up, provider, county):
    set_up(claim="employee")
    assert is_inside(signed_on(provider, county.operator))


def test_who_came_by_single_sign_on_chooses_no_password(set_up, provider, county):
    User.objects.filter(pk=county.operator.pk).update(must_change_password=True)
    client = signed_on(provider, county.operator)
    assert client.get("/accounts/profile/").status_code == 200
    assert client.get("/api/v1/me/").status_code == 200


def test_the_session_gets_another_key_and_ends_with_all_others(set_up, provider, county):
    client = Client()
    address = begin(client)
    before = client.session.session_key
    come_back(client, provider.go_through(address, login=county.operator.staff_number))
    assert client.session.session_key != before
    client.post(reverse("accounts:logout_everywhere"))
    assert not is_inside(client)


@pytest.mark.parametrize("back", ["https://evil.example.org/", "//evil.example.org", "javascript:alert(1)", "/\\evil"])
def test_nobody_is_led_away_from_the_site(set_up, provider, county, back):
    client = Client()
    answer = come_back(client, provider.go_through(begin(client, back=back), login=county.operator.staff_number))
    assert answer["Location"] == "/"


def test_without_a_provider_there_is_no_button_and_no_door(county):
    client = Client()
    assert reverse("accounts:sign_on") not in client.get(reverse("accounts:login")).content.decode()
    assert client.get(reverse("accounts:sign_on")).status_code == 404
    assert client.get(reverse("accounts:sign_on_back")).status_code == 404


# --- Who is refused, with a word of what to do ---


def refused(client: Client, address: str, *, status: int = 403) -> str:
    """Return what the page says to somebody who was not let in."""
    answer = come_back(client, address)
    assert answer.status_code == status
    assert not is_inside(client)
    return answer.context["refusal"]


def test_an_unknown_staff_number_makes_no_account(set_up, provider, county):
    people = User.objects.count()
    client = Client()
    assert "X999" in refused(client, provider.go_through(begin(client), login="X999"))
    assert User.objects.count() == people


def test_a_closed_account_stays_closed(set_up, provider, county):
    User.objects.filter(pk=county.operator.pk).update(is_active=False)
    client = Client()
    number = county.operator.staff_number
    assert number in refused(client, provider.go_through(begin(client), login=number))


def test_somebody_without_an_appointment_reads_whom_to_ask(set_up, provider, county):
    county.operator.appointments.update(valid_to=MONDAY.date())
    client = Client()
    said = refused(client, provider.go_through(begin(client), login=county.operator.staff_number))
    assert county.operator.name_zh in said


def test_whom_the_provider_knows_without_a_number_is_refused(set_up, provider, county):
    client = Client()
    assert "staff" in refused(client, provider.go_through(begin(client), login="nameless"))


def test_cancelled_there_is_cancelled_here(set_up, provider, county):
    client = Client()
    address = provider.go_through(begin(client), login="", cancel=True)
    assert "error=access_denied" in address
    assert refused(client, address)


def test_a_provider_that_does_not_answer_leaves_the_password(set_up, county):
    set_up(issuer="http://127.0.0.1:9", scope="openid")
    client = Client()
    answer = client.get(reverse("accounts:sign_on"))
    assert answer.status_code == 502
    assert 'name="password"' in answer.content.decode()


def test_a_provider_of_another_name_is_not_ours(set_up, provider, county):
    set_up(issuer=provider.issuer.replace("127.0.0.1", "localhost"))
    assert Client().get(reverse("accounts:sign_on")).status_code == 403


# --- What somebody may try ---


def test_a_wrong_state_opens_nothing(set_up, provider, county):
    client = Client()
    address = provider.go_through(begin(client), login=county.operator.staff_number)
    refused(client, with_query(address, state="made-up"))
    refused(client, with_query(address, state=None))


def test_an_answer_opens_nothing_in_another_browser(set_up, provider, county):
    address = provider.go_through(begin(Client()), login=county.operator.staff_number)
    refused(Client(), address)


def test_an_answer_works_once(set_up, provider, county):
    client = Client()
    address = provider.go_through(begin(client), login=county.operator.staff_number)
    come_back(client, address)
    assert is_inside(client)
    client.post(reverse("accounts:logout"))
    refused(client, address)


def test_a_code_used_already_opens_nothing_with_a_fresh_state(set_up, provider, county):
    client = Client()
    used = provider.go_through(begin(client), login=county.operator.staff_number)
    come_back(client, used)
    client.post(reverse("accounts:logout"))
    fresh = provider.go_through(begin(client), login=county.operator.staff_number)
    [code] = parse_qs(urlsplit(used).query)["code"]
    refused(client, with_query(fresh, code=code))


def test_a_code_stolen_from_another_browser_lacks_its_verifier(set_up, provider, county):
    stolen = provider.go_through(begin(Client()), login=county.operator.staff_number)
    thief = Client()
    own = provider.go_through(begin(thief), login=county.collector.staff_number)
    [code] = parse_qs(urlsplit(stolen).query)["code"]
    refused(thief, with_query(own, code=code))


def test_a_nonce_changed_on_the_way_is_noticed(set_up, provider, county):
    client = Client()
    address = with_query(begin(client), nonce="chosen-by-somebody-else")
    refused(client, provider.go_through(address, login=county.operator.staff_number))


def test_an_answer_of_another_provider_is_not_taken(set_up, provider, county):
    client = Client()
    address = provider.go_through(begin(client), login=county.operator.staff_number)
    refused(client, with_query(address, iss="https://elsewhere.example.org"))


@pytest.mark.parametrize(
    "how", ["audience", "party", "issuer", "nonce", "expired", "other_key", "shared_secret", "unsigned", "no_token"]
)
def test_a_token_that_is_not_right_opens_nothing(set_up, provider, county, how):
    client = Client()
    provider.misbehave(how)
    refused(client, provider.go_through(begin(client), login=county.operator.staff_number))
    # The same person comes in when the provider behaves.
    assert is_inside(signed_on(provider, county.operator))


# --- The lock of a desk left alone ---


def locked(client: Client) -> Client:
    """Let a desk have been left alone for too long."""
    client.cookies[SEEN_COOKIE] = seen_cookie("another session")
    answer = client.get("/accounts/profile/")
    assert reverse("accounts:lock") in answer["Location"]
    return client


def test_the_lock_opens_by_single_sign_on_for_the_same_person(set_up, provider, county):
    browser = provider.browser()
    client = locked(signed_on(provider, county.operator, browser=browser))
    assert reverse("accounts:sign_on") in client.get(reverse("accounts:lock")).content.decode()
    address = begin(client)
    assert parse_qs(urlsplit(address).query)["prompt"] == ["login"]
    # The provider still knows him; he is asked all the same.
    answer = come_back(client, provider.go_through(address, login=county.operator.staff_number, browser=browser))
    assert answer["Location"] == DESK
    assert client.get("/accounts/profile/").status_code == 200
    assert Duty.objects.filter(user=county.operator).count() == 1


def test_the_lock_stays_closed_for_somebody_else(set_up, provider, county):
    client = locked(signed_on(provider, county.operator))
    answer = come_back(client, provider.go_through(begin(client), login=county.dispatcher.staff_number))
    assert answer.status_code == 403
    assert county.operator.name_zh in answer.context["refusal"]
    assert reverse("accounts:lock") in client.get("/accounts/profile/")["Location"]


def test_the_lock_is_not_opened_by_a_session_that_the_provider_had_before(set_up, provider, county):
    client = locked(signed_on(provider, county.operator))
    provider.misbehave("long_ago")
    answer = come_back(client, provider.go_through(begin(client), login=county.operator.staff_number))
    assert answer.status_code == 403
    assert reverse("accounts:lock") in client.get("/accounts/profile/")["Location"]


# --- The password beside it ---


def log_in(user) -> tuple[Client, int]:
    client = Client()
    answer = client.post(reverse("accounts:login"), {"username": user.username, "password": PASSWORD})
    return client, answer.status_code


def test_the_password_may_be_left_to_administrators(set_up, provider, county):
    set_up(password="administrators")
    client, status = log_in(county.operator)
    assert (status, is_inside(client)) == (403, False)
    client, status = log_in(county.administrator)
    assert (status, is_inside(client)) == (302, True)


def test_a_locked_desk_takes_no_password_then_either(set_up, provider, county):
    set_up(password="administrators")
    client = locked(signed_on(provider, county.operator))
    assert 'name="password"' not in client.get(reverse("accounts:lock")).content.decode()
    answer = client.post(reverse("accounts:lock"), {"password": PASSWORD})
    assert answer.status_code == 403
    assert reverse("accounts:lock") in client.get("/accounts/profile/")["Location"]


def test_beside_it_everybody_may_use_his_password(set_up, county):
    client, status = log_in(county.operator)
    assert (status, is_inside(client)) == (302, True)


def test_wrong_passwords_shut_the_password_door_and_not_the_other(set_up, provider, county, settings):
    settings.AXES_ENABLED = True
    for _try in range(settings.AXES_FAILURE_LIMIT):
        answer = Client().post(reverse("accounts:login"), {"username": county.operator.username, "password": "wrong"})
    assert answer.status_code == 429
    assert is_inside(signed_on(provider, county.operator))


# --- The way out ---


def test_logging_out_ends_the_session_there_too(set_up, provider, county):
    client = signed_on(provider, county.operator)
    answer = client.post(reverse("accounts:logout"))
    assert not is_inside(client)
    way_out = answer.context["way_out"]
    assert way_out.startswith(f"{provider.issuer}/session/end?")
    said = parse_qs(urlsplit(way_out).query)
    assert said["post_logout_redirect_uri"] == [SITE + reverse("accounts:login")]
    assert said["id_token_hint"]


def test_who_came_by_password_only_logs_out_here(set_up, county):
    client, _status = log_in(county.operator)
    assert client.post(reverse("accounts:logout"))["Location"] == reverse("accounts:login")


def test_logging_out_works_while_the_provider_is_silent(set_up, provider, county):
    client = signed_on(provider, county.operator)
    set_up(issuer="http://127.0.0.1:9")
    assert client.post(reverse("accounts:logout"))["Location"] == reverse("accounts:login")
    assert not is_inside(client)


# --- What the environment says ---

SAID = {"OIDC_ISSUER": "https://sso.example.org", "OIDC_CLIENT_ID": "city", "OIDC_STAFF_CLAIM": "staff_number"}


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text("a secret\n")
    return {"OIDC_CLIENT_SECRET_FILE": str(path)}


def test_nothing_said_is_no_single_sign_on():
    assert identity_provider({}) is None


def test_the_environment_names_the_provider(secret):
    known = identity_provider(SAID | secret)
    assert known["client_secret"] == "a secret"
    assert known["password"] == "everybody"


@pytest.mark.parametrize(
    "wrong",
    [
        {"OIDC_ISSUER": "http://sso.example.org"},
        {"OIDC_CLIENT_ID": ""},
        {"OIDC_STAFF_CLAIM": ""},
        {"OIDC_CLIENT_SECRET_FILE": "/nowhere"},
        {"OIDC_PASSWORD": "nobody"},
    ],
)
def test_a_wrong_environment_stops_the_program(secret, wrong):
    with pytest.raises(SystemExit):
        identity_provider(SAID | secret | wrong)
