"""Values found by name: in the rooms, and in modules handed in from outside."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from consortium.contracts import load_contracts
from consortium.core.contract import Contract
from consortium.core.discovery import NameTaken, modules_of, offered, offered_by_file, plugins, use
from consortium.roles import load_roles
from consortium.roles.loader import ROLE


@pytest.fixture(autouse=True)
def _nothing_is_left_in_use() -> Iterator[None]:
    yield
    use(())


def _module(name: str, **values: object) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(values, __file__=f"/somewhere/{name.rpartition('.')[2]}.py")
    return module


def test_a_handed_in_module_is_found_as_if_it_lay_in_the_room_and_forgotten_with_the_next_use() -> None:
    own = load_contracts()
    use([_module("mine.parking", CONTRACT=Contract("parking", 1, ()), ROLE=ROLE._replace(name="attendant"))])
    assert set(load_contracts()) == {*own, "parking"}
    assert "attendant" in load_roles()
    assert [module.__name__ for module in plugins()] == ["mine.parking"]
    assert "mine.parking" not in [module.__name__ for module in modules_of("consortium.contracts")]
    use(())
    assert set(load_contracts()) == set(own)
    assert "attendant" not in load_roles()


def test_a_module_that_only_imports_a_value_of_a_room_adds_nothing() -> None:
    own = load_contracts()
    use([_module("mine.again", CONTRACT=own["bill"]), _module("mine.other", CONTRACT="not a contract")])
    assert load_contracts() == own


def test_two_values_of_one_name_are_refused_with_both_files() -> None:
    use([_module("mine.bills", CONTRACT=Contract("bill", 1, ()))])
    with pytest.raises(NameTaken, match=r"/somewhere/bills\.py: its CONTRACT is named 'bill', .*insurance/bill\.py"):
        load_contracts()


def test_values_named_by_their_file_are_refused_too_where_two_files_have_one_name() -> None:
    use([_module("one.late", WORD=1), _module("two.late", WORD=2)])
    assert offered("consortium.roles", "WORD", int) == [("late", 1), ("late", 2)]
    with pytest.raises(NameTaken, match="'late'"):
        offered_by_file("consortium.roles", "WORD", int)
