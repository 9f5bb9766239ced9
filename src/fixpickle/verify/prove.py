"""Patches -> verdicts: the side of the proof that never runs user code.

One pair of interpreters tries what every patch names, as the files are, and one pair as they would be. They stay for
the rest of the run, and are asked again where the files are the same. What fails is stacked again on what held, half by
half, until the patch that is to blame stands alone.
"""

from __future__ import annotations

import tokenize
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixpickle.model import (
    CellsRun,
    Compose,
    FromScript,
    Ground,
    ImportWeight,
    Overlay,
    Patch,
    Refuted,
    Settings,
    Subject,
    Trainable,
    Unproved,
    Verdict,
)
from fixpickle.verify.afar import Afar, Crew
from fixpickle.verify.attempt import Attempt, Side
from fixpickle.verify.exchange import Broken, Crossed, Scene, Trial, cross
from fixpickle.verify.judge import Try, first, judge, weaker
from fixpickle.verify.launch import Limits
from fixpickle.verify.plan import Making, attempts, of_subjects, touched
from fixpickle.verify.script import trim, used
from fixpickle.verify.stations import Sources, Stations
from fixpickle.verify.tally import Progress, Tally, silent

_TRIAL = 240.0  # seconds: Ray takes half a minute to start and run one trial on an idle machine


class Prover:
    """Proves patches, with the same interpreters throughout a run. Use it in a `with` block, which ends them.

    Where there is a `crew` on other machines, it works off what can be worked off there.
    """

    def __init__(self, progress: Progress | None = None, crew: Crew | None = None) -> None:
        self._afar = Afar(crew) if crew is not None else None
        self._tally = Tally(progress) if progress is not None else silent()
        self._stations: Stations | None = None
        self._touched: frozenset[str] = frozenset()

    def __enter__(self) -> Prover:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stations is not None:
            self._stations.close()
            self._stations = None

    @property
    def remarks(self) -> Collection[str]:
        """What the user should know of how user code was run: which limits this system could not keep."""
        return sorted(self._stations.remarks) if self._stations else ()

    def prove(
        self, patches: Sequence[Patch], before: Overlay, compose: Compose, ground: Ground, settings: Settings
    ) -> tuple[Verdict, ...]:
        """A verdict for each patch, in the same order.

        `before` holds the texts as the run has them so far, and `compose` gives the texts with some of the patches
        applied to those. Nothing is written outside a temporary directory. User code runs in children of
        `settings.python` only, under the limits of `settings`.
        """
        place = _Place(ground, settings, self._stationed(settings), self._afar)
        self._tally.what = f"proving {len(patches)} fixes, step"
        self._touched |= touched(patches)
        tried = attempts(patches, _making(settings), ground, self._touched)
        return tuple(_Proof(patches, tried, before, compose, place).verdicts()) if patches else ()

    def examine(
        self, subjects: Sequence[Subject], before: Overlay, after: Overlay, ground: Ground, settings: Settings
    ) -> tuple[Verdict, ...]:
        """What becomes of each subject from one state of the files to another.

        `before` and `after` are texts over what is on disk. Nobody is looked for who is to blame.
        """
        place = _Place(ground, settings, self._stationed(settings), self._afar)
        self._tally.what = "looking at whole objects, step"
        tried = of_subjects(subjects, _making(settings), self._touched)
        if not tried:
            return ()
        tries = _tries(_Before(place.scene("before", before, tried), {}), place.scene("after", after, tried), tried)
        if isinstance(tries, Broken):
            return (Unproved(tries.reason),) * len(subjects)
        return tuple(judge(tries[i]) for i in range(len(subjects)))

    def weigh(self, packages: Sequence[str], settings: Settings) -> dict[str, float]:
        """The seconds that a fresh interpreter takes to import each of these; those that it cannot are left out."""
        tried = of_subjects([ImportWeight(package) for package in packages], _making(settings), ())
        place = _Place(Ground(()), settings, self._stationed(settings))
        found = cross(place.scene("before", {}, tried), tried) if tried else {}
        trials = {} if isinstance(found, Broken) else found
        notes = {a.subject.module: trials.get(a.key) for a in tried}
        return {package: float(one.note) for package, one in notes.items() if isinstance(one, Crossed)}

    def _stationed(self, settings: Settings) -> Stations:
        limits = Limits(settings.time_limit, settings.memory_limit, settings.process_limit, settings.network)
        if settings.prove_with_ray:
            # Ray reserves more address space than it uses, and starts threads and processes for itself.
            limits = replace(limits, seconds=max(limits.seconds, _TRIAL), megabytes=0, processes=4096)
        if self._stations is not None and (self._stations.python, self._stations.limits) != (settings.python, limits):
            self.__exit__()
        self._stations = self._stations or Stations(settings.python, limits, self._tally)
        return self._stations


