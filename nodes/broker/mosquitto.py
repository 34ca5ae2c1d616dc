"""Mosquitto behind our rules: where it is, its configuration and its files.

`python -m nodes.broker.mosquitto FOLDER` runs it on those of a folder. Paths in the configuration are taken from the
folder, in which it must be started: a folder can be moved, or be a volume of a container. Mosquitto's defaults lose
messages silently; the settings here do not.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Sequence

from nodes.broker.topics import Topics
from nodes.conduct.child import exec_with_parent
from nodes.errors import EXIT_USAGE, UserError
from nodes.process.bus_limits import PAYLOAD_BYTES_MAX

MOSQUITTO_PATHS = ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto")
MOSQUITTO_VARIABLE = "CONSORTIUM_MOSQUITTO"  # names the program, before PATH and MOSQUITTO_PATHS are looked at
MOSQUITTO_IS_UP = b" running"
SETTINGS = "mosquitto.conf"


def find_mosquitto() -> str:
    """The program's path: what CONSORTIUM_MOSQUITTO names, else the first of PATH and the usual places. Raises
    UserError when there is none there."""
    named = os.environ.get(MOSQUITTO_VARIABLE)
    places = (named,) if named else ("mosquitto", *MOSQUITTO_PATHS)
    found = next(filter(None, map(shutil.which, places)), None)
    if found is None:
        raise UserError(
            "mosquitto is not installed: install it (Debian: apt install mosquitto), or use --broker embedded"
        )
    return found


def owner() -> str:
    """As whom it must run to read files of mode 0600 that this user writes: root stays root."""
    return "root" if os.geteuid() == 0 else ""


def settings_of(port: int, host: str, doorkeeping: Sequence[str], user: str = "") -> bytes:
    """Its configuration. `doorkeeping`: the lines that say how it knows its clients. `user`: whom it becomes where root
    starts it; empty: whom it was built to become."""
    lines = [
        f"listener {port} {host}",
        "allow_anonymous false",
        *doorkeeping,
        "acl_file rules",
        "persistence false",
        "retain_available false",
        "sys_interval 0",
        "set_tcp_nodelay true",
        f"message_size_limit {PAYLOAD_BYTES_MAX}",  # what no node would read needs not be carried
        "max_queued_messages 0",
        "max_queued_bytes 0",
        "max_inflight_messages 0",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type information",  # says that it runs
    ]
    return "\n".join([*lines, *([f"user {user}"] if user else [])]).encode() + b"\n"


def certificate_lines(ca: str, certificate: str, key: str, revoked: str) -> list[str]:
    """Mutual TLS: who has no certificate of this authority is nobody, and who has one is whom it names. The name is the
    session's, too: of two connections of one member the later ends the earlier, and nobody ends another's."""
    return [
        f"cafile {ca}",
        f"certfile {certificate}",
        f"keyfile {key}",
        f"crlfile {revoked}",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        "tls_version tlsv1.3",
    ]


def rules_of(topics: Topics, names: Iterable[str]) -> bytes:
    """What each member may do, as its `acl_file` says it; others may do nothing."""
    return "".join(_rules(topics, name) for name in names).encode()


def _rules(topics: Topics, name: str) -> str:
    lines = [f"user {name}"]
    lines += [f"topic write {topic}" for topic in topics.published_by(name)]
    lines += [f"topic read {topic}" for topic in topics.heard_by(name)]
    return "\n".join(lines) + "\n\n"


def password_line(name: str, password: str) -> str:
    """As mosquitto_passwd writes it: PBKDF2 of SHA-512."""
    salt, rounds = secrets.token_bytes(12), 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"{name}:$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


def main() -> int:
    try:
        program = find_mosquitto()
        os.chdir(sys.argv[1])
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    exec_with_parent([program, "-c", SETTINGS])
    return 0


if __name__ == "__main__":
    sys.exit(main())
