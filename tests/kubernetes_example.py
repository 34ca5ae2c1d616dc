"""The example in docker/kubernetes: what seven members are written as.

`python -m tests.kubernetes_example` writes it anew."""

from pathlib import Path

from nodes.deploy.kubernetes import render
from tests.compose_example import example

EXAMPLE = Path(__file__).resolve().parent.parent / "docker" / "kubernetes" / "consortium.yaml"


def rendered(brokers: int = 1) -> str:
    return render(example(brokers), "consortium")


if __name__ == "__main__":
    EXAMPLE.parent.mkdir(exist_ok=True)
    EXAMPLE.write_text(rendered(), encoding="utf-8")
