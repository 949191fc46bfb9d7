"""The codes of places: 6, 9, 12 and 15 characters, the longer beginning with the shorter."""

import pytest

from grid import codes
from grid.codes import CodeLength, MalformedCode


@pytest.mark.parametrize(
    ("code", "length"),
    [
        ("440304", CodeLength.DIVISION),
        ("440304001", CodeLength.STREET),
        ("440304001A01", CodeLength.COMMUNITY),
        ("440304001002013", CodeLength.UNIT_GRID),
    ],
)
def test_a_code_of_the_right_length_is_accepted(code, length):
    assert codes.check(code, length) == code


@pytest.mark.parametrize(
    ("code", "length"),
    [
        ("", CodeLength.DIVISION),
        ("44030", CodeLength.DIVISION),
        ("44030A", CodeLength.DIVISION),
        ("440304\n", CodeLength.DIVISION),
        ("４40304", CodeLength.DIVISION),
        ("4403040011", CodeLength.STREET),
        ("44030400100201a", CodeLength.UNIT_GRID),
        ("440304001002000", CodeLength.UNIT_GRID),  # the sequence begins with 001
        ("4403040010020130", CodeLength.UNIT_GRID),  # 16 characters are met in the field, never accepted as they are
    ],
)
def test_a_malformed_code_is_refused(code, length):
    with pytest.raises(MalformedCode):
        codes.check(code, length)


def test_the_chain_of_areas_is_read_from_the_code_alone():
    cell = "440304001002013"
    assert codes.chain_of(cell) == ("440304", "440304001", "440304001002", "440304001002013")
    assert codes.chain_of("440304001") == ("440304", "440304001")
    assert (codes.division_of(cell), codes.street_of(cell), codes.community_of(cell)) == codes.chain_of(cell)[:3]


def test_a_cell_takes_the_code_of_its_community_and_three_digits():
    assert codes.unit_grid_code("440304001002", 13) == "440304001002013"


@pytest.mark.parametrize("sequence", [0, 1000, -1])
def test_there_are_999_cells_in_a_community_and_no_cell_zero(sequence):
    with pytest.raises(MalformedCode):
        codes.unit_grid_code("440304001002", sequence)
