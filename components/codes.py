"""The codes of classes and components in both numberings. Pure: no Django, no database.

                              minor class   component                     matter (a class in a division)
    GB/T 47678 (2026)         3 digits      17: 6 + 2 + 3 + 6 sequence    11: 6 + 2 + 3
    GB/T 30428 (2013)         2 digits      16: 6 + 2 + 2 + 6 sequence    10: 6 + 2 + 2

Nothing is converted between the two by arithmetic: that takes a row of a mapping table.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

LARGEST_SEQUENCE = 999_999


class Scheme(StrEnum):
    """A generation of numbering; part of every class key."""

    GBT47678 = "GBT47678"
    GBT30428 = "GBT30428"
    LOCAL = "LOCAL"


class Kind(StrEnum):
    COMPONENT = "component"
    EVENT = "event"


MINOR_DIGITS: dict[Scheme, tuple[int, ...]] = {
    Scheme.GBT47678: (3,),
    Scheme.GBT30428: (2,),
    Scheme.LOCAL: (2, 3),
}

# Three-digit numbers 001–079 belong to the national standard; a city's own classes count down from 999.
LOCAL_RANGE = range(80, 1000)

MAJOR_PATTERN = r"^[0-9]{2}$"
MINOR_PATTERN = r"^[0-9]{2,3}$"
IDENTIFIER_PATTERN = r"^[0-9]{16,17}$"


class MalformedCode(ValueError):
    """The text is not a code of the kind asked for."""


@dataclass(frozen=True)
class Identifier:
    """The parts of a component's identifier."""

    division: str
    major: str
    minor: str
    sequence: int


def check_minor(scheme: Scheme, minor_code: str) -> str:
    """Return `minor_code` unchanged; MalformedCode where the scheme cannot have it."""
    if not re.fullmatch(r"[0-9]+", minor_code) or len(minor_code) not in MINOR_DIGITS[scheme]:
        raise MalformedCode(minor_code)
    if scheme == Scheme.LOCAL and len(minor_code) == 3 and int(minor_code) not in LOCAL_RANGE:
        raise MalformedCode(minor_code)
    return minor_code


def class_code(major: str, minor: str) -> str:
    """Return a class as people write it: "01-001"."""
    return f"{major}-{minor}"


def component_identifier(*, division: str, major: str, minor: str, sequence: int) -> str:
    """Return the identifier of the `sequence`-th component of its class in a division: 17 characters, or 16 for a
    two-digit minor."""
    if not 1 <= sequence <= LARGEST_SEQUENCE:
        raise MalformedCode(str(sequence))
    identifier = f"{division}{major}{minor}{sequence:06d}"
    parse_identifier(identifier)
    return identifier


def parse_identifier(identifier: str) -> Identifier:
    """Return the parts of a 16- or 17-character identifier; MalformedCode for anything else."""
    found = re.fullmatch(r"([0-9]{6})([0-9]{2})([0-9]{2,3})([0-9]{6})", identifier)
    if not found or int(found[4]) == 0:
        raise MalformedCode(identifier)
    return Identifier(division=found[1], major=found[2], minor=found[3], sequence=int(found[4]))


def matter_code(*, division: str, major: str, minor: str) -> str:
    """Return the code that names a class in a division (11 or 10 characters). It is not a case number."""
    code = f"{division}{major}{minor}"
    if not re.fullmatch(r"[0-9]{10,11}", code):
        raise MalformedCode(code)
    return code
