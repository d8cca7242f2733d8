"""The members of the APIs' requests: names, limits, and the sentences when one is broken."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import errors
from store import ACTIVE, INACTIVE


@dataclass(frozen=True)
class Member:
    """A request member. `charset` completes "It must contain only ..."."""

    name: str
    shortest: int
    longest: int
    pattern: str
    charset: str

    @property
    def field(self) -> str:
        """The name as it appears in the services' sentences."""
        return self.name[0].lower() + self.name[1:]

    def check(self, value: str) -> None:
        if len(value) < self.shortest:
            raise errors.constraint_violation(
                self.field, value, f"have length greater than or equal to {self.shortest}"
            )
        if len(value) > self.longest:
            raise errors.constraint_violation(
                self.field, value, f"have length less than or equal to {self.longest}"
            )
        if not re.fullmatch(self.pattern, value):
            raise errors.validation_error(
                f"The specified value for {self.field} is invalid. {self.charset}"
            )


_NAME = r"[A-Za-z0-9_+=,.@-]+"
_NAME_CHARSET = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
_PATH = r"/|/[\x21-\x7e]+/"

USER_NAME = Member("UserName", 1, 128, _NAME, _NAME_CHARSET)
NEW_USER_NAME = Member("UserName", 1, 64, _NAME, _NAME_CHARSET)
ACCESS_KEY_ID = Member(
    "AccessKeyId", 16, 128, r"\w+", "It must contain only alphanumeric characters."
)
PATH = Member(
    "Path",
    1,
    512,
    _PATH,
    "It must begin and end with / and contain only alphanumeric characters and/or / characters.",
)
PATH_PREFIX = Member(
    "PathPrefix",
    1,
    512,
    r"/[\x21-\x7e]*",
    "It must begin with the / character and contain only alphanumeric characters "
    "and/or / characters.",
)
STATUS = Member("Status", 1, 32, ".*", "")
MARKER = Member("Marker", 1, 320, r"[\x20-\xff]+", "It must contain only printable characters.")
MAX_ITEMS = Member("MaxItems", 1, 12, "-?[0-9]+", "It must be a number.")

DURATION = Member("DurationSeconds", 1, 6, "[0-9]+", "It must be a number.")
SERIAL_NUMBER = Member("SerialNumber", 9, 256, r"[\w+=/:,.@-]+", _NAME_CHARSET)
TOKEN_CODE = Member("TokenCode", 6, 6, "[0-9]{6}", "It must contain only digits.")
ROLE_ARN = Member("RoleArn", 20, 2048, r"arn:aws[\w-]*:iam::[0-9]{12}:role/.+", _NAME_CHARSET)
SESSION_NAME = Member("RoleSessionName", 2, 64, r"[\w+=,.@-]+", _NAME_CHARSET)
EXTERNAL_ID = Member("ExternalId", 2, 1224, r"[\w+=,.@:/-]+", _NAME_CHARSET)
POLICY = Member("Policy", 1, 2048, r"(?s:.+)", "It must be a policy.")


def check(
    parameters: dict[str, str], required: Iterable[Member], optional: Iterable[Member]
) -> None:
    """Hold a request's parameters against its members; parameters not named are ignored."""
    for member in required:
        if member.name not in parameters:
            raise errors.constraint_violation(member.field, None, "not be null")
    for member in [*required, *optional]:
        if member.name in parameters:
            member.check(parameters[member.name])
    status = parameters.get("Status")
    if STATUS in required and status not in (ACTIVE, INACTIVE):
        raise errors.constraint_violation(
            "status", status, "satisfy enum value set: [Active, Inactive]"
        )
    if MAX_ITEMS in optional:
        max_items(parameters)


def max_items(parameters: dict[str, str]) -> int:
    text = parameters.get("MaxItems", "100")
    if int(text) < 1:
        raise errors.constraint_violation("maxItems", text, "have value greater than or equal to 1")
    if int(text) > 1000:
        raise errors.constraint_violation("maxItems", text, "have value less than or equal to 1000")
    return int(text)
