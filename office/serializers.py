"""What the office says and hears through the API, and two fields that every room uses."""

from django.utils.translation import gettext as _
from rest_framework import serializers

from office.messages_text import KINDS, sentence
from office.models import Message, StoredFile


class Labelled(serializers.CharField):
    """A code in the language of the answer, by a table of labels."""

    def __init__(self, labels: dict, **kwargs) -> None:
        super().__init__(read_only=True, **kwargs)
        self.labels = labels

    def to_representation(self, value) -> str:
        return str(_(self.labels[value])) if value in self.labels else ""


class Named(serializers.Serializer):
    """Somebody or something by public number and name."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()


class MessageRow(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    kind_label = Labelled(KINDS, source="kind")
    code = serializers.CharField()
    text = serializers.SerializerMethodField()
    about = serializers.CharField()
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)

    def get_text(self, message: Message) -> str:
        return str(sentence(message))


class UploadBody(serializers.Serializer):
    file = serializers.FileField(allow_empty_file=True)
    kind = serializers.ChoiceField(StoredFile.Kind.choices, default=StoredFile.Kind.PICTURE)
    public_id = serializers.UUIDField(required=False, help_text="Made by the sender: the same number is the same file.")


class StoredFileRow(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    mark = serializers.SerializerMethodField(help_text="Stands for the file in a field that takes files; two days.")
    kind = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)

    def get_mark(self, stored: StoredFile) -> str:
        return self.context["mark"]
