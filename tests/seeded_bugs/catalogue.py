"""All seeded bugs: what the tests of this project must catch, each of them, on every day."""

from __future__ import annotations

from .application_bugs import APPLICATION_BUGS
from .bridge_bugs import BRIDGE_BUGS
from .bug import SeededBug
from .bus_bugs import BUS_BUGS
from .condition_bugs import CONSENSUS_CONDITION_BUGS, LABORATORY_BUGS, LEDGER_CONDITION_BUGS
from .core_bugs import CORE_BUGS
from .damage_bugs import DAMAGE_BUGS
from .explored_bugs import EXPLORED_BUGS
from .frame_bugs import FRAME_BUGS
from .identity_bugs import IDENTITY_BUGS
from .insurance_bugs import INSURANCE_BUGS
from .leaving_bugs import LEAVING_BUGS
from .ledger_bugs import LEDGER_BUGS, MEMBERSHIP_BUGS, STORE_BUGS
from .liveness_bugs import LIVENESS_BUGS
from .lost_log_bugs import LOST_LOG_BUGS
from .medicine_bugs import MEDICINE_BUGS
from .ordering_bugs import ORDERING_BUGS
from .rule_bugs import PROOF_BUGS, RULE_BUGS
from .traced_bugs import TRACED_BUGS
from .vault_bugs import VAULT_BUGS
from .view_change_bugs import BOOT_BUGS, VIEW_CHANGE_BUGS

BUGS: tuple[SeededBug, ...] = (
    *CORE_BUGS,
    *ORDERING_BUGS,
    *VIEW_CHANGE_BUGS,
    *LEAVING_BUGS,
    *BOOT_BUGS,
    *LIVENESS_BUGS,
    *LOST_LOG_BUGS,
    *LEDGER_BUGS,
    *MEMBERSHIP_BUGS,
    *STORE_BUGS,
    *DAMAGE_BUGS,
    *VAULT_BUGS,
    *FRAME_BUGS,
    *CONSENSUS_CONDITION_BUGS,
    *LEDGER_CONDITION_BUGS,
    *LABORATORY_BUGS,
    *BUS_BUGS,
    *IDENTITY_BUGS,
    *EXPLORED_BUGS,
    *MEDICINE_BUGS,
    *INSURANCE_BUGS,
    *RULE_BUGS,
    *TRACED_BUGS,
    *PROOF_BUGS,
    *APPLICATION_BUGS,
    *BRIDGE_BUGS,
)
