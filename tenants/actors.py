"""Who did something, as the trail names them, in words for a page."""

from collections.abc import Iterable

from tenants.models import ApiKey, Member

AUTOMATIC = "automatic"
AMAZON = "amazon"


def actor_names(actors: Iterable[str]) -> dict[str, str]:
    """Return what to call each actor of events of the tenant in scope: an address, a key's name, or who it was in general."""
    wanted = set(actors)
    people = {f"user:{place.user_id}": place.user.email for place in _members(wanted)}
    keys = {key.actor: f"API key {key.name}" for key in ApiKey.objects.filter(pk__in=_ids(wanted, "key:"))}
    return {actor: people.get(actor) or keys.get(actor) or _general(actor) for actor in wanted}


def _members(wanted: Iterable[str]) -> Iterable[Member]:
    return Member.objects.filter(user__in=_ids(wanted, "user:")).select_related("user")


def _ids(wanted: Iterable[str], prefix: str) -> list[int]:
    ids = (actor.removeprefix(prefix) for actor in wanted if actor.startswith(prefix))
    return [int(each) for each in ids if each.isdecimal()]


def _general(actor: str) -> str:
    if actor == AUTOMATIC:
        return "the flow’s own rule"
    if actor == AMAZON:
        return "Amazon"
    if actor.startswith("user:"):
        return "somebody who no longer belongs to this company"
    return actor
