"""Pages as PDF. Nothing is fetched from outside: only our own static files and what the caller hands over."""

import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import weasyprint
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from PIL import ImageFile
from weasyprint.urls import URLFetcher, URLFetcherResponse

ImageFile.LOAD_TRUNCATED_IMAGES = False  # weasyprint lets the whole process take half a picture; evidence must be whole

ORIGIN = "https://paper.invalid"
"""What addresses within a page are relative to; it exists nowhere, so that nothing can be fetched by mistake."""

# Setting type takes a processor for itself: a process sets one page at a time, and the others go on being served.
_one_at_a_time = threading.BoundedSemaphore(1)


class NotOurs(Exception):
    """A page asks for something that is neither a static file nor handed over."""


def pdf_of(page: str, *, parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """Return a page of ours as PDF, pictures scaled down to what paper shows."""
    return document_of(page, parts=parts).write_pdf(optimize_images=True, jpeg_quality=75, dpi=170)


def document_of(page: str, *, parts: Mapping[str, str | bytes] | None = None) -> weasyprint.Document:
    """Return a page of ours set in type. `parts`: by address a path in the evidence storage, or the content itself."""
    with _one_at_a_time:
        return weasyprint.HTML(string=page, base_url=f"{ORIGIN}/", url_fetcher=OwnFiles(dict(parts or {}))).render()


class OwnFiles(URLFetcher):
    """Finds our own files and what was handed over; whatever else a page names stays empty."""

    def __init__(self, given: dict[str, str | bytes]) -> None:
        super().__init__(allowed_protocols=())
        self._given = given

    def fetch(self, url, headers=None) -> URLFetcherResponse:
        return URLFetcherResponse(url, *_found(url, self._given))


def joined(documents: list[weasyprint.Document]) -> bytes:
    """Return several documents as one PDF, each with the page numbers of its own."""
    pages = [page for document in documents for page in document.pages]
    return documents[0].copy(pages).write_pdf(optimize_images=True, jpeg_quality=75, dpi=170)


def _found(url: str, given: dict[str, str | bytes]) -> tuple[bytes, dict[str, str]]:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if f"{parts.scheme}://{parts.netloc}" != ORIGIN:
        raise NotOurs(url)
    if path in given:
        return _handed_over(given[path])
    if path.startswith(settings.STATIC_URL):
        return _static(path.removeprefix(settings.STATIC_URL))
    raise NotOurs(url)


def _handed_over(part: str | bytes) -> tuple[bytes, dict[str, str]]:
    if isinstance(part, bytes):
        return part, {"Content-Type": "image/svg+xml"}
    with storages["evidence"].open(part) as file:
        return file.read(), {"Content-Type": "image/jpeg"}


KINDS = {".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}


def _static(name: str) -> tuple[bytes, dict[str, str]]:
    kind = KINDS.get(Path(name).suffix)
    if kind is None or ".." in Path(name).parts:
        raise NotOurs(name)
    path = finders.find(name)  # where static files are not gathered
    content = Path(path).read_bytes() if path else staticfiles_storage.open(name).read()
    return content, {"Content-Type": kind}
