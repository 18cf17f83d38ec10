"""People and their places: tenants, members, invitations. Owners decide; a tenant always keeps one."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from audit.trail import record, recorded
from kit.clock import now
from kit.rate import RatePlan
from kit.scope import scope, unscoped
from tenants import grants
from tenants.buckets import take
from tenants.models import Access, Connection, Invitation, Member, Role, Tenant, User

SESSION_KEY = "tenant_id"
INVITATION_KEY = "invitation"
INVITATION_LIFE = timedelta(days=7)
INVITATIONS = RatePlan(50 / 86_400, 50)  # per person: else anybody could send letters to the world in our name


class MemberError(Exception):
    """A change of people that is not possible; the text says why and what to do."""


def create_tenant(user: User, name: str) -> Tenant:
    """Make a tenant with this person as its owner."""
    with recorded():
        tenant = Tenant.objects.create(name=one_line(name))
        with scope(tenant.pk):
            Member.objects.create(user=user, role=Role.OWNER)
            record("tenant.created", f"tenant:{tenant.pk}", actor=user.actor)
    return tenant


def one_line(name: str) -> str:
    """Return a name as it can stand in the subject of an e-mail."""
    return " ".join(name.split())


def memberships(user: User) -> list[Member]:
    """Return a person's places in all tenants, with the tenants, in the order they came."""
    with unscoped("a person may belong to many tenants"):
        return list(Member.objects.filter(user=user).select_related("tenant").order_by("created_at", "pk"))


def member_of(user: User, tenant_id: int | None) -> Member | None:
    """Return a person's place in a tenant, or, if they have none there, their first place anywhere."""
    places = memberships(user)
    return next((place for place in places if place.tenant_id == tenant_id), places[0] if places else None)


def invite(tenant: Tenant, email: str, role: Role | str, by: User) -> Invitation:
    """Offer a place by e-mail; the link goes out after the commit and works once, for a week.

    Raises:
        MemberError: that person is a member already, or ``by`` has sent too many.
    """
    token = secrets.token_urlsafe(32)
    email = email.strip().lower()
    if take(f"invitations:{by.actor}", INVITATIONS):
        raise MemberError("Too many invitations for one day. Send the others tomorrow.")
    with recorded(), scope(tenant.pk):
        if Member.objects.filter(user__email__iexact=email).exists():
            raise MemberError(f"{email} is a member already. Change the role instead.")
        # An earlier link to the same address ends: the newest role counts.
        Invitation.objects.filter(email=email, accepted_at__isnull=True).delete()
        invitation = Invitation.objects.create(
            email=email,
            role=Role(role),
            token_digest=_digest(token),
            invited_by=by,
            expires_at=now() + INVITATION_LIFE,
        )
        record("member.invited", f"invitation:{invitation.pk}", actor=by.actor, role=invitation.role)
    text = (
        f"{by.email} invites you to {tenant.name} on Tieout as {Role(role).label.lower()}.\n\n"
        f"{settings.SITE_URL}/invitations/{token}/\n\nThe link works for {INVITATION_LIFE.days} days.\n"
    )
    transaction.on_commit(lambda: send_mail(f"Invitation to {tenant.name}", text, None, [email]), robust=True)
    return invitation


def open_invitation(token: str) -> Invitation | None:
    """Return the invitation of a link that still works, with its tenant."""
    with unscoped("an invited person is no member yet"):
        found = Invitation.objects.select_related("tenant").filter(token_digest=_digest(token))
        return found.filter(accepted_at__isnull=True, expires_at__gt=now()).first()


def accept(token: str, user: User) -> Member:
    """Take the place an invitation offers. The link itself is the proof, so any account may take it, once.

    Raises:
        MemberError: the link was used or is too old.
    """
    invitation = open_invitation(token)
    if invitation is None:
        raise MemberError("This invitation was used or is too old. Ask for a new one.")
    with recorded(), scope(invitation.tenant_id):
        if not Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True).update(accepted_at=now()):
            raise MemberError("This invitation was used. Ask for a new one.")
        member, made = Member.objects.get_or_create(user=user, defaults={"role": invitation.role})
        if made:
            record("member.joined", f"member:{member.pk}", actor=user.actor, role=member.role)
    return member


def change_role(member: Member, role: Role | str, by: User) -> None:
    """Give a member another role.

    Raises:
        MemberError: it would leave the tenant without an owner.
    """
    with recorded(), scope(member.tenant_id):
        if Role(role) != Role.OWNER:
            _keep_an_owner(member)
            _withdraw_offers(member)
        Member.objects.filter(pk=member.pk).update(role=Role(role))
        record("member.role_changed", f"member:{member.pk}", actor=by.actor, role=Role(role))
    member.role = Role(role)


def remove(member: Member, by: User) -> None:
    """End a person's place, what they have offered to others, and their own consents here. What they did stays.

    Raises:
        MemberError: the tenant would have no owner.
    """
    with recorded(), scope(member.tenant_id):
        _keep_an_owner(member)
        _withdraw_offers(member)
        subject, user = f"member:{member.pk}", member.user_id
        Member.objects.filter(pk=member.pk).delete()
        for connection in Connection.objects.filter(grant__user=user, state=Access.ACTIVE).order_by("pk"):
            grants.lost(connection, f"Whoever agreed to it no longer belongs to {member.tenant}.")
        record("member.removed", subject, actor=by.actor, user=user)


def _keep_an_owner(member: Member) -> None:
    # Locked: of two owners who remove each other at once, one must stay.
    owners = list(
        Member.objects.select_for_update().filter(role=Role.OWNER).order_by("pk").values_list("pk", flat=True)
    )
    if owners == [member.pk]:
        raise MemberError("This is the only owner. Make somebody else an owner first.")


def _withdraw_offers(member: Member) -> None:
    """Who may not invite any more has no way back in through a letter to another address of theirs."""
    Invitation.objects.filter(invited_by=member.user_id, accepted_at__isnull=True).delete()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
