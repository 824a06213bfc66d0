from __future__ import annotations

import re
import shlex
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

import bwp_tui
from bwp_tui.cli import commands as commands_package
from bwp_tui.cli.main import command_of, parse_arguments
from bwp_tui.cli.parser import build_parser, parse
from bwp_tui.sandbox.faults import FAULTS
from bwp_tui.settings.configfile import PROFILE_KEYS

COMMANDS = {
    "submit": ["submit", "retrieval", "jane@example.com"],
    "track": ["track", "deletion", "30b5e1a2-0000"],
    "resubmit": ["resubmit", "17"],
    "cancel": ["cancel", "17", "--yes"],
    "list": ["list"],
    "show": ["show", "17"],
    "refresh": ["refresh"],
    "wait": ["wait", "17"],
    "download": ["download", "17"],
    "downloads": ["downloads", "pause", "17"],
    "run": ["run", "--once"],
    "doctor": ["doctor"],
    "note": ["note", "17", "left a message"],
    "tag": ["tag", "17", "+vip", "-x"],
    "verify": ["verify", "17", "--how", "order details"],
    "assign": ["assign", "17", "jane"],
    "extend": ["extend", "17", "--reason", "complex"],
    "acknowledge": ["acknowledge", "17"],
    "import": ["import", "requests.csv"],
    "export": ["export", "-"],
    "report": ["report", "--from", "2026-01-01", "--to", "2026-12-31"],
    "views": ["views"],
    "sandbox": ["sandbox"],
    "console": [],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_what_carries_it_out(name: str) -> None:
    assert callable(command_of(parse(COMMANDS[name])))


def test_a_command_is_in_a_module_of_its_name_or_the_package_says_in_which() -> None:
    listed = dict(re.findall(r"^- `(\w+)`: (.*)$", commands_package.__doc__ or "", re.MULTILINE))
    modules = {name: module for module, names in listed.items() for name in names.split(", ")}
    for name, parser in build_parser()[1].items():
        package, _, module = parser.get_default("command")[0].rpartition(".")
        if package == "commands":
            assert module == modules.pop(name, name)
    assert not modules


@pytest.mark.parametrize("words", [["--profile", "a", "list"], ["list", "--profile", "a"], ["list", "--profile=a"]])
def test_the_profile_may_stand_before_or_behind_the_command(words: list[str]) -> None:
    assert parse(words).profile == "a"


@pytest.mark.parametrize("name", ["completion", "regulations", "sandbox"])
def test_the_help_of_what_is_the_same_for_all_profiles_offers_none(name: str) -> None:
    assert "--profile" not in build_parser()[1][name].format_help()
    assert "--profile" in build_parser()[1]["list"].format_help()


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        (["tag", "17", "+vip", "-hold"], ["17", "+vip", "\N{MINUS SIGN}hold"]),
        (["tag", "17", "-x", "--yes", "+vip"], ["17", "\N{MINUS SIGN}x", "+vip"]),
        (["--profile", "tag", "tag", "17", "-x"], ["17", "\N{MINUS SIGN}x"]),
        (["export", "kind:retrieval", "--format", "jsonl", "-"], ["kind:retrieval", "-"]),
        (["export", "--unmask", "kind:retrieval", "a.csv"], ["kind:retrieval", "a.csv"]),
    ],
)
def test_words_may_stand_anywhere_among_the_options_and_a_tag_to_be_removed_is_no_option(
    words: list[str], taken: list[str]
) -> None:
    assert parse(words).words == taken


def test_a_filter_as_an_option_may_begin_with_a_hyphen() -> None:
    assert parse(["cancel", "--filter", "-tag:vip due<3d", "--yes"]).filter == "-tag:vip due<3d"
    assert parse(["tag", "--filter", "-tag:vip", "+vip"]).filter == "-tag:vip"


