"""What each role may do, as data, and the guard of the views."""

from collections.abc import Callable
from enum import StrEnum, unique
from functools import wraps
from typing import Any, Final

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tenants.models import Member, Role

RANK: Final = {Role.VIEWER: 0, Role.BOOKKEEPER: 1, Role.OWNER: 2}

View = Callable[..., HttpResponseBase]


@unique
class Action(StrEnum):
    SEE = "see"
    UPLOAD = "upload"
    MAP = "map"
    RUN = "run"
    APPROVE = "approve"
    REPLAY = "replay"
    UNDO = "undo"
    EDIT_FLOW = "edit_flow"
    CONNECT = "connect"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_KEYS = "manage_keys"
    EDIT_TENANT = "edit_tenant"


LEAST: Final = {
    Action.SEE: Role.VIEWER,
    Action.UPLOAD: Role.BOOKKEEPER,
    Action.MAP: Role.BOOKKEEPER,
    Action.RUN: Role.BOOKKEEPER,
    Action.APPROVE: Role.BOOKKEEPER,
    Action.REPLAY: Role.BOOKKEEPER,
    Action.UNDO: Role.BOOKKEEPER,
    Action.EDIT_FLOW: Role.BOOKKEEPER,
    Action.CONNECT: Role.OWNER,
    Action.MANAGE_PEOPLE: Role.OWNER,
    Action.MANAGE_KEYS: Role.OWNER,
    Action.EDIT_TENANT: Role.OWNER,
}


def at_least(member: Member | None, role: Role | str) -> bool:
    return member is not None and RANK[Role(member.role)] >= RANK[Role(role)]


def can(member: Member | None, action: Action | str) -> bool:
    """Tell whether a member (None: nobody) may do something."""
    return at_least(member, LEAST[Action(action)])


def requires(role: Role | str) -> Callable[[View], View]:
    """Guard a view: strangers sign in first, members below ``role`` get a 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not at_least(getattr(request, "member", None), role):
                raise PermissionDenied(f"This needs the role {Role(role).label}; an owner can give it to you.")
            return view(request, *args, **kwargs)

        return guarded

    return decorate
