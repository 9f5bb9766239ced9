"""Programs with torch: they fail, are fixed, are proved with torch there, and run then."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.slow

ROWS = """
class Rows(Dataset):
    def __init__(self, transform=None):
        self.transform = transform

    def __len__(self):
        return 4

    def __getitem__(self, index):
        value = torch.tensor([float(index)])
        return self.transform(value) if self.transform else value
"""
LOADED = (
    "for batch in DataLoader({data}, batch_size=2, num_workers=1, multiprocessing_context='spawn'{more}):\n    batch"
)
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        {body}

    def forward(self, x):
        return self.layer(x)
"""
SAVED = "torch.save({model}, 'net.pt')\ntorch.load('net.pt', weights_only=False)(torch.zeros(1, 2))"
# What stands at module level, what `main` does, and the rule that mends it.
CASES = {
    "transform": (ROWS, LOADED.format(data="Rows(lambda x: x * 2)", more=""), "lambda-value"),
    "part": (ROWS, LOADED.format(data="Subset(Rows(lambda x: x * 2), [0, 1])", more=""), "lambda-value"),
    "collate and start": (
        ROWS,
        "seed = 3\n"
        + LOADED.format(
            data="Rows()",
            more=", collate_fn=lambda b: torch.stack(b), worker_init_fn=lambda i: torch.manual_seed(seed + i)",
        ),
        "lambda-value",
    ),
    "local dataset": (
        ROWS,
        "class Local(Rows):\n    pass\n\n\nclass Bare(Dataset):\n    def __len__(self):\n        return 2\n\n"
        "    def __getitem__(self, index):\n        return index\n\n"
        + LOADED.format(data="Local()", more="")
        + "\n"
        + LOADED.format(data="Bare()", more=""),
        "local-class",
    ),
    "module kept": (
        ROWS.replace("self.transform = transform", "self.transform = transform\n        self.backend = math"),
        LOADED.format(data="Rows()", more=""),
        "transient-attribute",
    ),
    "hook": (
        NET.format(body="self.layer.register_forward_hook(lambda module, args, out: out * 2)"),
        SAVED.format(model="Net()"),
        "lambda-value",
    ),
    "local module": (
        "",
        textwrap.dedent(NET).format(body="pass") + "\n\n" + SAVED.format(model="Net()"),
        "local-class",
    ),
    "spawn": ("", "def work(rank, n):\n    print(rank + n)\n\n\nmp.spawn(work, args=(2,), nprocs=1)", "local-function"),
}


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    here = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run([sys.executable, *command], cwd=folder, env=here, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(("definitions", "work", "rule"), CASES.values(), ids=CASES)
def test_it_fails_is_proved_and_runs(definitions: str, work: str, rule: str, tmp_path: Path) -> None:
    head = (
        "import math\n\nimport torch\nimport torch.multiprocessing as mp\nfrom torch import nn\n"
        "from torch.utils.data import DataLoader, Dataset, Subset\n\n"
    )
    body = textwrap.indent(work.strip(), "    ")
    program = f"{head}{definitions}\n\ndef main():\n{body}\n\n\nif __name__ == '__main__':\n    main()\n"
    (tmp_path / "program.py").write_text(program)
    before = run(tmp_path, "program.py")
    assert before.returncode == 1 and "pickle" in before.stderr
    fixed = run(tmp_path, "-m", "fixpickle", "apply", "--isolated", "--no-cache", "--python", sys.executable, ".")
    found = [line for line in fixed.stdout.splitlines() if line.startswith("program.py:")]
    assert found and all(f" {rule}: " in line and line.endswith("[proved]") for line in found), fixed.stdout
    after = run(tmp_path, "program.py")
    assert after.returncode == 0, after.stderr
