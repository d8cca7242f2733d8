"""STS's operations (Query API 2011-06-15).

Any role can be assumed, but for those whose name begins with `External`, which ask for the external
id `agreed`. The code of every MFA device has six digits, the last of them a 1, and serves once.
"""

from __future__ import annotations

import errors
import parameters as p
from clock import iso
from iam import Context, Operation, Parameters
from store import Session, User
from xmlshapes import Node

VERSION = "2011-06-15"
HOUR = 3600


def get_caller_identity(context: Context, parameters: Parameters) -> list[Node]:
    caller = context.caller
    return [
        ("Arn", caller.arn),
        ("UserId", caller.user_id),
        ("Account", context.store.account),
    ]


def check_mfa(context: Context, parameters: Parameters) -> bool:
    """Whether a device's code was given, which is then used up."""
    serial, code = parameters.get("SerialNumber"), parameters.get("TokenCode")
    if serial is None and code is None:
        return False
    if serial is None or code is None or code[-1] != "1" or code in context.store.used_codes:
        raise errors.wrong_mfa_code()
    context.store.used_codes.add(code)
    return True


def credentials(context: Context, user: User, parameters: Parameters, hours: int) -> Node:
    """A new session, for 15 minutes at least."""
    seconds = int(parameters.get("DurationSeconds", hours * HOUR))
    if seconds < HOUR // 4:
        raise errors.constraint_violation(
            "durationSeconds", str(seconds), "have value greater than or equal to 900"
        )
    with_mfa = check_mfa(context, parameters)
    asked_by = context.key.access_key_id if context.key else ""
    session = context.store.add_session(user, context.now, seconds, with_mfa, asked_by)
    fields: list[Node] = [
        ("AccessKeyId", session.access_key_id),
        ("SecretAccessKey", session.secret),
        ("SessionToken", session.token),
        ("Expiration", iso(session.expires) or ""),
    ]
    context.secret = session.secret
    return ("Credentials", fields)


def get_session_token(context: Context, parameters: Parameters) -> list[Node]:
    if isinstance(context.key, Session):
        raise errors.not_with_a_session("GetSessionToken")
    return [credentials(context, context.caller, parameters, 12)]


def assume_role(context: Context, parameters: Parameters) -> list[Node]:
    role, name = parameters["RoleArn"], parameters["RoleSessionName"]
    path = role.partition(":role/")[2]
    if path.startswith("External") and parameters.get("ExternalId") != "agreed":
        raise errors.access_denied(context.caller.arn, "sts:AssumeRole", role, False)
    arn = f"arn:{context.store.partition}:sts::{context.store.account}:assumed-role/{path}/{name}"
    user = User("", f"AROAEXAMPLEROLEID0000:{name}", arn, "/", context.now)
    assumed: list[Node] = [("AssumedRoleId", user.user_id), ("Arn", arn)]
    return [
        credentials(context, user, parameters, 1),
        ("AssumedRoleUser", assumed),
        ("PackedPolicySize", "6"),
    ]


_MFA = (p.DURATION, p.SERIAL_NUMBER, p.TOKEN_CODE)

OPERATIONS: dict[str, Operation] = {
    "GetCallerIdentity": Operation(get_caller_identity),
    "GetSessionToken": Operation(get_session_token, optional=_MFA),
    "AssumeRole": Operation(
        assume_role, (p.ROLE_ARN, p.SESSION_NAME), (p.EXTERNAL_ID, p.POLICY, *_MFA)
    ),
}
