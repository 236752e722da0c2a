"""Step type `template`."""

from __future__ import annotations

from pydantic import Field

from engine.sdk import PURE, UNKNOWN, Build, Frame, Options, Path, Shape, Step, Template, TemplateRef, step


@step("template")
class TemplateStep(Step):
    """Renders a text from the data and puts it at a path.

    `template: {file: receipt-mail.j2, into: mail.body}` takes a file of mappings/templates, `text` stands in place.
    For a field of a request or a mapping write `{template: ..}` there instead.
    On failure: a template that reads what is not there, or grows beyond its caps, is a work item that names it; the
    data is not changed.
    """

    reaches = PURE

    class Config(Options):
        text: Template | None = Field(None, description="the template itself", examples=["Sale {{ receipt_no }}"])
        file: TemplateRef | None = Field(None, description="a file of mappings/templates", examples=["receipt-mail.j2"])
        into: Path = Field(description="where the text goes", examples=["mail.body"])

    def __init__(self, config: Config, build: Build) -> None:
        if (config.text is None) == (config.file is None):
            build.finding("TF1170", "a template has exactly one of `text` and `file`")
        if config.file is not None:
            self._template = build.template_file(config.file)
        else:
            self._template = config.text or build.template("")
        self._into = config.into

    def run(self, frame: Frame) -> None:
        frame.put(self._into, self._template.render(frame.data, frame.env))

    def shape(self, shape: Shape) -> Shape:
        return shape.with_path(self._into, UNKNOWN)
