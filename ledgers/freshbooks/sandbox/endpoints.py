"""What can be asked of one business, and in which envelope it is answered (sheet §3, §5)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request

from ledgers.freshbooks.sandbox import accounts, errors, invoices, journals, lists, reports, webhooks, writes
from ledgers.freshbooks.sandbox.business import DELETED, Business, visible
from ledgers.freshbooks.sandbox.errors import Refusal
from ledgers.freshbooks.sandbox.fields import Doc
from ledgers.freshbooks.sandbox.resources import DETAILS, RESOURCES, Resource
from sandbox.wsgi import posted_json

_ACCOUNT = "/accounting/account/<key>"
_BUSINESS = "/accounting/businesses/<key>"
_CALLBACKS = "/events/account/<key>/events/callbacks"
_LEDGER = f"{_BUSINESS}/ledger_accounts/accounts"

Work = Callable[..., Doc]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``<key>`` in ``path`` is an account id or a business uuid; ``work(business, request, **the other values)`` answers
    the body."""

    method: str
    path: str
    operation: str
    work: Work
    status: int = 200


# Resources


def _of_resource(resource: Resource) -> Iterable[Endpoint]:
    base, kind = f"{_ACCOUNT}/{resource.path}", resource.kind
    yield Endpoint("GET", base, f"{kind}.list", _listing(resource))
    yield Endpoint("GET", f"{base}/<id_>", f"{kind}.read", _reading(resource))
    if resource.write:
        yield Endpoint("POST", base, f"{kind}.create", _creating(resource))
        yield Endpoint("PUT", f"{base}/<id_>", f"{kind}.update", _updating(resource))
    if resource.http_delete:
        # 204 is what the one older description of taxes has.
        yield Endpoint("DELETE", f"{base}/<id_>", f"{kind}.delete", _deleting(resource), 204 if kind == "tax" else 200)


def _listing(resource: Resource) -> Work:
    def work(business: Business, request: Request) -> Doc:
        args, wanted = request.args, lists.includes(request.args)
        found = lists.chosen(business, resource.kind, args, resource.filters, resource.view)
        page, numbers = lists.page_of(lists.ordered(business, found, args.get("sort", ""), resource.sorts), args)
        return _result({resource.plural: [resource.show(business, doc, wanted) for doc in page], **numbers})

    return work


def _reading(resource: Resource) -> Work:
    def work(business: Business, request: Request, id_: str) -> Doc:
        return _single(request, business, resource, business.need(resource.kind, id_))

    return work


def _creating(resource: Resource) -> Work:
    def work(business: Business, request: Request) -> Doc:
        made = writes.create(business, resource, _body(request, resource.bodies))
        return _single(request, business, resource, made)

    return work


def _updating(resource: Resource) -> Work:
    def work(business: Business, request: Request, id_: str) -> Doc:
        body = _body(request, resource.bodies)
        if resource.http_delete and resource.kind != "invoice":
            body.pop("vis_state", None)
        return _single(request, business, resource, writes.change(business, resource, id_, body))

    return work


def _deleting(resource: Resource) -> Work:
    def work(business: Business, request: Request, id_: str) -> Doc:
        writes.change(business, resource, id_, {"vis_state": DELETED})
        return {"response": {}}

    return work


def _single(request: Request, business: Business, resource: Resource, doc: Doc) -> Doc:
    name = business.switches["credit_note_key"] if resource.kind == "credit_note" else resource.key
    return _result({name: resource.show(business, doc, lists.includes(request.args))})


def _share_link(business: Business, request: Request, id_: str) -> Doc:
    return _result({"share_link": invoices.share_link(business.need("invoice", id_))})


# The journal and reports


def _journal_read(work: Work) -> Work:
    """A read that a plan without journal entries may not have."""

    def guarded(business: Business, request: Request, **values: str) -> Doc:
        business.need_journal_reads()
        return work(business, request, **values)

    return guarded


def _create_journal(business: Business, request: Request) -> Doc:
    return _result({"journal_entry": journals.create(business, _body(request, ("journal_entry",)))})


def _journal_accounts(business: Business, request: Request) -> Doc:
    page, numbers = lists.page_of(journals.listed_accounts(business), request.args)
    return _result({"journal_entry_accounts": page, **numbers})


def _reporting(name: str) -> Work:
    def work(business: Business, request: Request) -> Doc:
        return _result({name: reports.REPORTS[name](business, request.args)})

    return work


