"""Who signed a request, and is it true: the checks of a service's front door.

The order is the services' own: presence, date, expiry, signed headers, algorithm, credential
scope, key, signature, session token. The verdict keeps what was computed, so that a client's
author can compare canonical requests line by line in the request log.

Stricter than the services in one thing: every X-Amz-* header must be signed and the date must
come as X-Amz-Date, which is what AWS asks clients to do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import errors
import sigv4
from errors import ServiceError
from httpmsg import Request

HEADER_MINUTES = 5
PRESIGNED_MINUTES = 15
LONGEST_PRESIGNED_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Expectation:
    """What a service demands of the credential scope; None accepts anything."""

    service: str | None
    region: str | None


@dataclass
class Claim:
    """What a request says of its own signature, unproven."""

    algorithm: str
    credential: str
    signed_headers: list[str]
    signature: str
    amz_date: str
    presigned: bool = False
    expires: str | None = None
    token: str | None = None

    @property
    def parts(self) -> list[str]:
        """Access key id, date, region, service, terminator."""
        return self.credential.split("/")

    def part(self, index: int) -> str | None:
        return self.parts[index] if len(self.parts) == 5 else None


@dataclass
class Verdict:
    """The outcome: an error, or the id of the key that signed. Canonical texts for the log.

    The caller, which the service fills in, outlives the key: an execution can come later. The
    root user has an ARN but no name.
    """

    claim: Claim | None = None
    access_key_id: str | None = None
    caller_arn: str | None = None
    caller_name: str | None = None
    error: ServiceError | None = None
    canonical_request: str | None = None
    string_to_sign: str | None = None


def authenticate(
    request: Request,
    now: datetime,
    secret_of: Callable[[str], str | None],
    expected: Callable[[Claim], Expectation],
    token_of: Callable[[str], str | None] = lambda access_key_id: None,
) -> Verdict:
    """Verify a request's signature.

    `secret_of` gives the secret of a key id that may sign now, or None. `expected` is asked with
    the claim, since what is expected of the scope can depend on the operation called for.
    `token_of` gives the session token that must come with a key id, or None.
    """
    verdict = Verdict()
    try:
        claim = verdict.claim = read_claim(request)
        expectation = expected(claim)
        check_time(claim, expectation, now)
        check_signed_headers(claim, request)
        if claim.algorithm != sigv4.ALGORITHM:
            raise errors.incomplete_signature(
                f"Unsupported AWS 'algorithm': '{claim.algorithm}' "
                f"(only {sigv4.ALGORITHM} for now). "
            )
        check_scope(claim, expectation)
        secret = secret_of(claim.parts[0])
        if secret is None:
            raise errors.invalid_client_token_id()
        check_signature(claim, request, secret, verdict)
        if claim.token != token_of(claim.parts[0]):
            raise errors.invalid_client_token_id()
        verdict.access_key_id = claim.parts[0]
    except ServiceError as error:
        verdict.error = error
    return verdict


def read_claim(request: Request) -> Claim:
    """Find the signature in the Authorization header or in the query string."""
    headers = [value for value in request.values("authorization") if value.startswith("AWS4-")]
    query = dict(parse_qsl(request.query, keep_blank_values=True, encoding="latin-1"))
    if len(headers) > 1 or (headers and "X-Amz-Signature" in query):
        raise errors.incomplete_signature("Only one auth mechanism allowed. ")
    if headers:
        return _claim_of_header(headers[0], request)
    if query.get("X-Amz-Algorithm", "").startswith("AWS4-"):
        return _claim_of_query(query)
    raise errors.missing_authentication_token()


def _claim_of_header(authorization: str, request: Request) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    digest = base64.b64encode(hashlib.sha256(authorization.encode("latin-1")).digest()).decode()
    shown = f"(Hashed with SHA-256 and encoded with Base64) Authorization={digest}"
    fields: dict[str, str] = {}
    for item in rest.split(","):
        name, equals, value = item.strip().partition("=")
        if not equals:
            raise errors.incomplete_signature(
                f"'{name}' not a valid key=value pair (missing equal-sign) "
                f"in Authorization header: {shown}."
            )
        fields[name] = value
    amz_date = request.value("x-amz-date")
    missing = [
        name for name in ("Credential", "Signature", "SignedHeaders") if not fields.get(name)
    ]
    complaint = "".join(f"Authorization header requires '{name}' parameter. " for name in missing)
    if amz_date is None:
        complaint += "Authorization header requires existence of either a 'X-Amz-Date' "
        complaint += "or a 'Date' header. "
    if complaint:
        raise errors.incomplete_signature(complaint + shown)
    return Claim(
        algorithm,
        fields["Credential"],
        fields["SignedHeaders"].split(";"),
        fields["Signature"],
        amz_date or "",
        token=request.value("x-amz-security-token"),
    )


def _claim_of_query(query: dict[str, str]) -> Claim:
    needed = ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
    missing = [name for name in needed if not query.get(name)]
    if missing:
        raise errors.incomplete_signature(
            "".join(f"AWS query-string parameters must include '{name}'. " for name in missing)
            + "Re-examine the query-string parameters."
        )
    return Claim(
        query["X-Amz-Algorithm"],
        query["X-Amz-Credential"],
        query["X-Amz-SignedHeaders"].split(";"),
        query["X-Amz-Signature"],
        query["X-Amz-Date"],
        presigned=True,
        expires=query.get("X-Amz-Expires"),
        token=query.get("X-Amz-Security-Token"),
    )


def check_time(claim: Claim, expectation: Expectation, now: datetime) -> None:
    """Refuse a signature made too long ago or too far ahead.

    IAM and STS take five minutes either way, fifteen for a presigned request whatever its
    X-Amz-Expires says; other services go by X-Amz-Expires.
    """
    try:
        signed = datetime.strptime(claim.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise errors.incomplete_signature(
            f"Date must be in ISO-8601 'basic format'. Got '{claim.amz_date}'. "
            "See http://en.wikipedia.org/wiki/ISO_8601"
        ) from None
    minutes = PRESIGNED_MINUTES if claim.presigned else HEADER_MINUTES
    if signed > now + timedelta(minutes=minutes):
        raise errors.signature_not_yet_current(signed, now, minutes)
    if claim.presigned and expectation.service is None:
        if not (claim.expires or "").isdigit():
            raise errors.incomplete_signature(
                "AWS query-string parameters must include 'X-Amz-Expires'. "
                "Re-examine the query-string parameters."
            )
        seconds = int(claim.expires or 0)
        if not 1 <= seconds <= LONGEST_PRESIGNED_SECONDS:
            raise errors.incomplete_signature("X-Amz-Expires must be less than a week (in seconds)")
        if now > signed + timedelta(seconds=seconds):
            raise errors.request_expired()
    elif signed < now - timedelta(minutes=minutes):
        raise errors.signature_expired(signed, now, minutes)


def check_signed_headers(claim: Claim, request: Request) -> None:
    """Host, the date and every X-Amz-* header sent must be covered by the signature."""
    if "host" not in claim.signed_headers:
        raise errors.signature_does_not_match(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    sent = {name.lower() for name, _ in request.headers}
    unsigned = {name for name in sent if name.startswith("x-amz-")} - set(claim.signed_headers)
    if unsigned:
        raise errors.signature_does_not_match(
            "Header(s) must be a 'SignedHeader' in the AWS Authorization: "
            + ", ".join(sorted(unsigned))
        )


def check_scope(claim: Claim, expectation: Expectation) -> None:
    """Compare the credential scope with what the service expects; all complaints at once."""
    if len(claim.parts) != 5:
        raise errors.incomplete_signature(
            "Credential must have exactly 5 slash-delimited elements, "
            f"e.g. keyid/date/region/service/term, got '{claim.credential}'"
        )
    _, date, region, service, terminator = claim.parts
    complaint = ""
    if expectation.region not in (None, region):
        complaint += "Credential should be scoped to a valid region. "
    if expectation.service not in (None, service):
        complaint += f"Credential should be scoped to correct service: '{expectation.service}'. "
    if terminator != sigv4.TERMINATOR:
        complaint += (
            f"Credential should be scoped with a valid terminator: '{sigv4.TERMINATOR}', "
            f"not '{terminator}'. "
        )
    if date != claim.amz_date[:8]:
        complaint += (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
            f"from HTTP: '{date}' != '{claim.amz_date[:8]}', from '{claim.amz_date}'. "
        )
    if complaint:
        raise errors.signature_does_not_match(complaint)


def check_signature(claim: Claim, request: Request, secret: str, verdict: Verdict) -> None:
    """Compute the signature from the request as received and compare."""
    _, date, region, service, _ = claim.parts
    verdict.canonical_request = canonical = sigv4.canonical_request(
        request.method,
        sigv4.canonical_path(request.path, service),
        sigv4.canonical_query(request.query, "X-Amz-Signature" if claim.presigned else None),
        sigv4.canonical_headers(request.headers, claim.signed_headers),
        claim.signed_headers,
        payload_hash(claim, request, service),
    )
    scope = sigv4.credential_scope(date, region, service)
    verdict.string_to_sign = to_sign = sigv4.string_to_sign(claim.amz_date, scope, canonical)
    key = sigv4.signing_key(secret, date, region, service)
    if not hmac.compare_digest(
        sigv4.signature(key, to_sign).encode(), claim.signature.encode("latin-1")
    ):
        raise errors.signature_does_not_match()


def payload_hash(claim: Claim, request: Request, service: str) -> str:
    """The body's hash as the service computes it; S3 alone lets the client leave it unsigned."""
    computed = sigv4.sha256_hex(request.body)
    if service != "s3":
        return computed
    declared = request.value("x-amz-content-sha256")
    if declared is None and claim.presigned:
        return sigv4.UNSIGNED_PAYLOAD
    if declared not in (computed, sigv4.UNSIGNED_PAYLOAD):
        raise errors.content_sha256_mismatch()
    return declared
