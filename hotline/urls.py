"""Two doors: the telephone desk under /hotline/, the citizens under /citizen/."""

from django.urls import include, path

from hotline import views

desk = [
    path("", views.desk, name="desk"),
    path("call/new/", views.call_new, name="call_new"),
    path("call/<uuid:public_id>/", views.call, name="call"),
    path("call/<uuid:public_id>/caller/", views.caller, name="caller"),
    path("near/", views.near, name="near"),
    path("case/<uuid:case_id>/reporter/", views.reporter, name="reporter"),
    path("visits/", views.visits, name="visits"),
    path("visits/<uuid:case_id>/", views.visit, name="visit"),
]

citizen = [
    path("", views.start, name="start"),
    path("report/", views.citizen_report, name="report"),
    path("near/", views.citizen_near, name="near"),
    path("join/", views.join, name="join"),
    path("follow/<str:token>/", views.follow, name="follow"),
    path("follow/<str:token>/<uuid:evidence_id>/<variant:variant>/", views.picture, name="picture"),
]

urlpatterns = [
    path("hotline/", include((desk, "hotline"))),
    path("citizen/", include((citizen, "citizen"))),
]
