"""The services behind the door: from a request to the reply of a service that behaves.

IAM and STS share one endpoint; the API version in the request tells them apart. A request
signed for any other service is verified and answered with what was found, so that a client's
signing can be tried for services that are not here.
"""

from __future__ import annotations

import copy
import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

import errors
import iam
import parameters
import sts
from authenticate import Claim, Expectation, Verdict, authenticate
from clock import Clock, http_date
from errors import ServiceError
from httpmsg import Reply, Request
from store import ACTIVE, AccessKey, Session, Store
from xmlshapes import IAM_NAMESPACE, STS_NAMESPACE, error_response, response

ANY = "*"
VERIFY = "VerifyRequest"


@dataclass(frozen=True)
class Api:
    """One Query API."""

    service: str
    namespace: str
    operations: dict[str, iam.Operation]


APIS = {
    iam.VERSION: Api("iam", IAM_NAMESPACE, iam.OPERATIONS),
    sts.VERSION: Api("sts", STS_NAMESPACE, sts.OPERATIONS),
}


@dataclass
class Call:
    """What a request asks for. `api` is None when it names no API that is served here."""

    action: str | None
    version: str | None
    parameters: dict[str, str]
    api: Api | None
    error: ServiceError | None = None

    @property
    def name(self) -> str:
        return self.action or VERIFY


def read_call(request: Request) -> Call:
    """Collect parameters from the query string and a form body."""
    pairs = parse_qsl(request.query, keep_blank_values=True)
    content_type = (request.value("content-type") or "").partition(";")[0].strip().lower()
    if content_type == "application/x-www-form-urlencoded":
        pairs += parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    found = {name: value for name, value in pairs if not name.startswith("X-Amz-")}
    version = found.get("Version")
    call = Call(found.get("Action"), version, found, APIS.get(version or ""))
    names = [name for name, _ in pairs]
    if call.api and len(names) != len(set(names)):
        call.error = errors.malformed_query_string("A parameter was given more than once")
    return call


@dataclass
class Permissions:
    """Who may do what: administrators everything, others what is allowed, denials win.

    An entry is (user, action); either may be `*`. The account's root user is never refused.
    """

    administrators: set[str] = field(default_factory=set)
    allowed: set[tuple[str, str]] = field(default_factory=set)
    denied: set[tuple[str, str]] = field(default_factory=set)
    needs_mfa: bool = False  # of all who call IAM
    ends_sessions: bool = False  # together with the keys that they were asked for by

    @staticmethod
    def matches(entries: set[tuple[str, str]], user: str, action: str) -> bool:
        return any((name, what) in entries for name in (user, ANY) for what in (action, ANY))


@dataclass(frozen=True)
class Settings:
    """What the account and its services look like."""

    account: str = "123456789012"
    partition: str = "aws"
    region: str = "us-east-1"
    sts_region: str | None = None
    keys_per_user: int = 2
    root_user_name: str = ""


