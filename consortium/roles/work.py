"""What one member has to do in a run: a frozen value, made by a workload before the run.

Each role brings the struct of its own tasks (`HospitalTasks` lies beside the hospital, and so on) and asks for it by
its type; a member that hosts another role hands it the same value. A new role changes nothing here.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

Tasks = TypeVar("Tasks", bound=msgspec.Struct)


class Work(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All there is for one member. `tasks`: one struct a role, each of another type; a role without one has nothing to
    do. Times in them are microseconds since the run's start."""

    member: str
    tasks: tuple[msgspec.Struct, ...] = ()

    def of(self, kind: type[Tasks]) -> Tasks:
        """The tasks of this type; where there are none, those that the type has without arguments."""
        found = self.find(kind)
        return kind() if found is None else found

    def find(self, kind: type[Tasks]) -> Tasks | None:
        """The tasks of this type, None where there are none."""
        return next((tasks for tasks in self.tasks if type(tasks) is kind), None)

    def having(self, tasks: msgspec.Struct) -> Work:
        """The same work with these tasks in place of those of their type."""
        others = tuple(each for each in self.tasks if type(each) is not type(tasks))
        return Work(self.member, (*others, tasks))
