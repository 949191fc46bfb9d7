"""Keys that lie in the checkout get neither into an image nor into the history."""

from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
# Where docs/operations.md puts them: passwords, and the private key of the address.
KEPT_OUT = {".env", "tls"}


@pytest.mark.parametrize("name", [".dockerignore", ".gitignore"])
def test_keys_are_left_out(name):
    left_out = {line.strip("/") for line in (TOP / name).read_text().splitlines()}
    assert left_out >= KEPT_OUT
