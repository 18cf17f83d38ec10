"""The addresses of the site. Each room brings its own; here they are put together."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from connector import views
from connector.styleguide import styleguide

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("theme/", views.theme, name="theme"),
    path("health/live", views.live, name="health_live"),
    path("health/ready", views.ready, name="health_ready"),
    path("accounts/", include("allauth.urls")),
    path("api/", include("connector.api")),
    path("", include("amazon.urls")),
    path("", include("tenants.urls")),
    path("", include("flows.urls")),
    path("audit/", include("audit.urls")),
]

if settings.DEBUG:
    urlpatterns.append(path("styleguide/", styleguide, name="styleguide"))
