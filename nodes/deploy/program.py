"""A program under the supervisor, and the file by which supervisord is told of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LOG_BYTES_MAX = 10_000_000
LOGS_KEPT = 3
STARTED_S = 3  # one that ends sooner did not start: it is tried again, a second later each time
TRIES = 1_000

_HEAD = """[unix_http_server]
file={socket}
chmod=0600

[supervisord]
logfile=supervisor/log.txt
logfile_maxbytes=1MB
logfile_backups=1
loglevel=info
pidfile=supervisor/supervisord.pid
nodaemon=true
silent=true
nocleanup=true
umask=077
minfds=64
minprocs=16

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM = """
[{section}:{name}]
{events}command={command}
priority={priority}
autostart=true
autorestart=true
startsecs={started_s}
startretries={tries}
stopsignal=TERM
stopwaitsecs={stop_s}
stopasgroup=false
killasgroup=true
{said}
"""
_SAID = """redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes={log_bytes}
stdout_logfile_backups={logs}"""
_SAID_BY_LISTENER = """stdout_logfile=NONE
stderr_logfile={log}
stderr_logfile_maxbytes={log_bytes}
stderr_logfile_backups={logs}"""


class Program(NamedTuple):
    """`command`: program and arguments. `log`: below the folder of the consortium. Those of a lower `priority` start
    sooner, and end later. `stop_s`: what does not end so long after SIGTERM is killed. `events`: of those that it is
    told, where it is a listener."""

    name: str
    command: Sequence[str]
    log: str
    priority: int
    stop_s: int = 20
    events: Sequence[str] = ()


def render(socket: Path, programs: Sequence[Program]) -> str:
    """supervisord.conf. Its relative paths are below the folder of the consortium, where supervisord runs."""
    parts = [_HEAD.format(socket=_escaped(str(socket)))]
    for program in programs:
        parts.append(
            _PROGRAM.format(
                section="eventlistener" if program.events else "program",
                events=f"events={','.join(program.events)}\n" if program.events else "",
                name=program.name,
                command=" ".join(map(quoted, program.command)),
                priority=program.priority,
                started_s=STARTED_S,
                tries=TRIES,
                stop_s=program.stop_s,
                said=(_SAID_BY_LISTENER if program.events else _SAID).format(
                    log=_escaped(program.log), log_bytes=LOG_BYTES_MAX, logs=LOGS_KEPT
                ),
            )
        )
    return "".join(parts)


def quoted(word: str) -> str:
    """For a shell, and so that nothing in it means anything to a reader of such files: there a `%` begins an expansion,
    and a `;` or `#` behind a space a comment."""
    return _escaped(re.sub(r"\s(?=[;#])", lambda space: space.group() + "''", shlex.quote(word)))


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
