"""What is written for a setting, by the setting's type: text is text, numbers are decimal."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import Field

from hpcvox import config
from hpcvox.config import Settings
from hpcvox.errors import ConfigError
from hpcvox.scalars import AsWritten

WORDS = [
    "0010", "010.50", "No", "yes", "off", "true", "12:30", "1_000", "1.10", "1e3", "0x10", "2024-01-05",
    "~", "Null", ".5", ".nan", "=", "<<", "007", "-1", "15400", "a.b-c", "~/crystals", "NaN", "8",
]  # fmt: skip
"""Words that YAML takes for something else, and a few that it does not."""

MORE_WORDS = ["a: b", "[x", "a #b", "*x", "@x", "%x", "{a", "a, b", "- x", " x", "#1", "a=b", "!x", "'", '"a'
]  # fmt: skip
"""Words that are no scalar of YAML: for the command line."""


class Group(Settings):
    name: str = "x"
    places: list[Path] = Field([])


class Everything(Settings):
    text: str = "x"
    path: Path = Path("x")
    perhaps: str | None = "x"
    perhaps_path: Path | None = Path("x")
    texts: list[str] | None = None
    whole: int = 1
    number: float = 1.0
    either: int | float | None = None
    perhaps_number: float | None = 1.0
    sizes: tuple[int, ...] = ()
    pairs: tuple[Annotated[tuple[int, ...], "two"], ...] = ()
    flag: bool = False
    choice: Literal["auto", "off", "none"] = "auto"
    patch: Literal[1, 2, 4] = 1
    group: Group = Group()
    groups: list[Group] = Field([])
    classes: dict[str, list[int]] = Field({})
    anything: dict[str, Any] = Field({})
    later: dict[str, Annotated[Any, AsWritten]] = Field({})


def given(*overrides: str) -> Everything:
    return config.load(Everything, None, overrides)


def in_file(folder: Path, text: str) -> Everything:
    path = folder / "c.yaml"
    path.write_text(text)
    return config.load(Everything, path)


@pytest.mark.parametrize("word", [*WORDS, *MORE_WORDS])
def test_a_word_of_the_command_line_is_text_as_it_is(word: str) -> None:
    got = given(f"text={word}", f"perhaps={word}", f"path={word}", f"group.name={word}")
    assert (got.text, got.perhaps, got.path, got.group.name) == (word, word, Path(word), word)


@pytest.mark.parametrize("word", WORDS)
def test_text_of_a_file_is_as_it_is_written(tmp_path: Path, word: str) -> None:
    got = in_file(
        tmp_path,
        f"text: {word}\npath: {word}\nperhaps: {word}\ntexts: [{word}, b]\n"
        f"group: {{name: {word}, places: [{word}]}}\ngroups: [{{name: {word}}}]\nclasses: {{{word}: [1]}}\n"
        if word != "<<"
        else f"text: {word}\npath: {word}\nperhaps: {word}\ntexts: [{word}, b]\n",
    )
    assert (got.text, got.perhaps, got.path, got.texts) == (word, word, Path(word), [word, "b"])
    if word != "<<":  # the key of a merge
        assert got.group == Group(name=word, places=[Path(word)])
        assert (got.groups, got.classes) == ([Group(name=word)], {word: [1]})


@pytest.mark.parametrize("word", [*WORDS, "null", "", "a: b", "#x", " x "])
def test_text_that_is_saved_is_read_back(tmp_path: Path, word: str) -> None:
    made = Everything(text=word, perhaps=word, texts=[word], groups=[Group(name=word)], classes={word: [1]})
    config.save(made, tmp_path / "c.yaml")
    assert config.load(Everything, tmp_path / "c.yaml") == made
    assert yaml.safe_load((tmp_path / "c.yaml").read_text())["text"] == word


def test_lists_of_text_keep_their_words() -> None:
    assert given("texts=[No, 0010, 1.10, 'a, b', null]").texts == ["No", "0010", "1.10", "a, b", "null"]


def test_null_alone_is_no_value() -> None:
    got = given("perhaps=null", "perhaps_path=null", "perhaps_number=null", "texts=null")
    assert (got.perhaps, got.perhaps_path, got.perhaps_number, got.texts) == (None, None, None, None)
    assert given("perhaps='null'").perhaps == "null"
    assert given("text=null").text == "null"
    assert given("perhaps=").perhaps is None  # nothing written
    assert given("perhaps=''").perhaps == ""


@pytest.mark.parametrize("override", ["text=", "path="])
def test_text_that_is_left_empty_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match=f"on the command line: {override}: "):
        given(override)


@pytest.mark.parametrize(
    ("word", "number"), [("1e-3", 1e-3), ("1.0e-3", 1e-3), (".5", 0.5), ("5.", 5), ("0010", 10), ("-2", -2)]
)
def test_numbers_are_decimal(word: str, number: float) -> None:
    got = given(f"number={word}", f"either={word}", f"perhaps_number={word}")
    assert (got.number, got.either, got.perhaps_number) == (number, number, number)


def test_whole_numbers_stay_whole_where_both_are_taken() -> None:
    assert isinstance(given("either=3").either, int)
    assert isinstance(given("either=3.0").either, float)
    assert given("whole=0010", "sizes=[010, 8]", "pairs=[[08, 1]]").model_dump(
        include={"whole", "sizes", "pairs"}
    ) == {"whole": 10, "sizes": (10, 8), "pairs": ((8, 1),)}


@pytest.mark.parametrize("key", ["whole", "number", "either"])
@pytest.mark.parametrize("word", ["1_000", "1_0.5", "12:30", "0x10", "0b11"])
def test_numbers_that_are_written_otherwise_are_refused(key: str, word: str) -> None:
    with pytest.raises(ConfigError, match=f"on the command line: {key}={word}: {key}: '{word}' is no"):
        given(f"{key}={word}")


@pytest.mark.parametrize("word", ["yes", "no", "true", "off"])
def test_a_switch_is_no_number(word: str) -> None:
    with pytest.raises(ConfigError, match=f"on the command line: whole={word}: whole: .*given: '{word}'"):
        given(f"whole={word}")


def test_text_that_looks_like_a_number_is_saved_in_quotes() -> None:
    for word in ("0010", "1e3", "08", "1.10", "12:30", "No", "null", "2024-01-05"):
        assert f"text: '{word}'\n" in config.dump(Everything(text=word))


@pytest.mark.parametrize(
    ("word", "flag"),
    [("yes", True), ("on", True), ("True", True), ("no", False), ("off", False), ("1", True)],
)
def test_switches_take_the_words_of_yaml(word: str, flag: bool) -> None:
    assert given(f"flag={word}").flag is flag


def test_choices_are_text_or_numbers() -> None:
    assert given("choice=off").choice == "off"
    assert given("choice=none", "patch=4").patch == 4
    with pytest.raises(ConfigError, match="patch"):
        given("patch=3")


def test_a_value_without_a_type_is_what_yaml_has_but_for_odd_numbers() -> None:
    got = given(
        "anything={a: 1.10, b: yes, c: null, d: 5, e: 0010, f: 1_000, g: 12:30, h: 2024-01-05, i: [1, x]}"
    )
    assert got.anything == {
        "a": 1.1, "b": True, "c": None, "d": 5, "e": "0010", "f": "1_000", "g": "12:30", "h": "2024-01-05",
        "i": [1, "x"],
    }  # fmt: skip


def test_a_value_that_gets_its_type_later_stays_as_written() -> None:
    got = given("later={a: 1.10, b: No, c: null, d: 5, e: 0010, f: 0.5, g: true, h: {i: [off]}, j: 1.0e+30}")
    assert got.later == {
        "a": "1.10", "b": "No", "c": None, "d": 5, "e": "0010", "f": 0.5, "g": True, "h": {"i": ["off"]}, "j": 1e30,
    }  # fmt: skip


def test_errors_say_where_the_value_came_from(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("whole: many\nnumber: 2\n")
    with pytest.raises(ConfigError, match=r"^\S+c\.yaml: whole: .*'many'\)$"):
        config.load(Everything, path)
    with pytest.raises(ConfigError, match=r"^on the command line: number=x: number: .*given: 'x'\)$"):
        config.load(Everything, path, ["whole=3", "number=x"])
    with pytest.raises(
        ConfigError, match=r"c\.yaml: whole: .*; on the command line: group={nam: a}: unknown key"
    ):
        config.load(Everything, path, ["group={nam: a}"])


def test_a_group_that_was_given_as_a_whole_takes_more() -> None:
    assert given("group={name: 0010, places: [No]}", "group.name=0011").group == Group(
        name="0011", places=[Path("No")]
    )


def test_what_is_not_written_stays_what_it_is() -> None:
    """Trees of JSON and of Python have their types already; numbers are names where text is wanted."""
    assert config.validate(Everything, {"text": 15, "perhaps": None, "number": 1}, "card").text == "15"