def _chart_of_accounts(business: Business, request: Request) -> Doc:
    return _result(reports.chart_of_accounts(business, request.args))


# Ledger accounts


def _list_ledger(business: Business, request: Request) -> Doc:
    return {"data": accounts.listed(business, request.args.get("state", ""))}


def _create_ledger(business: Business, request: Request) -> Doc:
    return {"data": accounts.create(business, _object(request))}


def _read_ledger(business: Business, request: Request, id_: str) -> Doc:
    return {"data": accounts.shown(business, business.need("account", id_))}


def _update_ledger(business: Business, request: Request, id_: str) -> Doc:
    return {"data": accounts.update(business, id_, _object(request))}


# Events


def _list_callbacks(business: Business, request: Request) -> Doc:
    page, numbers = lists.page_of([visible(each) for each in business.all("callback")], request.args)
    return _result({"callbacks": page, **numbers})


def _create_callback(business: Business, request: Request) -> Doc:
    return _callback(webhooks.write(business, _body(request, ("callback",)), None))


def _read_callback(business: Business, request: Request, id_: str) -> Doc:
    return _callback(business.need("callback", id_))


def _update_callback(business: Business, request: Request, id_: str) -> Doc:
    return _callback(webhooks.write(business, _body(request, ("callback",)), business.need("callback", id_)))


def _delete_callback(business: Business, request: Request, id_: str) -> Doc:
    business.need("callback", id_)
    business.store.delete("callback", id_, business.scope)
    return {"response": {}}


# Envelopes


def _result(value: Doc) -> Doc:
    return {"response": {"result": value}}


def _callback(doc: Doc) -> Doc:
    return _result({"callback": visible(doc)})


def _object(request: Request) -> Doc:
    """The posted object.

    Raises:
        Refusal: 1005.
    """
    try:
        body: Any = posted_json(request)
    except ValueError as error:
        raise Refusal(errors.Problem(errors.UNPARSED, f"The request is no JSON: {error}"), status=400) from error
    if not isinstance(body, dict):
        raise Refusal(errors.Problem(errors.UNPARSED, "The request is no object."), status=400)
    return body


def _body(request: Request, names: tuple[str, ...]) -> Doc:
    """What stands under the first of ``names`` that is there.

    Raises:
        Refusal: 1001 when none is.
    """
    outer = _object(request)
    for name in names:
        if isinstance(outer.get(name), dict):
            return dict(outer[name])
    raise errors.required(names[0], names[0])


ENDPOINTS = (
    *(endpoint for resource in RESOURCES for endpoint in _of_resource(resource)),
    Endpoint("GET", f"{_ACCOUNT}/invoices/invoices/<id_>/share_link", "invoice.share", _share_link),
    Endpoint("GET", f"{_ACCOUNT}/{DETAILS.path}", "detail.list", _journal_read(_listing(DETAILS))),
    Endpoint("POST", f"{_ACCOUNT}/journal_entries/journal_entries", "journal_entry.create", _create_journal),
    Endpoint(
        "GET",
        f"{_ACCOUNT}/journal_entry_accounts/journal_entry_accounts",
        "journal_entry_account.list",
        _journal_read(_journal_accounts),
    ),
    *(
        Endpoint("GET", f"{_ACCOUNT}/reports/accounting/{name}", "report.read", _reporting(name))
        for name in reports.REPORTS
    ),
    Endpoint("GET", f"{_BUSINESS}/reports/chart_of_accounts", "report.read", _journal_read(_chart_of_accounts)),
    Endpoint("GET", _LEDGER, "ledger_account.list", _journal_read(_list_ledger)),
    Endpoint("POST", _LEDGER, "ledger_account.create", _create_ledger, 201),
    Endpoint("GET", f"{_LEDGER}/<id_>", "ledger_account.read", _journal_read(_read_ledger)),
    Endpoint("PUT", f"{_LEDGER}/<id_>", "ledger_account.update", _update_ledger),
    Endpoint("GET", _CALLBACKS, "callback.list", _list_callbacks),
    Endpoint("POST", _CALLBACKS, "callback.create", _create_callback),
    Endpoint("GET", f"{_CALLBACKS}/<id_>", "callback.read", _read_callback),
    Endpoint("PUT", f"{_CALLBACKS}/<id_>", "callback.update", _update_callback),
    Endpoint("DELETE", f"{_CALLBACKS}/<id_>", "callback.delete", _delete_callback),
)
