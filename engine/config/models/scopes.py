"""How an event finds the company, country, state, brand and store group it belongs to."""

from __future__ import annotations

from typing import Literal

from engine.config.models.base import ExpressionText, Skeleton


class ScopeLayers(Skeleton):
    """One expression per layer, weakest first."""

    company: ExpressionText = None
    country: ExpressionText = None
    state: ExpressionText = None
    brand: ExpressionText = None
    store_group: ExpressionText = None


class ScopesDoc(Skeleton):
    """routes/scopes.yaml."""

    tillflow: Literal[1]
    scopes: ScopeLayers
