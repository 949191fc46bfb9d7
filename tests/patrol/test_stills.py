"""A still is fetched from a camera, and from nothing else."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from patrol import stills
from patrol.stills import NoStill, fetch, may_reach


def named(monkeypatch, *numbers: str) -> None:
    """Let every name stand for these numbers."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, 80)) for number in numbers]
    monkeypatch.setattr(stills.socket, "getaddrinfo", lambda *args, **kwargs: found)


def refused(url: str, **kwargs) -> str:
    with pytest.raises(NoStill) as caught:
        fetch(url, **kwargs)
    return caught.value.facts["why"]


@pytest.mark.parametrize(
    "number",
    ["127.0.0.1", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.5", "::ffff:127.0.0.1",
     "64:ff9b::a00:5", "2002:a00:5::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "nonsense", ""],
)  # fmt: skip
def test_no_number_inside_is_reached(number):
    assert not may_reach(number, [])


def test_a_public_number_is_reached_and_so_is_a_network_that_the_city_named():
    assert may_reach("8.8.8.8", [])
    assert may_reach("10.20.3.4", ["10.20.0.0/16"])
    assert may_reach("fd00::7", ["fd00::/64"])
    assert not may_reach("10.21.3.4", ["10.20.0.0/16"])


@pytest.mark.parametrize("number", ["127.0.0.1", "::1", "169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1"])
def test_this_machine_is_never_reached_whatever_the_city_named(number):
    assert not may_reach(number, ["0.0.0.0/0", "::/0"])


def test_a_network_that_makes_no_sense_allows_nothing():
    assert not may_reach("10.20.3.4", ["10.20.0.0/99"])


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://camera.example/1.jpg", "gopher://camera.example/", "http://", "//camera.example/1",
     "http://user:word@camera.example/1.jpg", "http://camera.example:port/1.jpg", "http://[::1/1.jpg", ""],
)  # fmt: skip
def test_only_plain_addresses_of_the_web_are_taken(url, monkeypatch):
    named(monkeypatch, "8.8.8.8")
    assert refused(url) == stills.ADDRESS


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::1]", "0"])
def test_other_ways_to_write_this_machine_lead_nowhere(host):
    assert refused(f"http://{host}:6379/") == stills.ADDRESS


def test_one_number_inside_among_several_refuses_the_name(monkeypatch):
    named(monkeypatch, "8.8.8.8", "10.0.0.5")
    assert refused("http://camera.example/1.jpg") == stills.ADDRESS


def test_the_connection_goes_to_the_number_that_was_judged(monkeypatch):
    went = []
    named(monkeypatch, "8.8.8.8")

    def connect(address, timeout):
        went.append(address)
        raise OSError

    monkeypatch.setattr(stills.socket, "create_connection", connect)
    assert refused("http://camera.example:8080/1.jpg") == stills.SILENT
    assert refused("https://camera.example/1.jpg") == stills.SILENT
    assert went == [("8.8.8.8", 8080), ("8.8.8.8", 443)]


# — a camera that answers


class Camera(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/still?size=1")
        else:
            self.send_response(200)
        self.end_headers()
        if self.path == "/drops":
            self.server.hold.wait(20)
        self.wfile.write(b"x" * (stills.MOST_BYTES + 1) if self.path == "/huge" else b"\xff\xd8\xff still")

    def log_message(self, *args):
        pass


@pytest.fixture
def address(monkeypatch):
    """The address of a camera on this machine, which this test alone lets through."""
    monkeypatch.setattr(stills, "may_reach", lambda number, networks: True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    server.hold = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.hold.set()
    server.shutdown()
    server.server_close()


def test_the_still_comes_as_it_is(address):
    assert fetch(f"{address}/still?size=1") == b"\xff\xd8\xff still"


def test_no_redirect_is_followed(address):
    assert refused(f"{address}/away") == stills.ANSWER


def test_what_is_too_large_is_not_read_to_its_end(address, monkeypatch):
    monkeypatch.setattr(stills, "MOST_BYTES", 1000)
    assert refused(f"{address}/huge") == stills.TOO_LARGE


def test_whoever_takes_too_long_is_not_waited_for(address, monkeypatch):
    monkeypatch.setattr(stills, "SECONDS", 0.2)
    assert refused(f"{address}/drops") == stills.SILENT
