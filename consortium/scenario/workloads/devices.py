"""The workload "devices": a supplier's implants and instruments are used at two hospitals, and a lot is recalled.

Needs two hospitals and a supplier, which host "errands". Each hospital bills `stays` of invented persons. The first has
an instrument: it is sterilised, used, used again without a cycle, fails a cycle, passes one, and is used on another
bill. Both have implants of two lots and use one on each bill; the first tries one twice. At `recalled_at_us` the
supplier recalls the first lot; what is left of it is refused, and goes back.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, SUPPLIER
from consortium.contracts.insurance import institution, policy
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines import device
from consortium.contracts.medicines.device_records import IMPLANT, INSTRUMENT, with_check_digit
from consortium.core.codec import tagged_hash
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks
from consortium.roles.errands import Errand, ErrandTasks, errand
from consortium.roles.hospital import HospitalTasks, Visit
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO
from consortium.scenario.workloads.one_hospital import CODE, SERVICE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT, new_year
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

SECOND, DAY = "H650200", 20260401
CODES = (CODE, SECOND)
STENT, FORCEPS = with_check_digit("0697000000001"), with_check_digit("0697000000002")
ITEM, PRICE_FEN = "imp-stent", 800_000
LOTS, MADE_ON, EXPIRES_ON = ("stent-lot-1", "stent-lot-2"), 20260101, 20281231
PIECES = 8  # of a lot


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stays: int = 3
    interval_us: int = 200_000
    begins_at_us: int = 1_000_000
    used_at_us: int = 4_000_000
    recalled_at_us: int = 7_000_000
    tried_at_us: int = 9_000_000


def serial_of(lot: int, number: int) -> str:
    return f"ST{lot + 1}-{number:03d}"


def bill_no(code: str, number: int) -> str:
    return f"{code}-{number:04d}"


def _supplier(member: str, options: Options) -> list[Errand]:
    own = f"supplier/{member}"
    calls: list[tuple[int, str, msgspec.Struct]] = [
        (0, "register_model", device.RegisterModel(STENT, ITEM, IMPLANT)),
        (0, "register_model", device.RegisterModel(FORCEPS, "ins-forceps", INSTRUMENT, 3)),
        (0, "register", device.Register(FORCEPS, "forceps-1", MADE_ON, 0, ("FC-001",))),
        (0, "transfer", device.Transfer(own, f"institution/{CODE}", FORCEPS, ("FC-001",))),
    ]
    for lot, lot_no in enumerate(LOTS):
        serials = tuple(serial_of(lot, number) for number in range(PIECES))
        calls.append((0, "register", device.Register(STENT, lot_no, MADE_ON, EXPIRES_ON, serials)))
        for place, code in enumerate(CODES):
            half = serials[place * PIECES // 2 : (place + 1) * PIECES // 2]
            calls.append((0, "transfer", device.Transfer(own, f"institution/{code}", STENT, half)))
    calls.append((options.recalled_at_us, "recall", device.Recall(STENT, LOTS[0], "breakage")))
    return [errand(at_us, "device", operation, arguments) for at_us, operation, arguments in calls]


def _hospital(code: str, options: Options, supplier: str) -> list[Errand]:
    place, used, tried = CODES.index(code), options.used_at_us, options.tried_at_us
    mine = [[serial_of(lot, place * PIECES // 2 + number) for number in range(PIECES // 2)] for lot in range(2)]
    calls: list[tuple[int, str, msgspec.Struct]] = []
    for number in range(min(options.stays, 3)):
        calls.append((used, "use", device.Use(STENT, mine[number % 2][number // 2], bill_no(code, number), 2)))
    if code == CODE:
        twice = device.Use(STENT, mine[0][0], bill_no(code, 1), 2)
        calls += [(used, "use", twice), *((used, *one) for one in _forceps(code))]
    calls.append((tried, "use", device.Use(STENT, mine[0][3], bill_no(code, 0), 2)))
    back = device.Transfer(f"institution/{code}", f"supplier/{supplier}", STENT, (mine[0][3],))
    calls.append((tried, "transfer", back))
    return [errand(at_us, "device", operation, arguments) for at_us, operation, arguments in calls]


def _forceps(code: str) -> list[tuple[str, msgspec.Struct]]:
    def cycle(number: int, is_passed: bool) -> tuple[str, msgspec.Struct]:
        record = tagged_hash(b"consortium cycle", bytes((number,)))
        return ("sterilise", device.Sterilise(FORCEPS, "FC-001", "steam", is_passed, record))

    def use(number: int, line: int) -> tuple[str, msgspec.Struct]:
        return ("use", device.Use(FORCEPS, "FC-001", bill_no(code, number), line))

    return [cycle(1, True), use(0, 1), use(1, 1), cycle(2, False), cycle(3, True), use(1, 2)]


def _visits(code: str, options: Options, pseudonyms: Pseudonyms) -> tuple[Visit, ...]:
    return tuple(
        Visit(
            at_us=options.begins_at_us + number * options.interval_us,
            fixmedins_code=code,
            bill_no=bill_no(code, number),
            patient=pseudonyms.of(BILL, f"{YEAR}/{code}/{number}"),
            psn_no=pseudonyms.of(SETTLEMENT, f"{YEAR}/{code}/{number}"),
            med_type="inpatient",
            begndate=DAY,
            enddate=DAY,
            lines=(Line(SERVICE, 1, 300_000), Line(ITEM, 1, PRICE_FEN)),
        )
        for number in range(options.stays)
    )


def _calls(hospitals: list[str], persons: list[str]) -> list[GenesisCall]:
    item = policy.Item(ITEM, new_year(YEAR), "B", "consumable", 2_000, PRICE_FEN)
    sign = institution.Sign(SECOND, HOSPITAL, 3, hospitals[1], f"licence-{SECOND}", LICENCE_TO)
    return [
        *hospital_calls(hospitals[0], persons),
        genesis_call("policy", "list_items", policy.ListItems((item,))),
        genesis_call("institution", "sign", sign),
    ]


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    bureau, hospitals, suppliers = (playing(scenario, role, "devices") for role in (BUREAU, HOSPITAL, SUPPLIER))
    if len(hospitals) < 2 or not 2 <= options.stays <= 100:
        raise ScenarioError("the workload devices needs two hospitals, and from 2 to 100 stays at each")
    pseudonyms = Pseudonyms(pseudonym_key)
    work = {one.name: Work(one.name) for one in scenario.members}
    work[bureau[0]] = Work(bureau[0], (BureauTasks(verifies=True),))
    persons = []
    for hospital, code in zip(hospitals, CODES, strict=False):
        visits = _visits(code, options, pseudonyms)
        persons += [one.psn_no for one in visits]
        errands = tuple(_hospital(code, options, suppliers[0]))
        work[hospital] = Work(hospital, (HospitalTasks(visits), ErrandTasks(errands)))
    work[suppliers[0]] = Work(suppliers[0], (ErrandTasks(tuple(_supplier(suppliers[0], options))),))
    return Prepared(tuple(_calls(hospitals, persons)), work)


WORKLOAD = WorkloadSpec("devices", _prepare)