def _making(settings: Settings) -> Making:
    return Making(settings.factories, settings.prove_used, settings.prove_with, settings.prove_with_ray)


def prove(
    patches: Sequence[Patch], before: Overlay, compose: Compose, ground: Ground, settings: Settings
) -> tuple[Verdict, ...]:
    """:meth:`Prover.prove` with interpreters that are started for this one call."""
    with Prover() as prover:
        return prover.prove(patches, before, compose, ground, settings)


def examine(
    subjects: Sequence[Subject], before: Overlay, after: Overlay, ground: Ground, settings: Settings
) -> tuple[Verdict, ...]:
    """:meth:`Prover.examine` with interpreters that are started for this one call."""
    with Prover() as prover:
        return prover.examine(subjects, before, after, ground, settings)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the children run, and what they are shown."""

    ground: Ground
    settings: Settings
    stations: Stations
    afar: Afar | None = None

    def scene(
        self,
        side: Side,
        overlay: Overlay,
        tried: Sequence[Attempt],
        *,
        alone: bool = False,
        beside: Mapping[Path, str] | None = None,
    ) -> Scene:
        """One side of a change. Of scripts it has what the attempts need, and what the texts `beside` it read."""
        texts = dict(overlay)
        runs: dict[Path, str] = {}
        for module, path in self.ground.scripts.items():
            of_module = [a.names(side) for a in tried if a.subject.module == module]
            texts.setdefault(path, _read(path))
            more = _used(beside[path]) if beside is not None and path in beside else frozenset()
            runs[path] = _trimmed(texts[path], more.union(*of_module) if of_module else None)
        mains: dict[Path, frozenset[str]] = {}
        for a in tried:
            if isinstance(a.subject, (FromScript, Trainable)) and a.subject.script is not None:
                mains[a.subject.script] = mains.get(a.subject.script, frozenset()) | a.names(side)
            elif isinstance(a.subject, CellsRun):
                texts.setdefault(a.subject.notebook, self._text(a.subject.notebook, texts))
        scripts = {path: _trimmed(self._text(path, texts), names) for path, names in mains.items()}
        roots = dict.fromkeys((*self.ground.roots, *(path.parent for path in mains)))
        return Scene(side, Sources(texts, runs, tuple(roots)), scripts, self.stations, alone, self.afar)

    def _text(self, script: Path, texts: Overlay) -> str:
        return texts.get(script) or self.ground.notebooks.get(script) or _read(script)


@dataclass(frozen=True, slots=True)
class _Proof:
    patches: Sequence[Patch]
    tried: Sequence[Attempt]
    texts: Overlay
    compose: Compose
    place: _Place

    def verdicts(self) -> Iterable[Verdict]:
        before = _Before(self.place.scene("before", self.texts, self.tried), {})
        found = self._settle((), range(len(self.patches)), before)
        for i in [i for i, verdict in found.items() if isinstance(verdict, Refuted)]:
            found.update(self._alone(i, found))
        return [found[i] for i in range(len(self.patches))]

    def _alone(self, suspect: int, found: Mapping[int, Verdict]) -> dict[int, Verdict]:
        """A refuted patch once more, both sides in interpreters of their own.

        In the batch, one module's failed import leaves parts of others behind, on one side and not on the other. And a
        script is left with what its new definitions need, some of which may be what cannot be imported.
        """
        own = [a for a in self.tried if a.patch == suspect]
        held = [i for i, verdict in found.items() if not isinstance(verdict, Refuted)]
        texts = self.compose([self.patches[i] for i in sorted({*held, suspect})])
        after = self.place.scene("after", {**self.texts, **texts}, own, alone=True)
        before = _Before(self.place.scene("before", self.texts, own, alone=True, beside=after.sources.runs), {})
        return self._together(held, [suspect], before, alone=True)

    def _settle(self, held: Collection[int], suspects: Sequence[int], before: _Before) -> dict[int, Verdict]:
        """Verdicts on `suspects`, stacked on the patches that `held`. Several refuted ones may be one's fault."""
        found = self._together(held, suspects, before)
        refuted = [i for i in suspects if isinstance(found[i], Refuted)]
        if len(refuted) < 2:
            return found
        half = len(refuted) // 2
        for part in (refuted[:half], refuted[half:]):
            held = {*held, *(i for i in suspects if not isinstance(found[i], Refuted))}
            found.update(self._settle(held, part, before))
        return found

    def _together(
        self, held: Collection[int], suspects: Sequence[int], before: _Before, *, alone: bool = False
    ) -> dict[int, Verdict]:
        wanted = [a for a in self.tried if a.patch in set(suspects)]
        texts = self.compose([self.patches[i] for i in sorted({*held, *suspects})])
        tries = _tries(before, self.place.scene("after", {**self.texts, **texts}, wanted, alone=alone), wanted)
        if isinstance(tries, Broken):
            return {i: Unproved(tries.reason) for i in suspects}
        return {i: judge(tries.get(i, ())) for i in suspects}


