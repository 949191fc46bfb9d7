"""The Chinese catalogue as people read it. That it holds every text of the code is looked at by ./run check."""

import re
from ast import literal_eval
from collections import Counter
from pathlib import Path

import pytest

CATALOGUE = Path(__file__).parents[1] / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
HAN = r"[\u4e00-\u9fff]"
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]|%%|\{\w+\}")


def entries() -> list[dict[str, str]]:
    """Return the entries of the catalogue, each as its keywords with their joined texts; the head is left out."""
    found = []
    for block in CATALOGUE.read_text(encoding="utf-8").split("\n\n")[1:]:
        entry: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            if line.startswith("#"):
                entry["flags"] = entry.get("flags", "") + (line if line.startswith("#,") else "")
                continue
            named = re.match(r"(msg\w+(?:\[\d\])?) ", line)
            if named:
                keyword = named[1]
            entry[keyword] = entry.get(keyword, "") + literal_eval(line[line.index('"') :])
        found.append(entry)
    return found


def chinese(entry: dict[str, str]) -> str:
    """Return the Chinese of an entry; Chinese has no plural of its own."""
    return entry.get("msgstr", "") or entry.get("msgstr[0]", "")


@pytest.fixture(scope="module")
def catalogue() -> list[dict[str, str]]:
    found = entries()
    assert len(found) > 500, "the catalogue was not read"
    return found


def test_every_text_has_chinese_that_somebody_wrote(catalogue):
    guessed = [entry["msgid"] for entry in catalogue if "fuzzy" in entry.get("flags", "")]
    missing = [entry["msgid"] for entry in catalogue if not chinese(entry).strip()]
    assert (guessed, missing) == ([], [])


def test_what_is_filled_in_is_the_same_in_both_languages(catalogue):
    wrong = [
        (entry["msgid"], chinese(entry))
        for entry in catalogue
        if Counter(PLACEHOLDER.findall(entry.get("msgid_plural", entry["msgid"])))
        != Counter(PLACEHOLDER.findall(chinese(entry)))
    ]
    assert wrong == []


def test_a_text_stands_once_for_each_of_its_meanings(catalogue):
    meanings = Counter((entry.get("msgctxt", ""), entry["msgid"]) for entry in catalogue)
    assert [text for text, number in meanings.items() if number > 1] == []


def test_chinese_is_set_as_chinese_is_set(catalogue):
    """Full-width punctuation, and no gap between two characters."""
    odd = re.compile(rf"{HAN} +{HAN}|{HAN}[,;:!?()]|[,;:!?()]{HAN}|{HAN}\.(?:\s|$)")
    assert [chinese(entry) for entry in catalogue if odd.search(chinese(entry))] == []
