"""The contracts of the house that a linter cannot see. The others stand in pyproject.toml."""

import ast
import re
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.roles import ROLES
from citymgmt.errors import Refusal
from citymgmt.management.commands.grant_app_role import APPEND_ONLY
from citymgmt.refusals import SENTENCES
from office.declared import SETTINGS

TOP = Path(settings.BASE_DIR)

# From the ground up. A room may point at its own floor and below.
FLOORS = {
    "contenttypes": 0,
    "auth": 0,
    "sessions": 0,
    "admin": 0,
    "axes": 0,
    "office": 1,
    "accounts": 2,
    "grid": 3,
    "components": 4,
    "cases": 5,
    "hotline": 6,
    "dispatch": 6,
    "patrol": 6,
    "evaluation": 7,
    "practice": 8,
}
ROOMS = tuple(room for room, floor in FLOORS.items() if floor)


def room_files() -> list[Path]:
    return [path for room in ROOMS for path in sorted((TOP / room).rglob("*.py")) if "migrations" not in path.parts]


def our_files() -> list[Path]:
    wiring = [path for path in sorted((TOP / "citymgmt").rglob("*.py"))]
    return room_files() + wiring


def named(path: Path) -> str:
    return str(path.relative_to(TOP))


# --- Foreign keys point down ---


@pytest.mark.parametrize("room", ROOMS)
def test_no_foreign_key_points_up_or_across(room):
    """String foreign keys are not seen by import-linter. Everybody may point at people: that model is a setting."""
    wrong = []
    for model in apps.get_app_config(room).get_models():
        for field in model._meta.get_fields():
            if not field.is_relation or field.auto_created or field.related_model is None:
                continue
            there = field.related_model._meta.app_label
            if field.related_model._meta.label == settings.AUTH_USER_MODEL or there == room:
                continue
            if FLOORS[there] >= FLOORS[room]:
                wrong.append(f"{model.__name__}.{field.name} → {there}")
    assert not wrong


# Nothing has a foreign key to these, so that they can be partitioned.
POINTED_AT_BY_NOBODY = {"CaseEvent", "ReadLog"}


def test_nothing_points_at_the_logs():
    wrong = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model is not None
        if field.related_model.__name__ in POINTED_AT_BY_NOBODY
    ]
    assert not wrong


def test_every_table_that_only_grows_exists():
    assert set(APPEND_ONLY) <= {model._meta.db_table for model in apps.get_models()}


@pytest.mark.parametrize("room", ROOMS)
def test_every_model_has_a_name_a_key_and_an_order_of_its_own(room):
    for model in apps.get_app_config(room).get_models():
        assert "__str__" in vars(model) or any("__str__" in vars(base) for base in model.__mro__[1:-2]), model
        assert type(model._meta.pk).__name__ == "BigAutoField", model


# --- Files ---

# What a room may consist of. A new name needs a place in the house (and here, and in pyproject.toml) first.
FILES = {
    "__init__",
    "apps",
    # doors
    "urls",
    "views",
    "api",
    "tasks",
    "admin",
    "map_layers",
    "middleware",
    "context_processors",
    "forms",
    "serializers",
    # acts
    "actions",
    "permissions",
    "models",
    "querysets",
}
OWN_FILES = {
    "office": {
        "batch",
        "rows",
        "declared",
        "settings",
        "messages_text",
        "media",
        "ratelimit",
        "health",
        "gateways",
        "retention",
        "pdf",
    },
    "accounts": {"maintenance", "oidc", "roles", "rosters", "vault"},
    "grid": {"codes", "geometry", "locate", "addresses", "tiles"},
    "components": {"codes", "survey"},
    "cases": {
        "workflow",
        "work_calendar",
        "time_limits",
        "escalation",
        "chains",
        "calendars",
        "clocks",
        "presence",
        "deltas",
        "guides",
        "filters",
        "sheets",
        "history",
        "facts",
        "alarms",
        "checkpoint",
        "verification",
        "retention",
        "map_clip",
        "papers",
        "bulk",
    },
    "dispatch": {
        "routing",
        "facts",
        "approval",
        "terms",
        "requests",
        "teams",
        "certainty",
        "experience",
        "safety",
        "straight",
        "trial",
        "bulk",
        "handbook",
        "rule_pages",
        "sheets",
        "rulebook",
        "foresight",
        "cells",
        "links",
        "retention",
    },
    "hotline": {"workflow", "retention"},
    "patrol": {"bulk", "cameras", "stills"},
    "evaluation": {"indicators", "periods", "scoring", "facts", "tables", "overview", "wall"},
    "practice": {"lessons", "cast", "tickets"},
}
FOLDERS = {"migrations", "templatetags"}


