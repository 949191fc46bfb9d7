"""The technical view of the office: to look at, not to change. What is changed daily has pages of its own."""

from django.contrib import admin

from office.models import Message, ReadLog, Setting, StoredFile


class LookOnly(admin.ModelAdmin):
    """Rows that nobody adds, changes or deletes by hand."""

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(ReadLog)
class ReadLogAdmin(LookOnly):
    list_display = ["at", "reader", "what", "about", "why"]
    list_filter = ["what"]
    list_select_related = ["reader"]
    search_fields = ["=about", "reader__name_zh", "reader__username"]
    show_full_result_count = False


@admin.register(Setting)
class SettingAdmin(LookOnly):
    list_display = ["key", "area_code", "valid_from", "value", "changed_by", "changed_at"]
    list_select_related = ["changed_by"]
    search_fields = ["key"]


@admin.register(Message)
class MessageAdmin(LookOnly):
    list_display = ["created_at", "recipient", "kind", "code", "read_at"]
    list_filter = ["kind", "code"]
    list_select_related = ["recipient"]
    search_fields = ["=about", "recipient__username"]
    show_full_result_count = False


@admin.register(StoredFile)
class StoredFileAdmin(LookOnly):
    # Where a citizen's camera was is his own affair.
    exclude = ["taken_at", "taken_point"]
    list_display = ["recorded_at", "kind", "name", "size", "uploaded_by", "sha256"]
    list_filter = ["kind"]
    list_select_related = ["uploaded_by"]
    search_fields = ["=sha256", "=public_id"]
    show_full_result_count = False
