"""Step type `mask`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from engine.core.masking import HIDDEN, mask_email_text, mask_phone_text, mask_texts, mask_value
from engine.sdk import PURE, UNKNOWN, Build, DeepPath, Frame, Options, Shape, Step, step
from engine.steps.support.paths import check_path, replace, tree_of

Mask = Callable[[Any], Any]


@step("mask")
class MaskStep(Step):
    """Makes private values unreadable: card numbers, mail addresses, phone numbers, and named paths.

    `mask: {pan: everywhere}` shortens card numbers to the first six and last four digits, in texts, numbers and keys;
    order numbers, GTINs, UUIDs and hashes stay. `email: everywhere` leaves the first letter and the domain, `phone:
    everywhere` the last two digits of numbers written with their country code. `paths` become `***` whatever they
    hold; null and missing stay as they are.
    Never fails. A path that the schema does not have is a finding.
    """

    reaches = PURE

    class Config(Options):
        pan: Literal["everywhere"] | None = Field(None, description="shorten card numbers wherever they stand")
        email: Literal["everywhere"] | None = Field(None, description="hide mail addresses wherever they stand")
        phone: Literal["everywhere"] | None = Field(None, description="hide phone numbers wherever they stand")
        paths: list[DeepPath] = Field(
            default_factory=list, description="values to hide whole", examples=[["customer.name"]]
        )

    def __init__(self, config: Config, build: Build) -> None:
        for index, path in enumerate(config.paths):
            check_path(path, build, "paths", index)
        self._paths = config.paths
        self._masks = _masks(config)
        if not self._masks:
            build.finding("TF1171", "nothing is masked", help="name pan, email, phone or paths: {pan: everywhere}")

    def run(self, frame: Frame) -> None:
        data = frame.data
        for mask in self._masks:
            data = mask(data)
        frame.data = data

    def shape(self, shape: Shape) -> Shape:
        for path in self._paths:
            shape = shape.with_path(path, UNKNOWN)
        return shape


def _masks(config: MaskStep.Config) -> list[Mask]:
    tree = tree_of(config.paths)
    masks: list[Mask] = []
    if config.paths:
        masks.append(lambda data: replace(data, tree, _hide))
    if config.pan:
        masks.append(mask_value)
    if config.email:
        masks.append(lambda data: mask_texts(data, mask_email_text))
    if config.phone:
        masks.append(lambda data: mask_texts(data, mask_phone_text))
    return masks


def _hide(value: Any) -> Any:
    return None if value is None else HIDDEN
