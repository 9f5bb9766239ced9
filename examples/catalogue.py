"""What the examples are: how to run each, how it fails as it stands, and what it prints once it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Script:
    """One thing to run: `commands`, arguments to Python in the example's folder, until one of them fails.

    `symptom` is in what the failing commands print, `result` in what the working ones print, and both are exact but
    for the interpreter's version. A script with `left` is one that fixpickle must report and leave as it is. `fixed` are
    the files to fix, where they are not those that are run. It fails under the start method `start`, where one is given,
    and must then do under every one what it does when it forks. `code` is the last command's exit code once all works.
    `unproved` fixes name nothing that could be pickled as their proof: running it is all there is.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    symptom: str
    result: str
    left: bool = False
    fixed: tuple[str, ...] = ()
    start: str = ""
    code: int = 0
    unproved: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """What fixpickle is to fix, below the example's folder."""
        ran = (f"{c[1]}/__main__.py" if c[0] == "-m" else c[0] for c in self.commands)
        return self.fixed or tuple(dict.fromkeys(ran))


@dataclass(frozen=True, slots=True)
class Example:
    """A folder beside this file. `needs` are the modules it imports, `slow` says that it starts Ray or takes long.

    What `shown` is not true of takes so long in all that `make demo` leaves it to `make examples`.
    """

    folder: str
    scripts: tuple[Script, ...]
    needs: tuple[str, ...] = ()
    slow: bool = False
    shown: bool = True


_LOCK = "cannot pickle '_thread.lock' object"
_BY_VALUE = "TypeError: ray.cloudpickle.dumps(<"
UNGUARDED = "An attempt has been made to start a new process"
_TEN_STEPS = "|     10 | "

