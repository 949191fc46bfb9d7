"""The collector's pages under /field/."""

from django.urls import path

from cases.api import step_paths
from patrol import api, bulk, cameras, views

app_name = "patrol"

urlpatterns = [
    path("field/", views.home, name="home"),
    path("field/report/", views.report, name="report"),
    path("field/near/", views.near, name="near"),
    path("field/case/<uuid:case_id>/", views.case, name="case"),
    path("field/task/<uuid:task_id>/", views.task, name="task"),
    path("field/candidates/<uuid:case_id>/<str:kind>/", views.candidates, name="candidates"),
    path("field/beside/<uuid:case_id>/", views.near_case, name="near_case"),
    path("field/move/<uuid:case_id>/<str:subject>/<uuid:subject_id>/<str:verb>/", views.move, name="move"),
    path("field/bulk/<uuid:run_id>/go/", bulk.go, name="bulk_go"),
    path("field/bulk/<slug:verb>/", bulk.bulk, name="bulk"),
    path("maintenance/collectors/", views.grids, name="grids"),
    path("maintenance/collectors/<uuid:public_id>/end/", views.end_grid, name="end_grid"),
    path("video/", cameras.seat, name="video"),
    path("video/near/", cameras.near, name="video_near"),
    path("video/beside/<uuid:case_id>/", cameras.near_case, name="cameras_near"),
    path("video/<uuid:public_id>/", cameras.camera, name="video_camera"),
    path("video/<uuid:public_id>/mark/", cameras.mark, name="mark_camera"),
    path("maintenance/cameras/", cameras.register, name="cameras"),
    path("maintenance/cameras/new/", cameras.edit, name="camera_new"),
    path("maintenance/cameras/<uuid:public_id>/", cameras.edit, name="camera_edit"),
    path("api/v1/tasks/", api.Tasks.as_view(), name="api_tasks"),
    path("api/v1/tasks/<uuid:task_id>/", api.Task.as_view(), name="api_task"),
    path("api/v1/field/reports/", api.Reports.as_view(), name="api_reports"),
    path("api/v1/field/near/", api.NearMe.as_view(), name="api_near"),
    path("api/v1/cases/<uuid:case_id>/candidates/<str:kind>/", api.Candidates.as_view(), name="api_candidates"),
    path("api/v1/patrols/", api.Patrols.as_view(), name="api_patrols"),
    path("api/v1/patrols/<uuid:public_id>/end/", api.EndPatrol.as_view(), name="api_end_patrol"),
    *step_paths("patrol", views.DOORS),
]
