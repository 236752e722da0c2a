"""Any typing mistake in a word of an overlay is a finding at its line. The words are marked; what a region is free to
choose (names of its own steps and fields, reasons, values without bounds) is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from engine.compile.reuse import Memory
from tests.compile.support import copied
from tests.regions.site import SITE, compiled

OVERLAY = """«tillflow»: 1
«overlay»: es-posting
«base»: «posting»@^1
«legal»: [{«ref»: a law, «review_by»: 2999-01-01}]
«effective»: {«since»: 2027-01-01, «until»: 2028-01-01}
«set»: {«way»: «line», «most»: 200}
«connect»: {«erp»: «outside-es»}
«fill»:
  «fiscal»:
    - {«id»: taxed, «enrich»: {«table»: «stores», «key»: «store», «into»: «extensions».«fiscal».store}}
    - «id»: rated
      «when»: «is_true»(«training»)
      «set»: {«extensions».«fiscal».rate: "«lookup»('«stores»', «store»).«rate»"}
    - {«id»: signed, «check»: [{«that»: «present»(«extensions».«fiscal».store.rate), «otherwise»: {«work_item»: no-rate}}]}
    - {«id»: limited, «check»: [{«that»: "«total» < «param»('«most»')", «otherwise»: {«work_item»: too-much}}]}
«fill_mapping»:
  «sale-to-entry»:
    «more»: {rate: {«expr»: «extensions».«fiscal».store.rate, «optional»: true}, day: «date», text: {«template»: "{{ «receipt» }}"}}
«insert»:
  - {«after»: «training», «steps»: [{«id»: marked, «set»: {«extensions».«local».mark: {«const»: es}}}]}
  - {«before»: «stamped», «steps»: [{«id»: later, «drop»: [«currency»]}]}
«disable»:
  - {«id»: «notes», «reason»: consent wording not approved}
«expects_change»:
  - {«test»: «a sale is posted and noted», «because»: notes is disabled, «sinks»: {«erp»: {«count»: 1}, «notes»: {count: 0}}}
"""
PATH = "routes/regions/es/posting.overlay.yaml"
PLAIN = OVERLAY.replace("«", "").replace("»", "")


def words() -> list[tuple[int, int, str]]:
    """(place in the plain text, number of the line, word)."""
    found = []
    for number, match in enumerate(re.finditer("«(.*?)»", OVERLAY)):
        at = match.start() - 2 * number
        found.append((at, OVERLAY.count("\n", 0, match.start()) + 1, match[1]))
    return found


def slips(word: str) -> Iterator[str]:
    """The word with one character left out, doubled, replaced, or swapped, in the middle and at both ends."""
    for index in sorted({0, len(word) // 2, len(word) - 1}):
        yield word[:index] + word[index + 1 :]
        yield word[:index] + word[index] + word[index:]
        yield word[:index] + "q" + word[index + 1 :]
    swapped = word[:1] + word[2:3] + word[1:2] + word[3:]
    if swapped != word:
        yield swapped


def test_the_overlay_without_a_mistake_has_no_finding() -> None:
    assert compiled({**SITE, PATH: PLAIN})[1] == []


@pytest.mark.parametrize("slip", range(4))
def test_every_mistake_is_told_at_its_line(slip: int) -> None:
    missed, memory = [], Memory()
    compiled({**SITE, PATH: PLAIN}, memory)
    for number, (at, line, word) in enumerate(words()):
        for position, typo in enumerate(slips(word)):
            if (number + position) % 4 != slip or typo == word:
                continue
            text = PLAIN[:at] + typo + PLAIN[at + len(word) :]
            found = compiled({**SITE, PATH: text}, copied(memory))[1]
            if not any((one.mark.file == PATH and one.mark.line == line) or one.code == "TF6016" for one in found):
                missed.append(f"line {line}: {word} -> {typo}: {[(f.code, f.mark.file, f.mark.line) for f in found]}")
    assert missed == []
