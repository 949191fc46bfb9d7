"""One still from a camera over HTTP, fetched so that nothing else in our network can be reached through it.

An address is refused unless every number its name stands for is public, or lies in a network that the city has named;
the connection goes to that very number (a name that changes its mind meanwhile leads nowhere), follows no redirect,
uses no proxy, and ends after SECONDS or MOST_BYTES.
"""

import socket
import ssl
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Timer
from urllib.parse import urlsplit

from citymgmt.errors import Refusal

SECONDS = 6
MOST_BYTES = 8 * 1024 * 1024
PIECE = 64 * 1024
PORTS = {"http": 80, "https": 443}
# Numbers of the sixth version that stand for one of the fourth.
DISGUISES = tuple(ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


class NoStill(Refusal):
    """The camera gave no picture; fact: why, one of WHY (its words are in patrol/models.py)."""

    code = "no_still"


ADDRESS, SILENT, ANSWER, TOO_LARGE = "address", "silent", "answer", "too_large"
WHY = (ADDRESS, SILENT, ANSWER, TOO_LARGE)


def fetch(url: str, *, networks: Sequence[str] = ()) -> bytes:
    """Return what the address answers; whether it is a picture is not looked at here. Raises NoStill."""
    host, port, is_safe, path = _read(url)
    number = _number(host, port, networks)
    link = _Safe(number, host, port) if is_safe else _Plain(number, host, port)
    watch = Timer(SECONDS, _hang_up, (link,))
    watch.daemon = True
    watch.start()
    try:
        link.request("GET", path, headers={"Accept": "image/*", "Connection": "close"})
        answer = link.getresponse()
        if answer.status != 200:
            raise NoStill(why=ANSWER)
        return _at_most(answer)
    except (OSError, HTTPException, ValueError) as error:
        raise NoStill(why=SILENT) from error
    finally:
        watch.cancel()
        link.close()


def _read(url: str) -> tuple[str, int, bool, str]:
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise NoStill(why=ADDRESS) from error
    if parts.scheme not in PORTS or not parts.hostname or parts.username is not None or parts.password is not None:
        raise NoStill(why=ADDRESS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, port, parts.scheme == "https", path


def _number(host: str, port: int, networks: Sequence[str]) -> str:
    """Return the number to go to; refused if any of those that the name stands for is."""
    try:
        found = {one[4][0] for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise NoStill(why=SILENT) from error
    if not found or not all(may_reach(one, networks) for one in found):
        raise NoStill(why=ADDRESS)
    return sorted(found, key=lambda one: (":" in one, one))[0]


def may_reach(number: str, networks: Sequence[str]) -> bool:
    """Whether a number is public, or lies in one of the networks that the city has named."""
    try:
        address = ip_address(number.partition("%")[0])
        named = [ip_network(one, strict=False) for one in networks]
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if any(address in one for one in DISGUISES):
            return False
        address = address.ipv4_mapped or address
    if _never(address):
        return False
    return any(address in one for one in named) or address.is_global


def _never(address: IPv4Address | IPv6Address) -> bool:
    """This machine itself, and what clouds and switches answer at, whatever anybody has named."""
    return address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast


class _Plain(HTTPConnection):
    """A connection to one number, whatever the name stands for by now."""

    def __init__(self, number: str, host: str, port: int) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self.number = number

    def connect(self) -> None:
        self.sock = socket.create_connection((self.number, self.port), self.timeout)


class _Safe(HTTPSConnection):
    """The same over TLS; the certificate is that of the name."""

    def __init__(self, number: str, host: str, port: int) -> None:
        self.tls = ssl.create_default_context()
        super().__init__(host, port, timeout=SECONDS, context=self.tls)
        self.number = number

    def connect(self) -> None:
        plain = socket.create_connection((self.number, self.port), self.timeout)
        self.sock = plain  # so that the watch can hang up while hands are shaken
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)


def _hang_up(link: HTTPConnection) -> None:
    """Whoever answers drop by drop is not waited for."""
    try:
        if link.sock is not None:
            link.sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _at_most(answer) -> bytes:
    whole = bytearray()
    while piece := answer.read1(PIECE):
        whole += piece
        if len(whole) > MOST_BYTES:
            raise NoStill(why=TOO_LARGE)
    return bytes(whole)
