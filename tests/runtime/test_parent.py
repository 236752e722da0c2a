"""One parent, one child: deaths make suspects, suspects that kill again are poison, nothing else is."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from engine.core.errors import StoreDown
from engine.runtime import parent as parents
from engine.runtime.parent import Parent
from engine.runtime.watch import SLOTS, Known, Watch, executing_in, read_suspects, write_down
from tests.runtime.deaths import note_death

WORKER = """
    import os, signal, sys
    sys.path.insert(0, {root!r})
    from pathlib import Path
    from engine.runtime.watch import Watch

    folder = Path(os.environ["TILLFLOW_MARKS"])
    with (folder / "lives").open("a") as lives:
        lives.write("x")
    watch = Watch.from_environment()
    done = folder / "done"

    def execute(name):
        with watch.executing([(name, 1)], alone=watch.suspect(name)):
            if name == "killer":
                os.kill(os.getpid(), signal.SIGKILL)

    todo = ["first", "second", "killer", "third"]
    for name in todo:
        finished = done.read_text().split() if done.exists() else []
        if name in finished:
            continue
        if watch.poison(name, 1):
            outcome = "poison:" + name
        else:
            execute(name)
            outcome = name
        with done.open("a") as file:
            file.write(outcome + " ")
    sys.exit(0)
