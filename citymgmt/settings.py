"""All settings of one installation, read from the environment once, at start.

What an administrator changes while the program runs (limits, rules, texts) is not here: it is declared in
office/declared.py and kept in the database. Here is only what must be known before the database answers.
Each variable is described in docs/operations.md. A wrong one stops the program with a plain sentence.
"""

import base64
import binascii
import glob
import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF

BASE_DIR = Path(__file__).resolve().parent.parent

# Set by pytest itself for its whole run and for its workers.
TESTING = "PYTEST_VERSION" in os.environ


def refuse(sentence: str) -> NoReturn:
    raise SystemExit(f"citymgmt cannot start: {sentence}")


def switch(name: str, default: str = "0") -> bool:
    value = os.environ.get(name, default)
    if value not in {"0", "1"}:
        refuse(f"{name} must be 0 or 1, not {value!r}.")
    return value == "1"


def number(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal():
        refuse(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def folder(name: str, default: str) -> Path:
    return Path(os.environ.get(name) or BASE_DIR / ".local" / default).absolute()


# --- Who and where -----------------------------------------------------------------------------------------------

DEBUG = switch("CITY_DEBUG")

SITE_URL = os.environ.get("SITE_URL", "http://localhost:8000").rstrip("/")
_site = urlsplit(SITE_URL)
if _site.scheme not in {"http", "https"} or not _site.hostname:
    refuse(f"SITE_URL must look like https://city.example.org, not {SITE_URL!r}.")
HTTPS = _site.scheme == "https"

# The practice area is this very program once more, with a database of its own (docs/decisions/0022). PRACTICE_OF, the
# address of the real site, makes a process the practice area; PRACTICE_URL tells the real site where it is.
PRACTICE_OF = os.environ.get("PRACTICE_OF", "").rstrip("/")
PRACTICE_URL = os.environ.get("PRACTICE_URL", "").rstrip("/")
for _name, _address in (("PRACTICE_OF", PRACTICE_OF), ("PRACTICE_URL", PRACTICE_URL)):
    if _address and (urlsplit(_address).scheme not in {"http", "https"} or not urlsplit(_address).hostname):
        refuse(f"{_name} must look like https://practice.example.org, not {_address!r}.")

# Browsers do not tell ports apart in cookies: two installations on one machine need different names.
INSTANCE = os.environ.get("CITY_INSTANCE", "city") + ("_practice" if PRACTICE_OF else "")

SECRET_KEY = os.environ.get("SECRET_KEY", "")
if TESTING and not SECRET_KEY:
    SECRET_KEY = "only for the tests, never for anything that anybody can reach"
if len(SECRET_KEY) < 40:
    refuse("SECRET_KEY is missing or shorter than 40 characters; make one with: openssl rand -base64 48")

# The one key that both sites share signs tickets into the practice area and nothing else; all that the practice area
# signs itself, sessions, links, tickets for news, is worth nothing on the real site.
PRACTICE_KEY = hashlib.sha256(f"into the practice area {SECRET_KEY}".encode()).hexdigest()
if PRACTICE_OF:
    SECRET_KEY = hashlib.sha256(f"in the practice area {SECRET_KEY}".encode()).hexdigest()

ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "").split() or [_site.hostname, "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [SITE_URL]

# --- Rooms -------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.contrib.gis",
    "leaflet",
    "rest_framework",
    "rest_framework_gis",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "csp",
    "axes",
    "office",
    "accounts",
    "grid",
    "components",
    "cases",
    "dispatch",
    "hotline",
    "patrol",
    "evaluation",
    "practice",
    "citymgmt",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "citymgmt.middleware.NoZeroBytes",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.UserLanguage",
    # Every page asks who is there, except those marked login_not_required.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.middleware.IdleLock",
    "accounts.middleware.FirstPassword",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "citymgmt.middleware.RefusalMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
    "practice.middleware.Lessons",
]

ROOT_URLCONF = "citymgmt.urls"
WSGI_APPLICATION = "citymgmt.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.frame",
                "practice.context_processors.practice",
            ],
        },
    },
]

