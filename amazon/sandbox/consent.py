"""The pages in Seller Central on which a seller lets an application in, again or no longer.

Website workflow: the application opens the consent page, which sends the browser to its redirect address. Appstore
workflow: the seller opens the application from *Manage your apps*; its registered Login URI gets ``amazon_callback_uri``,
``amazon_state`` and ``selling_partner_id`` (for a draft also ``version=beta``), sends the browser to the callback
with that state and one of its own, and Amazon goes on to the redirect address as in the other workflow.

A wrong request never sends the browser back: it ends on a page with Amazon's error code, MD1000 for a draft
application opened without ``version=beta``, MD5101 for a redirect address nobody registered.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from amazon.sandbox.applications import LOOPBACK, Applications
from amazon.sandbox.apps_page import apps_page
from amazon.sandbox.lwa import Lwa
from amazon.sandbox.seller_centrals import countries_of
from sandbox.clock import Clock
from sandbox.consent import consent_page, refusal_page
from sandbox.store import Store

PATH = "/apps/authorize/consent"
MANAGE = "/apps/manage"
CONFIRM = "/apps/authorize/confirm"
AMAZON_STATE_LIVES = timedelta(minutes=30)
"""How long a visit to the Login URI may take; the real figure is not documented."""

_NOBODY = "No seller account is registered here."


class Consent:
    def __init__(self, store: Store, clock: Clock, applications: Applications, lwa: Lwa) -> None:
        self._store = store
        self._clock = clock
        self._applications = applications
        self._lwa = lwa

    # Website workflow

    def show(self, request: Request) -> Response:
        """GET: who asks, for which roles, and which seller agrees."""
        found = self._checked(request.args)
        if isinstance(found, Response):
            return found
        application, redirect_uri = found
        sellers = self._sellers(request)
        if not sellers:
            return refusal_page(_NOBODY, 404)
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
            return _onward(redirect_uri, refusal) if denial_returns else refusal_page("Authorization cancelled.", 200)
        if self._seller(request, form.get("choice", "")) is None:
            return refusal_page("Choose a selling partner account.")
        return self._let_in(application, form["choice"], redirect_uri, form["state"])

    # Manage your apps, and the Appstore workflow

    def manage(self, request: Request) -> Response:
        """GET: every application of every seller of this Seller Central, with the end of its authorization."""
        sellers = self._sellers(request)
        if not sellers:
            return refusal_page(_NOBODY, 404)
        rows = [
            (application, seller, self._lwa.authorisation(application["client_id"], seller["seller_id"]))
            for seller in sellers
            for application in self._applications.all()
        ]
        return apps_page(request.script_root + MANAGE, rows)

    def act(self, request: Request) -> Response:
        """POST: ``revoke`` an application, or ``open`` it to authorize it, for the first time or again."""
        form = request.form
        application = self._applications.find(application_id=form.get("application_id", ""))
        seller = self._seller(request, form.get("seller_id", ""))
        if application is None or seller is None:
            return refusal_page("The application or the seller account does not exist.", 404)
        if form.get("action") == "revoke":
            if self._lwa.authorisation(application["client_id"], seller["seller_id"]):
                self._lwa.revoke(seller["seller_id"], application["client_id"])
            return redirect(request.script_root + MANAGE)
        if not application["login_uri"]:
            return refusal_page("The application has no Login URI registered.")
        return self._open(request, application, seller["seller_id"])

    def _open(self, request: Request, application: Mapping[str, Any], seller_id: str) -> Response:
        state = secrets.token_urlsafe(24)
        until = self._clock.now() + AMAZON_STATE_LIVES
        kept = {
            "application_id": application["application_id"],
            "seller_id": seller_id,
            "root": request.script_root,
            "until": until.isoformat(),
        }
        self._store.put("amazon_state", state, kept)
        told = {
            "amazon_callback_uri": f"{request.root_url.rstrip('/')}{CONFIRM}/{application['application_id']}",
            "amazon_state": state,
            "selling_partner_id": seller_id,
        }
        if application["draft"]:
            told["version"] = "beta"
        return _onward(str(application["login_uri"]), told)

    def confirm(self, request: Request, application_id: str) -> Response:
        """GET: the application sends the browser back; on to its redirect address with a code."""
        state = request.args.get("amazon_state", "")
        kept = self._store.get("amazon_state", state)
        if (
            kept is None
            or (kept["application_id"], kept["root"]) != (application_id, request.script_root)
            or datetime.fromisoformat(kept["until"]) <= self._clock.now()
        ):
            return refusal_page("The amazon_state is unknown, used up or of another visit.")
        found = self._checked({**request.args.to_dict(), "application_id": application_id})
        if isinstance(found, Response):
            return found
        application, redirect_uri = found
        self._store.delete("amazon_state", state)
        return self._let_in(application, kept["seller_id"], redirect_uri, request.args["state"])

    # Both

    def _let_in(self, application: Mapping[str, Any], seller_id: str, redirect_uri: str, state: str) -> Response:
        self._lwa.authorise(application["client_id"], seller_id)
        code = self._lwa.code(application["client_id"], seller_id, redirect_uri)
        return _onward(redirect_uri, {"state": state, "selling_partner_id": seller_id, "spapi_oauth_code": code})

    def _sellers(self, request: Request) -> list[dict[str, Any]]:
        """The sellers who can sign in here: at a Seller Central those of its marketplaces, elsewhere all."""
        host = request.environ.get("amazon.seller_central")
        everybody = self._store.all("seller")
        if host is None:
            return everybody
        return [each for each in everybody if countries_of(host) & set(each["countries"])]

    def _seller(self, request: Request, seller_id: str) -> dict[str, Any] | None:
        return next((each for each in self._sellers(request) if each["seller_id"] == seller_id), None)

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


def _onward(address: str, values: Mapping[str, str]) -> Response:
    return redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(values)}")
