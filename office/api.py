"""What every address of the API shares: errors in one form, pages by cursor, keys of writes, how often one may ask.

Then the message box and files handed in before the form that needs them.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import uuid4

from django.conf import settings as installation
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFilesSent, ValidationError
from django.db import transaction
from django.db.models import F, Model, Q, QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from citymgmt.errors import Refusal
from citymgmt.middleware import PROBLEMS, Problem, problem, refused
from office import actions, ratelimit, settings
from office.forms import kept_mark
from office.models import KeptAnswer, Message
from office.serializers import MessageRow, StoredFileRow, UploadBody

# — errors ———————————————————————————————————————————————————————————————————————————————————————————

SPOKEN_BY_THE_LIBRARY: dict[type[Exception], str] = {
    Http404: "not_found",
    PermissionDenied: "forbidden",
    RequestDataTooBig: "too_large",
    TooManyFilesSent: "too_large",
    exceptions.AuthenticationFailed: "not_authenticated",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.NotFound: "not_found",
    exceptions.ParseError: "malformed",
    exceptions.PermissionDenied: "forbidden",
    exceptions.Throttled: "too_often",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
}


def not_valid(form) -> Problem:
    """Return the problem of a form whose fields are wrong; errors of no field stand under ""."""
    return Problem("not_valid", errors={"" if name == "__all__" else name: [str(one) for one in errors]
                                        for name, errors in form.errors.items()})  # fmt: skip


def problem_of(exception: Exception, context: dict) -> HttpResponse | None:
    """Return the answer to an exception that left a view, in the form of RFC 9457; None: it is our own mistake."""
    if isinstance(exception, Refusal):
        return refused(exception)
    if isinstance(exception, Problem):
        code, errors, wait = exception.code, exception.errors, exception.wait_seconds
    else:
        code = next((code for kind, code in SPOKEN_BY_THE_LIBRARY.items() if isinstance(exception, kind)), "")
        errors, wait = None, getattr(exception, "wait", None)
        if not code:
            return None
    status, words = PROBLEMS[code]
    # A page's refusal may say more than that the role is wrong.
    if isinstance(exception, PermissionDenied) and str(exception):
        words = str(exception)
    answer = problem(status=status, code=code, detail=str(words), errors=errors)
    if status == 401:
        answer["WWW-Authenticate"] = getattr(exception, "auth_header", "") or 'Bearer realm="api"'
    if wait:
        answer["Retry-After"] = str(int(wait) + 1)
    return answer


# — what is read —————————————————————————————————————————————————————————————————————————————————————


class Json(JSONParser):
    """JSON of a bounded size, and only text that can be kept."""

    def parse(self, stream, media_type=None, parser_context=None):
        request = parser_context["request"]
        if int(request.META.get("CONTENT_LENGTH") or 0) > installation.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise Problem("too_large")
        try:
            said = super().parse(stream, media_type, parser_context)
            json.dumps(said, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        except (RecursionError, UnicodeError) as error:
            raise Problem("malformed") from error
        if not isinstance(said, dict):
            raise Problem("malformed")
        return said


class Throttle(BaseThrottle):
    """So many requests a minute for each person, counted in the cache; when that is silent, everybody may."""

    def allow_request(self, request, view) -> bool:
        at = timezone.now()
        limit = settings.get("office.api_requests_a_minute", on=timezone.localdate(at))
        who = f"user:{request.user.pk}" if request.user.is_authenticated else ratelimit.visitor(request)
        self._wait = 60 - int(at.timestamp()) % 60
        return ratelimit.allowed("api", who, limit=limit, seconds=60, at=at)

    def wait(self) -> int:
        return self._wait


# — one address ——————————————————————————————————————————————————————————————————————————————————————

KEY_HEADER = "Idempotency-Key"
LONGEST_KEY = 100


class Replayed(Exception):
    """The same write was done before: its answer is given again."""

    def __init__(self, kept: KeptAnswer) -> None:
        self.kept = kept


class Endpoint(APIView):
    """One address. `self.at` is the instant at which the request came in.

    A write with an Idempotency-Key is one transaction with the keeping of its answer: it is done once, whoever repeats
    it or sends it twice at a time reads the first one's answer. An answer that must not be kept anywhere (somebody's
    phone number) says `keeps_answers = False`.
    """

    parser_classes = [Json, MultiPartParser]
    throttle_classes = [Throttle]
    keeps_answers = True
    at: datetime
    claimed: KeptAnswer | None = None

    def dispatch(self, request, *args, **kwargs):
        if request.method in SAFE_METHODS or KEY_HEADER not in request.headers or not self.keeps_answers:
            return super().dispatch(request, *args, **kwargs)
        with transaction.atomic():
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request, *args, **kwargs) -> None:
        self.at = timezone.now()
        super().initial(request, *args, **kwargs)
        if request.method in SAFE_METHODS or request.method.lower() not in self.http_method_names:
            return
        if KEY_HEADER in request.headers and self.keeps_answers and hasattr(self, request.method.lower()):
            key = request.headers[KEY_HEADER]
            if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
                raise Problem("not_valid", errors={KEY_HEADER: [_("1 to 100 visible characters, a UUID for example.")]})
            self.claimed = actions.claim_key(key, by=request.user, said=what_was_said(request), at=self.at)
            if self.claimed.status is not None:
                raise Replayed(self.claimed)

    def handle_exception(self, exception):
        if isinstance(exception, Replayed):
            self.claimed = None
            return again(exception.kept)
        return super().handle_exception(exception)

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.claimed is not None:
            body = JSONRenderer().render(response.data).decode() if isinstance(response, Response) else ""
            actions.keep_answer(self.claimed, status=response.status_code, body=body)
        response.headers.setdefault("Cache-Control", "private, no-store")
        patch_vary_headers(response, ("Accept-Language", "Authorization"))
        return response


def what_was_said(request) -> str:
    """Return a fingerprint of a write: method, address and content, keyed, so that nothing can be guessed from it."""
    data = request.data
    said: Any = data
    if hasattr(data, "lists"):
        said = {name: [_fingerprint(one) for one in values] for name, values in data.lists()}
    text = json.dumps([request.method, request.path, said], sort_keys=True, ensure_ascii=False)
    return salted_hmac("office.api.said", text, algorithm="sha256").hexdigest()


def _fingerprint(value) -> str:
    if not hasattr(value, "chunks"):
        return str(value)
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return f"{value.name} {digest.hexdigest()}"


def again(kept: KeptAnswer) -> HttpResponse:
    """Return the kept answer of a write."""
    answer = HttpResponse(kept.body, status=kept.status, content_type="application/json" if kept.body else None)
    answer["Idempotent-Replayed"] = "true"
    return answer


# — pages by cursor ——————————————————————————————————————————————————————————————————————————————————

PAGE, LARGEST_PAGE = 50, 100
CURSOR = [
    OpenApiParameter("cursor", str, description="From “next” of the page before; opaque."),
    OpenApiParameter("size", int, description=f"Rows of a page, at most {LARGEST_PAGE}."),
]


@cache
def paged(row: type[serializers.Serializer]) -> serializers.Serializer:
    """Return the shape of a page of such rows, for the schema."""
    fields = {
        "next": serializers.CharField(allow_null=True, help_text="The address of the next page; null on the last."),
        "results": row(many=True),
    }
    return inline_serializer(name=f"{row.__name__}Page", fields=fields)


def page(request, rows: QuerySet, row: type[serializers.Serializer], *, order: Sequence[str], **context) -> Response:
    """Return one page of rows in this order and the address of the next; one query.

    `order` are names of columns, a "-" before those that descend; the last must be unique, an ascending one that may be
    empty stands last where it is. No row that stays where it is in the order is missed or shown twice, whatever is
    added meanwhile.
    """
    size = _size(request)
    rows = rows.order_by(*(F(name).asc(nulls_last=True) if name[0] != "-" else name for name in order))
    if said := request.query_params.get("cursor"):
        rows = rows.filter(_after(rows.model, order, _opened(said, rows.model, order)))
    found = list(rows[: size + 1])
    following = None
    if len(found) > size:
        last = found[size - 1]
        kept = request.query_params.copy()
        kept["cursor"] = _closed([getattr(last, name.lstrip("-")) for name in order])
        following = f"{request.path}?{kept.urlencode()}"
    data = row(found[:size], many=True, context={"request": request, **context}).data
    return Response({"next": following, "results": data})


def _size(request) -> int:
    said = request.query_params.get("size", "")
    return min(max(int(said), 1), LARGEST_PAGE) if said.isascii() and said.isdigit() and len(said) < 6 else PAGE


def _closed(values: list) -> str:
    said = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def _opened(said: str, model: type[Model], order: Sequence[str]) -> list:
    try:
        values = json.loads(base64.b64decode(said + "=" * (-len(said) % 4), altchars=b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(order):
            raise ValueError
        fields = [model._meta.get_field("id" if name.lstrip("-") == "pk" else name.lstrip("-")) for name in order]
        opened = []
        for field, value in zip(fields, values, strict=True):
            if isinstance(value, list | dict):
                raise ValueError
            opened.append(field.to_python(value) if value is not None else None)
            if opened[-1] is None and not field.null:
                raise ValueError
            field.run_validators(opened[-1]) if opened[-1] is not None else None
            if isinstance(opened[-1], datetime) and timezone.is_naive(opened[-1]):
                raise ValueError
        return opened
    except (
        ValueError,
        TypeError,
        binascii.Error,
        UnicodeError,
        RecursionError,
        OverflowError,
        ValidationError,
    ) as error:
        raise Problem("malformed") from error


def _after(model: type[Model], order: Sequence[str], values: list) -> Q:
    """Return the condition that holds for the rows behind the one with these values."""
    behind, same = Q(pk__in=[]), Q()
    for name, value in zip(order, values, strict=True):
        column, descends = name.lstrip("-"), name[0] == "-"
        if value is None:
            same &= Q(**{f"{column}__isnull": True})  # nothing comes after the empty ones
            continue
        further = Q(**{f"{column}__{'lt' if descends else 'gt'}": value})
        if not descends and model._meta.get_field(column).null:
            further |= Q(**{f"{column}__isnull": True})
        behind |= same & further
        same &= Q(**{column: value})
    if order[0][0] == "-" and values[0] is not None:
        behind &= Q(**{f"{order[0][1:]}__lte": values[0]})  # said once more, so that an index can begin here
    return behind


# — the schema ———————————————————————————————————————————————————————————————————————————————————————


def complete_schema(result: dict, generator, request, public) -> dict:
    """Say of every operation what holds for all: the form of errors, the language, the key of a write."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    problem_answer = {
        "description": "Refused, or wrong. “code” is for programs, “detail” for people.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path in result["paths"].values():
        for method, operation in path.items():
            operation.setdefault("parameters", []).append(
                {"name": "lang", "in": "query",
                 "schema": {"type": "string", "enum": list(dict(installation.LANGUAGES))},
                 "description": "The language of labels and sentences; else Accept-Language."}
            )  # fmt: skip
            if method != "get":
                operation["parameters"].append(
                    {"name": KEY_HEADER, "in": "header", "schema": {"type": "string", "maxLength": LONGEST_KEY},
                     "description": "The same key with the same content is done once and answered alike."}
                )  # fmt: skip
            operation["responses"]["default"] = problem_answer
    return result


PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "facts": {"type": "object", "additionalProperties": True},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
}


# — the message box ——————————————————————————————————————————————————————————————————————————————————


class Messages(Endpoint):
    """What I was told, the newest first."""

    @extend_schema(
        operation_id="messages", tags=["me"], responses=paged(MessageRow),
        parameters=[*CURSOR, OpenApiParameter("unread", bool, description="Only what was not opened yet.")],
    )  # fmt: skip
    def get(self, request):
        mine = Message.objects.filter(recipient=request.user)
        if request.query_params.get("unread") in ("true", "yes", "1"):
            mine = mine.filter(read_at__isnull=True)
        return page(request, mine, MessageRow, order=("-created_at", "-id"))


class ReadMessage(Endpoint):
    """A message was read. The first time counts."""

    @extend_schema(operation_id="read_message", tags=["me"], request=None, responses=MessageRow)
    def post(self, request, public_id):
        message = Message.objects.filter(public_id=public_id, recipient=request.user).first()
        if message is None:
            raise Http404
        actions.open_message(message, at=self.at)
        message.refresh_from_db()
        return Response(MessageRow(message).data)


class ReadAllMessages(Endpoint):
    """Everything in my box was read."""

    @extend_schema(
        operation_id="read_all_messages", tags=["me"], request=None,
        responses=inline_serializer("Read", {"read": serializers.IntegerField()}),
    )  # fmt: skip
    def post(self, request):
        return Response({"read": actions.open_all(by=request.user, at=self.at)})


# — files ————————————————————————————————————————————————————————————————————————————————————————————


class Files(Endpoint):
    """Hand a file in before the step that needs it; its `mark` then stands for it in a field that takes files."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="hand_in_file", tags=["files"], request={"multipart/form-data": UploadBody},
        responses={201: StoredFileRow},
    )  # fmt: skip
    def post(self, request):
        said = UploadBody(data=request.data)
        if not said.is_valid():
            raise Problem("not_valid", errors=said.errors)
        facts = said.validated_data
        stored = actions.store_file(
            facts["file"], public_id=facts.get("public_id") or uuid4(), by=request.user, at=self.at,
            kinds=[facts["kind"]],
        )  # fmt: skip
        if stored.uploaded_by_id != request.user.pk:
            raise actions.FileNumberTaken()
        return Response(StoredFileRow(stored, context={"mark": kept_mark(stored, by=request.user)}).data, status=201)