def test_a_deletion_takes_all_of_its_facts() -> None:
    facts = ["--holding-period", "3", "--reason", "art.17", "--received", "2026-01-31", "--regulation", "ccpa"]
    parsed = parse(["submit", "deletion", "bob@example.com", *facts, "--tag", "a", "--tag", "b", "--yes"])
    assert (parsed.kind, parsed.email, parsed.holding_period, parsed.reason) == (
        "deletion",
        "bob@example.com",
        3,
        "art.17",
    )
    assert (parsed.received, parsed.regulation, parsed.tag, parsed.yes) == (
        date(2026, 1, 31),
        "us-ca",
        ["a", "b"],
        True,
    )


def test_a_filter_is_taken_as_it_was_typed() -> None:
    assert parse(["list", "status:failed", "age>2d"]).filter == ["status:failed", "age>2d"]
    assert parse(["list", "--limit", "3", "--", "-note:VIP"]).filter == ["-note:VIP"]


@pytest.mark.parametrize("words", [["views", "list"], ["config", "show"], ["events", "status"]])
def test_json_may_stand_before_an_action_and_behind_it(words: list[str]) -> None:
    command, action = words
    assert parse([command, "--json", action]).json
    assert parse([command, action, "--json"]).json
    assert not parse(words).json


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lst"], "bwp-tui: unknown command “lst”; did you mean list?"),
        (["--profile", "a", "shw", "3"], "unknown command “shw”; did you mean show?"),
        (["submit"], "bwp-tui submit: KIND is missing"),
        (["submit", "retrieval"], "bwp-tui submit retrieval: EMAIL is missing"),
        (["submit", "erasure", "a@b.de"], "KIND “erasure” must be one of retrieval, deletion"),
        (["submit", "retrieval", "a@b.de", "--holding-period", "3"], "unknown option: --holding-period"),
        (["submit", "deletion", "a@b.de", "--holding-period", "x"], "“x” is not a number of days from 0 to 180"),
        (["submit", "deletion", "a@b.de", "--ye"], "unknown option: --ye"),
        (["show", "1", "2"], "show: too many arguments"),
        (["submit", "retrieval", "a@b.de", "--received", "31.12.2026"], "use YYYY-MM-DD"),
        (["submit", "retrieval", "a@b.de", "--received", str(date.today() + timedelta(days=2))], "in the future"),
        (["submit", "retrieval", "a@b.de", "--timeout", "nan"], "not a number of seconds"),
        (["submit", "retrieval", "a@b.de", "--timeout", "-1"], "not a number of seconds"),
        (["show", "1", "2"], "too many arguments"),
        (["list", "--limit"], "list: --limit needs a value (see"),
        (["list", "-tag:vip"], "unknown option: -tag:vip; a filter that begins with - goes after --"),
        (["download", "3", "-is:ready"], "unknown option: -is:ready (see"),
        (["list", "--outptu"], "unknown option: --outptu (see"),
        (["views", "save"], "views save: NAME is missing"),
        (["track"], "track: KIND and TASK_ID are missing"),
        (["run", "--once=3"], "--once takes no value such as “3”"),
        (["settle", "3"], "give --task-id or --give-up (see"),
        (["list", "--limit", "-3"], "not a whole number"),
        (["list", "--mask", "--unmask"], "give either --unmask or --mask, not both"),
        (["track", "deletion", "a b c d"], "not a task ID"),
        (["track", "deletion", "\x1b[2J1234"], r"“\x1b[2J1234” is not a task ID"),
        (["settle", "3", "--task-id", "\x1b[2J"], r"“\x1b[2J” is not a task ID"),
        (["resubmit", "3", "--holding-period", "181"], "neither fit nor a number of days from 0 to 180"),
        (["sandbox", "--port", "70000"], "not a port"),
        (["sandbox", "--speed", "0"], "not a number above 0"),
    ],
)
def test_a_wrong_line_is_told_in_one_sentence_with_where_to_look(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert told in said
    assert said.count("\n") == 1
    assert said.endswith("--help)\n")
    assert "usage:" not in said
    assert "\x1b" not in said


def test_a_secret_tried_as_an_option_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--client-secret=hush"], ["--client-secret", "hush"]):
        with pytest.raises(SystemExit):
            parse(["list", *words])
        assert "hush" not in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "console"])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([name, "--help"])
    assert ended.value.code == 0
    assert "--help" in capsys.readouterr().out


