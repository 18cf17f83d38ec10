"""Addresses of the memory's pages."""

from django.urls import path

from audit import views

app_name = "audit"

urlpatterns = [
    path("", views.records, name="records"),
    path("<int:pk>/", views.record, name="record"),
    path("<int:pk>/replay/", views.replay_one, name="replay"),
    path("<int:pk>/in-the-books/", views.in_the_books, name="in_the_books"),
    path("<int:pk>/not-there/", views.not_there, name="not_there"),
    path("replay/", views.replay_many, name="replay_many"),
    path("records.csv", views.export_records, name="export_records"),
    path("trail.ndjson", views.export_trail, name="export_trail"),
    path("integrity/", views.integrity, name="integrity"),
]
