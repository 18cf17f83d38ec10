from django.http import HttpResponse
from django.test import RequestFactory

from kit.csp import ContentSecurityPolicyMiddleware


def test_policy_of_the_settings_is_sent(settings):
    settings.SECURE_CSP = {"default-src": ["'self'"], "img-src": ["'self'", "data:"]}
    middleware = ContentSecurityPolicyMiddleware(lambda request: HttpResponse())

    response = middleware(RequestFactory().get("/"))

    assert response["Content-Security-Policy"] == "default-src 'self'; img-src 'self' data:"


def test_page_with_a_policy_of_its_own_keeps_it(settings):
    own = HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})
    middleware = ContentSecurityPolicyMiddleware(lambda request: own)

    assert middleware(RequestFactory().get("/"))["Content-Security-Policy"] == "default-src 'none'"
