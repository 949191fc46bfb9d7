"""Codes of classes and components, in the numbering of 2026 and in that of 2013."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import codes
from components.codes import Identifier, MalformedCode, Scheme


def test_a_component_of_2026_has_seventeen_characters():
    identifier = codes.component_identifier(division="320508", major="01", minor="037", sequence=1)
    assert identifier == "32050801037000001"
    assert len(identifier) == 17


def test_a_component_of_2013_has_sixteen_characters():
    identifier = codes.component_identifier(division="320508", major="01", minor="01", sequence=1)
    assert identifier == "3205080101000001"
    assert codes.parse_identifier(identifier) == Identifier("320508", "01", "01", 1)


@given(st.integers(0, 999_999), st.integers(0, 99), st.integers(0, 999), st.integers(1, 999_999))
def test_an_identifier_gives_back_its_parts(division, major, minor, sequence):
    parts = {"division": f"{division:06d}", "major": f"{major:02d}", "minor": f"{minor:03d}", "sequence": sequence}
    assert codes.parse_identifier(codes.component_identifier(**parts)) == Identifier(**parts)


@pytest.mark.parametrize(
    "identifier",
    [
        "", "320508010100000", "320508010370000012", "3205080103700000A", "32050801037000000", "３2050801037000001",
    ],
)  # fmt: skip
def test_a_malformed_identifier_is_refused(identifier):
    with pytest.raises(MalformedCode):
        codes.parse_identifier(identifier)


@pytest.mark.parametrize("sequence", [0, 1_000_000])
def test_the_sequence_of_a_class_ends_at_999_999(sequence):
    with pytest.raises(MalformedCode):
        codes.component_identifier(division="320508", major="01", minor="037", sequence=sequence)


@pytest.mark.parametrize(
    ("scheme", "minor"),
    [
        (Scheme.GBT47678, "001"),
        (Scheme.GBT30428, "01"),
        (Scheme.LOCAL, "99"),  # legacy extensions count down from 99
        (Scheme.LOCAL, "999"),
        (Scheme.LOCAL, "080"),
    ],
)
def test_a_scheme_has_its_own_minor_classes(scheme, minor):
    assert codes.check_minor(scheme, minor) == minor


@pytest.mark.parametrize(
    ("scheme", "minor"),
    [
        (Scheme.GBT47678, "01"),
        (Scheme.GBT30428, "001"),
        (Scheme.LOCAL, "079"),  # 001–079 belong to the national standard
        (Scheme.LOCAL, "1"),
        (Scheme.GBT47678, "0a1"),
    ],
)
def test_a_minor_class_that_a_scheme_cannot_have_is_refused(scheme, minor):
    with pytest.raises(MalformedCode):
        codes.check_minor(scheme, minor)


def test_a_matter_code_names_a_class_in_a_division():
    assert codes.matter_code(division="320508", major="06", minor="010") == "32050806010"
    assert codes.matter_code(division="320508", major="01", minor="10") == "3205080110"
    with pytest.raises(MalformedCode):
        codes.matter_code(division="320508", major="6", minor="10")
