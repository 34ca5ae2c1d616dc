"""The client in TypeScript: types of every path, made from the OpenAPI document by a generator that others keep.

`make typescript` writes openapi.json and schema.ts into build/typescript; docs/client.md has a program that uses them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from nodes.gateway.openapi import document
from tests.node_tools import in_workshop, run_tool
from tests.optional import node_tools

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = """{
  "compilerOptions": {
    "strict": true, "exactOptionalPropertyTypes": true, "noUncheckedIndexedAccess": true,
    "target": "es2022", "module": "nodenext", "types": ["node"], "skipLibCheck": true, "outDir": "dist"
  },
  "include": ["*.ts"]
}
"""


def program_of_the_page() -> str:
    """The program of docs/client.md."""
    (found,) = re.findall(r"^```ts\n(.*?)^```", (ROOT / "docs" / "client.md").read_text(encoding="utf-8"), re.S | re.M)
    return str(found)


def generated(folder: Path, **programs: str) -> Path:
    """A workshop with the document, schema.ts, and programs (NAME.ts). Raises CalledProcessError where the generator
    does not take the document."""
    files = {"openapi.json": msgspec.json.encode(document()).decode(), "tsconfig.json": SETTINGS}
    in_workshop(node_tools(), folder, files | {f"{name}.ts": text for name, text in programs.items()})
    made = run_tool(folder, "openapi-typescript", "openapi.json", "--output", "schema.ts")
    if made.returncode != 0:
        raise subprocess.CalledProcessError(made.returncode, "openapi-typescript", made.stdout, made.stderr)
    return folder


def main(place: Path) -> None:
    """Raises CalledProcessError."""
    shutil.rmtree(place, ignore_errors=True)
    generated(place)
    for name in ("node_modules", "package.json", "tsconfig.json"):
        (place / name).unlink()
    print(f"{place}/openapi.json and schema.ts: docs/client.md says how they are used")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
