"""The format `xml`: any document in one normal form."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import Field, field_validator

from connectors.core.formats.caps import MAX_SIZE, corrupt, guard
from connectors.core.formats.xml_outline import require_kind
from connectors.core.formats.xml_tree import Node, elements
from engine import sdk
from engine.sdk import BadRecord, Format, Options, Record, Size, problem


class Names:
    """Element and attribute names by declared alias: `acs:Itemizers`; the alias for the bare names is empty.

    A name of a namespace nobody declared keeps it in full, `{namespace}local`, so that two never fall together.
    """

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._alias = {uri: alias for alias, uri in namespaces.items()}

    def __call__(self, tag: str) -> str:
        if not tag.startswith("{"):
            return tag
        uri, _, local = tag[1:].partition("}")
        alias = self._alias.get(uri)
        if alias is None:
            return tag
        return f"{alias}:{local}" if alias else local

    def qualified(self, name: str) -> str:
        """The other way: `acs:Itemizers` as `{namespace}Itemizers`; a bare name stays bare."""
        alias, colon, local = name.rpartition(":")
        uri = next((uri for uri, known in self._alias.items() if known == alias), None)
        return f"{{{uri}}}{local}" if uri is not None and colon else name


def normal_form(node: Node, names: Names, single: Collection[str] = (), text_only: Collection[str] = ()) -> Any:
    """`{"@attribute": .., "#": text, child: [..]}`; children are lists unless declared single.

    An element in `text_only` is its text; its attributes, if any, stand beside it as `name@attribute`.
    """
    form: dict[str, Any] = {f"@{names(key)}": value for key, value in node.attributes.items()}
    text = node.text.strip()
    if text:
        form["#"] = text
    for child in node.children:
        name = names(child.tag)
        made: Any = normal_form(child, names, single, text_only)
        if name in text_only:
            if child.children:
                raise ValueError(f"line {child.line}: `{name}` is declared as text and has elements in it")
            beside = {f"{name}{key}": value for key, value in made.items() if key.startswith("@")}
            form.update(beside)
            made = made.get("#", "")
        if name not in single:
            form.setdefault(name, []).append(made)
        elif name in form:
            raise ValueError(f"line {child.line}: `{name}` is declared single and occurs twice in one element")
        else:
            form[name] = made
    return form


@sdk.format("xml")
class Xml(Format):
    """An XML document, or the elements at a path in it, in one normal form.

    Children are lists, so a receipt with one line looks like a receipt with two, unless `single` names them;
    attributes are `@name`, text is `#`, names of a namespace carry the alias declared for it. Document types,
    entities and external references are refused. A torn document is one work item; one whose root is that of `record`
    and that holds no such element has no records.
    """

    class Config(Options):
        record: str = Field(
            "", description="Path to the element of one record; empty: the whole document.", examples=["Orders/Order"]
        )
        namespaces: dict[str, str] = Field(
            default_factory=dict,
            description="Alias of each namespace; the empty alias gives bare names.",
            examples=[{"": "http://example.com/orders", "x": "http://example.com/extra"}],
        )
        single: list[str] = Field(
            default_factory=list, description="Elements that occur at most once: an object, not a list."
        )
        text_only: list[str] = Field(
            default_factory=list, description="Elements that are only text: the text itself, not an object."
        )
        max_size: Size = Field(MAX_SIZE, description="Largest document that is read.", examples=["64MiB"])

        @field_validator("namespaces")
        @classmethod
        def _once(cls, namespaces: dict[str, str]) -> dict[str, str]:
            if len(set(namespaces.values())) != len(namespaces):
                raise problem("TF5006", "two aliases stand for one namespace", "give each namespace one alias")
            return namespaces

        @field_validator("record")
        @classmethod
        def _path(cls, record: str) -> str:
            if record and not all(record.split("/")):
                raise problem("TF5007", f"`{record}` is not a path of elements", "write Orders/Order")
            return record

    def __init__(self, config: Config) -> None:
        self._config = config
        self._names = Names(config.namespaces)
        self._path = tuple(self._names.qualified(part) for part in config.record.split("/")) if config.record else ()
        self._single = frozenset(config.single)
        self._text_only = frozenset(config.text_only)

    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        """The elements at `record`, in order."""
        guard(content, name, self._config.max_size)
        number = -1
        for number, element in enumerate(elements(content, name, self._path)):
            try:
                data = normal_form(element.node, self._names, self._single, self._text_only)
            except ValueError as error:
                yield BadRecord(corrupt(name, str(error)), number, element.node.line, element.raw)
                continue
            yield Record(data, number, element.node.line)
        if number < 0:
            require_kind(content, name, self._path, self._config.record)
