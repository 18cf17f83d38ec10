"""The secrets of applications: several may be good at a time while one is replaced by the next.

The first secret of an application is in the settings or, of a tenant's private one, with the grant. Newer ones are rows. The
newest is tried first and the others after it, as long as the token endpoint does not know the pair; what was refused while
another one was taken goes to the end of the queue. So a secret that somebody forged or mistyped costs a call and no access,
and it does not matter in which order they arrive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from audit.trail import record, recorded
from kit.clock import now
from kit.oauth import OAuthSpec
from kit.scope import unscoped
from kit.sealed import open_from, seal_into
from tenants.models import ApplicationSecret, Grant
from tenants.providers import Provider, provider

KEPT: Final = 4  # rows of an application: the one before the newest may still be good, older ones are not
OVERLAP: Final = timedelta(days=8)  # what ends so soon after a secret came is the one before it


@dataclass(frozen=True, slots=True)
class Application:
    """An application at a provider: the installation's own, or a tenant's private one."""

    provider: str
    client_id: str
    tenant_id: int | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """When the secret in use ends. ``assumed``: at the latest, as nobody said it."""

    at: datetime
    assumed: bool


def application_of(grant: Grant) -> Application:
    """Return the application that a grant was given to. Raises as ``Provider.oauth``."""
    if grant.application:
        return Application(grant.provider, grant.application, grant.tenant_id)
    return Application(grant.provider, provider(grant.provider).oauth(grant.data).client_id)


def endpoints(spec: Provider, chosen: Mapping[str, Any]) -> OAuthSpec:
    """Return a provider's endpoints with all the secrets that our own application has there.

    Raises as ``Provider.oauth``.
    """
    found = spec.oauth(chosen)
    return with_all(found, Application(spec.slug, found.client_id)) if spec.secret_life else found


def with_all(found: OAuthSpec, application: Application) -> OAuthSpec:
    """Return endpoints with every secret of the application; the one they have already counts as its first."""
    rows = [row for row in _rows(application) if row.secret]
    good, doubtful = [row for row in rows if not row.refused_at], [row for row in rows if row.refused_at]
    by_row = {row.pk: open_from(row, "secret") for row in rows}
    queue = [*(by_row[row.pk] for row in good), found.client_secret, *(by_row[row.pk] for row in doubtful)]
    first, *others = dict.fromkeys(filter(None, queue)) or ("",)

    def refused(these: tuple[str, ...]) -> None:
        pks = [pk for pk, secret in by_row.items() if secret in these]
        ApplicationSecret.objects.filter(pk__in=pks, refused_at=None).update(refused_at=now())

    return replace(found, client_secret=first, other_secrets=tuple(others), refused=refused)


def keep(
    application: Application,
    secret: str,
    ends_at: datetime | None = None,
    others_end_at: datetime | None = None,
    *,
    actor: str = "",
) -> bool:
    """Keep a further secret of an application; return False where it is known already.

    ``ends_at`` None: nobody said it, so the provider's usual life is counted from now. Kept are the few that end last.
    """
    life = provider(application.provider).secret_life or timedelta(days=3650)
    told = {"ends_at": ends_at or now() + life, "assumed": ends_at is None, "others_end_at": others_end_at}
    with recorded(), unscoped("a notice may come while another tenant is served"):
        for row in _rows(application):
            if row.secret and open_from(row, "secret") == secret:
                if ends_at is not None:
                    ApplicationSecret.objects.filter(pk=row.pk).update(**told)
                return False
        row = ApplicationSecret.objects.create(**_named(application), **told)
        seal_into(row, "secret", secret)
        row.save(update_fields=["secret"])
        by_use = sorted((row for row in _rows(application) if row.secret), key=lambda row: row.refused_at is not None)
        gone = [old.pk for old in by_use[KEPT:]]
        ApplicationSecret.objects.filter(pk__in=gone).delete()
        record(
            "application.renewed",
            f"application:{application.provider}",
            tenant_id=application.tenant_id,
            actor=actor,
            client_id=application.client_id,
            until=told["ends_at"],
        )
    return True


def ends(application: Application, at: datetime) -> None:
    """Keep when the secret in use ends, as the provider said or a person entered.

    It may be told late, of one that has a successor by now: then nothing changes.
    """
    newest = next((row for row in _rows(application) if row.secret and not row.refused_at), None)
    if newest is not None:
        if newest.assumed and at > newest.created_at + OVERLAP:
            ApplicationSecret.objects.filter(pk=newest.pk).update(ends_at=at, assumed=False)
        return
    if not _of(application).filter(secret="").update(ends_at=at):
        ApplicationSecret.objects.create(**_named(application), ends_at=at)


def ending(application: Application, since: datetime | None = None) -> Ending | None:
    """Return when an application's secret ends, None where nothing is known.

    ``since`` is when the first one was entered: it cannot be good for longer than the provider's usual life from then.
    """
    rows = _rows(application)
    row = next((row for row in rows if row.secret and not row.refused_at), None)
    row = row or next((row for row in rows if not row.secret), None)
    if row is not None:
        return Ending(row.ends_at, row.assumed)
    life = provider(application.provider).secret_life
    return Ending(since + life, True) if since is not None and life is not None else None


def _named(application: Application) -> dict[str, Any]:
    return {"provider": application.provider, "client_id": application.client_id, "tenant_id": application.tenant_id}


def _of(application: Application) -> QuerySet[ApplicationSecret]:
    return ApplicationSecret.objects.filter(
        provider=application.provider, client_id=application.client_id, tenant=application.tenant_id
    )


def _rows(application: Application) -> Sequence[ApplicationSecret]:
    """Return the rows of an application; what ends last is the newest, however late it arrived."""
    return list(_of(application).order_by("-ends_at", "-pk"))
