"""The life of a record: which operation moves it from which stage to which, and nothing else does."""

import msgspec
import pytest

from consortium.core.contract import Life, Move, Refused, Table


class Door(msgspec.Struct, frozen=True):
    stage: str


DOORS = Table("life_door", Door)
LIFE = Life(
    DOORS,
    (
        Move("", "build", "shut"),
        Move("shut", "open", "open"),
        Move("open", "shut", "shut"),
        Move("open", "kick", "shut"),
        Move("open", "kick", "broken"),
        Move("broken", "clear", ""),
    ),
)


def test_an_operation_moves_what_is_in_its_stage() -> None:
    assert LIFE.move("build", "", "the door") == "shut"
    assert LIFE.move("open", "shut", "the door") == "open"
    assert LIFE.move("clear", "broken", "the door") == ""
    assert LIFE.allows("open", "shut") and not LIFE.allows("open", "broken")


@pytest.mark.parametrize(
    ("operation", "stage"), [("open", "broken"), ("open", ""), ("build", "shut"), ("clear", "open")]
)
def test_whatever_is_not_listed_is_refused_and_says_what_it_asks_for(operation: str, stage: str) -> None:
    with pytest.raises(Refused) as refused:
        LIFE.move(operation, stage, "the door")
    assert refused.value.code == "wrong-stage"
    assert refused.value.sentence.startswith(f"the door is {stage or 'not there'}: {operation} asks for ")


def test_of_two_ends_the_caller_says_which_and_may_say_no_third() -> None:
    assert LIFE.move("kick", "open", "the door", "broken") == "broken"
    for after in ("", "open"):
        with pytest.raises(AssertionError):
            LIFE.move("kick", "open", "the door", after)


def test_a_refusal_bears_the_code_that_the_life_was_given() -> None:
    with pytest.raises(Refused, match="wrong-status"):
        Life(DOORS, (Move("", "build", "shut"),), code="wrong-status").move("build", "shut", "it")


def test_the_stage_of_nothing_is_empty() -> None:
    assert (LIFE.stage_of(None), LIFE.stage_of(Door("open"))) == ("", "open")
