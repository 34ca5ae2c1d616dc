"""Implants and instruments by UDI: is a piece used once, an instrument only sterile, and who has a recalled lot?

Two hospitals use stents of two lots on their bills. One tries to use a piece a second time, and a forceps that was not
sterilised since its last use: both are refused. Then a lot is recalled: what lies in stock is used no more and goes
back, and the bills on which its pieces were used are found.

    consortium run scenarios/systems/device.py --on simulator --out runs/device
    consortium view runs/device devices
    consortium show runs/device device 06970000000024/FC-001
    consortium ask runs/device regulator device.of_lot '{"udi_di": "06970000000017", "lot_no": "stent-lot-1"}'
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

ERRANDS = {"hosts": ["errands"]}

SCENARIO = Scenario(
    name="device",
    members=(
        MemberSpec("bureau", "bureau"),
        MemberSpec("hospital-1", "hospital", settings=ERRANDS),
        MemberSpec("hospital-2", "hospital", settings=ERRANDS),
        MemberSpec("regulator", "regulator"),
        MemberSpec("supplier", "supplier", settings=ERRANDS),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"device": 1},
    workload=Workload("devices", {"stays": 3}),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
