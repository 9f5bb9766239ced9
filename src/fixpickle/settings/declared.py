"""Every setting, declared once. What a key may be, what --help says and what the documentation lists come from here.

A new setting is a field of :class:`fixpickle.model.Settings`, which has its type and its default, and an entry here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum

from fixpickle.model import Color, Evidence, Format, Pair, Runtime, Settings, Strategy, Workers
from fixpickle.settings import kinds
from fixpickle.settings.kinds import Kind


class Stage(Enum):
    """Which commands have an option for a setting: those that find, narrow, fix, report, or write files.

    LOAD: none; it says how a configuration is read, and has no field of the settings.
    """

    FIND = "find"
    NARROW = "narrow"
    FIX = "fix"
    REPORT = "report"
    WRITE = "write"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the configuration and, where its `stage` has commands, the long option of that name.

    `help` is one sentence. `metavar` stands for the value in --help, where that is no choice and no flag. `default` is
    the default in words, where the field of the settings does not tell. What it says is added to the key `adds_to`.
    """

    key: str
    kind: Kind
    help: str
    stage: Stage | None = None
    metavar: str = ""
    default: str = ""
    adds_to: str = ""

    @property
    def name(self) -> str:
        """The key as Python has it: the parameter of a command, and mostly a field of the settings."""
        return self.key.replace("-", "_")

    @property
    def field(self) -> str:
        """The field of the settings that takes the value; empty where there is none."""
        return "" if self.stage is Stage.LOAD else (self.adds_to or self.key).replace("-", "_")


DECLARED: tuple[Setting, ...] = (
    Setting("select", kinds.RULES, "Only these rules, or ALL.", Stage.FIND, "RULES", "all rules"),
    Setting("extend-select", kinds.RULES, "These rules too.", Stage.FIND, "RULES", adds_to="select"),
    Setting("ignore", kinds.RULES, "Not these rules.", Stage.FIND, "RULES"),
    Setting("per-file-ignores", kinds.IGNORES, "Rules that say nothing in files of a pattern."),
    Setting("exclude", kinds.PATTERNS, "Leave out, as in a .gitignore.", Stage.FIND, "PATTERN"),
    Setting("extend-exclude", kinds.PATTERNS, "Leave out too.", Stage.FIND, "PATTERN", adds_to="exclude"),
    Setting("force-exclude", kinds.TRUTH, "Leave it out also where it is named outright.", Stage.FIND),
    Setting("respect-gitignore", kinds.TRUTH, "Leave out what git ignores.", Stage.FIND),
    Setting("fixable", kinds.RULES, "Fix what these rules find, and leave the rest.", Stage.FIND, "RULES", "all rules"),
    Setting("unfixable", kinds.RULES, "Leave what these rules find.", Stage.FIND, "RULES"),
    Setting("unsafe-fixes", kinds.TRUTH, "Fix also where behaviour can differ.", Stage.FIX),
    Setting("verify", kinds.TRUTH, "Prove each fix by running it.", Stage.FIX),
    Setting("prove-with-ray", kinds.TRUTH, "Run one real trial of scripts for Ray Tune too.", Stage.FIX),
    Setting("python", kinds.INTERPRETER, "The interpreter that proves.", Stage.FIX, "PATH", "the environment's"),
    Setting("reach", kinds.choice(Evidence), "How sure it must be that a value is pickled.", Stage.FIND),
    Setting("runtime", kinds.choice(Runtime), "Copy what fixes need, or import it.", Stage.FIX),
    Setting("strategy", kinds.choice(Strategy), "What becomes of locks; see docs/strategies.md.", Stage.FIND),
    Setting(
        "delayed-from", kinds.choice(Pair), "Whose `Parallel` and `delayed`; see docs/workers-state.md.", Stage.FIX
    ),
    Setting(
        "baseline",
        kinds.BASELINE_FILE,
        "Leave out the findings of a baseline; see `fixpickle baseline`.",
        Stage.FIND,
        "FILE",
    ),
    Setting("changed-since", kinds.TEXT, "Only findings in files changed since a git revision.", Stage.NARROW, "REV"),
    Setting("allow-dirty", kinds.TRUTH, "Write also files changed or new since the last commit.", Stage.WRITE),
    Setting("allow-staged", kinds.TRUTH, "Write also files that are staged as they are.", Stage.WRITE),
    Setting("output-format", kinds.choice(Format), "How the report is written.", Stage.REPORT),
    Setting("output", kinds.OUTPUTS, "Write the report to a file as well.", Stage.REPORT, "FORMAT=FILE"),
    Setting("color", kinds.choice(Color), "When to write in colour.", Stage.REPORT),
    Setting("exit-zero", kinds.TRUTH, "Exit with 0 even if something is left.", Stage.REPORT),
    Setting("exit-non-zero-on-fix", kinds.TRUTH, "Exit with 1 also if everything found was fixed.", Stage.WRITE),
    Setting("fix-only", kinds.TRUTH, "Say nothing of what is left, and let it be no failure.", Stage.WRITE),
    Setting("factories", kinds.FACTORIES, "How the proof makes instances of a class."),
    Setting("require-proof", kinds.TRUTH, "Take back what could not be proved, too.", Stage.FIX),
    Setting(
        "check-command", kinds.TEXT, "Your own check; fixes after which it fails are taken back.", Stage.FIX, "COMMAND"
    ),
    Setting("prove-with", kinds.TEXT, "Tests, or a program, whose objects are pickled as proof.", Stage.FIX, "COMMAND"),
    Setting("prove-used", kinds.TRUTH, "Use instances before they are pickled: call public methods without arguments."),
    Setting("boundaries", kinds.BOUNDARIES, "Calls of your own that pickle; see docs/boundaries.md."),
    Setting("quiet", kinds.CALLS, "Calls that are no boundaries here."),
    Setting("heavy-import", kinds.SECONDS, "From how many seconds on an import is heavy: `heavy-worker-import`."),
    Setting("run-notebooks", kinds.TRUTH, "Run whole notebooks as proof, before and after.", Stage.FIX),
    Setting("time-limit", kinds.SECONDS, "How long the proof may stand still, in seconds."),
    Setting("memory-limit", kinds.MEGABYTES, "Address space of each process of the proof, in megabytes."),
    Setting("process-limit", kinds.COUNT, "How many processes each process of the proof may have started."),
    Setting("network", kinds.TRUTH, "Leave the network on for the code that is proved."),
    Setting("jobs", kinds.JOBS, "How many processes read the files; 0 for one to each core.", Stage.FIND, "N"),
    Setting(
        "executor",
        kinds.choice(Workers),
        "Where files are surveyed, rewritten and proved; see docs/cluster.md.",
        Stage.FIND,
    ),
    Setting("address", kinds.TEXT, "The Ray cluster, with `--executor ray`.", Stage.FIND, "ADDRESS"),
    Setting("cache", kinds.TRUTH, "Keep what was found out, for the next run.", Stage.FIND),
    Setting("cache-dir", kinds.FOLDER, "Where that is kept.", Stage.FIND, "PATH", "the user's folder for caches"),
    Setting("extend", kinds.CONFIGURATION, "A configuration that this one goes on from.", Stage.LOAD),
    Setting("required-version", kinds.VERSIONS, "The versions of fixpickle that may read this.", Stage.LOAD),
)

KEYS = {setting.key: setting for setting in DECLARED}


def default(setting: Setting) -> str:
    """The default of a setting in words; empty where it is nothing."""
    if setting.default:
        return setting.default
    value = next((field.default for field in fields(Settings) if field.name == setting.name), None)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, (int, float)) else ""
