"""The one way in which anything is created and changed, by a call or by a person, and what it tells the webhooks."""

from collections.abc import Mapping
from typing import Any

from ledgers.freshbooks.sandbox import errors, webhooks
from ledgers.freshbooks.sandbox.business import DELETED, Business
from ledgers.freshbooks.sandbox.fields import Doc
from ledgers.freshbooks.sandbox.resources import Resource


def _write(resource: Resource, business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    if resource.write is None:
        raise errors.denied(f"{resource.kind} cannot be written.", object_=resource.kind)
    doc = resource.write(business, body, old)
    if resource.noun:
        deleted = doc.get("vis_state") == DELETED
        verb = "create" if old is None else "delete" if deleted else "update"
        webhooks.emit(business, f"{resource.noun}.{verb}", doc[resource.id_field])
    return doc


def change(business: Business, resource: Resource, id_: object, body: Mapping[str, Any]) -> Doc:
    """Change what is there; what is deleted can only be brought back.

    Raises:
        Refusal: 404, 1011 and what the resource says.
    """
    old = business.need(resource.kind, id_)
    if old.get("vis_state") == DELETED and "vis_state" not in body:
        raise errors.refusal(errors.DELETED, "The object has been deleted.", "vis_state", resource.kind, id_)
    return _write(resource, business, body, old)


def create(business: Business, resource: Resource, body: Mapping[str, Any]) -> Doc:
    return _write(resource, business, body, None)
