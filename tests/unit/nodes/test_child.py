"""A child finds the modules of its parent, and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from nodes.conduct.child import module_path, python_command

ROOT = str(Path(__file__).resolve().parents[3])


def test_a_child_is_given_the_module_path_of_its_parent_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/one", "", ROOT, "/two"])
    assert module_path().split(os.pathsep) == ["/one", ROOT, "/two"], 'without "", the working directory'
    assert python_command("-m", "nodes") == [sys.executable, "-P", "-m", "nodes"]


def test_a_checkout_that_was_found_as_the_working_directory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", "/two"])
    monkeypatch.chdir(ROOT)
    assert module_path().split(os.pathsep) == [ROOT, "/two"]
    monkeypatch.chdir("/")
    assert module_path() == "/two", "another working directory is not"
