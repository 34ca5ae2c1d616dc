"""Every command of docs/tutorial.md does what a reader is told that it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consortium.commands import app as cli
from tests.optional import needs

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
LESS = {"run": ("--set", "workload.options.transactions=140"),
        "sweep": ("--repeat", "1", "--set", "workload.options.transactions=35", "--jobs", "1")}  # fmt: skip


def commands() -> list[list[str]]:
    blocks = re.findall(r"```console\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ consortium ") for line in lines), "what a test cannot run is no console block"
    return [line.removeprefix("$ consortium ").split() for line in lines]


def test_the_tutorials_first_run_and_its_sequence_of_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    monkeypatch.chdir(tmp_path)
    for words in [words for words in commands() if "runs/pbft" in words and words[0] in ("run", "report")]:
        with pytest.raises(SystemExit) as left:
            cli.main([*words, *LESS.get(words[0], ())])
        assert left.value.code == 0, capsys.readouterr().err
    assert (tmp_path / "runs/pbft/figures/sequence-20.png").is_file()


@pytest.mark.nightly
@needs("pandas", "pyarrow")
def test_every_command_of_the_tutorial_runs_and_leaves_what_it_speaks_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    monkeypatch.chdir(tmp_path)
    told = {}
    for words in commands():
        with pytest.raises(SystemExit) as left:
            cli.main([*words, *LESS.get(words[0], ())])
        told[" ".join(words)] = capsys.readouterr().out
        assert left.value.code == 0, words
    compared = next(text for words, text in told.items() if words.startswith("compare"))
    assert "protocol  pbft  hotstuff" in compared
    assert (tmp_path / "runs/both/comparison.html").is_file()
    assert (tmp_path / "runs/hotstuff/figures/sequence-20.png").is_file()
    assert (tmp_path / "figures/throughput-latency.png").is_file()
    for block in re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.S):
        exec(compile(block, str(TUTORIAL), "exec"), {})
    assert "hotstuff" in capsys.readouterr().out


def test_every_file_that_the_tutorial_shows_or_names_is_there() -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len([link for link in links if link.endswith(".png")]) == 3
    for link in links:
        assert (TUTORIAL.parent / link).exists(), link
