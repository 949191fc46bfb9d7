"""The codes of places: division (6), street (9), community (12), unit grid (15). Pure: no Django, no database.

    440304 001 002 013
    |      |   |   └ sequence inside the community, 001–999
    |      |   └ community
    |      └ street or town
    └ county-level division

A longer code begins with the code of the place it lies in, so the chain of areas is read from the code alone.
"""

import re
from enum import IntEnum

LARGEST_SEQUENCE = 999

# Letters are met in the codes of merged communities; the division and the sequence are always digits.
DIVISION_PATTERN = r"^[0-9]{6}$"
STREET_PATTERN = r"^[0-9]{6}[0-9A-Z]{3}$"
COMMUNITY_PATTERN = r"^[0-9]{6}[0-9A-Z]{6}$"
UNIT_GRID_PATTERN = r"^[0-9]{6}[0-9A-Z]{6}[0-9]{3}$"


class CodeLength(IntEnum):
    DIVISION = 6
    STREET = 9
    COMMUNITY = 12
    UNIT_GRID = 15


PATTERNS: dict[CodeLength, str] = {
    CodeLength.DIVISION: DIVISION_PATTERN,
    CodeLength.STREET: STREET_PATTERN,
    CodeLength.COMMUNITY: COMMUNITY_PATTERN,
    CodeLength.UNIT_GRID: UNIT_GRID_PATTERN,
}


class MalformedCode(ValueError):
    """The text is not a code of the length asked for."""


def check(code: str, length: CodeLength) -> str:
    """Return `code` unchanged; MalformedCode when it is not a code of that kind."""
    if not re.match(PATTERNS[length], code) or code.endswith("\n"):
        raise MalformedCode(code)
    if length == CodeLength.UNIT_GRID and code.endswith("000"):
        raise MalformedCode(code)
    return code


def division_of(code: str) -> str:
    """Return the first 6 characters: the county-level division of any longer code."""
    return code[: CodeLength.DIVISION]


def street_of(code: str) -> str:
    """Return the first 9 characters: the street of a community or unit grid."""
    return code[: CodeLength.STREET]


def community_of(code: str) -> str:
    """Return the first 12 characters: the community of a unit grid."""
    return code[: CodeLength.COMMUNITY]


def unit_grid_code(community_code: str, sequence: int) -> str:
    """Return the 15 characters for the `sequence`-th cell (1–999) of a community."""
    check(community_code, CodeLength.COMMUNITY)
    if not 1 <= sequence <= LARGEST_SEQUENCE:
        raise MalformedCode(f"{community_code}{sequence:03d}")
    return f"{community_code}{sequence:03d}"


def chain_of(code: str) -> tuple[str, ...]:
    """Return the codes of the places that `code` lies in, the widest first, itself included.

    >>> chain_of("440304001002")
    ('440304', '440304001', '440304001002')
    """
    return tuple(code[:length] for length in CodeLength if len(code) >= length)
