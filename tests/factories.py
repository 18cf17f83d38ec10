"""The smallest valid objects. A test states only what matters to it."""

import factory
from factory.django import DjangoModelFactory

from kit.scope import unscoped
from kit.sealed import seal_into
from tenants.models import Connection, Grant, Member, Tenant, User

PASSWORD = "correct horse battery staple"


class ScopedFactory(DjangoModelFactory):
    """Rows of any tenant: a test arranges what the code under test must not see."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        with unscoped("a factory arranges rows of any tenant"):
            return super()._create(model_class, *args, **kwargs)


class TenantFactory(DjangoModelFactory):
    class Meta:
        model = Tenant

    name = factory.Sequence("Company {}".format)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    email = factory.Sequence("person{}@example.test".format)


class MemberFactory(ScopedFactory):
    class Meta:
        model = Member

    tenant = factory.SubFactory(TenantFactory)
    user = factory.SubFactory(UserFactory)
    role = "owner"


class GrantFactory(DjangoModelFactory):
    """A grant; ``access`` and ``refresh`` are its tokens in plain text."""

    class Meta:
        model = Grant

    provider = "quickbooks"
    environment = "sandbox"
    subject = factory.Sequence("93412{:05}".format)

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        access, refresh = kwargs.pop("access", "access-1"), kwargs.pop("refresh", "refresh-1")
        grant = super()._create(model_class, *args, **kwargs)
        seal_into(grant, "access_token", access)
        seal_into(grant, "refresh_token", refresh)
        grant.save()
        return grant


class ConnectionFactory(ScopedFactory):
    class Meta:
        model = Connection

    tenant = factory.SubFactory(TenantFactory)
    grant = factory.SubFactory(GrantFactory)
    provider = factory.SelfAttribute("grant.provider")
    environment = factory.SelfAttribute("grant.environment")
    remote_id = factory.SelfAttribute("grant.subject")
    remote_name = "Acme Books"


def member(tenant, email, role):
    """Return a person who is a member of a tenant and can sign in with ``PASSWORD``."""
    user = User.objects.create_user(email, PASSWORD)
    MemberFactory(tenant=tenant, user=user, role=role)
    return user