def test_the_usage_of_words_that_differ_does_not_repeat_them_as_a_whole() -> None:
    for words in (["note", "17", "late"], ["tag", "17", "+vip"], ["assign", "17", "jane"], ["export", "x.csv"]):
        assert parse(words).words == words[1:]
        assert "..." not in build_parser()[1][words[0]].format_usage()


@pytest.mark.parametrize("name", ["config", "dashboard", "doctor", "events", "regulations", "report", "views"])
def test_json_that_names_no_shopper_is_not_said_to_have_emails(name: str) -> None:
    assert "--json" in (text := build_parser()[1][name].format_help())
    assert "emails in full" not in text


def test_no_words_mean_what_the_grammar_says_of_none() -> None:
    assert vars(parse_arguments([])) == vars(parse([]))


@pytest.mark.parametrize("folder", [".", "..", "results"])
def test_results_can_be_put_into_any_folder(folder: str) -> None:
    assert parse(["download", "1", "--output", folder]).output == Path(folder)


def test_a_file_without_a_name_is_refused() -> None:
    for words in (["download", "1", "--output", ""], ["backup", "/"]):
        with pytest.raises(SystemExit):
            parse(words)


README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_command_line_of_the_readme_can_be_parsed() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    lines = [part for block in blocks for line in block.splitlines() for part in re.split(r"&&|[>#&]", line)]
    typed = [shlex.split(line)[1:] for line in lines if line.strip().startswith("bwp-tui")]
    assert len(typed) > 5
    for words in typed:
        parse(words)


def test_the_readme_names_every_command() -> None:
    named = set(re.findall(r"`([a-z]+)[` ]", README[README.index("## Command line") :]))
    assert set(build_parser()[1]) <= named


def test_the_readme_names_every_setting() -> None:
    assert set(PROFILE_KEYS) <= set(re.findall(r"`([a-z_0-9-]+)`", README))


def test_the_table_of_faults_in_the_readme_names_exactly_those_of_the_practice_api() -> None:
    section = README.split("### Faults of the practice API")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    assert Counter(name for cell in cells for name in re.findall(r"`([a-z0-9-]+)`", cell)) == Counter(FAULTS.keys())


def test_the_help_lists_every_command_once_by_the_groups_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    listed = capsys.readouterr().out.split("\ncommands:\n")[1]
    shown = {
        group: re.findall(r"^    ([a-z]+)", text, re.MULTILINE)
        for group, text in re.findall(r"^  ([a-z ]+):\n((?:    .*\n)+)", listed, re.MULTILINE)
    }
    table = re.findall(
        r"^\| ([a-z ]+) \| (`.*) \|$", README.split("## Command line")[1].split("\n### ")[0], re.MULTILINE
    )
    assert {group: set(names) for group, names in shown.items()} == {
        group: set(re.findall(r"`([a-z]+)[` ]", cells)) for group, cells in table
    }
    assert sorted(name for names in shown.values() for name in names) == sorted(build_parser()[1])


def test_the_modules_that_the_readme_says_to_edit_have_what_it_names_there() -> None:
    package = Path(bwp_tui.__file__).parent
    rows = re.findall(r"^\| a[n ].*? \| (.*) \|$", README.split("## How it is built")[1], re.MULTILINE)
    assert len(rows) > 5
    for row in rows:
        names = re.findall(r"`([\w/]+\.py|[A-Z_]{5,})`", row)
        modules = [name for name in names if name.endswith(".py") and "/" in name]
        texts = [(package / module).read_text(encoding="utf-8") for module in modules]
        for name in set(names).difference(name for name in names if name.endswith(".py")):
            assert any(re.search(rf"^{name}\b", text, re.MULTILINE) for text in texts), (name, modules)
