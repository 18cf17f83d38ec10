"""Long pure work in a process of its own, so that the threads which answer pages keep the interpreter.

An interpreter is started anew for each piece of work, takes it from stdin and answers on stdout. A killed parent leaves
no orphan that changes anything: the child's answer finds a closed pipe.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from kit.scope import NoScope, current_tenant_id, scope

R = TypeVar("R")
# Models can be imported only after the set-up, so this module cannot be the child's main one.
_CHILD: Final = "import django; django.setup(); from amazon.child import answer; answer()"


class ChildFailed(Exception):
    """The child died, or raised something that cannot travel. The text is the child's last words."""


def run_in_child(work: Callable[..., R], *args: Any, timeout_s: float = 1800) -> R:
    """Return ``work(*args)``, computed in a process of its own, in the scope of the current tenant.

    ``work`` is a function of a module; it, its arguments and its result must pickle. What it raises is raised here.
    A database that lives in this process's memory cannot be seen from another one: then the work is done here.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if isinstance(database, DatabaseWrapper) and database.is_in_memory_db():
        return work(*args)
    databases = {alias: connections[alias].settings_dict["NAME"] for alias in connections}
    tenant_id: int | None
    try:
        tenant_id = current_tenant_id()
    except NoScope:
        tenant_id = None
    # The path goes first: without it the child may not find the module of the work.
    question = pickle.dumps(sys.path) + pickle.dumps((databases, tenant_id, work, args))
    # The command is our own interpreter and module; nothing of it comes from outside.
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=settings.BASE_DIR,
    )
    with child:
        try:
            answer, words = child.communicate(question, timeout=timeout_s)
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        raise ChildFailed(words.decode(errors="replace")[-2000:])
    failed, value = pickle.loads(answer)  # noqa: S301 - from our own child
    if failed:
        raise value
    return value  # type: ignore[no-any-return]


def answer() -> None:
    """Be the child: take the work from stdin, do it, answer on stdout."""
    os.nice(5)
    # Whatever the work prints goes to stderr; the answer has the real stdout for itself.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.path[:] = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    databases, tenant_id, work, args = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    for alias, name in databases.items():
        connections[alias].settings_dict["NAME"] = name
    with nullcontext() if tenant_id is None else scope(tenant_id):
        try:
            reply = (False, work(*args))
        except Exception as error:
            reply = (True, _portable(error))
    with out:
        pickle.dump(reply, out)


def _portable(error: Exception) -> Exception:
    """Return the error if it survives the way back, else its text."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own object, made a line ago
    except Exception:
        return ChildFailed(f"{type(error).__name__}: {error}")
    return error
