"""Forms that carry files: what somebody chose once stays chosen, whatever else is wrong with the form."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from django import forms
from django.core import signing
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from office.actions import Examined, examine, keep, refuse_too_many
from office.models import SavedView, StoredFile

SALT = "office.kept"
KEPT_SECONDS = 2 * 24 * 3600


def kept_mark(file: StoredFile, *, by) -> str:
    """A signed number of a stored file that only the person who handed it in may use; `by` is None for a citizen."""
    return signing.dumps([str(file.public_id), by.pk if by else 0], salt=SALT)


def kept_files(marks: Collection[str], *, by) -> list[StoredFile | None]:
    """The files behind these marks; None for a mark that is forged, old or somebody else's. At most one query."""
    numbers = [_number(mark, by=by) for mark in marks]
    wanted = [number for number in numbers if number]
    found = {file.public_id: file for file in StoredFile.objects.filter(public_id__in=wanted)} if wanted else {}
    return [found.get(number) for number in numbers]


def _number(mark: str, *, by) -> UUID | None:
    try:
        public_id, owner = signing.loads(mark, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return None
    return UUID(public_id) if owner in (0, getattr(by, "pk", None)) else None


@dataclass(frozen=True)
class Kept:
    file: StoredFile
    mark: str


class FilesInput(forms.ClearableFileInput):
    """A file input with what is kept already shown above it, each with a box to leave it out again."""

    allow_multiple_selected = True
    kept: Collection[Kept] = ()
    kinds: Collection[str] = ()

    def value_from_datadict(self, data, files, name):
        return files.getlist(name) if hasattr(files, "getlist") else []

    def value_omitted_from_data(self, data, files, name) -> bool:
        return name not in files and f"{name}_kept" not in data

    def render(self, name, value, attrs=None, renderer=None):
        attrs = self.build_attrs(self.attrs, {**(attrs or {}), "type": "file", "name": name})
        attrs.pop("required", None)  # what is kept counts too
        context = {"name": name, "attrs": attrs, "kept": self.kept, "kinds": self.kinds}
        return render_to_string("_ui/files_input.html", context)


class FilesField(forms.Field):
    """Files of some kinds. `needed`: at least one, new or kept. `capture`: a phone opens its camera.

    `most` may be set where a form takes fewer than the office does.
    """

    widget = FilesInput
    most: int | None = None

    def __init__(
        self, *, kinds: Collection[str] = ("picture",), multiple: bool = True, needed: bool = False,
        capture: bool = False, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(required=False, **kwargs)
        self.kinds, self.needed = kinds, needed
        accept = {"picture": "image/*", "sound": "audio/*", "video": "video/*", "document": ".pdf,.docx,.xlsx"}
        self.widget.attrs["accept"] = ",".join(accept[kind] for kind in kinds)
        self.widget.kinds = kinds
        if multiple:
            self.widget.attrs["multiple"] = True
        if capture:
            self.widget.attrs["capture"] = "environment"

    def clean(self, value):
        return list(value or [])


class KeepsFiles(forms.Form):
    """Mixin: call `keep_files` before `is_valid`; afterwards `cleaned_data` holds StoredFile rows for each FilesField.

    New uploads are stored at once and outside the action's transaction. A file that is refused is an error of its
    field; the others stay.
    """

    @property
    def file_fields(self) -> list[str]:
        return [name for name, field in self.fields.items() if isinstance(field, FilesField)]

    def keep_files(self, *, by, at: datetime) -> None:
        """Store what was chosen now, find what was kept before, and show both when the form is drawn again."""
        self.full_clean()
        files = {name: self._kept_before(name, by=by) for name in self.file_fields}
        new = {name: self._examined(name, files[name], by=by, at=at) for name in self.file_fields}
        try:
            stored = iter(keep([examined for of_field in new.values() for examined in of_field]))
            for name, of_field in new.items():
                files[name] += islice(stored, len(of_field))
        except Refusal as refusal:
            for name in (name for name, of_field in new.items() if of_field):
                self.add_error(name, sentence(refusal))
        for name in self.file_fields:
            self._show(name, files[name], by=by)

    def _uploads(self, name: str) -> list:
        return self.fields[name].widget.value_from_datadict(self.data, self.files, self.add_prefix(name))

    def _kept_before(self, name: str, *, by) -> list[StoredFile]:
        prefixed = self.add_prefix(name)
        read = self.data.getlist if hasattr(self.data, "getlist") else lambda key: self.data.get(key, [])
        left_out = set(read(f"{prefixed}_drop"))
        marks = [mark for mark in read(f"{prefixed}_kept") if mark not in left_out]
        files = [self._of_this_kind(name, file) for file in kept_files(marks, by=by)]
        if None in files:
            self.add_error(name, _("A file chosen earlier is no longer here. Choose it again."))
        return [file for file in files if file is not None]

    def _of_this_kind(self, name: str, file: StoredFile | None) -> StoredFile | None:
        """What was handed in at another field is taken here only if it might have been handed in here."""
        return file if file is not None and file.kind in self.fields[name].kinds else None

    def _examined(self, name: str, files: list[StoredFile], *, by, at: datetime) -> list[Examined]:
        """Look at what was chosen now; a file that is refused is said, and the others are taken."""
        uploads = self._uploads(name)
        try:
            refuse_too_many(len(files) + len(uploads), at=at, most=self.fields[name].most)
        except Refusal as refusal:
            # Nothing new is taken; what was kept stays.
            self.add_error(name, sentence(refusal))
            return []
        new: dict[str, Examined] = {}
        for upload in uploads:
            try:
                examined = examine(upload, by=by, at=at, kinds=self.fields[name].kinds)
            except Refusal as refusal:
                self.add_error(name, sentence(refusal))
                continue
            new.setdefault(examined.row.sha256, examined)  # the same one chosen twice is taken once
        for file in files:
            new.pop(file.sha256, None)
        return list(new.values())

    def _show(self, name: str, files: list[StoredFile], *, by) -> None:
        field = self.fields[name]
        if field.needed and not files and name not in self.errors:
            self.add_error(name, _("A picture is needed here."))
        if name in self.cleaned_data:
            self.cleaned_data[name] = files
        field.widget.kept = [Kept(file, kept_mark(file, by=by)) for file in files]


class ViewForm(forms.ModelForm):
    """A kept view of a desk: its name, its place in the list, whether the desk opens with it."""

    class Meta:
        model = SavedView
        fields = ("name", "number", "is_default")

    def clean_name(self) -> str:
        """Two views of one desk have two names."""
        others = SavedView.objects.of(self.instance.person_id, desk=self.instance.desk).exclude(pk=self.instance.pk)
        if others.filter(name=self.cleaned_data["name"]).exists():
            raise forms.ValidationError(_("Another view has this name."))
        return self.cleaned_data["name"]


class KeepViewForm(forms.Form):
    """The address of a desk's list as it stands, and the name to keep it under."""

    name = forms.CharField(max_length=40)
    query = forms.CharField(max_length=1000, required=False)
