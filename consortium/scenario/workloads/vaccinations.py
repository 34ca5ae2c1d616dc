"""The workload "vaccinations": invented persons are vaccinated twice at two clinics, of lots that must stay cold.

Needs a bureau, two hospitals, a supplier and a regulator; the hospitals host "errands", supplier and regulator
"quality". Each clinic has a lot of its own. Persons come to one after the other, and again once the clocks have passed
to the second dose's days, at `second_at_us`.

options: `persons`; `late`: how many of the last persons do not come again; the bureau counts who is to come anew, at
`counted_at_us`. `is_warm`: the second clinic reads a pack of its lot too warm after the first doses, and the first
clinic tries to read one that it does not hold. `is_serious`: the first person has a serious reaction, at
`reacted_at_us`. `is_released`: the producer examines a lot that was stopped and asks for its release.
"""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, REGULATOR, SUPPLIER
from consortium.contracts.insurance import institution, policy
from consortium.contracts.medicines import trace_code, vaccination
from consortium.contracts.medicines.vaccination_records import Gap
from consortium.core.codec import tagged_hash
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.errands import Errand, ErrandTasks, errand
from consortium.roles.quality import Batch, QualityTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO
from consortium.scenario.workloads.one_hospital import CODE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import new_year
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

VACCINE, PURPOSE, SECOND = "vac-measles-2", "v", "H650200"
CODES = (CODE, SECOND)
LOTS = {CODE: "lot-v-1", SECOND: "lot-v-2"}
PACKS, UNITS, COLD_MIN, COLD_MAX = 40, 5, 200, 800  # hundredths of °C
GAP = Gap(21, 28)
MADE_ON, EXPIRES_ON = 20260101, 20271231


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 8
    late: int = 1
    is_warm: bool = False
    is_serious: bool = False
    is_released: bool = False
    begins_at_us: int = 1_000_000
    reacted_at_us: int = 6_000_000
    second_at_us: int = 12_000_000
    counted_at_us: int = 20_000_000


def code_of_pack(code: str, number: int) -> str:
    """The trace code of a pack of a clinic's lot."""
    return f"{88_000 + CODES.index(code)}{number:015d}"


def dose_no(code: str, person: int, serial: int) -> str:
    return f"{code}:{person:04d}.{serial}"


class _Clinic:
    """What one clinic does, in its order."""

    def __init__(self, code: str, options: Options, persons: list[str]) -> None:
        self.code, self.options, self.persons = code, options, persons
        self.mine = [number for number in range(len(persons)) if CODES[number % 2] == code]

    def errands(self) -> tuple[Errand, ...]:
        options = self.options
        first = [self._read(options.begins_at_us, code_of_pack(self.code, 0), 450), *self._doses(1, self.mine)]
        between = self._warm() if options.is_warm else []
        if options.is_serious and self.code == CODE:
            report = tagged_hash(b"consortium reaction", b"first")
            reaction = vaccination.ReportReaction(dose_no(CODE, 0, 1), "anaphylaxis", True, report)
            between.append(errand(options.reacted_at_us, "vaccination", "report_reaction", reaction))
        again = [number for number in self.mine if number < len(self.persons) - options.late]
        return (*first, *between, *self._doses(2, again))

    def _warm(self) -> list[Errand]:
        pack = code_of_pack(SECOND, 1)
        return [self._read(self.options.reacted_at_us, pack, 1_250 if self.code == SECOND else 450)]

    def _read(self, at_us: int, pack: str, temperature: int) -> Errand:
        reading = trace_code.RecordTemperature(pack, f"fridge-{self.code}", temperature)
        return errand(at_us, "trace_code", "record_temperature", reading)

    def _doses(self, serial: int, numbers: list[int]) -> list[Errand]:
        """The doses of a pack go to as many persons."""
        at_us = self.options.begins_at_us if serial == 1 else self.options.second_at_us
        found = []
        for place, number in enumerate(numbers):
            pack = code_of_pack(self.code, (serial - 1) * PACKS // 2 + place // UNITS)
            give = vaccination.Give(dose_no(self.code, number, serial), self.code, self.persons[number], pack)
            found.append(errand(at_us, "vaccination", "give", give))
        return found


def _calls(hospitals: list[str], supplier: str, persons: int) -> list[GenesisCall]:
    calls = list(hospital_calls(hospitals[0], ()))
    item = policy.Item(VACCINE, new_year(YEAR), "C", "drug")
    sign = institution.Sign(SECOND, HOSPITAL, 1, hospitals[1], f"licence-{SECOND}", LICENCE_TO)
    schedule = vaccination.SetSchedule(VACCINE, new_year(YEAR), (GAP,))
    calls += [
        genesis_call("policy", "list_items", policy.ListItems((item,))),
        genesis_call("institution", "sign", sign),
        genesis_call("vaccination", "set_schedule", schedule),
    ]
    for code in CODES:
        packs = tuple(code_of_pack(code, number) for number in range(PACKS))
        cold: dict[str, Any] = {"is_cold_chain": True, "temperature_min": COLD_MIN, "temperature_max": COLD_MAX}
        made = trace_code.Produce(LOTS[code], VACCINE, "dose", UNITS, packs, f"supplier/{supplier}", **cold)
        calls.append(genesis_call("trace_code", "produce", made))
    return calls


def _handed(supplier: str, code: str) -> trace_code.Transfer:
    packs = tuple(code_of_pack(code, number) for number in range(PACKS))
    return trace_code.Transfer(f"supplier/{supplier}", f"institution/{code}", packs)


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    bureau, hospitals, supplier, regulator = (
        playing(scenario, role, "vaccinations") for role in (BUREAU, HOSPITAL, SUPPLIER, REGULATOR)
    )
    if len(hospitals) < 2 or not 0 <= options.late <= options.persons <= PACKS * UNITS // 2 or options.persons < 1:
        raise ScenarioError("the workload vaccinations needs two hospitals and from 1 to 100 persons, and fewer late")
    pseudonyms = Pseudonyms(pseudonym_key)
    persons = [pseudonyms.of(PURPOSE, f"{VACCINE}/{number}") for number in range(options.persons)]
    work = {one.name: Work(one.name) for one in scenario.members}
    for hospital, code in zip(hospitals, CODES, strict=False):
        work[hospital] = Work(hospital, (ErrandTasks(_Clinic(code, options, persons).errands()),))
    targets = ((0, options.persons), (options.counted_at_us, options.persons + 5))
    sets = [(at_us, vaccination.SetTarget(VACCINE, YEAR, persons)) for at_us, persons in targets]
    counts = tuple(errand(at_us, "vaccination", "set_target", one) for at_us, one in sets[: 1 + (options.late > 0)])
    work[bureau[0]] = Work(bureau[0], (ErrandTasks(counts),))
    batches = tuple(Batch(lot, MADE_ON, EXPIRES_ON, ()) for lot in LOTS.values()) if options.is_released else ()
    hands = tuple(errand(0, "trace_code", "transfer", _handed(supplier[0], code)) for code in CODES)
    work[supplier[0]] = Work(supplier[0], (QualityTasks(batches), ErrandTasks(hands)))
    work[regulator[0]] = Work(regulator[0], (QualityTasks(faulty_lots_min=2),))
    return Prepared(tuple(_calls(hospitals, supplier[0], options.persons)), work)


WORKLOAD = WorkloadSpec("vaccinations", _prepare)
