"""A real identity provider as a process of its own (tests/accounts/provider.mjs), and somebody who goes through it."""

import html
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import requests

SCRIPT = Path(__file__).parent / "accounts" / "provider.mjs"
SECRET = "the secret of the city hall"


class Provider:
    """One running provider: where it is, what the site must know of it, and a way through its pages."""

    def __init__(self, issuer: str, site: str) -> None:
        self.issuer, self.site = issuer, site

    def settings(self, **changed) -> dict:
        """Return what citymgmt/settings.py would make of the environment."""
        return {
            "issuer": self.issuer, "client_id": "city", "client_secret": SECRET, "claim": "staff",
            "scope": "openid profile", "password": "everybody", **changed,
        }  # fmt: skip

    def misbehave(self, how: str) -> None:
        """Let the next token be wrong in this way."""
        requests.post(f"{self.issuer}/misbehave", params={"how": how}, timeout=10)

    def browser(self) -> requests.Session:
        """Return a browser that knows no proxy."""
        one = requests.Session()
        one.trust_env = False
        return one

    def go_through(self, address: str, *, login: str, browser=None, cancel: bool = False) -> str:
        """Return the address at which somebody comes back to the site after naming himself there."""
        browser = browser or self.browser()
        answer = browser.get(address, allow_redirects=False, timeout=10)
        while True:
            if "location" in answer.headers:
                there = urljoin(answer.url, answer.headers["location"])
                if there.startswith(self.site):
                    return there
                answer = browser.get(there, allow_redirects=False, timeout=10)
                continue
            assert "<form" in answer.text, f"{answer.status_code} {html.unescape(re.sub('<[^>]+>', ' ', answer.text))}"
            said = {"login": login, **({"cancel": "yes"} if cancel else {})}
            answer = browser.post(answer.url, data=said, allow_redirects=False, timeout=10)


@contextmanager
def running(site: str) -> Iterator[Provider]:
    """Start a provider that sends people back to this site; it ends with the block."""
    node = shutil.which("node")
    assert node, "the tests of the single sign-on need Node (./run setup brings it)"
    with subprocess.Popen(
        [node, SCRIPT, site], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        issuer = process.stdout.readline().strip()
        assert issuer, process.stderr.read()
        try:
            yield Provider(issuer, site)
        finally:
            process.stdin.close()
