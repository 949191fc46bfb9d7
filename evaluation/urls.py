"""The addresses of evaluation."""

from django.urls import path
from django.views.generic import RedirectView

from evaluation import api, views

app_name = "evaluation"

urlpatterns = [
    path("evaluation/", RedirectView.as_view(pattern_name="evaluation:ranking", query_string=True), name="home"),
    path("evaluation/ranking/", views.ranking, name="ranking"),
    path("evaluation/object/", views.one_object, name="object"),
    path("evaluation/cases/", views.cases, name="cases"),
    path("evaluation/freeze/", views.freeze, name="freeze"),
    path("evaluation/daily.<paper_kind:kind>", views.daily, name="daily"),
    path("evaluation/overview/", views.leader, name="leader"),
    path("evaluation/overview/cases/", views.leader_list, name="leader_list"),
    path("evaluation/overview/wrong/", views.leader_wrong, name="leader_wrong"),
    path("evaluation/overview/areas/", views.leader_areas, name="leader_areas"),
    path("evaluation/overview/watch/", views.leader_watch, name="leader_watch"),
    path("wall/", views.wall_screen, name="wall"),
    path("wall/scene/<slug:name>/", views.wall_scene, name="wall_scene"),
    path("wall/ticket/", views.wall_ticket, name="wall_ticket"),
    path("maintenance/evaluation/", views.maintenance, name="maintenance"),
    path("maintenance/evaluation/groups/", views.groups, name="groups"),
    path("maintenance/evaluation/<uuid:public_id>/", views.scheme, name="scheme"),
    path("api/v1/rankings/", api.Ranking.as_view(), name="api_ranking"),
    path("api/v1/rankings/cases/", api.CasesBehind.as_view(), name="api_cases"),
    path("api/v1/rankings/figures/", api.Figures.as_view(), name="api_figures"),
    path("api/v1/rankings/freeze/", api.Freeze.as_view(), name="api_freeze"),
]
