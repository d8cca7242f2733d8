"""The XML of the Query APIs: results, errors, and the shapes of users and keys.

A node is (tag, text) or (tag, list of nodes); order and nesting follow the services' replies.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from clock import iso
from errors import ServiceError
from store import AccessKey, User

IAM_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

Node = tuple[str, "str | list[Node]"]


def render(node: Node, namespace: str | None = None, indent: int = 0) -> str:
    tag, content = node
    pad = "  " * indent
    opening = f'{tag} xmlns="{namespace}"' if namespace else tag
    if isinstance(content, str):
        return f"{pad}<{opening}>{escape(content)}</{tag}>\n"
    if not content:
        return f"{pad}<{opening}/>\n"
    inner = "".join(render(child, None, indent + 1) for child in content)
    return f"{pad}<{opening}>\n{inner}{pad}</{tag}>\n"


def response(operation: str, namespace: str, result: list[Node] | None, request_id: str) -> bytes:
    """A successful reply; an operation without output has no Result element."""
    nodes: list[Node] = []
    if result is not None:
        nodes.append((f"{operation}Result", result))
    nodes.append(("ResponseMetadata", [("RequestId", request_id)]))
    return render((f"{operation}Response", nodes), namespace).encode()


def error_response(error: ServiceError, namespace: str, request_id: str) -> bytes:
    nodes: list[Node] = [
        ("Error", [("Type", error.fault), ("Code", error.code), ("Message", error.message)]),
        ("RequestId", request_id),
    ]
    return render(("ErrorResponse", nodes), error.namespace or namespace).encode()


def user_fields(user: User) -> list[Node]:
    """A user; the root user has no path, and a name only where the account has an alias."""
    nodes: list[Node] = [] if user.is_root else [("Path", user.path)]
    if user.name:
        nodes.append(("UserName", user.name))
    nodes += [("UserId", user.user_id), ("Arn", user.arn), ("CreateDate", iso(user.created) or "")]
    return nodes


def key_fields(key: AccessKey, status: str, with_secret: bool = False) -> list[Node]:
    nodes: list[Node] = [("UserName", key.user.name)] if key.user.name else []
    nodes += [("AccessKeyId", key.access_key_id), ("Status", status)]
    if with_secret:
        nodes.append(("SecretAccessKey", key.secret))
    nodes.append(("CreateDate", iso(key.created) or ""))
    return nodes


def last_used_fields(key: AccessKey) -> list[Node]:
    """A key that was never used has no date, and N/A for service and region."""
    nodes: list[Node] = []
    if key.last_used:
        nodes.append(("LastUsedDate", iso(key.last_used) or ""))
    return [*nodes, ("ServiceName", key.last_service), ("Region", key.last_region)]
