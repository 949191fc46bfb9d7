"""The gateways, each against a server of the test's own."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from django.core import mail
from django.test import override_settings

from office import gateways

POST = gateways.Post("0f5e", "13900000001", "已超期：1 号", "https://city.example.org/case/1/")


@pytest.fixture
def provider():
    """A provider that notes what it is asked and answers what the test says: (status, body, headers)."""
    state = SimpleNamespace(asked=[], status=200, body={"code": 0, "errcode": 0}, headers={})

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            said = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.append((self.path, self.headers["Content-Type"], said.decode()))
            body = json.dumps(state.body).encode()
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/send?access_token=secret"
    yield state
    server.shutdown()
    server.server_close()


def sms(provider, **more) -> dict:
    body = {"to": ["{phone}"], "text": "{text}", "id": "{key}"}
    return {"kind": "http", "url": provider.url, "plain_http": True, "body": body, **more}


def test_a_text_message_fills_the_providers_template(provider):
    gateways._http(sms(provider), POST)
    [(_path, content_type, said)] = provider.asked
    assert content_type == "application/json"
    assert json.loads(said) == {"to": ["13900000001"], "text": POST.whole, "id": "0f5e"}


def test_a_provider_may_want_a_form_and_say_no_in_its_answer(provider):
    config = sms(provider, format="form", body={"m": "{phone}"}, success={"path": "data.ok", "equals": "1"})
    provider.body = {"data": {"ok": 1}}
    gateways._http(config, POST)
    assert provider.asked[0][1:] == ("application/x-www-form-urlencoded", "m=13900000001")
    provider.body = {"data": {"ok": 0}}
    with pytest.raises(gateways.Refused):
        gateways._http(config, POST)


@pytest.mark.parametrize(
    ("status", "what"),
    [(429, gateways.Busy), (503, gateways.Busy), (403, gateways.Refused), (500, gateways.Uncertain)],
)
def test_what_the_status_means(provider, status, what):
    provider.status = status
    with pytest.raises(what) as refused:
        gateways._http(sms(provider), POST)
    assert "secret" not in str(refused.value)


def test_nobody_is_followed_to_another_address(provider):
    provider.status, provider.headers = 302, {"Location": f"{provider.url}&elsewhere=1"}
    with pytest.raises(gateways.Refused):
        gateways._http(sms(provider), POST)
    assert len(provider.asked) == 1


def test_without_encryption_nothing_is_asked_unless_the_city_says_so(provider):
    with pytest.raises(gateways.Refused, match="https_only"):
        gateways._http(sms(provider) | {"plain_http": False}, POST)
    assert provider.asked == []


def test_a_provider_that_cannot_be_reached_can_be_asked_later(provider):
    with pytest.raises(gateways.Busy):
        gateways._http(sms(provider) | {"url": "http://127.0.0.1:9/"}, POST)


def robots(provider, kind, **more) -> dict:
    return {"robots": {POST.address: {"kind": kind, "url": provider.url, **more}}, "plain_http": True}


def test_each_makers_robot_is_spoken_to_in_its_own_way(provider):
    gateways._robots(robots(provider, "wecom"), POST)
    gateways._robots(robots(provider, "dingtalk", secret="SEC"), POST)
    gateways._robots(robots(provider, "feishu", secret="SEC"), POST)
    wecom, dingtalk, feishu = provider.asked
    assert json.loads(wecom[2]) == {"msgtype": "text", "text": {"content": POST.whole}}
    assert "&timestamp=" in dingtalk[0]
    assert "&sign=" in dingtalk[0]
    assert json.loads(feishu[2]).keys() == {"msg_type", "content", "timestamp", "sign"}


def test_the_signatures_are_those_of_the_makers():
    # Counted by hand with openssl: HMAC-SHA256 of "1599360473000\nSEC" under SEC; of nothing under "1599360473\nSEC".
    assert gateways.dingtalk_sign("SEC", 1599360473000) == "55oKSgVwKOyb9IAZyUszlLILUyQZG0%2Fi%2B6BFw8M%2F1wk%3D"
    assert gateways.feishu_sign("SEC", 1599360473) == "4JWgcpNmrcsrGNgV/GWd+prGAlJRbFPZbsD5UJ6/bmE="


def test_a_robot_that_spoke_too_often_waits_and_one_that_says_no_is_given_up(provider):
    provider.body = {"errcode": 45009}
    with pytest.raises(gateways.Busy):
        gateways._robots(robots(provider, "wecom"), POST)
    provider.body = {"errcode": 93000}
    with pytest.raises(gateways.Refused, match="robot_93000"):
        gateways._robots(robots(provider, "wecom"), POST)


def test_a_mail_carries_its_key_and_the_link():
    config = {"backend": "django.core.mail.backends.locmem.EmailBackend", "from": "city@example.org"}
    gateways._mail(config, POST)
    [sent] = mail.outbox
    assert sent.to == [POST.address]
    assert POST.link in sent.body
    assert sent.extra_headers["Message-ID"].startswith("<0f5e@")


def test_a_mail_server_that_is_away_can_be_asked_later():
    with pytest.raises(gateways.Busy):
        gateways._mail({"host": "127.0.0.1", "port": 9, "from": "city@example.org"}, POST)


def test_a_robot_is_found_by_the_departments_code_else_the_one_for_all():
    with override_settings(GATEWAYS={"chat": {"kind": "robots", "robots": {"water": {}, "all": {}}}}):
        assert gateways.robot(["water"]) == "water"
        assert gateways.robot(["street"]) == "all"
    assert gateways.robot(["water"]) == ""
