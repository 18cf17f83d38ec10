"""A person at a browser, as far as forms and links go: the demo signs up and connects the way everybody does."""

from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from connector.demo.outside import Outside
from ledgers.pretend import pretend_of

TIMEOUT_S = 60


class Astray(Exception):
    """A page is not what the visitor expected."""


class Visitor:
    """One browser session. Follows redirects by hand, so that the consent pages' answers are seen."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.session = requests.Session()
        self.url = site

    def sign_up(self, company: str, email: str, password: str) -> None:
        page = self.open("/accounts/signup/")
        page = self.send(page, {"company": company, "email": email, "password1": password})
        if "/accounts/signup/" in self.url:
            raise Astray("sign-up was refused")

    def connect(self, slug: str, choice: str, asked: Mapping[str, str]) -> None:
        """Click *Connect*, agree on the provider's own consent page as, or for, ``choice``, come back.

        Where the consent opens several companies, all of them are connected.
        """
        page = self.send(self.open(f"/connections/{slug}/connect/"), asked)
        away = _Page(page.text).consent
        if not away:
            raise Astray(f"the way to the consent page of {slug} is missing")
        consent = self.open(away)
        page = self.send(consent, {"choice": choice, "decision": "allow"})
        if offered := _Page(page.text).companies:
            self.send(page, {"company": offered})
        if not self.url.startswith(f"{self.site}/connections/"):
            raise Astray(f"the consent of {slug} did not lead back: {self.url}")

    def connect_all(self, outside: Outside) -> None:
        """Connect the pretend seller and every pretend company."""
        self.connect("amazon", outside.seller_id, {"marketplace": outside.marketplace_id})
        for slug, choice in dict.fromkeys((each.ledger, each.signs_in) for each in outside.companies):
            self.connect(slug, choice, pretend_of(slug).asked)

    def open(self, url: str) -> requests.Response:
        return self._follow("GET", urljoin(self.url if url.startswith("http") else self.site, url), {})

    def send(self, page: requests.Response, values: Mapping[str, str | list[str]]) -> requests.Response:
        """Send the page's form with its own hidden and preset values, overlaid by ``values``."""
        form = _Page(page.text).form
        return self._follow("POST", urljoin(self.url, form.action), {**form.fields, **values})

    def _follow(self, method: str, url: str, values: Mapping[str, str | list[str]]) -> requests.Response:
        for _ in range(12):
            answer = self.session.request(
                method,
                url,
                data=values,
                headers={"Referer": self.url},
                timeout=TIMEOUT_S,
                allow_redirects=False,
            )
            self.url = url
            if not answer.is_redirect:
                if answer.status_code >= 400:
                    raise Astray(f"{method} {url.partition('?')[0]} answered {answer.status_code}")
                return answer
            method, url, values = "GET", urljoin(url, answer.headers["Location"]), {}
        raise Astray("too many redirects")


class _Form:
    def __init__(self, action: str) -> None:
        self.action = action
        self.fields: dict[str, str] = {}


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self.consent = ""
        self.companies: list[str] = []
        self._select, self._in_main = "", False
        self.feed(text)

    @property
    def form(self) -> _Form:
        """The form of the page itself, not of the shell around it."""
        if not self.forms:
            raise Astray("the page has no form")
        return self.forms[-1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "main":
            self._in_main = True
        if not self._in_main:
            return
        if tag == "a" and values.get("id") == "consent":
            self.consent = values["href"]
        elif tag == "form":
            self.forms.append(_Form(values.get("action", "")))
        elif tag == "input" and self.forms and "name" in values:
            kind = values.get("type", "text")
            if values["name"] == "company" and kind == "checkbox" and "disabled" not in values:
                self.companies.append(values["value"])
            if kind not in ("radio", "checkbox") or "checked" in values:
                self.forms[-1].fields[values["name"]] = values.get("value", "")
        elif tag == "select":
            self._select = values.get("name", "")
        elif tag == "option" and self.forms and self._select:
            fields = self.forms[-1].fields
            if self._select not in fields or "selected" in values:
                fields[self._select] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._in_main = False
