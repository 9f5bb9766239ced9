"""Every setting, declared once. What a key may be, what --help says and what the documentation lists come from here.

A new setting is a field of :class:`fixpickle.model.Settings`, which has its type and its default, and an entry here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum

from fixpickle.model import Evidence, Runtime, Settings, Strategy
from fixpickle.settings import kinds
from fixpickle.settings.kinds import Kind


class Stage(Enum):
    """Which commands have an option for a setting: those that find, or of these those that fix."""

    FIND = "find"
    FIX = "fix"


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the configuration and, where it has a `stage`, the long option of that name.

    `help` is one sentence. `metavar` stands for the value in --help, where that is no choice and no flag. `default` is
    the default in words, where the field of the settings does not tell.
    """

    key: str
    kind: Kind
    help: str
    stage: Stage | None = None
    metavar: str = ""
    default: str = ""

    @property
    def field(self) -> str:
        """The field of the settings that takes the value."""
        return self.key.replace("-", "_")


DECLARED: tuple[Setting, ...] = (
    Setting("select", kinds.RULES, "Only these rules.", Stage.FIND, "RULES", "all rules"),
    Setting("ignore", kinds.RULES, "Not these rules.", Stage.FIND, "RULES"),
    Setting("exclude", kinds.PATTERNS, "Leave out, as in a .gitignore.", Stage.FIND, "PATTERN"),
    Setting("force-exclude", kinds.TRUTH, "Leave it out also where it is named outright.", Stage.FIND),
    Setting("unsafe-fixes", kinds.TRUTH, "Fix also where behaviour can differ.", Stage.FIX),
    Setting("verify", kinds.TRUTH, "Prove each fix by running it.", Stage.FIX),
    Setting("python", kinds.INTERPRETER, "The interpreter that proves.", Stage.FIX, "PATH", "the environment's"),
    Setting("reach", kinds.choice(Evidence), "How sure it must be that a value is pickled.", Stage.FIND),
    Setting("runtime", kinds.choice(Runtime), "Copy what fixes need, or import it.", Stage.FIX),
    Setting("strategy", kinds.choice(Strategy), "What becomes of locks; see docs/strategies.md.", Stage.FIND),
    Setting(
        "baseline",
        kinds.BASELINE_FILE,
        "Leave out the findings of a baseline; see `fixpickle baseline`.",
        Stage.FIND,
        "FILE",
    ),
    Setting("factories", kinds.FACTORIES, "How the proof makes instances of a class."),
    Setting("boundaries", kinds.BOUNDARIES, "Calls of your own that pickle; see docs/boundaries.md."),
    Setting("quiet", kinds.CALLS, "Calls that are no boundaries here."),
    Setting("time-limit", kinds.SECONDS, "How long the proof may stand still, in seconds."),
    Setting("memory-limit", kinds.MEGABYTES, "Address space of each process of the proof, in megabytes."),
    Setting("process-limit", kinds.COUNT, "How many processes each process of the proof may have started."),
    Setting("network", kinds.TRUTH, "Leave the network on for the code that is proved."),
)

KEYS = {setting.key: setting for setting in DECLARED}


def default(setting: Setting) -> str:
    """The default of a setting in words; empty where it is nothing."""
    value = next(field.default for field in fields(Settings) if field.name == setting.field)
    if setting.default:
        return setting.default
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, (int, float)) else ""
