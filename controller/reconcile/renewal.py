"""Ends the back-offs that credentials caused, once they are corrected or an operator asks: the next probe goes at once.

Called when the controller opens its ledger, so a restart with the same secrets changes nothing. Nothing is paid by it:
an account's probe is a submission that waits anyway, and a bucket is only listed.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import pbkdf2_hmac

from controller.ledger.ledger import Ledger
from controller.model.submission import Submission
from controller.settings.deployments import Credential
from controller.settings.settings import Settings

ROUNDS = 2_000
DIGITS = 6
"""Enough to notice a change, and too few to learn a secret from."""
ACCOUNT = "account"


def renew(ledger: Ledger, settings: Settings, salt: str, now: datetime, *, is_asked: bool) -> None:
    """Compare the secrets with those of the last start; with `is_asked` all of them are tried anew."""
    secret = settings.client_secret.get_secret_value() if settings.client_secret else ""
    with ledger.transaction():
        if ledger.is_new_secret(ACCOUNT, _fingerprint(salt, secret)) or is_asked:
            ledger.renew_account(now)
        renewed = _renewed_buckets(ledger, settings.credentials, salt)
        for submission in list(ledger.everything()):
            if _is_unread(submission, now) and (is_asked or submission.credentials_ref in renewed):
                ledger.save(replace(submission, look_at=now))


def _renewed_buckets(ledger: Ledger, credentials: Mapping[str, Credential], salt: str) -> set[str | None]:
    """The credentials with another key pair; None with them, since a role's bucket is read with any that fits."""
    found: set[str | None] = {
        name for name, each in credentials.items() if ledger.is_new_secret(f"bucket {name}", _pair(salt, each))
    }
    return found | {None} if found else found


def _is_unread(submission: Submission, now: datetime) -> bool:
    """Whether its next check is later only because its bucket could not be read."""
    seen, look_at = submission.evidence, submission.look_at
    return seen is not None and not seen.readable and look_at is not None and look_at > now


def _pair(salt: str, credential: Credential) -> str:
    keys = (credential.access_key, credential.secret_access_key)
    return _fingerprint(salt, "\n".join(key.get_secret_value() if key else "" for key in keys))


def _fingerprint(salt: str, secret: str) -> str:
    return pbkdf2_hmac("sha256", secret.encode(), salt.encode(), ROUNDS).hex()[:DIGITS]