# --- Database ----------------------------------------------------------------------------------------------------
# Two roles: the owner of the tables migrates; everything else runs as the application's role, which may not rewrite
# history. manage.py chooses the owner for the commands that change tables.


def database(url: str) -> dict:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql", "postgis"} or not parts.path.strip("/"):
        refuse(f"DATABASE_URL must look like postgresql://user:password@host:5432/name, not {parts.scheme}://…")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        # A folder instead of a host name means the Unix socket in it.
        "HOST": options.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
        "CONN_MAX_AGE": 0 if TESTING else 60,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASE_URL = os.environ.get("DATABASE_URL", "")
if not DATABASE_URL:
    refuse("DATABASE_URL is not set. With a private database: ./run (see ./run help).")
DATABASE_OWNER_URL = os.environ.get("DATABASE_OWNER_URL") or DATABASE_URL

DATABASE_ROLE = os.environ.get("CITY_DB_ROLE", "app")
if DATABASE_ROLE not in {"app", "owner"}:
    refuse(f"CITY_DB_ROLE must be app or owner, not {DATABASE_ROLE!r}.")

# What happens in a practice area never counts, because it happens nowhere else: the name keeps the two apart.
if urlsplit(DATABASE_URL).path.endswith("_practice") != bool(PRACTICE_OF):
    refuse("the practice area (PRACTICE_OF is set), and nothing else, uses a database whose name ends in _practice.")

DATABASES = {"default": database(DATABASE_OWNER_URL if DATABASE_ROLE == "owner" else DATABASE_URL)}
# Two test runs at once do not share a database; the workers of one run add their own suffix.
DATABASES["default"]["TEST"] = {
    "NAME": f"test_{DATABASES['default']['NAME']}_{os.environ.setdefault('CITY_TEST_RUN', str(os.getpid()))}"
}


def library(package: str, pattern: str) -> str | None:
    """The path of a shared library that came inside a wheel, or None: then Django looks for the system's."""
    spec = importlib.util.find_spec(package)
    places = [Path(place).parent / f"{package}.libs" for place in (spec.submodule_search_locations or [])]
    found = sorted(path for place in places for path in glob.glob(f"{glob.escape(str(place))}/{pattern}"))
    return found[0] if found else None


GDAL_LIBRARY_PATH = library("pyogrio", "libgdal*.so*")
GEOS_LIBRARY_PATH = library("shapely", "libgeos_c*.so*")

# --- Redis: broker and news (never evicting), and apart from them the cache ------------------------------------------

REDIS_URL = os.environ.get("REDIS_URL", "")
if not REDIS_URL:
    refuse("REDIS_URL is not set. With a private Redis: ./run (see ./run help).")
if not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    refuse("REDIS_URL must begin with redis://, rediss:// or unix://.")
CACHE_URL = os.environ.get("CACHE_URL") or REDIS_URL

CACHES = {
    "default": {
        "BACKEND": "citymgmt.cache.ForgivingRedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": f"{INSTANCE}:cache",
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    },
}
if TESTING:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# The stream of news about cases that the pages listen to (citymgmt/live.py).
LIVE_STREAM = f"{INSTANCE}:live"
LIVE_TICKET_SECONDS = 300

# --- Celery (the schedule is in citymgmt/celery.py) ------------------------------------------------------------------


def broker(url: str) -> str:
    """Celery writes a Unix socket differently: redis+socket:///path?virtual_host=0."""
    if not url.startswith("unix://"):
        return url
    parts = urlsplit(url)
    return f"redis+socket://{parts.path}?virtual_host={dict(parse_qsl(parts.query)).get('db', 0)}"


