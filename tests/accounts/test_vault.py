"""What a reporter said about himself: sealed, found by exact number, read by the desk alone, and never unseen."""

import base64
import json
import uuid
from datetime import datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from cryptography.exceptions import InvalidTag
from django.core.management import CommandError, call_command

from accounts import vault
from accounts.models import VaultRecord
from accounts.roles import Role
from office.models import ReadLog
from tests.factories import person

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
WORDS = "春秋路口的井盖没了,昨晚差点摔倒。𠮷"


@pytest.fixture(autouse=True)
def keys_of_this_test(settings):
    settings.VAULT_KEYS = keys("test", test=b"k" * 32)


def keys(current: str, **others: bytes) -> dict:
    return {"current": current, "keys": others, "index": b"i" * 32}


def seal(name="许知远", phone="138 0000 1234", words=WORDS, **facts) -> uuid.UUID:
    return vault.seal(kind="citizen", name=name, phone=phone, words=words, at=AT, **facts)


@pytest.fixture
def operator():
    return person(Role.ACCEPTANCE_OPERATOR)


def test_what_was_sealed_is_read_again_word_for_word(operator):
    number = seal()
    opened = vault.open_record(number, reader=operator, why="回访", at=AT)
    assert opened == vault.Opened(name="许知远", phone="138 0000 1234", words=WORDS)


def test_who_read_it_when_and_why_is_kept(operator):
    number = seal()
    vault.open_record(number, reader=operator, why="回访", at=AT)
    assert ReadLog.objects.values_list("reader", "at", "what", "about", "why").get() == (
        operator.pk,
        AT,
        "vault",
        str(number),
        "回访",
    )


READERS = {Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER}


@pytest.mark.parametrize("role", [None, *(role for role in Role if role not in READERS)])
def test_nobody_but_the_desk_reads_or_searches_it(role):
    number, other = seal(), person(role)
    with pytest.raises(vault.NotForYou):
        vault.open_record(number, reader=other, why="好奇", at=AT)
    with pytest.raises(vault.NotForYou):
        vault.find_by_phone("13800001234", reader=other, why="好奇", at=AT)
    assert not ReadLog.objects.exists()


@pytest.mark.parametrize("role", sorted(READERS))
def test_the_desk_reads_it(role):
    assert vault.open_record(seal(), reader=person(role), why="核对", at=AT).name == "许知远"


def test_without_a_reason_it_stays_closed(operator):
    number = seal()
    with pytest.raises(vault.ReasonMissing):
        vault.open_record(number, reader=operator, why="  ", at=AT)
    with pytest.raises(vault.ReasonMissing):
        vault.find_by_phone("13800001234", reader=operator, why="", at=AT)


def test_nothing_readable_lies_in_the_database():
    seal()
    record = VaultRecord.objects.exclude(kind=vault.CANARY).get()
    stored = bytes(record.ciphertext) + bytes(record.nonce) + bytes(record.phone_index)
    for secret in ("许知远", "13800001234", "138 0000 1234", "井盖"):
        assert secret.encode() not in stored


@pytest.mark.parametrize(
    "written", ["13800001234", "138-0000-1234", "+86 138 0000 1234", "008613800001234", "１３８００００１２３４"]
)
def test_a_number_is_found_however_it_is_written(operator, written):
    number = seal()
    seal(phone="13800001235")
    assert vault.find_by_phone(written, reader=operator, why="来电", at=AT) == [number]


def test_a_landline_keeps_its_area_code(operator):
    assert vault.normal_phone("(0564) 866-1234") == "05648661234"
    assert vault.normal_phone("8613") == "8613"


def test_no_number_finds_nobody(operator):
    seal(phone="")
    assert vault.find_by_phone("", reader=operator, why="来电", at=AT) == []


def test_the_number_that_was_searched_for_is_not_in_the_log(operator):
    vault.find_by_phone("13800001234", reader=operator, why="来电", at=AT)
    assert "13800001234" not in ReadLog.objects.get().about