@dataclass(frozen=True, slots=True)
class _Before:
    """The side before a change, and what became of the attempts that were made on it so far."""

    scene: Scene
    trials: dict[str, Trial]

    def cross(self, attempts: Sequence[Attempt]) -> Broken | None:
        """Makes those attempts that were not made yet."""
        new = [a for a in attempts if a.key not in self.trials]
        found = cross(self.scene, new) if new else {}
        if isinstance(found, Broken):
            return found
        self.trials.update(found)
        return None


def _tries(before: _Before, scene: Scene, tried: Sequence[Attempt]) -> dict[int, list[Try]] | Broken:
    """What becomes of the attempts on both sides, by their patch. The weaker ones are made where they are needed."""
    tries: list[Try] = []
    wanted, tally = list(tried) if scene.alone else first(tried), scene.stations.tally
    while wanted:
        tally.begin(4 * len(wanted))  # each is sent and loaded, before the change and after it
        broken = before.cross(wanted)
        tally.at(2 * len(wanted))
        after = broken or cross(scene, wanted)
        if isinstance(after, Broken):
            return after
        tally.at(tally.of)
        tries += [Try(a, before.trials[a.key], after[a.key]) for a in wanted]
        wanted = weaker(tried, tries)
    found: dict[int, list[Try]] = {}
    for one in sorted(tries, key=lambda one: (one.attempt.patch, one.attempt.number)):
        found.setdefault(one.attempt.patch, []).append(one)
    return found


def _read(path: Path) -> str:
    """A script of which no text came along. One that cannot be read says so to whoever imports it."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        return _complaint(f"{path} cannot be read: {error}")


def _trimmed(text: str, names: frozenset[str] | None) -> str:
    try:
        return trim(text, names)
    except (SyntaxError, ValueError) as error:
        return _complaint(f"the script cannot be parsed: {error}")


def _used(text: str) -> frozenset[str]:
    try:
        return used(text)
    except (SyntaxError, ValueError):
        return frozenset()


def _complaint(message: str) -> str:
    return f"raise ImportError({message!r})\n"
