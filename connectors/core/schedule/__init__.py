"""Ticks: events that time itself brings."""

from connectors.core.schedule.source import ScheduleSource
from engine.sdk import Connector

connector = Connector("core.schedule", components=(ScheduleSource,), summary="Events at fixed times")
