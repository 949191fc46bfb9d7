"""Two doors: the telephone desk under /hotline/, the citizens under /citizen/."""

from django.urls import include, path

from hotline import api, views

desk = [
    path("", views.desk, name="desk"),
    path("call/new/", views.call_new, name="call_new"),
    path("call/<uuid:public_id>/", views.call, name="call"),
    path("call/<uuid:public_id>/caller/", views.caller, name="caller"),
    path("near/", views.near, name="near"),
    path("history/", views.history, name="history"),
    path("number/", views.number, name="number"),
    path("case/<uuid:case_id>/reporter/", views.reporter, name="reporter"),
    path("visits/", views.visits, name="visits"),
    path("visits/<uuid:case_id>/", views.visit, name="visit"),
]

programs = [
    path("calls/", api.Calls.as_view(), name="api_calls"),
    path("calls/near/", api.NearTheCall.as_view(), name="api_near"),
    path("calls/<uuid:public_id>/", api.OneCall.as_view(), name="api_call"),
    path("calls/<uuid:public_id>/caller/", api.Caller.as_view(), name="api_caller"),
    path("cases/<uuid:case_id>/reporter/", api.Reporter.as_view(), name="api_reporter"),
    path("visits/", api.Visits.as_view(), name="api_visits"),
    path("visits/owed/", api.Owed.as_view(), name="api_owed"),
    path("visits/<uuid:case_id>/", api.Visit.as_view(), name="api_visit"),
]

citizen = [
    path("", views.start, name="start"),
    path("report/", views.citizen_report, name="report"),
    path("near/", views.citizen_near, name="near"),
    path("join/", views.join, name="join"),
    path("follow/<str:token>/", views.follow, name="follow"),
    path("follow/<str:token>/unsolved/", views.unsolved, name="unsolved"),
    path("follow/<str:token>/withdraw/", views.withdraw, name="withdraw"),
    path("follow/<str:token>/<uuid:evidence_id>/<variant:variant>/", views.picture, name="picture"),
]

urlpatterns = [
    path("api/v1/", include((programs, "calls"))),
    path("hotline/", include((desk, "hotline"))),
    path("citizen/", include((citizen, "citizen"))),
]