def test_the_same_form_sent_twice_makes_one_record(operator):
    number = uuid.uuid4()
    assert seal(public_id=number) == seal(public_id=number, words="又一次") == number
    assert vault.open_record(number, reader=operator, why="核对", at=AT).words == WORDS


def test_a_sealed_text_moved_to_another_record_does_not_open(operator):
    first, second = seal(), seal(name="别人")
    moved = VaultRecord.objects.get(public_id=first)
    VaultRecord.objects.filter(public_id=second).update(ciphertext=moved.ciphertext, nonce=moved.nonce)
    with pytest.raises(InvalidTag):
        vault.open_record(second, reader=operator, why="核对", at=AT)


def test_erasing_leaves_a_tombstone(operator):
    number = seal()
    vault.erase(number, by=None, rule="reporter", why="保存期满", at=AT)
    vault.erase(number, by=None, rule="reporter", why="保存期满", at=AT.replace(hour=12))
    record = VaultRecord.objects.get(public_id=number)
    assert (bytes(record.ciphertext), record.phone_index, record.erased_at) == (b"", None, AT)
    assert vault.find_by_phone("13800001234", reader=operator, why="来电", at=AT) == []
    with pytest.raises(vault.RecordErased):
        vault.open_record(number, reader=operator, why="核对", at=AT)


# --- Keys ---


def test_a_key_file_of_another_database_is_refused(settings):
    seal()
    vault.forget()
    settings.VAULT_KEYS = keys("test", test=b"x" * 32)
    with pytest.raises(vault.WrongVaultKey, match="another database"):
        seal()
    with pytest.raises(CommandError, match="docs/operations"):
        call_command("check_vault")


def test_a_key_file_with_another_index_key_is_refused(settings):
    seal()
    vault.forget()
    settings.VAULT_KEYS = settings.VAULT_KEYS | {"index": b"j" * 32}
    with pytest.raises(vault.WrongVaultKey, match="index key"):
        seal()


def test_a_key_file_that_lacks_a_key_in_use_is_refused(settings):
    seal()
    vault.forget()
    settings.VAULT_KEYS = keys("new", new=b"n" * 32)
    with pytest.raises(vault.WrongVaultKey, match="lacks keys that are in use: test"):
        seal()


def test_the_right_key_file_fits():
    out = StringIO()
    call_command("check_vault", stdout=out)
    call_command("check_vault", stdout=out)
    assert "fits" in out.getvalue()
    assert VaultRecord.objects.filter(kind=vault.CANARY).count() == 1


def test_keys_are_changed_while_the_site_runs(settings, tmp_path, operator):
    old, index = base64.b64encode(b"k" * 32).decode(), base64.b64encode(b"i" * 32).decode()
    file = tmp_path / "vault.json"
    file.write_text(json.dumps({"current": "test", "keys": {"test": old}, "index": index}))
    file.chmod(0o640)
    settings.VAULT_KEY_FILE = file
    number, erased = seal(), seal()
    vault.erase(erased, by=None, rule="reporter", why="保存期满", at=AT)

    call_command("rotate_vault_key", new_key=True, stdout=StringIO())
    content = json.loads(file.read_text())
    assert set(content["keys"]) == {"test", content["current"]}
    # What a restart does:
    settings.VAULT_KEYS = keys(
        content["current"], **{name: base64.b64decode(key) for name, key in content["keys"].items()}
    )
    vault.forget()
    assert vault.open_record(number, reader=operator, why="核对", at=AT).words == WORDS

    call_command("rotate_vault_key", stdout=StringIO())
    assert set(VaultRecord.objects.filter(erased_at=None).values_list("key_id", flat=True)) == {content["current"]}
    assert vault.open_record(number, reader=operator, why="核对", at=AT).words == WORDS
    assert vault.find_by_phone("13800001234", reader=operator, why="来电", at=AT) == [number]

    call_command("rotate_vault_key", forget=True, stdout=StringIO())
    assert set(json.loads(file.read_text())["keys"]) == {content["current"]}
    assert file.stat().st_mode & 0o777 == 0o640
