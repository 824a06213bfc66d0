"""Describe errors of the event queue in sentences of this program's own: AWS's texts may quote credentials."""

from __future__ import annotations

import re
from typing import Final

from bwp_tui.settings import EventQueue


class EventQueueError(Exception):
    """The event queue cannot be used now; `str()` is a sentence without a credential."""


INSTALL_SENTENCE: Final = "Events need another package; run in the clone: pip install '.[events]'"

_CODE: Final = re.compile(r"[\w.:-]{1,80}")
_OFF_CLOCK: Final = re.compile(r"Signature (?:expired|not yet current)")

_DENIED: Final = (
    "AWS denies the use of the event queue: these credentials need sqs:ReceiveMessage, sqs:DeleteMessage and"
    " sqs:GetQueueAttributes on it."
)
_EXPIRED: Final = "The AWS session has expired: sign in again (aws sso login, or new AWS_ variables)."
_REFUSED: Final = "AWS refuses the credentials for the event queue: check the AWS profile or the AWS_ variables."
_NO_QUEUE: Final = "There is no event queue at queue_url in region {region}: check both."
_THROTTLED: Final = "AWS throttles the reading of the event queue."
_CLOCK: Final = "AWS refuses the time of this machine: set its clock."
_KEY_POLICY: Final = "AWS denies the use of the event queue's encryption key: these credentials need kms:Decrypt on it."

_BY_CODE: Final = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidClientTokenId": _REFUSED,
    "InvalidAccessKeyId": _REFUSED,
    "InvalidSecurity": _REFUSED,
    "MissingAuthenticationToken": _REFUSED,
    "SignatureDoesNotMatch": _REFUSED,
    "InvalidSignatureException": _REFUSED,
    "UnrecognizedClientException": _REFUSED,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "QueueDoesNotExist": _NO_QUEUE,
    "NonExistentQueue": _NO_QUEUE,
    "InvalidAddress": _NO_QUEUE,
    "RequestThrottled": _THROTTLED,
    "Throttling": _THROTTLED,
    "ThrottlingException": _THROTTLED,
}
"""Sentences by AWS's error code, without its prefix."""

_NO_CREDENTIALS: Final = "There are no AWS credentials for the event queue: set aws_profile or the AWS_ variables."
_UNREACHABLE: Final = "The event queue cannot be reached."
_BY_CLASS: Final = {
    "ImportError": INSTALL_SENTENCE,
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": "The AWS credentials for the event queue are incomplete.",
    "CredentialRetrievalError": "The AWS credentials cannot be fetched: run the AWS profile's command yourself.",
    "ProfileNotFound": "The AWS profile that aws_profile or AWS_PROFILE names does not exist.",
    "SSOError": _EXPIRED,
    "TokenRetrievalError": _EXPIRED,
    "LoginError": _EXPIRED,
    "SSLError": "The certificate of the event queue is not trusted: check SSL_CERT_FILE or AWS_CA_BUNDLE.",
    "ProxyConnectionError": "The event queue cannot be reached through the proxy: check HTTPS_PROXY.",
    "ConnectionError": _UNREACHABLE,
    "HTTPClientError": _UNREACHABLE,
}
"""Sentences by the name of botocore's class of error; its classes are not imported for it."""


def operator_sentence(error: BaseException, queue: EventQueue) -> str:
    """Return what is wrong and what to do, in a sentence that quotes only the error code."""
    refusal = _aws_refusal(error)
    if refusal is not None:
        code, message = refusal
        if _OFF_CLOCK.match(message):
            return _CLOCK
        if code.startswith("KMS."):
            return _KEY_POLICY
        sentence = _BY_CODE.get(code.rpartition(".")[2], f"AWS refuses the use of the event queue ({code}).")
        return sentence.format(region=queue.region)
    names = [kind.__name__ for kind in type(error).__mro__]
    sentences = (_BY_CLASS[name] for name in names if name in _BY_CLASS)
    return next(sentences, f"The event queue cannot be used ({names[0]}).")


def _aws_refusal(error: BaseException) -> tuple[str, str] | None:
    """Return the code and the message of an error that AWS responded with, or None."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return None
    found = response.get("Error", {})
    code = str(found.get("Code", ""))
    return code if _CODE.fullmatch(code) else "no code", str(found.get("Message", ""))
