"""Which times are believed at all. Pure: no Django.

What somebody else's clock says is written down as a claim. PostgreSQL keeps instants that Python cannot read back; one
such row would break every page that shows it.
"""

from datetime import UTC, datetime

EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def is_possible(instant: datetime) -> bool:
    """Whether a camera, a phone or a caller may have meant this instant."""
    return EARLIEST <= instant <= LATEST
