"""How near does the simulator come to real processes on one machine?

A closed loop: every member keeps twenty settlements under way and submits the next one as soon as one is executed, so
that latency and throughput both follow from what messages, signatures, blocks and the disk cost here. No delay is added
to the network: it is a machine's own loopback, through a broker. The more members, the more of the machine votes take.

    consortium compare --validate scenarios/studies/validation.py
    consortium compare --validate scenarios/studies/validation.py --profile profile.json --members 4,7
"""

from consortium.core.genesis import Parameters
from consortium.lab.comparison.validation import Validation
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="validation",
    members=tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=8_000_000, idle_seal_us=500_000),
    workload=Workload("settlement_load", {"transactions": 2_000, "outstanding": 20, "persons": 50}),
    stop=Stop(limit_us=240_000_000),
)
VALIDATION = Validation(SCENARIO, members=(4, 7, 10, 16), repeat=3, broker="mosquitto")