CELERY_BROKER_URL = broker(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{INSTANCE}:",
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "visibility_timeout": 3600,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_TIME_LIMIT = 3500  # below the visibility timeout: a task is never handed out twice while it still runs
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_TASK_ALWAYS_EAGER = bool(PRACTICE_OF)  # no worker there

# --- People ------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "practice:door" if PRACTICE_OF else "accounts:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# In the database, not in the cache: a session ended while Redis is down must stay ended when it comes back.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = f"{INSTANCE}_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = f"{INSTANCE}_csrf"
CSRF_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_NAME = f"{INSTANCE}_language"

AXES_ENABLED = not TESTING
AXES_FAILURE_LIMIT = 6
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "accounts.views.tried_too_often"
# One name and one visitor, however they are spelled.
AXES_USERNAME_CALLABLE = "accounts.forms.name_tried"
AXES_CLIENT_IP_CALLABLE = "office.ratelimit.visitor"
# What is typed where a password is changed is not written down among the attempts.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "old", "new", "again"]

# The keys of the vault (accounts/vault.py): 32 bytes each, kept outside the database and its backup.
VAULT_KEY_FILE = folder("VAULT_KEY_FILE", "secrets/vault.json")


def vault_keys(path: Path) -> dict:
    try:
        content = json.loads(path.read_text())
        keys = {name: base64.b64decode(key, validate=True) for name, key in content["keys"].items()}
        index, current = base64.b64decode(content["index"], validate=True), content["current"]
    except FileNotFoundError:
        refuse(f"the vault's key file {path} is missing. Restore it from its own backup; see docs/operations.md.")
    except OSError as error:
        refuse(f"the vault's key file {path} cannot be read: {error.strerror}.")
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        refuse(f"the vault's key file {path} is damaged. Restore it from its own backup; see docs/operations.md.")
    short = [name for name, key in {**keys, "index": index}.items() if len(key) != 32]
    if short:
        refuse(f"in the vault's key file {path} these keys are not 32 bytes long: {', '.join(short)}.")
    if current not in keys:
        refuse(f"the vault's key file {path} names {current!r} as current but does not hold it.")
    return {"current": current, "keys": keys, "index": index}


if TESTING and "VAULT_KEY_FILE" not in os.environ:
    VAULT_KEYS = {"current": "test", "keys": {"test": b"k" * 32}, "index": b"i" * 32}
else:
    VAULT_KEYS = vault_keys(VAULT_KEY_FILE)

# The gateways out of the house (office/gateways.py), with their secrets: a file outside the database. None: no messages
# leave the house, everybody reads them in his box.
GATEWAYS_FILE = folder("GATEWAYS_FILE", "secrets/gateways.json")
GATEWAY_KINDS = {"mail": {"mail", "file"}, "sms": {"http", "file"}, "chat": {"robots", "file"}}


def read_gateways(path: Path) -> dict:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        if os.environ.get("GATEWAYS_FILE"):
            refuse(f"the file of gateways {path} is missing; see docs/operations.md.")
        return {}
    except (OSError, ValueError):
        refuse(f"the file of gateways {path} cannot be read or is no JSON; see docs/operations.md.")
    for channel, config in content.items() if isinstance(content, dict) else [("", None)]:
        if not isinstance(config, dict) or config.get("kind") not in GATEWAY_KINDS.get(channel, ()):
            refuse(f"in the file of gateways {path} the channel {channel!r} is unknown or of no known kind.")
    return content


# From the practice area nothing is ever sent to anybody.
GATEWAYS = {} if PRACTICE_OF or (TESTING and "GATEWAYS_FILE" not in os.environ) else read_gateways(GATEWAYS_FILE)

# Single sign-on with the city's identity provider (accounts/oidc.py): None unless OIDC_ISSUER names one.


def identity_provider(said: Mapping[str, str]) -> dict | None:
    """Return what the environment says about the provider: issuer, client_id, client_secret, claim, scope, password."""
    issuer = said.get("OIDC_ISSUER", "")
    if not issuer:
        return None
    parts = urlsplit(issuer)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}):
        refuse(f"OIDC_ISSUER must begin with https://, not {issuer!r}.")
    missing = [name for name in ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET_FILE", "OIDC_STAFF_CLAIM") if not said.get(name)]
    if missing:
        refuse(f"with OIDC_ISSUER these are needed too: {', '.join(missing)}; see docs/operations.md.")
    try:
        secret = Path(said["OIDC_CLIENT_SECRET_FILE"]).read_text().strip()
    except OSError as error:
        refuse(f"the file with the client's secret (OIDC_CLIENT_SECRET_FILE) cannot be read: {error.strerror}.")
    if not secret:
        refuse("the file with the client's secret (OIDC_CLIENT_SECRET_FILE) is empty.")
    password = said.get("OIDC_PASSWORD", "everybody")
    if password not in {"everybody", "administrators"}:
        refuse(f"OIDC_PASSWORD must be everybody or administrators, not {password!r}.")
    return {
        "issuer": issuer, "client_id": said["OIDC_CLIENT_ID"], "client_secret": secret,
        "claim": said["OIDC_STAFF_CLAIM"], "scope": said.get("OIDC_SCOPE", "openid profile"), "password": password,
    }  # fmt: skip


OIDC = None if TESTING or PRACTICE_OF else identity_provider(os.environ)

# --- Languages and time ------------------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# --- Files -------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = folder("STATIC_ROOT", "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
EVIDENCE_ROOT = folder("EVIDENCE_ROOT", "evidence")
if TESTING:
    EVIDENCE_ROOT = folder("", "testing") / f"evidence-{os.environ.get('PYTEST_XDIST_WORKER', 'one')}"

_evidence = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    # No address: a file is opened through the view of what it is attached to, which asks who is looking.
    "OPTIONS": {
        "location": str(EVIDENCE_ROOT),
        "base_url": None,
        "file_permissions_mode": 0o640,
        "directory_permissions_mode": 0o750,
    },
}
STORAGES = {
    "default": _evidence,
    "evidence": _evidence,
    "staticfiles": {"BACKEND": "citymgmt.storage.StaticStorage"},
}
if DEBUG or TESTING:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = DEBUG or TESTING
WHITENOISE_AUTOREFRESH = DEBUG

