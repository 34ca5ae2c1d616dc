"""One member floods a thousand messages a second while the load is half of what the others could do: what is left?

Local processes, mosquitto. The load comes at a pace of its own (a bundle of ten every `interval_us` a member); at half
of saturation what is submitted is also executed, as long as nothing is slowed down. Saturation is the clean twin as
fast as it goes, half of it the pace (1,600 a second); then once clean, once flooded:

    consortium run scenarios/attacks/flooding_at_half_load.py --broker mosquitto --out runs/flooded
    consortium run scenarios/attacks/flooding_at_half_load.py --broker mosquitto --out runs/clean \
        --set behaviours.0.options.rate=0
    grep -h '^throughput,' runs/flooded/measures.csv runs/clean/measures.csv \
        | awk -F, '{t[NR]=$2} END {print t[1]/t[2]}'

    consortium run scenarios/attacks/flooding_at_half_load.py --broker mosquitto --out runs/saturated \
        --set behaviours.0.options.rate=0 --set workload.options.interval_us=0
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="flooding_at_half_load",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=500, batch_delay_us=20_000, timer_base_us=4_000_000),
    workload=Workload(
        "settlement_load", {"transactions": 24_000, "bundle": 10, "outstanding": 1_500, "interval_us": 25_000}
    ),
    behaviours=(BehaviourSpec("flooding", "node-4", options={"rate": 1_000}),),
    stop=Stop(limit_us=240_000_000),
)
