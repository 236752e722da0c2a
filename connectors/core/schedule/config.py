"""Configuration of `core.schedule`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from connectors.core.schedule.cron import Cron, time_of_day
from engine.sdk import Duration, Options, problem


class ScheduleConfig(Options):
    """When a route starts by itself. Exactly one of `every`, `at` and `cron`."""

    every: Duration | None = Field(
        None, description="A period, counted from 1970 so that every process agrees.", examples=["15m"]
    )
    at: list[str] = Field(default_factory=list, description="Times of day.", examples=[["06:00", "18:30"]])
    cron: str = Field("", description="Five fields: minute hour day month weekday.", examples=["0 6 * * mon-fri"])
    zone: str = Field("UTC", description="Time zone of `at` and `cron`.", examples=["Europe/Madrid"])
    catch_up: Literal["none", "last", "all"] = Field(
        "last", description="Ticks missed while nothing ran: none of them, the last one, or all (at most 1000)."
    )

    @field_validator("every")
    @classmethod
    def _not_too_often(cls, every: float | None) -> float | None:
        if every is not None and every < 1:
            raise problem("TF5031", "a schedule does not tick more than once a second", "write every: 1s or longer")
        return every

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            nearest = next(iter(get_close_matches(zone, available_timezones(), 1)), "")
            hint = "write Europe/Madrid, America/New_York or UTC"
            raise problem("TF5032", f"`{zone}` is not a time zone", hint, nearest)
        return zone

    @field_validator("at")
    @classmethod
    def _times(cls, at: list[str]) -> list[str]:
        for text in at:
            try:
                time_of_day(text)
            except ValueError as error:
                raise problem("TF5033", str(error), "write at: ['06:00']") from None
        return at

    @field_validator("cron")
    @classmethod
    def _fields(cls, cron: str) -> str:
        try:
            return cron if not cron or Cron.parse(cron, ZoneInfo("UTC")) else ""
        except ValueError as error:
            raise problem("TF5034", str(error), "write cron: '0 6 * * mon-fri'") from None

    @model_validator(mode="after")
    def _one(self) -> ScheduleConfig:
        given = [name for name in ("every", "at", "cron") if getattr(self, name)]
        if len(given) != 1:
            raise problem("TF5030", "a schedule has exactly one of `every`, `at` and `cron`", "write at: ['06:00']")
        return self

    def plan(self) -> Cron | float:
        """Seconds of a period, or times of day."""
        if self.every is not None:
            return self.every
        zone = ZoneInfo(self.zone)
        if self.cron:
            return Cron.parse(self.cron, zone)
        return Cron.daily([time_of_day(text) for text in self.at], zone)