# nginx hands out the file that a view has allowed (X-Accel-Redirect); without nginx the view sends it itself.
EVIDENCE_ACCEL_PREFIX = os.environ.get("EVIDENCE_ACCEL_PREFIX", "")

# The largest request that nginx and Django accept; how large one picture may be is a setting in the database.
CITY_MAX_UPLOAD_MB = number("CITY_MAX_UPLOAD_MB", 60)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 20

CITY_DATA = Path(os.environ.get("CITY_DATA") or BASE_DIR.parent / "shared" / "data").absolute()

# --- Safety ------------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
# Said by our own nginx, which overwrites what a visitor sends.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0

# --- Libraries ---------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.middleware.BearerToken", "accounts.middleware.DeskSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "office.api.problem_of",
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "City management",
    "VERSION": "1",
    "DESCRIPTION": "What a desk can do, for programs. Same permissions, same refusals as the pages.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "POSTPROCESSING_HOOKS": ["office.api.complete_schema"],
    "COMPONENT_SPLIT_REQUEST": True,
}
# No map service of anybody else unless the city sets one; the base map is our own streets and areas.
LEAFLET_CONFIG = {"TILES": [], "RESET_VIEW": False, "ATTRIBUTION_PREFIX": ""}

# --- Log: one line each, to the standard output ----------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"class": "citymgmt.logs.Line", "format": "{asctime} {levelname} {name}: {message}", "style": "{"}
    },
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
    "root": {"handlers": ["out"], "level": "INFO"},
    "loggers": {
        # Keep Django's own mail handler out; its errors go where everything else goes.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.security.DisallowedHost": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
    },
}
