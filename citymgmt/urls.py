"""The addresses of the whole house. Each room lists its own, with the folder that is its own."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from accounts.views import set_language
from citymgmt import house, views

ROOMS = ("office", "accounts", "grid", "components", "cases", "dispatch", "hotline", "patrol", "evaluation", "practice")

urlpatterns = [
    path("", views.home, name="home"),
    path("i18n/setlang/", set_language, name="set_language"),
    path("health/", views.state, name="health"),
    path("maintenance/retention/", views.retention, name="retention"),
    path("maintenance/lists/", house.lists, name="lists"),
    path("maintenance/queues/", house.queues, name="queues"),
    path("maintenance/changes/", house.changes, name="changes"),
    path("maintenance/log-ins/", house.log_ins, name="log_ins"),
    path("hand-over/", views.hand_over, name="hand_over"),
    path("hand-over/<uuid:public_id>/", views.hand_over_sheet, name="hand_over_sheet"),
    path("guide/", views.guide, name="guide"),
    path("guide/seen/", views.guide_seen, name="guide_seen"),
    path("place/find/", views.find_place, name="find_place"),
    path("place/here/", views.place_here, name="place_here"),
    path("live/ticket/", views.live_ticket, name="live_ticket"),
    path("api/", views.reference, name="api"),
    path("api/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("admin/login/", views.technical_log_in, name="technical_log_in"),
    path("admin/", admin.site.urls),
    *(path("", include(f"{room}.urls")) for room in ROOMS),
]

handler400 = "citymgmt.views.malformed"
handler403 = "citymgmt.views.forbidden"
handler404 = "citymgmt.views.not_found"
handler500 = "citymgmt.views.broken"
