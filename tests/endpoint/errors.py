"""The services' errors: codes, HTTP statuses and sentences as IAM and STS send them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from clock import basic

AWS_FAULT_NAMESPACE = "http://webservices.amazon.com/AWSFault/2005-15-09"


@dataclass
class ServiceError(Exception):
    """A refusal: what becomes an <ErrorResponse>. `namespace` overrides the service's own."""

    code: str
    message: str
    status: int = 400
    fault: str = "Sender"
    namespace: str | None = None


def missing_authentication_token() -> ServiceError:
    return ServiceError(
        "MissingAuthenticationToken", "Request is missing Authentication Token", 403
    )


def incomplete_signature(message: str) -> ServiceError:
    return ServiceError("IncompleteSignature", message, 403)


def invalid_client_token_id() -> ServiceError:
    return ServiceError(
        "InvalidClientTokenId", "The security token included in the request is invalid.", 403
    )


def expired_token() -> ServiceError:
    message = "The security token included in the request is expired"
    return ServiceError("ExpiredToken", message, 403)


def not_with_a_session(action: str) -> ServiceError:
    message = f"Cannot call {action} with session credentials"
    return ServiceError("AccessDenied", message, 403)


def wrong_mfa_code() -> ServiceError:
    message = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
    return ServiceError("AccessDenied", message, 403)


def signature_does_not_match(message: str | None = None) -> ServiceError:
    return ServiceError(
        "SignatureDoesNotMatch",
        message
        or "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. "
        "Consult the service documentation for details.",
        403,
    )


def signature_expired(signed: datetime, now: datetime, minutes: int) -> ServiceError:
    limit = now - timedelta(minutes=minutes)
    return signature_does_not_match(
        f"Signature expired: {basic(signed)} is now earlier than {basic(limit)} "
        f"({basic(now)} - {minutes} min.)"
    )


def signature_not_yet_current(signed: datetime, now: datetime, minutes: int) -> ServiceError:
    limit = now + timedelta(minutes=minutes)
    return signature_does_not_match(
        f"Signature not yet current: {basic(signed)} is still later than {basic(limit)} "
        f"({basic(now)} + {minutes} min.)"
    )


def request_expired() -> ServiceError:
    return ServiceError("RequestExpired", "Request has expired.", 400)


def content_sha256_mismatch() -> ServiceError:
    return ServiceError(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        400,
    )


def invalid_action(action: str, version: str) -> ServiceError:
    return ServiceError(
        "InvalidAction",
        f"Could not find operation {action} for version {version}",
        400,
        namespace=AWS_FAULT_NAMESPACE,
    )


def missing_action() -> ServiceError:
    return ServiceError(
        "MissingAction", "No action was specified", 400, namespace=AWS_FAULT_NAMESPACE
    )


def malformed_query_string(message: str) -> ServiceError:
    return ServiceError("MalformedQueryString", message, 400, namespace=AWS_FAULT_NAMESPACE)


def malformed_input(message: str) -> ServiceError:
    return ServiceError("MalformedInput", message, 400, namespace=AWS_FAULT_NAMESPACE)


def validation_error(message: str) -> ServiceError:
    return ServiceError("ValidationError", message, 400)


def constraint_violation(member: str, value: str | None, constraint: str) -> ServiceError:
    shown = "null" if value is None else f"'{value}'"
    return validation_error(
        f"1 validation error detected: Value {shown} at '{member}' "
        f"failed to satisfy constraint: Member must {constraint}"
    )


def no_such_user(name: str) -> ServiceError:
    return ServiceError("NoSuchEntity", f"The user with name {name} cannot be found.", 404)


def no_such_access_key(access_key_id: str) -> ServiceError:
    return ServiceError(
        "NoSuchEntity", f"The Access Key with id {access_key_id} cannot be found", 404
    )


def user_already_exists(name: str) -> ServiceError:
    return ServiceError("EntityAlreadyExists", f"User with name {name} already exists.", 409)


def key_quota_exceeded(quota: int) -> ServiceError:
    return ServiceError("LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {quota}", 409)


def user_still_has_keys() -> ServiceError:
    return ServiceError(
        "DeleteConflict", "Cannot delete entity, must delete access keys first.", 409
    )


def access_denied(arn: str, action: str, resource: str, explicit: bool) -> ServiceError:
    reason = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {action} action"
    )
    return ServiceError(
        "AccessDenied",
        f"User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}",
        403,
    )


def internal_failure() -> ServiceError:
    return ServiceError(
        "InternalFailure",
        "The request processing has failed because of an unknown error, exception or failure.",
        500,
        fault="Receiver",
    )