"""


def parent(folder: Path, script: str, said: list[str], **facts: object) -> Parent:
    code = textwrap.dedent(script).replace("{root!r}", repr(str(Path(__file__).resolve().parents[2])))
    known: dict[str, object] = {"ends": frozenset({0, 2}), "say": said.append, "sleep": lambda seconds: None}
    return Parent([sys.executable, "-c", code], folder, **{**known, **facts})  # type: ignore[arg-type]


def test_the_one_that_kills_is_found_and_everything_else_is_done(tmp_path: Path) -> None:
    said: list[str] = []

    assert parent(tmp_path, WORKER, said).run() == 0

    assert (tmp_path / "done").read_text().split() == ["first", "second", "poison:killer", "third"]
    assert len((tmp_path / "lives").read_text()) == 3
    assert [("1 new suspects, 0 poison" in text, "0 new suspects, 1 poison" in text) for text in said] == [
        (True, False),
        (False, True),
    ]


def test_a_child_that_leaves_on_purpose_is_not_started_again(tmp_path: Path) -> None:
    said: list[str] = []

    assert parent(tmp_path, "raise SystemExit(2)", said).run() == 2

    assert said == []
    assert read_suspects(tmp_path) == Known()


def test_a_child_that_fails_on_its_own_is_started_again_ever_more_slowly(tmp_path: Path) -> None:
    script = """
        import os, sys
        lives = os.path.join(os.environ["TILLFLOW_MARKS"], "lives")
        with open(lives, "a") as file:
            file.write("x")
        sys.exit(1 if os.path.getsize(lives) < 4 else 0)
    """
    said: list[str] = []
    rests: list[float] = []

    assert parent(tmp_path, script, said, sleep=rests.append, first_pause=0.2).run() == 0

    assert len(said) == 3
    assert sum(rests) == pytest.approx(0.2 + 0.4 + 0.8)


def test_on_a_full_disk_what_is_known_stays_in_memory_until_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    full = [OSError(errno.ENOSPC, "No space left on device") for _ in range(3)]  # two deaths, one try before a life
    written: list[Known] = []

    def write(folder: Path, known: Known) -> None:
        if full:
            raise full.pop()
        written.append(known)
        write_down(folder, known)

    monkeypatch.setattr(parents, "write_down", write)
    rests: list[float] = []

    assert parent(tmp_path, WORKER, said, sleep=rests.append).run() == 0

    refused = "the worker died (signal 9); what the dead worker executed cannot be noted: No space left on device"
    assert said[:2] == [f"{refused}; again in 0.2 s", f"{refused}; again in 0.4 s"]
    assert written[0].suspects == ("killer",), "what was judged meanwhile is told once it can be"
    assert (tmp_path / "done").read_text().split() == ["first", "second", "poison:killer", "third"]
    assert len((tmp_path / "lives").read_text()) == 4
    assert sum(rests) == pytest.approx(0.2 + 0.4 + 0.8)


def test_a_line_that_nobody_takes_ends_nothing(tmp_path: Path) -> None:
    def full(text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert parent(tmp_path, WORKER, [], say=full).run() == 0


def test_the_slots_keep_their_room_from_life_to_life(tmp_path: Path) -> None:
    """A full disk gives none again."""
    Watch(tmp_path).close()
    place = (tmp_path / "executing-1").stat().st_ino
    assert parent(tmp_path, WORKER, []).run() == 0
    assert (tmp_path / "executing-1").stat().st_ino == place


def test_a_child_that_cannot_note_what_it_executes_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLFLOW_MARKS", str(tmp_path))
    monkeypatch.delenv("TILLFLOW_WORKER", raising=False)
    (tmp_path / "executing-1").mkdir()
    with pytest.raises(StoreDown, match=r"cannot be noted in .*: Is a directory; make room there"):
        Watch.from_environment()


def test_a_stop_is_passed_on_and_is_no_death(tmp_path: Path) -> None:
    script = """
        import os, signal, sys, time
        from pathlib import Path
        folder = Path({tmp!r})
        sys.path.insert(0, {root!r})
        from engine.runtime.parent import Parent
        child = "import signal, sys, time, pathlib, os; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0));"
        child += "pathlib.Path(os.environ['TILLFLOW_MARKS'], 'up').touch(); time.sleep(60)"
        raise SystemExit(Parent([sys.executable, "-c", child], folder, frozenset({0}), print).run())
    """
    code = textwrap.dedent(script).replace("{root!r}", repr(str(Path(__file__).resolve().parents[2])))
    running = subprocess.Popen([sys.executable, "-c", code.replace("{tmp!r}", repr(str(tmp_path)))])
    deadline = time.monotonic() + 20
    while not (tmp_path / "up").exists() and time.monotonic() < deadline:
        time.sleep(0.02)

    os.kill(running.pid, signal.SIGTERM)

    assert running.wait(20) == 0
    assert not (tmp_path / "suspects.json").exists()


def test_what_is_executing_stands_in_memory_that_outlives_the_process(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    with watch.executing([("a" * 32, 3), ("b" * 32, 1)]):
        assert sorted(mark for _, mark in executing_in(tmp_path)) == [("a" * 32, 3), ("b" * 32, 1)]
    assert executing_in(tmp_path) == []
    watch.close()


def test_more_than_there_is_room_for_goes_unnoticed(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    with watch.executing([(f"{n:032x}", 1) for n in range(SLOTS + 100)]):
        with watch.executing([("x", 1)]):
            pass
        assert len(executing_in(tmp_path)) == SLOTS
    assert executing_in(tmp_path) == []
    watch.close()


def test_a_replayed_poison_is_a_suspect_with_a_new_chance(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    with watch.executing([("a", 1)]):
        note_death(tmp_path)
    watch = Watch(tmp_path)
    with watch.executing([("a", 1)], alone=True):
        note_death(tmp_path)

    watch = Watch(tmp_path)

    assert watch.poison("a", 1) and not watch.poison("a", 2) and watch.suspect("a")


def test_a_suspect_that_dies_in_company_is_poison_only_the_second_time(tmp_path: Path) -> None:
    (tmp_path / "suspects.json").write_text(json.dumps({"suspects": ["a"], "poison": []}))
    judged = []
    for other in ("b", "c"):
        watch = Watch(tmp_path)
        with watch.executing([("a", 1)], alone=True), watch.executing([(other, 1)]):
            note_death(tmp_path)
        known = read_suspects(tmp_path)
        judged.append((("a", 1) in known.poison, other in known.suspects))
        watch.close()

    assert judged == [(False, True), (True, True)]


def test_without_a_parent_nobody_is_suspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TILLFLOW_MARKS", raising=False)
    watch = Watch.from_environment()

    with watch.executing([("a", 1)]):
        assert not watch.suspect("a")


def test_what_one_child_died_of_is_a_suspect_to_the_others_while_they_run(tmp_path: Path) -> None:
    script = """
        import os, signal, sys, time
        sys.path.insert(0, {root!r})
        from pathlib import Path
        from engine.runtime.watch import Watch

        watch = Watch.from_environment()
        if os.environ["TILLFLOW_WORKER"] == "1" and not watch.suspect("killer"):
            while not (Path(os.environ["TILLFLOW_MARKS"]) / "up").exists():
                time.sleep(0.01)
            with watch.executing([("killer", 1)]):
                os.kill(os.getpid(), signal.SIGKILL)
        if os.environ["TILLFLOW_WORKER"] == "2":
            assert not watch.suspect("killer")
            (Path(os.environ["TILLFLOW_MARKS"]) / "up").touch()
            while not watch.suspect("killer"):
                time.sleep(0.01)
            sys.exit(2)
        time.sleep(60)
    """
    said: list[str] = []

    assert parent(tmp_path, script, said, children=2).run() == 2

    assert said == ["worker 1 died (signal 9); 1 new suspects, 0 poison; again in 0.2 s"]


@pytest.mark.parametrize(("lives", "code"), [(1, 4), (2, 0)])
def test_a_child_that_cannot_reach_a_service_is_tried_again_once_it_has_run(
    tmp_path: Path, lives: int, code: int
) -> None:
    script = """
        import os, sys
        lives = os.path.join(os.environ["TILLFLOW_MARKS"], "lives")
        with open(lives, "a") as file:
            file.write("x")
        sys.exit({2: 4, 3: 4, 4: 0}.get(os.path.getsize(lives), {first}))
    """
    said: list[str] = []
    first = 4 if lives == 1 else 1

    assert (
        parent(
            tmp_path, script.replace("{first}", str(first)), said, ends=frozenset({0, 4}), awaits=frozenset({4})
        ).run()
        == code
    )
    assert len(said) == (0 if lives == 1 else 3)


def test_children_are_told_beside_the_environment_of_the_parent_which_stays_as_it_is(tmp_path: Path) -> None:
    script = """
        import os, pathlib, sys
        pathlib.Path({folder!r}, "heard").write_text(os.environ["TILLFLOW_HTTP"])
    """.replace("{folder!r}", repr(str(tmp_path)))
    before = dict(os.environ)

    assert parent(tmp_path, script, [], variables={"TILLFLOW_HTTP": "127.0.0.1:8080"}).run() == 0

    assert (tmp_path / "heard").read_text() == "127.0.0.1:8080"
    assert dict(os.environ) == before
