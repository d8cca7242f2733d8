"""The account: its users, their keys, and what each key looked like at any moment.

Deleted keys are kept, with their secrets, so that a test can ask what became of every key ever
made. Nothing is written to disk. Callers hold `Service.lock`.
"""

from __future__ import annotations

import base64
import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ACTIVE = "Active"
INACTIVE = "Inactive"
_BASE32 = string.ascii_uppercase + "234567"
_IDENTIFIER = string.ascii_uppercase + string.digits


def new_access_key_id(prefix: str = "AKIA") -> str:
    return prefix + "".join(secrets.choice(_BASE32) for _ in range(16))


def new_secret() -> str:
    return base64.b64encode(secrets.token_bytes(30)).decode()


@dataclass
class User:
    """An IAM user, or the account's root user, which has no name of its own."""

    name: str
    user_id: str
    arn: str
    path: str
    created: datetime
    is_root: bool = False


@dataclass
class AccessKey:
    """A key and its history: `changes` are (moment, status), the first its creation."""

    access_key_id: str
    secret: str
    user: User
    created: datetime
    changes: list[tuple[datetime, str]] = field(default_factory=list)
    deleted: datetime | None = None
    last_used: datetime | None = None
    last_service: str = "N/A"
    last_region: str = "N/A"

    @property
    def status(self) -> str:
        return self.changes[-1][1]

    def status_at(self, moment: datetime) -> str | None:
        """The status as it was at a moment, None if the key did not exist then."""
        if self.deleted is not None and self.deleted <= moment:
            return None
        past = [status for changed, status in self.changes if changed <= moment]
        return past[-1] if past else None


@dataclass
class Session(AccessKey):
    """Temporary credentials: of a user, or of a role that a user assumed."""

    token: str = ""
    expires: datetime | None = None
    with_mfa: bool = False
    asked_by: str = ""  # the id of the key or session that signed


class Store:
    """Users and keys of one account."""

    def __init__(self, account: str, partition: str, now: datetime, root_name: str = "") -> None:
        self.account = account
        self.partition = partition
        arn = f"arn:{partition}:iam::{account}:root"
        self.root = User(root_name, account, arn, "/", now, is_root=True)
        self.users: dict[str, User] = {}
        self.keys: dict[str, AccessKey] = {}
        self.deleted_keys: list[AccessKey] = []
        self.sessions: dict[str, Session] = {}
        self.used_codes: set[str] = set()

    def add_user(self, name: str, now: datetime, path: str = "/") -> User:
        identifier = "AIDA" + "".join(secrets.choice(_IDENTIFIER) for _ in range(17))
        arn = f"arn:{self.partition}:iam::{self.account}:user{path}{name}"
        user = self.users[name] = User(name, identifier, arn, path, now)
        return user

    def has_name(self, name: str) -> bool:
        """Names are unique without regard to case."""
        return name.lower() in (existing.lower() for existing in self.users)

    def user_of_arn(self, arn: str) -> User | None:
        of_sessions = [session.user for session in self.sessions.values()]
        everyone = [self.root, *self.users.values(), *of_sessions]
        return next((user for user in everyone if user.arn == arn), None)

    def keys_of(self, user: User) -> list[AccessKey]:
        return [key for key in self.keys.values() if key.user is user]

    def keys_of_at(self, user: User, moment: datetime) -> list[tuple[AccessKey, str]]:
        """The user's keys, with their status, as they were at a moment."""
        known = [key for key in [*self.deleted_keys, *self.keys.values()] if key.user is user]
        seen = [(key, key.status_at(moment)) for key in known]
        ordered = sorted(seen, key=lambda item: item[0].created)
        return [(key, status) for key, status in ordered if status is not None]

    def add_key(
        self,
        user: User,
        now: datetime,
        access_key_id: str | None = None,
        secret: str | None = None,
    ) -> AccessKey:
        key = AccessKey(
            access_key_id or new_access_key_id(),
            secret or new_secret(),
            user,
            now,
            [(now, ACTIVE)],
        )
        self.keys[key.access_key_id] = key
        return key

    def add_session(
        self, user: User, now: datetime, seconds: int, with_mfa: bool, asked_by: str
    ) -> Session:
        session = Session(
            new_access_key_id("ASIA"), new_secret(), user, now, [(now, ACTIVE)],
            token=base64.b64encode(secrets.token_bytes(300)).decode(),
            expires=now + timedelta(seconds=seconds), with_mfa=with_mfa, asked_by=asked_by,
        )  # fmt: skip
        self.sessions[session.access_key_id] = session
        return session

    def find_key(self, access_key_id: str) -> AccessKey | None:
        """A key or a session that is there."""
        return self.keys.get(access_key_id) or self.sessions.get(access_key_id)

    def set_status(self, key: AccessKey, status: str, now: datetime) -> None:
        key.changes.append((now, status))

    def delete_key(self, key: AccessKey, now: datetime) -> None:
        key.deleted = now
        del self.keys[key.access_key_id]
        self.deleted_keys.append(key)
