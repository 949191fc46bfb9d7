"""The ways out of the house: mail, text messages over HTTP, chat robots, and a file for tests and development.

One interface: `send(delivery)` returns when it is out and otherwise raises Refused (never try again), Busy (it did not
go out, try later) or Uncertain (perhaps it did). What was set up, with its secrets, is in settings.GATEWAYS, read from
a file outside the database (docs/operations.md). Errors kept with a delivery are words of ours: no address of a
gateway, no answer of its, nothing secret.
"""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import smtplib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import quote_plus, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings as installation
from django.core.mail import EmailMessage, get_connection
from django.utils.crypto import salted_hmac

from office import messages_text
from office.models import Delivery

SECONDS = 8
MOST_ANSWERED = 64 * 1024
LOST = "worker_stopped"


class Refused(Exception):
    """The gateway will never send this."""


class Busy(Exception):
    """It did not go out; later it may."""


class Uncertain(Exception):
    """Nobody knows whether it went out."""


@dataclass(frozen=True)
class Post:
    """What leaves the house. `key` is the same whenever the same thing is sent."""

    key: str
    address: str
    text: str
    link: str

    @property
    def whole(self) -> str:
        """The text with its link."""
        return f"{self.text} {self.link}".strip()


def channels() -> set[str]:
    """The channels for which a gateway is set up."""
    return set(installation.GATEWAYS)


def robot(names: Iterable[str]) -> str:
    """The first of these chat robots that exists, else the one for all, else ""."""
    known = robots()
    return next((name for name in (*names, "all") if name in known), "")


def robots() -> set[str]:
    """The names of the chat robots that are set up."""
    return set(installation.GATEWAYS.get("chat", {}).get("robots", ()))


# An address that is a secret is not kept in the outbox: it stands there as {secret:name} and is made when it leaves.
SECRET = re.compile(r"\{secret:([0-9a-z:-]+)\}")
SECRET_BYTES = 16