@pytest.mark.parametrize("room", ROOMS)
def test_every_file_has_a_place_in_the_house(room):
    here = TOP / room
    files = {path.stem for path in here.glob("*.py")}
    folders = {path.name for path in here.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert files <= FILES | OWN_FILES[room]
    assert folders <= FOLDERS


# --- What modules lean on ---


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def pure_modules() -> list[str]:
    import tomllib

    return tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["citymgmt"]["pure"]


PURE = [name for name in pure_modules() if (TOP / f"{name.replace('.', '/')}.py").exists()]
FOREIGN_TO_PURE = {"django", "rest_framework", "celery", "redis", "psycopg2"}


@pytest.mark.parametrize("module", PURE)
def test_the_rules_of_the_field_know_no_django(module):
    path = TOP / f"{module.replace('.', '/')}.py"
    ours = {name for name in imported(path) if name.split(".")[0] in {*ROOMS, "citymgmt"}}
    assert not {name.split(".")[0] for name in imported(path)} & FOREIGN_TO_PURE
    # A pure module leans on pure modules only; `from a.b import c` names both b and c.
    assert all(name in PURE or name.rpartition(".")[0] in PURE or is_room(name) for name in ours), ours


def is_room(name: str) -> bool:
    return name in ROOMS


def test_there_are_no_django_signals():
    signals = re.compile(r"django\.(db\.models|core|contrib\.auth)\.signals|django\.dispatch|\.connect\(")
    # The worker's own signals are Celery's way of saying that it started.
    wrong = [named(path) for path in our_files() if signals.search(path.read_text()) and path.name != "celery.py"]
    assert not wrong


def test_no_model_overrides_save_or_delete():
    wrong = []
    for path in room_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                wrong += [
                    f"{named(path)}: {node.name}.{child.name}"
                    for child in node.body
                    if isinstance(child, ast.FunctionDef) and child.name in {"save", "delete"}
                ]
    assert not wrong


# The clock is read at the doors; whatever lies below is told the time.
BELOW_THE_DOORS = {
    "actions", "calendars", "permissions", "models", "querysets", "forms", "vault", "locate", "clocks", "routing",
    "certainty", "experience", "safety", "straight", "trial", "links",
}  # fmt: skip
NOW = re.compile(r"\b(timezone\.now|datetime\.now|date\.today|datetime\.utcnow|timezone\.localdate\(\)|Now\(\))")


def test_the_clock_is_read_only_at_the_doors():
    wrong = []
    for path in room_files():
        if path.stem not in BELOW_THE_DOORS:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            # Two are meant: a column's default, and the server's own time beside the one that is judged.
            if NOW.search(line) and "default=timezone.now" not in line and "recorded_at" not in line:
                wrong.append(f"{named(path)}:{number}: {line.strip()}")
    assert not wrong


# --- Refusals and settings ---


def all_refusals() -> list[type[Refusal]]:
    for path in our_files():
        if "commands" not in path.parts and path.name not in {"wsgi.py", "live.py"}:
            module = ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__")
            __import__(module)
    found, waiting = [], [Refusal]
    while waiting:
        below = waiting.pop().__subclasses__()
        found += below
        waiting += below
    return [one for one in found if one.__module__.split(".")[0] in {*ROOMS, "citymgmt"}]


def test_every_refusal_has_a_code_of_its_own_and_a_sentence():
    refusals = all_refusals()
    codes = [one.code for one in refusals]
    assert len(refusals) > 10
    assert sorted(set(codes)) == sorted(codes)
    assert "refused" not in codes
    assert set(codes) <= set(SENTENCES)


def test_no_sentence_is_left_of_a_refusal_that_is_gone():
    assert set(SENTENCES) <= {one.code for one in all_refusals()}


def test_the_sentences_stand_in_alphabetical_order():
    assert list(SENTENCES) == sorted(SENTENCES)


def test_every_declared_setting_is_used():
    """By its whole name, or by a beginning where the end is made up (`f"office.{kind}_mb"`)."""
    code = "\n".join(path.read_text() for path in our_files() if path.name != "declared.py")
    code += "\n".join(path.read_text() for path in (TOP / "templates").rglob("*.html"))
    made_up = [
        re.compile(re.sub(r"\\\{.*?\\\}", "[a-z_]+", re.escape(made))) for made in re.findall(r'f"([a-z_.{}]+)"', code)
    ]
    unused = [
        key
        for key in SETTINGS
        if f'"{key}"' not in code and not any("." in made.pattern and made.fullmatch(key) for made in made_up)
    ]
    assert not unused


@pytest.mark.parametrize("key", SETTINGS)
def test_a_setting_is_named_after_its_room(key):
    assert key.split(".")[0] in ROOMS


# --- Addresses ---

# The only pages for whoever is not logged in.
PUBLIC = {
    "accounts:login",
    "accounts:sign_on",
    "accounts:sign_on_back",
    "grid:layer",  # areas and roads only, for the citizens' map; it asks by itself for the others
    "health",
    "practice:door",  # of the practice area: whoever brings a ticket is let in
    "office:kept",  # a thumbnail waiting in a citizen's form, under a signed mark
    "set_language",
    "technical_log_in",  # leads to accounts:login
}
# The citizens' pages; a crew's one-case link; those of libraries, which ask for themselves.
OTHERS = ("citizen:", "link:", "admin:")


def all_patterns(resolver: URLResolver | None = None, space: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            found += all_patterns(pattern, inner)
        else:
            found.append((f"{space}{pattern.name}", pattern))
    return found


def test_every_page_asks_who_is_there_except_the_public_ones():
    assert "django.contrib.auth.middleware.LoginRequiredMiddleware" in settings.MIDDLEWARE
    open_to_all = {
        name
        for name, pattern in all_patterns()
        if not getattr(pattern.callback, "login_required", True) and not name.startswith(OTHERS)
        # Addresses for programs ask for themselves: tests/security/test_api.py.
        if not hasattr(pattern.callback, "cls")
    }
    assert open_to_all == PUBLIC


def test_every_address_has_a_name():
    unnamed = [(name, str(pattern.pattern)) for name, pattern in all_patterns() if name.endswith("None")]
    assert not [pattern for name, pattern in unnamed if not name.startswith(OTHERS)]


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_home(role):
    assert reverse(ROLES[role].home_url_name)


# --- Pages ---

INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*type=\"(application/json|importmap)\")|<style|\son[a-z]+=\"|\sstyle=\"", re.I
)


def test_no_page_holds_a_script_a_style_or_a_handler_of_its_own():
    pages = sorted((TOP / "templates").rglob("*.html"))
    assert not [named(path) for path in pages if INLINE.search(path.read_text())]


def test_psycopg_3_is_not_here():
    """Where it is, Django takes it in place of psycopg2 without a word."""
    import importlib.util

    assert importlib.util.find_spec("psycopg") is None
    assert "psycopg2" in sys.modules
