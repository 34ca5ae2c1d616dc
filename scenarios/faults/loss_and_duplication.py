"""A fifth of all messages is lost and a third comes twice, all the time: how much throughput is left?

Local processes; the receiving side of the bus applies the network model. Each member has 1,500 transactions under way
at once, so that what is asked for never ends before the run does. The clean twin is the same run without the model:

    consortium run scenarios/faults/loss_and_duplication.py --broker mosquitto --out runs/lossy
    consortium run scenarios/faults/loss_and_duplication.py --broker mosquitto --out runs/clean \
        --set network.default.loss_ppm=0 --set network.default.duplicate_ppm=0
    grep -h '^throughput,' runs/lossy/measures.csv runs/clean/measures.csv \
        | awk -F, '{t[NR]=$2} END {print t[1]/t[2]}'
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Link, MemberSpec, Network, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="loss_and_duplication",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=500, batch_delay_us=20_000, idle_seal_us=500_000),
    network=Network(Link(mean_us=0, loss_ppm=200_000, duplicate_ppm=300_000), in_real_runs=True),
    workload=Workload("settlement_load", {"transactions": 30_000, "bundle": 1, "outstanding": 1_500}),
    stop=Stop(limit_us=240_000_000),
)
