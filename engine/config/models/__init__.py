"""The skeleton of every kind of file: which keys stand where. See `base` for what a skeleton is."""

from engine.config.models.base import OpenSkeleton, Skeleton
from engine.config.models.params import ParamDoc
from engine.config.models.regions import OverlayDoc, PackDoc
from engine.config.models.resources import (
    BreakerDoc,
    ConnectionDoc,
    ConnectionsDoc,
    LimitsDoc,
    MappingDoc,
    TableDoc,
    TablesDoc,
)
from engine.config.models.route import FromDoc, OrderedDoc, RetryDoc, RouteDoc, SinkDoc, SubflowDoc
from engine.config.models.scopes import ScopeLayers, ScopesDoc
from engine.config.models.step import COMMON, OnErrorDoc, StepDoc
from engine.config.models.tests import CaseDoc, TestsDoc

__all__ = [
    "COMMON",
    "BreakerDoc",
    "CaseDoc",
    "ConnectionDoc",
    "ConnectionsDoc",
    "FromDoc",
    "LimitsDoc",
    "MappingDoc",
    "OnErrorDoc",
    "OpenSkeleton",
    "OrderedDoc",
    "OverlayDoc",
    "PackDoc",
    "ParamDoc",
    "RetryDoc",
    "RouteDoc",
    "ScopeLayers",
    "ScopesDoc",
    "SinkDoc",
    "Skeleton",
    "StepDoc",
    "SubflowDoc",
    "TableDoc",
    "TablesDoc",
    "TestsDoc",
]
