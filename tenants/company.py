"""Small changes a person makes to their company, each with its event in the trail."""

from audit.trail import record, recorded
from kit.clock import now
from tenants.members import one_line
from tenants.models import Alert, ApiKey, Invitation, Tenant, User


def rename(tenant: Tenant, name: str, by: User) -> None:
    """Give the tenant in scope another name."""
    name = one_line(name)
    with recorded():
        Tenant.objects.filter(pk=tenant.pk).update(name=name)
        record("tenant.renamed", f"tenant:{tenant.pk}", actor=by.actor, name=name)


def withdraw(invitation: Invitation, by: User) -> None:
    """End an invitation nobody took up; its link stops working."""
    with recorded():
        subject = f"invitation:{invitation.pk}"
        if Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True).delete()[0]:
            record("member.invitation_withdrawn", subject, actor=by.actor)


def settle(alert: Alert, by: User | ApiKey) -> None:
    """Settle an open alert by hand. It is raised anew if its cause is still there the next time somebody looks."""
    with recorded():
        if Alert.objects.filter(pk=alert.pk, settled_at__isnull=True).update(settled_at=now()):
            record("alert.settled", f"alert:{alert.pk}", actor=by.actor, about=alert.kind)
