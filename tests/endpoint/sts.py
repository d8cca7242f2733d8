"""STS's operations (Query API 2011-06-15)."""

from __future__ import annotations

from iam import Context, Operation, Parameters
from xmlshapes import Node

VERSION = "2011-06-15"


def get_caller_identity(context: Context, parameters: Parameters) -> list[Node]:
    caller = context.caller
    return [
        ("Arn", caller.arn),
        ("UserId", caller.user_id),
        ("Account", context.store.account),
    ]


OPERATIONS: dict[str, Operation] = {"GetCallerIdentity": Operation(get_caller_identity)}
