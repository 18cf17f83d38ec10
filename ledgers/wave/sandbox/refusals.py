"""The two ways in which Wave says no inside an answer: an error with a code, or a mutation that did not succeed."""

from typing import Any

from graphql import GraphQLError


class InputRefused(Exception):
    """A rule of the business is broken: HTTP 200, ``didSucceed: false`` and these errors (sheet §2)."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(each["message"] for each in errors))
        self.errors = errors

    def under(self, *path: str) -> "InputRefused":
        """The same errors with ``path`` between ``input`` and the rest."""
        return InputRefused([{**each, "path": ["input", *path, *each["path"][1:]]} for each in self.errors])


def refused(message: str, *path: str, code: str = "INVALID") -> InputRefused:
    """One input error; ``path`` starts behind ``input``."""
    return InputRefused([{"code": code, "message": message, "path": ["input", *path]}])


def coded(code: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


def not_found(kind: str, id_: str) -> GraphQLError:
    return coded("NOT_FOUND", f"{kind} '{id_}' could not be found.")


class TooFast(Exception):
    """One call too many: the whole answer becomes a 429. ``after_s`` until the next one is served."""

    def __init__(self, after_s: int) -> None:
        super().__init__(f"again in {after_s} s")
        self.after_s = after_s
