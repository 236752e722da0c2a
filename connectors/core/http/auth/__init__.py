"""Schemes that prove who sends a request, and the field that names one."""

from connectors.core.http.auth.field import SCHEMES, AuthUse, OptionalAuth, fit_for_senders, fit_for_sending

__all__ = ["SCHEMES", "AuthUse", "OptionalAuth", "fit_for_senders", "fit_for_sending"]