class Service:
    """Verifies, authorises and performs calls; its lock guards the store."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.lock = threading.RLock()
        self.permissions = Permissions()
        self.clear()

    def clear(self) -> None:
        """Start over with an empty account."""
        with self.lock:
            self.store = Store(
                self.settings.account,
                self.settings.partition,
                self.clock.now(),
                self.settings.root_user_name,
            )

    def verify(self, request: Request, call: Call) -> Verdict:
        """Check the signature, and note the key's use if it holds."""
        now = self.clock.now()
        with self.lock:
            verdict = authenticate(
                request, now, self._secret_of, lambda claim: self._expectation(claim, call),
                self._token_of,
            )  # fmt: skip
            key = self.store.find_key(verdict.access_key_id or "")
            if key and verdict.claim:
                key.last_used = now
                key.last_service = verdict.claim.parts[3]
                key.last_region = verdict.claim.parts[2]
                verdict.caller_arn = key.user.arn
                verdict.caller_name = key.user.name or None
        return verdict

    def perform(self, call: Call, verdict: Verdict, as_of: datetime | None = None) -> Reply:
        """Execute a call for whoever signed it."""
        with self.lock:
            return self._perform_on(self.store, call, verdict, as_of)

    def forge(self, call: Call, verdict: Verdict) -> Reply:
        """The reply a call would get, without its taking effect."""
        with self.lock:
            reply = self._perform_on(copy.deepcopy(self.store), call, verdict, None)
        reply.executed = 0
        return reply

    def act(self, action: str, given: dict[str, str]) -> Reply:
        """Perform an unsigned IAM call as the account's root user, for tests' own use."""
        call = Call(action, iam.VERSION, given, APIS[iam.VERSION])
        with self.lock:
            return self._reply(self.store, call, None, None)

    def refuse(self, error: ServiceError, call: Call | None = None) -> Reply:
        """The reply that carries an error."""
        namespace = call.api.namespace if call and call.api else IAM_NAMESPACE
        identifier = str(uuid.uuid4())
        body = error_response(error, namespace, identifier)
        reply = self._message(error.status, "text/xml", body, identifier)
        reply.error_code = error.code
        return reply

    def _perform_on(
        self, store: Store, call: Call, verdict: Verdict, as_of: datetime | None
    ) -> Reply:
        if verdict.error:
            return self.refuse(verdict.error, call)
        return self._reply(store, call, verdict, as_of)

    def _reply(
        self, store: Store, call: Call, verdict: Verdict | None, as_of: datetime | None
    ) -> Reply:
        try:
            if call.api is None and verdict and self._signed_for_another(verdict):
                return self._report(store, verdict)
            return self._run(store, call, verdict, as_of)
        except ServiceError as error:
            return self.refuse(error, call)

    def _run(
        self, store: Store, call: Call, verdict: Verdict | None, as_of: datetime | None
    ) -> Reply:
        if call.error:
            raise call.error
        if not call.action:
            raise errors.missing_action()
        if call.api is None or call.action not in call.api.operations:
            raise errors.invalid_action(call.action, call.version or "")
        operation = call.api.operations[call.action]
        parameters.check(call.parameters, operation.required, operation.optional)
        caller = store.user_of_arn(verdict.caller_arn or "") if verdict else store.root
        if caller is None:
            raise errors.invalid_client_token_id()
        key = store.find_key(verdict.access_key_id or "") if verdict else None
        if call.api.service == "iam" and key:
            self._check_session(key, call.action)
        if call.api.service == "iam" and not caller.is_root:
            resource = operation.resource(store, caller, call.parameters)
            self._authorize(caller.name, caller.arn, call.action, resource)
        quota = self.settings.keys_per_user
        context = iam.Context(store, caller, self.clock.now(), quota, as_of, key=key)
        result = operation.run(context, call.parameters)
        identifier = str(uuid.uuid4())
        body = response(call.action, call.api.namespace, result, identifier)
        reply = self._message(200, "text/xml", body, identifier)
        reply.secret, reply.executed = context.secret, 1
        return reply

    def _check_session(self, key: AccessKey, action: str) -> None:
        """IAM takes a user's session only if it was begun with MFA, and may demand that."""
        session = key if isinstance(key, Session) else None
        if session and not session.with_mfa and ":assumed-role/" not in session.user.arn:
            raise errors.invalid_client_token_id()
        if self.permissions.needs_mfa and not (session and session.with_mfa):
            raise errors.access_denied(key.user.arn, action, "*", True)

    def _authorize(self, user: str, arn: str, action: str, resource: str) -> None:
        rights = self.permissions
        if rights.matches(rights.denied, user, action):
            raise errors.access_denied(arn, f"iam:{action}", resource, explicit=True)
        if user not in rights.administrators and not rights.matches(rights.allowed, user, action):
            raise errors.access_denied(arn, f"iam:{action}", resource, explicit=False)

    def _report(self, store: Store, verdict: Verdict) -> Reply:
        """What was found in a valid request to a service that is not here."""
        claim = verdict.claim
        assert claim is not None
        body = {
            "account": store.account,
            "arn": verdict.caller_arn,
            "access_key_id": verdict.access_key_id,
            "region": claim.part(2),
            "service": claim.part(3),
            "presigned": claim.presigned,
            "signed_headers": claim.signed_headers,
        }
        text = (json.dumps(body) + "\n").encode()
        reply = self._message(200, "application/json", text, str(uuid.uuid4()))
        reply.executed = 1
        return reply

    def _message(self, status: int, content_type: str, body: bytes, request_id: str) -> Reply:
        headers = [
            ("x-amzn-RequestId", request_id),
            ("Content-Type", content_type),
            ("Date", http_date(self.clock.now())),
        ]
        return Reply(status, headers, body)

    def _secret_of(self, access_key_id: str) -> str | None:
        key = self.store.find_key(access_key_id)
        if isinstance(key, Session) and key.expires and key.expires <= self.clock.now():
            raise errors.expired_token()
        if isinstance(key, Session) and self.permissions.ends_sessions:
            return key.secret if self._secret_of(key.asked_by) else None
        return key.secret if key and key.status == ACTIVE else None

    def _token_of(self, access_key_id: str) -> str | None:
        key = self.store.sessions.get(access_key_id)
        return key.token if key else None

    def _expectation(self, claim: Claim, call: Call) -> Expectation:
        service = call.api.service if call.api else claim.part(3)
        if service == "iam":
            return Expectation("iam", self.settings.region)
        if service == "sts":
            return Expectation("sts", self.settings.sts_region)
        return Expectation(None, None)

    @staticmethod
    def _signed_for_another(verdict: Verdict) -> bool:
        return verdict.claim is not None and verdict.claim.part(3) not in ("iam", "sts")
