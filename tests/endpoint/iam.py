"""IAM's operations (Query API 2010-05-08) on the store.

Each operation takes a context and the request's parameters, already checked, and returns the
nodes of its result, or None where the API has no output.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import errors
import parameters as p
from store import AccessKey, Store, User
from xmlshapes import Node, key_fields, last_used_fields, user_fields

VERSION = "2010-05-08"
Parameters = dict[str, str]


@dataclass
class Context:
    """What an operation works on. `as_of` is the moment that listings show, if not the present."""

    store: Store
    caller: User
    now: datetime
    quota: int
    as_of: datetime | None = None
    secret: str | None = None
    key: AccessKey | None = None


def target_user(context: Context, parameters: Parameters) -> User:
    """The user named, or the one whose key signed."""
    name = parameters.get("UserName")
    if name is None:
        return context.caller
    if name not in context.store.users:
        raise errors.no_such_user(name)
    return context.store.users[name]


def target_key(context: Context, parameters: Parameters) -> AccessKey:
    """The key named, which must belong to the target user."""
    user = target_user(context, parameters)
    key = context.store.keys.get(parameters["AccessKeyId"])
    if key is None or key.user is not user:
        raise errors.no_such_access_key(parameters["AccessKeyId"])
    return key


def create_access_key(context: Context, parameters: Parameters) -> list[Node]:
    user = target_user(context, parameters)
    if len(context.store.keys_of(user)) >= context.quota:
        raise errors.key_quota_exceeded(context.quota)
    key = context.store.add_key(user, context.now)
    context.secret = key.secret
    return [("AccessKey", key_fields(key, key.status, with_secret=True))]


def list_access_keys(context: Context, parameters: Parameters) -> list[Node]:
    user = target_user(context, parameters)
    if context.as_of is None:
        keys = [(key, key.status) for key in context.store.keys_of(user)]
    else:
        keys = context.store.keys_of_at(user, context.as_of)
    members: list[Node] = [("member", key_fields(key, status)) for key, status in keys]
    return page("AccessKeyMetadata", members, parameters)


def update_access_key(context: Context, parameters: Parameters) -> None:
    key = target_key(context, parameters)
    context.store.set_status(key, parameters["Status"], context.now)


def delete_access_key(context: Context, parameters: Parameters) -> None:
    context.store.delete_key(target_key(context, parameters), context.now)


def get_access_key_last_used(context: Context, parameters: Parameters) -> list[Node]:
    """A key that is not the account's is refused, not missing: IAM does not tell whose it is."""
    key = context.store.keys.get(parameters["AccessKeyId"])
    if key is None:
        raise errors.ServiceError(
            "AccessDenied",
            f"User: {context.caller.arn} is not authorized to perform: "
            f"iam:GetAccessKeyLastUsed on resource: access key {parameters['AccessKeyId']}",
            403,
        )
    name: list[Node] = [("UserName", key.user.name)] if key.user.name else []
    return [*name, ("AccessKeyLastUsed", last_used_fields(key))]


def create_user(context: Context, parameters: Parameters) -> list[Node]:
    name = parameters["UserName"]
    if context.store.has_name(name):
        raise errors.user_already_exists(name)
    user = context.store.add_user(name, context.now, parameters.get("Path", "/"))
    return [("User", user_fields(user))]


def get_user(context: Context, parameters: Parameters) -> list[Node]:
    return [("User", user_fields(target_user(context, parameters)))]


def delete_user(context: Context, parameters: Parameters) -> None:
    user = target_user(context, parameters)
    if context.store.keys_of(user):
        raise errors.user_still_has_keys()
    del context.store.users[user.name]


def list_users(context: Context, parameters: Parameters) -> list[Node]:
    prefix = parameters.get("PathPrefix", "/")
    users = [user for user in context.store.users.values() if user.path.startswith(prefix)]
    users.sort(key=lambda user: user.name)
    return page("Users", [("member", user_fields(user)) for user in users], parameters)


def page(name: str, members: list[Node], parameters: Parameters) -> list[Node]:
    """One page of a listing. The marker is opaque to clients; here it hides a position."""
    start = 0
    if "Marker" in parameters:
        try:
            start = int(base64.b64decode(parameters["Marker"], validate=True))
        except (ValueError, binascii.Error):
            raise errors.validation_error("Invalid Marker.") from None
    end = start + p.max_items(parameters)
    nodes: list[Node] = [("IsTruncated", "true" if end < len(members) else "false")]
    nodes.append((name, members[start:end]))
    if end < len(members):
        nodes.append(("Marker", base64.b64encode(str(end).encode()).decode()))
    return nodes


@dataclass(frozen=True)
class Operation:
    """An API operation: what it takes, what it does, and what a refusal calls its resource."""

    run: Callable[[Context, Parameters], list[Node] | None]
    required: tuple[p.Member, ...] = ()
    optional: tuple[p.Member, ...] = ()
    on_one_user: bool = True

    def resource(self, store: Store, caller: User, parameters: Parameters) -> str:
        """The resource as IAM's refusals name it: `user Bob`, or the ARN of all users."""
        if self.on_one_user:
            return f"user {parameters.get('UserName', caller.name)}"
        return f"arn:{store.partition}:iam::{store.account}:user/"


_PAGING = (p.MARKER, p.MAX_ITEMS)

OPERATIONS: dict[str, Operation] = {
    "CreateAccessKey": Operation(create_access_key, optional=(p.USER_NAME,)),
    "ListAccessKeys": Operation(list_access_keys, optional=(p.USER_NAME, *_PAGING)),
    "UpdateAccessKey": Operation(update_access_key, (p.ACCESS_KEY_ID, p.STATUS), (p.USER_NAME,)),
    "DeleteAccessKey": Operation(delete_access_key, (p.ACCESS_KEY_ID,), (p.USER_NAME,)),
    "GetAccessKeyLastUsed": Operation(get_access_key_last_used, (p.ACCESS_KEY_ID,)),
    "CreateUser": Operation(create_user, (p.NEW_USER_NAME,), (p.PATH,)),
    "GetUser": Operation(get_user, optional=(p.USER_NAME,)),
    "DeleteUser": Operation(delete_user, (p.USER_NAME,)),
    "ListUsers": Operation(list_users, optional=(p.PATH_PREFIX, *_PAGING), on_one_user=False),
}