def secret_of(name: str) -> str:
    """The secret of a name, 22 signs for an address: always the same, and not to be made without this house's key."""
    digest = salted_hmac("office.secret_of", name, algorithm="sha256").digest()[:SECRET_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def link_of(delivery: Delivery) -> str:
    """The whole address that goes out with a delivery, "" where none does."""
    path = SECRET.sub(lambda found: secret_of(found[1]), delivery.url)
    return f"{installation.SITE_URL}{path}" if path else ""


def knows_keys(channel: str) -> bool:
    """Whether the gateway of a channel sends one key once, however often it is asked."""
    config = installation.GATEWAYS.get(channel, {})
    return config.get("kind") == "file" or config.get("knows_keys") is True


def send(delivery: Delivery) -> None:
    """Send one delivery by its channel's gateway. Raises Refused, Busy, Uncertain."""
    config = installation.GATEWAYS.get(delivery.channel)
    if config is None:
        raise Busy("no_gateway")
    language = (delivery.recipient.language if delivery.recipient else "") or installation.LANGUAGE_CODE
    post = Post(
        key=str(delivery.public_id),
        address=delivery.address,
        text=messages_text.outside(delivery.code, delivery.facts, language=language),
        link=link_of(delivery),
    )
    KINDS[config["kind"]](config, post)


# --- Mail ---


def _mail(config: dict, post: Post) -> None:
    link = get_connection(
        config.get("backend", "django.core.mail.backends.smtp.EmailBackend"),
        host=config.get("host", "localhost"),
        port=config.get("port", 25),
        username=config.get("user", ""),
        password=config.get("password", ""),
        use_ssl=config.get("ssl", False),
        use_tls=config.get("tls", False),
        timeout=SECONDS,
    )
    mail = EmailMessage(
        post.text.replace("\n", " ")[:80],
        f"{post.text}\n\n{post.link}\n",
        config["from"],
        [post.address],
        headers={"Message-ID": f"<{post.key}@{urlsplit(installation.SITE_URL).hostname}>"},
        connection=link,
    )
    try:
        link.open()
    except (OSError, smtplib.SMTPException) as error:
        raise Busy("mail_server_away") from error
    try:
        link.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        raise Refused("mail_address_refused") from error
    except smtplib.SMTPResponseException as error:
        # 4xx: later; 5xx: never.
        raise (Busy if 400 <= error.smtp_code < 500 else Refused)(f"mail_{error.smtp_code}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Uncertain("mail_broken_off") from error
    finally:
        link.close()


# --- Text messages and robots: HTTP ---


class _NoWayRound(HTTPRedirectHandler):
    """A gateway that sends us elsewhere is not the gateway that was set up."""

    def redirect_request(self, *args, **kwargs):
        return None


_opener = build_opener(_NoWayRound)


def _ask(config: dict, url: str, body: bytes, content_type: str) -> dict:
    """Post to a gateway and return its JSON answer ({} when it is none)."""
    if urlsplit(url).scheme != "https" and not config.get("plain_http"):
        raise Refused("https_only")
    headers = {"Content-Type": content_type, "User-Agent": "citymgmt", **config.get("headers", {})}
    request = Request(url, data=body, headers=headers, method=config.get("method", "POST"))
    try:
        with _opener.open(request, timeout=SECONDS) as answer:
            said = answer.read(MOST_ANSWERED)
    except HTTPError as error:
        error.close()
        if error.code in (429, 503):
            raise Busy(f"http_{error.code}") from error
        raise (Uncertain if error.code >= 500 else Refused)(f"http_{error.code}") from error
    except URLError as error:  # never got there
        raise Busy("gateway_away") from error
    except (OSError, HTTPException) as error:  # asked, and no whole answer
        raise Uncertain("no_answer") from error
    try:
        answered = json.loads(said)
    except ValueError:
        return {}
    return answered if isinstance(answered, dict) else {}


def _filled(template, gaps: dict[str, str]):
    """The template of a body with {phone}, {text} and {key} filled in, however deep they stand."""
    if isinstance(template, dict):
        return {name: _filled(value, gaps) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, gaps) for value in template]
    if isinstance(template, str):
        for name, value in gaps.items():
            template = template.replace("{" + name + "}", value)
    return template


def _http(config: dict, post: Post) -> None:
    """A provider's HTTP interface, by a template: url, body, format json or form, and which answer means yes."""
    gaps = {"phone": post.address, "text": post.whole, "key": post.key}
    body = _filled(config["body"], gaps)
    if config.get("format", "json") == "form":
        answered = _ask(config, config["url"], urlencode(body).encode(), "application/x-www-form-urlencoded")
    else:
        answered = _ask(config, config["url"], json.dumps(body).encode(), "application/json")
    if "success" in config:
        said = answered
        for name in config["success"]["path"].split("."):
            said = said.get(name) if isinstance(said, dict) else None
        if str(said) != str(config["success"]["equals"]):
            raise Refused("provider_said_no")


# How each maker's robot is spoken to: the field of its answer that is 0 when all is well, and what means "too often".
TOO_OFTEN = {"wecom": {45009}, "dingtalk": {130101, 410100}, "feishu": {9499, 11232}}


def _robots(config: dict, post: Post) -> None:
    robot = config["robots"].get(post.address)
    if robot is None:
        raise Refused("no_such_robot")
    maker, url, now = robot["kind"], robot["url"], time.time()
    content = {"content": post.whole}
    if maker == "feishu":
        body = {"msg_type": "text", "content": {"text": post.whole}}
        if robot.get("secret"):
            body |= {"timestamp": str(int(now)), "sign": feishu_sign(robot["secret"], int(now))}
    else:
        body = {"msgtype": "text", "text": content}
        if maker == "dingtalk" and robot.get("secret"):
            url += f"&timestamp={int(now * 1000)}&sign={dingtalk_sign(robot['secret'], int(now * 1000))}"
    answered = _ask(config, url, json.dumps(body).encode(), "application/json")
    code = answered.get("errcode", answered.get("code", answered.get("StatusCode")))
    if code in TOO_OFTEN[maker]:
        raise Busy("too_often")
    if code != 0:
        raise Refused(f"robot_{code if isinstance(code, int) else 'unclear'}")


def dingtalk_sign(secret: str, milliseconds: int) -> str:
    """DingTalk's signature of an instant, ready for the address."""
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return quote_plus(base64.b64encode(digest))


def feishu_sign(secret: str, seconds: int) -> str:
    """Feishu's signature of an instant: the instant and the secret are the key, and nothing is signed."""
    digest = hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


# --- A file, for tests and development ---


def _file(config: dict, post: Post) -> None:
    """One line of JSON for each key, once, whoever writes at the same time."""
    line = {"key": post.key, "address": post.address, "text": post.text, "link": post.link}
    with open(config["path"], "a+", encoding="utf-8") as lines:
        fcntl.flock(lines, fcntl.LOCK_EX)
        lines.seek(0)
        if any(json.loads(one)["key"] == post.key for one in lines):
            return
        lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        lines.flush()
        os.fsync(lines.fileno())


KINDS = {"mail": _mail, "http": _http, "robots": _robots, "file": _file}
