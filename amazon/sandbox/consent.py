"""The page in Seller Central on which a seller lets an application in (website workflow).

A wrong request never sends the browser back: it ends on a page with Amazon's error code, MD1000 for a draft
application opened without ``version=beta``, MD5101 for a redirect address nobody registered.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from amazon.sandbox.applications import LOOPBACK, Applications
from amazon.sandbox.lwa import Lwa
from sandbox.consent import consent_page, refusal_page
from sandbox.store import Store

PATH = "/apps/authorize/consent"


class Consent:
    def __init__(self, store: Store, applications: Applications, lwa: Lwa) -> None:
        self._store = store
        self._applications = applications
        self._lwa = lwa

    def show(self, request: Request) -> Response:
        """GET: who asks, for which roles, and which seller agrees."""
        found = self._checked(request.args)
        if isinstance(found, Response):
            return found
        application, redirect_uri = found
        sellers = self._store.all("seller")
        if not sellers:
            return refusal_page("No seller account is registered here.", 404)
        return consent_page(
            title="Authorize an application",
            app=str(application["name"]),
            scopes=application["roles"],
            legend="Selling partner account",
            choices=[(each["seller_id"], f"{each['store_name']} ({each['region']})") for each in sellers],
            hidden={
                "application_id": application["application_id"],
                "redirect_uri": redirect_uri,
                "state": request.args["state"],
                "version": request.args.get("version", ""),
            },
            action=request.script_root + PATH,
        )

    def decide(self, request: Request, *, denial_returns: bool) -> Response:
        """POST: back to the application with a code, or with a refusal (or nowhere, ``denial_returns`` False)."""
        form = request.form
        found = self._checked(form)
        if isinstance(found, Response):
            return found
        application, redirect_uri = found
        if form.get("decision") != "allow":
            refusal = {
                "error": "access_denied",
                "error_description": "The seller did not agree",
                "state": form["state"],
            }
            return _back(redirect_uri, refusal) if denial_returns else refusal_page("Authorization cancelled.", 200)
        seller_id = form.get("choice", "")
        if self._store.get("seller", seller_id) is None:
            return refusal_page("Choose a selling partner account.")
        self._lwa.authorise(application["client_id"], seller_id)
        code = self._lwa.code(application["client_id"], seller_id, redirect_uri)
        answer = {"state": form["state"], "selling_partner_id": seller_id, "spapi_oauth_code": code}
        return _back(redirect_uri, answer)

    def _checked(self, values: Mapping[str, str]) -> tuple[Mapping[str, Any], str] | Response:
        application = self._applications.find(application_id=values.get("application_id", ""))
        if application is None or (application["draft"] and values.get("version") != "beta"):
            return refusal_page("MD1000: the application does not exist or is in Draft state.")
        if not values.get("state"):
            return refusal_page("The request has no state.")
        registered = [each for each in application["redirect_uris"] if each != LOOPBACK]
        redirect_uri = values.get("redirect_uri") or next(iter(registered), "")
        if not redirect_uri or not self._applications.redirect_is_registered(application, redirect_uri):
            return refusal_page("MD5101: the redirect_uri is not registered for this application.")
        return application, redirect_uri


def _back(redirect_uri: str, values: Mapping[str, str]) -> Response:
    return redirect(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(values)}")
