"""What one statement writes: a row that two parts would write is refused, never half written without a word."""

from datetime import timedelta

import pytest

from office.batch import Batch
from office.models import Message
from tests.county import MONDAY, County

pytestmark = pytest.mark.django_db


@pytest.fixture
def box():
    """Three messages of one person."""
    reader = County.build().operator
    made = [
        Message(recipient=reader, code="x", kind="x", dedupe_key=f"d{number}", created_at=MONDAY) for number in range(3)
    ]
    return Message.objects.bulk_create(made)


def test_a_row_is_updated_once(box):
    batch = Batch()
    batch.update(box[0], ["code"])
    with pytest.raises(ValueError, match="twice"):
        batch.update(Message.objects.get(pk=box[0].pk), ["kind"])


def test_a_row_that_is_not_there_yet_is_not_updated(box):
    with pytest.raises(ValueError, match="not there"):
        Batch().update(Message(code="y"), ["code"])


def test_two_updates_of_many_rows_are_refused_whether_they_meet_or_not(box):
    batch = Batch()
    batch.update_all(Message.objects.filter(pk=box[0].pk), code="one")
    with pytest.raises(ValueError, match="may meet"):
        batch.update_all(Message.objects.filter(pk=box[1].pk), code="two")


def test_a_row_with_an_update_of_its_own_keeps_it(box):
    batch = Batch()
    batch.update_all(Message.objects.filter(recipient=box[0].recipient), code="all")
    box[1].code, box[1].read_at = "own", MONDAY + timedelta(hours=1)
    batch.update(box[1], ["code", "read_at"])
    assert batch.write() == 1
    assert list(Message.objects.order_by("id").values_list("code", flat=True)) == ["all", "own", "all"]
