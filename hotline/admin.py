"""The technical pages of calls and calls back. Citizens' links are not here: their secrets are nobody's."""

from django.contrib import admin

from hotline.models import Call, CallBack


class ReadOnly(admin.ModelAdmin):
    """What was said and done at the telephone is looked at, not edited."""

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Call)
class CallAdmin(ReadOnly):
    list_display = ("received_at", "kind", "result", "seat", "centre")
    list_filter = ("kind", "result")
    list_select_related = ("seat", "centre")
    exclude = ("reporter_ref", "case")
    date_hierarchy = "received_at"


@admin.register(CallBack)
class CallBackAdmin(ReadOnly):
    list_display = ("at", "outcome", "by")
    list_filter = ("outcome",)
    list_select_related = ("by",)
    exclude = ("case",)