EXAMPLES = (
    Example(
        "serialization_traps",
        (
            Script("trap1_instance", (("trap1_instance.py",),), "local object", "lamp: 7 EUR"),
            Script("trap2_local_class", (("trap2_local_class.py",),), "local object", "[32.0, 77.0, 212.0]"),
            Script("trap3_lambda", (("trap3_lambda.py",),), "local object", "euros [8.0, 21.0]"),
            Script("trap4_main", (("trap4_save.py",), ("trap4_load.py",)), "attribute 'Line'", "predicts 41"),
            Script("trap5_rebound", (("trap5_rebound.py",),), "as it was before it was replaced", "", left=True),
        ),
    ),
    Example(
        "heavy_import",
        (
            Script(
                "heavy_import",
                (("fits.py",),),
                "the workers imported scikit-learn for nothing",
                "the workers did without scikit-learn",
            ),
        ),
        needs=("sklearn",),
    ),
    Example(
        "notebook_pool",
        (
            Script(
                "notebook_pool",
                (("run_cells.py", "comets.ipynb"),),
                "attribute 'passes'",
                "17.8 AU: 133 times, 2662842098 km",
                fixed=("comets.ipynb",),
            ),
        ),
    ),
    Example(
        "loky_nested_list",
        (
            Script(
                "loky_nested_list",
                (("run.py",),),
                "A task has failed to un-serialize",
                "default: 42 42\ncloudpickle: 42 42\npickle: 42 42",
            ),
            Script("loky_workarounds", (("workarounds.py",),), "hides what double does", "42\nTwice the value."),
        ),
        needs=("loky", "joblib"),
    ),
    Example(
        "sklearn_config_lost",
        (
            Script(
                "sklearn_config_lost",
                (("report.py",),),
                "workers did not see working_memory=1",
                "workers: [131, 131, 131, 131]",
            ),
        ),
        needs=("joblib", "sklearn"),
    ),
    Example(
        "worker_state",
        (Script("worker_state", (("shares.py",),), "40 of 40 tasks: ('0.3333333", "40 of 40 tasks as in the parent"),),
        needs=("joblib",),
    ),
    Example(
        "tpcp_validation",
        tuple(
            Script(f"tpcp_{name}", ((f"{name}.py",),), symptom, result, fixed=("steps.py",))
            for name, symptom, result in (
                ("validated", "cannot pickle '_thread.RLock' object", "[7.33333333]"),
                ("cross_validated", "cannot pickle '_thread.RLock' object", "[6. 7. 9.]"),
                ("scored", "Testing failed", "[7.33333333]"),
            )
        ),
        needs=("tpcp",),
        slow=True,
    ),
    Example(
        "ray_tune_rlock",
        (
            Script(
                "ray_tune_rlock",
                (("train.py",),),
                "cannot pickle '_thread.RLock' object",
                "trial finished after 10 steps",
            ),
        ),
        needs=("ray",),
        slow=True,
    ),
    Example(
        "ray_tune_legacy",
        (
            Script(
                "global_rlock", (("global_rlock.py",),), "wrap_function.<locals>.ImplicitFunc'>) failed", _TEN_STEPS
            ),
            Script(
                "multiprocessing_lock",
                (("multiprocessing_lock.py",),),
                "Lock objects should only be shared between processes through inheritance",
                _TEN_STEPS,
            ),
            Script(
                "without_lock",
                (("without_lock.py",),),
                "report() got an unexpected keyword argument 'metric'",
                _TEN_STEPS,
            ),
            Script(
                "saved_and_restored",
                (("saved_and_restored.py",),),
                "module 'ray.tune' has no attribute 'checkpoint_dir'",
                "weights 0.4 0.8",
                unproved=1,
            ),
        ),
        needs=("ray",),
        slow=True,
    ),
    Example(
        "ray_tune_calls",
        (
            *(
                Script(name, ((f"{name}.py",),), symptom, result)
                for name, symptom, result in (
                    ("tuner", "TypeError: The provided trainable is not serializable", "DONE 1"),
                    ("with_resources", "TypeError: The provided trainable is not serializable", "DONE 1"),
                    ("tune_run", _BY_VALUE, "DONE TERMINATED"),
                    ("register_trainable", _BY_VALUE, "DONE TERMINATED"),
                    ("register_env", _BY_VALUE, "DONE registered"),
                    ("class_trainable", _BY_VALUE, "DONE TERMINATED"),
                    ("with_parameters", "TypeError: Could not serialize the put value", "DONE TERMINATED"),
                    ("callbacks", _LOCK, "DONE 1 1"),
                    ("loggers", _LOCK, "DONE 1 1"),
                    ("schedulers", _LOCK, "DONE 1"),
                    ("searchers", _LOCK, "DONE 1"),
                    ("stoppers", _LOCK, "DONE TERMINATED 2"),
                    ("sample_from", _LOCK, "DONE 3"),
                    ("checkpoint", _LOCK, "DONE TERMINATED"),
                    ("step", _LOCK, "DONE TERMINATED"),
                )
            ),
            *(
                Script(name, ((f"{name}.py",),), _LOCK, "", left=True)
                for name in ("metrics", "whole_state", "pickled_state")
            ),
        ),
        needs=("ray",),
        slow=True,
        shown=False,
    ),
    Example(
        "lock_strategies",
        tuple(
            Script(f"race_{name}", ((f"race_{name}.py",),), "cannot pickle '_thread.lock' object", result)
            for name, result in (
                ("factory", "updates were lost"),
                ("state_hooks", "updates were lost"),
                ("file", "no update was lost"),
            )
        ),
        needs=("filelock",),
    ),
    Example(
        "lock_strategies",
        (Script("race_ray", (("race_ray.py",),), "cannot pickle '_thread.lock' object", "no update was lost"),),
        needs=("ray",),
        slow=True,
    ),
    Example(
        "script_layout",
        tuple(
            Script(name, (command,), symptom, result, start="spawn", code=code)
            for name, command, symptom, result, code in (
                ("squares", ("squares.py",), UNGUARDED, "[0, 1, 4, 9, 16]", 0),
                ("scaled", ("scaled.py", "--factor", "3", "4"), UNGUARDED, "by 3\n[12]", 0),
                ("explored", ("explored.py",), UNGUARDED, "shoes [40, 45, 44, 38]\nall 694", 0),
                ("counted", ("counted.py",), UNGUARDED, "5 vowels", 5),
                ("shared", ("shared.py",), UNGUARDED, "[('a', 1), ('bc', 2)]", 0),
                ("roots", ("roots.py",), UNGUARDED, "roots [1.0, 1.41, 1.73]", 0),
                ("registered", ("registered.py",), UNGUARDED, "True True\n[('even', True), ('odd', False)]", 0),
                ("greeted", ("greeted.py", "you", "me"), "terminated abruptly", "hello you\nhello me", 0),
                ("tallied", ("tallied.py", "squares", "4"), UNGUARDED, "0 1 4 9", 0),
                ("areas", ("areas.py",), "attribute 'area_of'", "['3.1 m2', '12.6 ft2']", 0),
                ("priced", ("priced.py",), "name 'RATE' is not defined", "[1.19, 11.9]", 0),
                ("app", ("-m", "app"), "attribute 'shouted'", "HELLO! WORLD!", 0),
            )
        )
        + (
            Script(
                "measured",
                (("measured.py",), ("plotted.py",)),
                "attribute 'Series'",
                "measured [1] with 0 arguments\n***\n*\n****",
            ),
            Script(
                "downloaded", (("downloaded.py",),), "downloaded 2 times instead of once", "", left=True, start="spawn"
            ),
        ),
        needs=("typer", "fire"),
    ),
)
