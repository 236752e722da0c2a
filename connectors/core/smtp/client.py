"""Sending one mail. Blocking: it runs in a thread."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage

from connectors.core.smtp.config import SmtpConfig
from engine.sdk import Failure, Permanent, Transient, UnknownOutcome


def send(config: SmtpConfig, mail: EmailMessage, timeout: float) -> None:
    """Hand a mail to the server. Raises Failure; UnknownOutcome once the mail itself may have been taken."""
    client: smtplib.SMTP | None = None
    try:
        client = connect(config, timeout)
        refused = client.send_message(mail)
        if refused:
            raise Permanent("refused", f"some recipients were refused: {', '.join(sorted(refused))}")
    except (smtplib.SMTPException, OSError) as error:
        raise failure_of(error, connected=client is not None) from error
    finally:
        if client is not None:
            client.close()


def connect(config: SmtpConfig, timeout: float) -> smtplib.SMTP:
    """Connected, encrypted and logged in. Raises SMTPException or OSError."""
    context = ssl.create_default_context()
    client: smtplib.SMTP
    if config.security == "tls":
        client = smtplib.SMTP_SSL(config.host, config.port, timeout=timeout, context=context)
    else:
        client = smtplib.SMTP(config.host, config.port, timeout=timeout)
    try:
        if config.security == "starttls":
            client.starttls(context=context)
        if config.user and config.password is not None:
            client.login(config.user, config.password.reveal())
    except BaseException:
        client.close()
        raise
    return client


def failure_of(error: Exception, connected: bool) -> Failure:
    """What an error of the mail server means."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Permanent("unauthorized", f"the server refused the log-in (code {error.smtp_code})")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = {code for code, _ in error.recipients.values()}
        detail = f"no recipient was accepted: {', '.join(sorted(error.recipients))}"
        return Permanent("refused", detail) if min(codes, default=500) >= 500 else Transient("refused-for-now", detail)
    if isinstance(error, smtplib.SMTPResponseException):
        said = (
            error.smtp_error.decode("utf-8", "replace")
            if isinstance(error.smtp_error, bytes)
            else str(error.smtp_error)
        )
        detail = f"code {error.smtp_code}: {said}"
        return Permanent("refused", detail) if error.smtp_code >= 500 else Transient("refused-for-now", detail)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Permanent("not-supported", str(error))
    detail = f"{type(error).__name__}: {error}"
    return UnknownOutcome("no-answer", detail) if connected else Transient("unavailable", detail)
