"""The addresses of the dispatch desk, the departments' desk and the responsibility table."""

from django.urls import path

from cases.api import step_paths
from dispatch import api, views

app_name = "dispatch"

urlpatterns = [
    path("dispatch/", views.desk, name="desk"),
    path("dispatch/rows/", views.desk_rows, name="desk_rows"),
    path("dispatch/<uuid:case_id>/", views.pane, name="pane"),
    path("dispatch/<uuid:case_id>/<str:subject>/<uuid:subject_id>/<str:verb>/", views.move, name="move"),
    path("department/", views.department, name="department"),
    path("department/rows/", views.department_rows, name="department_rows"),
    path("department/<uuid:case_id>/", views.department_pane, name="department_pane"),
    path("maintenance/straight-through/", views.straight_classes, name="straight"),
    path("maintenance/straight-through/<uuid:public_id>/end/", views.end_straight, name="end_straight"),
    path("maintenance/responsibilities/", views.responsibilities, name="responsibilities"),
    path("maintenance/responsibilities/<uuid:public_id>/end/", views.end_responsibility, name="end_responsibility"),
    path("requests/", views.lists, name="lists"),
    path("maintenance/approvals/", views.rules, name="rules"),
    path("maintenance/approvals/<str:what>/<uuid:public_id>/end/", views.end_rule, name="end_rule"),
    path("api/v1/dispatch/queues/", api.Queues.as_view(), name="api_queues"),
    path("api/v1/dispatch/cases/", api.DeskCases.as_view(), name="api_cases"),
    path("api/v1/cases/<uuid:case_id>/proposals/", api.Proposals.as_view(), name="api_proposals"),
    path("api/v1/department/queues/", api.DepartmentQueues.as_view(), name="api_department_queues"),
    path("api/v1/department/stints/", api.Stints.as_view(), name="api_stints"),
    *step_paths("dispatch", views.DOORS),
]
