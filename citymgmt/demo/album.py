"""Hands in the drawn pictures as evidence. The same picture is handed in many times; its bytes are kept once."""

from datetime import datetime
from random import Random

from django.core.files.uploadedfile import SimpleUploadedFile

from citymgmt.demo import pictures
from citymgmt.demo.ground import known_id
from office.actions import store_file
from office.models import StoredFile


class Album:
    """The pictures of the demonstration."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, bool, int], StoredFile] = {}
        self._count = 0

    def picture(self, scene: str, *, put_right: bool, by, at: datetime, chance: Random) -> StoredFile:
        """Return a stored picture of the scene that this person took at this instant (None: a citizen)."""
        variant = chance.randrange(pictures.VARIANTS)
        key = (scene, put_right, variant)
        self._count += 1
        number = known_id(f"picture {self._count}")
        if key not in self._first:
            name = f"{scene}-{'after' if put_right else 'before'}-{variant}.jpg"
            data = pictures.photograph(scene, put_right=put_right, variant=variant)
            upload = SimpleUploadedFile(name, data, content_type="image/jpeg")
            self._first[key] = store_file(upload, public_id=number, by=by, at=at, kinds={"picture"}, claimed_at=at)
            return self._first[key]
        again = self._first[key]
        return StoredFile.objects.create(
            public_id=number,
            sha256=again.sha256,
            size=again.size,
            content_type=again.content_type,
            kind=again.kind,
            name=again.name,
            width=again.width,
            height=again.height,
            uploaded_by=by,
            claimed_at=at,
            recorded_at=at,
        )
