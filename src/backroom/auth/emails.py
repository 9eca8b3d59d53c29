"""Email addresses: one spelling for each mailbox."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

LONGEST = 254


def normalized(email: str) -> str | None:
    """The address as it is stored and looked up, or None if it is none.

    Trimmed, in Unicode form NFC, and lower-case as a whole. Mail servers may tell `Ann@` from `ann@`, but none that people use does, and two
    accounts that differ by case alone would let a stranger pass for somebody. Dots and `+tags` are kept: what they mean differs from host to host.

    >>> normalized(" Ann@Example.com ")
    'ann@example.com'
    """
    text = email.strip()
    if not text or len(text) > LONGEST:
        return None
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None
