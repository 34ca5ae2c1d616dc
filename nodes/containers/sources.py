"""Of which sources an image was built: a digest, told by its label and computed here of what runs now.

`python3 nodes/containers/sources.py` prints it; docker/build calls that, with any Python and nothing installed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

LABEL = "consortium.sources"
PACKAGES = ("consortium", "nodes")


def digest_of_sources() -> str:
    """SHA-256 over every Python file of our packages, hexadecimal, 16 digits."""
    root = Path(__file__).resolve().parents[2]
    digest = sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py"), key=lambda path: path.relative_to(root).as_posix()):
            if path.relative_to(root).parts[1] != "_scenarios":  # of a wheel: scenarios are data
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    print(digest_of_sources())
