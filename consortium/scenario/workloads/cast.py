"""Who is there for a workload: the members that play a role, or host one."""

from __future__ import annotations

from consortium.scenario.load import ScenarioError
from consortium.scenario.scenario import Scenario


def playing(scenario: Scenario, role: str, needed_by: str = "") -> list[str]:
    """In the order of the scenario. Raises ScenarioError where there is none and the workload `needed_by` needs one."""
    found = [one.name for one in scenario.members if role == one.role or role in one.settings.get("hosts", ())]
    if needed_by and not found:
        raise ScenarioError(f"the workload {needed_by} needs a member that is or hosts a {role!r}")
    return found
