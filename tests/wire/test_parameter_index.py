"""A parameter is found by its identifier, or by what the recording calls it; what is not clear is asked back."""

from __future__ import annotations

import pytest

from rta.wire import Application, Channel, ConfigBinding, Configuration, Parameter
from rta.wire.conversion import bind
from rta.wire.parameter_index import ParameterIndex, ParameterNameError


def application(*parameters: tuple[str, str, str], first: int = 1) -> Application:
    numbered = list(enumerate(parameters, first))
    return Application(
        parameters=[Parameter(*named, channels=[n]) for n, named in numbered],
        channels=[Channel(n) for n, _ in numbered],
    )


LOGGER = Configuration(
    {
        "csv": application(
            ("RPM:csv", "RPM", "RPM (1/min)"),
            ("ltemp:csv", "Öltemp", "Öltemp (°C)"),
            ("q:csv", "q[0]", "q[0]"),
            ("q_2:csv", "q[1]", "q[1]"),
            ("Speed:csv", "Speed", " Speed"),
            ("G:csv", "G", "G(x)"),
            ("G_2:csv", "G", "G(y)"),
            ("a_b:csv", "a:b", "a:b (V)"),
        ),
        "pit": application(("Speed:pit", "Speed", "Speed of the pit lane"), first=20),
    }
)


def index(*configurations: tuple[Configuration, int]) -> ParameterIndex:
    found = ParameterIndex()
    for configuration, offset in configurations or ((LOGGER, 0),):
        found.add(bind(configuration, ConfigBinding("c", offset)))
    return found


def found(text: str) -> str:
    [parameter] = index().find(text)
    return parameter.parameter.id


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("RPM:csv", "RPM:csv"),
        ("RPM", "RPM:csv"),
        ("RPM (1/min)", "RPM:csv"),
        ("RPM (1/min):csv", "RPM:csv"),
        ("Öltemp", "ltemp:csv"),
        ("O\u0308ltemp", "ltemp:csv"),
        ("Öltemp (°C)", "ltemp:csv"),
        ("Öltemp:csv", "ltemp:csv"),
        ("ltemp", "ltemp:csv"),
        ("q[0]", "q:csv"),
        ("q[1]", "q_2:csv"),
        ("G(x)", "G:csv"),
        ("G_2", "G_2:csv"),
        ("a:b", "a_b:csv"),
        ("a:b:csv", "a_b:csv"),
        ("Speed:csv", "Speed:csv"),
        ("Speed:pit", "Speed:pit"),
        ("Speed of the pit lane", "Speed:pit"),
    ],
)
def test_it_is_found_by_its_id_with_or_without_the_application_by_its_name_and_by_its_header(text, identifier):
    assert found(text) == identifier


def test_an_identifier_comes_before_a_name():
    both = index((Configuration({"x": application(("A", "B", ""), ("B", "A", ""))}), 0))
    assert [both.find(text)[0].parameter.id for text in "AB"] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("G", '2 parameters are called "G"; say which by its id: G:csv (G(x)), G_2:csv (G(y))'),
        ("Speed", '2 parameters are called "Speed"; say which by its id: Speed:csv ( Speed), '
                  "Speed:pit (Speed of the pit lane)"),
        ("", None),
        ("rpm", None),
        ("RPM:pit", None),
    ],
)  # fmt: skip
def test_what_several_are_called_or_none_is_an_error_that_lists_what_there_is(text, problem):
    with pytest.raises(ParameterNameError) as caught:
        index().find(text)
    if problem is None:
        assert str(caught.value).startswith(f'no parameter "{text}"; there are: RPM:csv, ltemp:csv (Öltemp (°C)), ')
        assert str(caught.value).endswith(", Speed:pit")
    else:
        assert str(caught.value) == problem


def test_one_identifier_in_two_applications_is_told_apart_by_the_application():
    two = index((Configuration({"a": application(("v", "", "")), "b": application(("v", "", ""), first=9)}), 0))
    with pytest.raises(ParameterNameError, match=r'^2 parameters are called "v"; say which by its id: v:a, v:b$'):
        two.find("v")
    assert [list(p.channels) for p in two.find("v:b")] == [[9]]


def test_a_parameter_of_two_documents_is_one_and_has_the_channels_of_both():
    again = index((LOGGER, 0), (LOGGER, 0), (LOGGER, 100))
    assert [list(p.channels) for p in again.find("RPM")] == [[1], [101]]


def test_a_parameter_without_a_channel_that_can_be_read_is_not_there():
    none = index((Configuration({"a": Application(parameters=[Parameter("v:a", "v", channels=[1])])}), 0))
    with pytest.raises(ParameterNameError, match=r'^no parameter "v"; there are none$'):
        none.find("v")


def test_of_many_those_that_are_like_it_come_first_and_the_rest_is_counted():
    many = index((Configuration({"a": application(*((f"wheel {n}:a", "", "") for n in range(100)))}), 0))
    with pytest.raises(ParameterNameError) as caught:
        many.find("whel 77")
    listed = str(caught.value).partition("there are: ")[2]
    assert listed.startswith("wheel 77:a, ")
    assert listed.count(",") == 19
    assert listed.endswith(" and 80 more")
