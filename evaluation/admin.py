"""The technical pages: what was frozen is looked at, never edited."""

from django.contrib import admin

from evaluation.models import EvalGroup, EvalPeriod, EvalScheme, EvalSnapshot


@admin.register(EvalGroup)
class EvalGroupAdmin(admin.ModelAdmin):
    list_display = ("code", "name_zh", "name_en", "sort")


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(EvalScheme)
class EvalSchemeAdmin(ReadOnly):
    list_display = ("code", "version", "name_zh", "object_type", "is_active", "valid_from", "valid_to")
    list_filter = ("object_type", "is_active")


@admin.register(EvalPeriod)
class EvalPeriodAdmin(ReadOnly):
    list_display = ("type", "first_date", "end_date", "version", "basis", "cutoff_at", "fact_count", "counted_at")
    list_filter = ("type",)


@admin.register(EvalSnapshot)
class EvalSnapshotAdmin(ReadOnly):
    list_display = ("period", "scheme", "frozen_at")
    list_select_related = ("period", "scheme")
