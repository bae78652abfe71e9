"""What is wrong with a configuration is told all at once, each with file, line and column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.config import load_config
from rules.errors import ConfigError
from tests.bot.config_files import problems, written


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        """\
        staff:
          - {name: Ana, email: ana, role: manger}
        rules:
          - name: late
            when: subject.contians("late")
            then: {priority: P0}
        colour: blue
        """,
    )
    assert told == [
        'config.yaml:7:24: staff[0].email: "ana" is not a mail address',
        'config.yaml:7:35: staff[0].role: "manger" is not one of agent, lead, manager, admin; did you mean "manager"?',
        'config.yaml:10:27: rules[0].when: there is no fact or function "contians"; did you mean "contains"?',
        'config.yaml:11:22: rules[0].then.priority: "P0" is not a priority; did you mean "P1"?',
        "config.yaml:12:1: colour: there is no such key",
    ]


def test_problems_name_the_file_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "colour: blue\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as raised:
        load_config("config.yaml", {})
    assert raised.value.problems[0].startswith("config.yaml:6:1: colour: ")


CASES = [
    # sections and keys
    ("desk: {name: Twice}", "6:1: desk: stands here twice, first in line 1"),
    ("stff: []", '6:1: stff: there is no such key; did you mean "staff"?'),
    ("staff: {name: Ana}", "6:8: staff: must be a list, not a section with keys"),
    ("staff: [Ana]", 'staff[0]: must be a section with keys, not "Ana"'),
    ("staff: [{email: ana@x.test}]", "6:9: staff[0].name: is missing"),
    ("habits: {undo_hold: 20}", "habits.undo_hold: 20 is not a length of time; write it with its unit"),
    ("habits: {undo_hold: 20 apples}", '"20 apples" is not a length of time'),
    ("habits: {low_score: 9}", "habits.low_score: 9: "),
    ("habits: {low_score: two}", 'habits.low_score: must be a whole number, not "two"'),
    ("contacts: 5555", "6:11: contacts: must be text; put it in quotes if it looks like something else, not 5555"),
    ("limits: {message_size: big}", 'limits.message_size: "big" is not a size'),
    ("limits: {smtp_connections: 0}", "limits.smtp_connections: 0 is not a count"),
    ("log: {level: loud}", '"loud" is not one of debug, info, warning, error'),
    # names that must exist
    ("sla: {P9: {first_response: 1h}}", '6:7: sla.P9: "P9" is not a priority'),
    ("sla: {P1: {calendar: offce}}", '"offce" is not a calendar; did you mean "office"?'),
    ("digests: [{to: [boss]}]", 'digests[0].to[0]: "boss" is not a recipient; there is agent, lead, manager, admin'),
    ('quick_links: [{title: a, url: "https://x.test", category: sofware}]', 'did you mean "software"?'),
    ("escalation: {first_response: {P7: []}}", 'escalation.first_response.P7: "P7" is not a priority'),
    ("escalation: {resolution: {P1: [{at: soon, to: lead}]}}", '"soon" is not a moment'),
    ('escalation: {resolution: {P1: [{at: "120%", to: lead}]}}', '"120%" is not a moment'),
    ("escalation: {resolution: {P1: [{at: due+soon, to: lead}]}}", '"soon" is not a length of time'),
    ("escalation: {resolution: {P1: [{at: due, to: leed}]}}", '"leed" is not a contact; did you mean "lead"?'),
    ("digests: [{to: admin}]", "digests[0].to: nobody on the staff list has the role admin"),
    # said once
    (
        "staff: [{name: Ana, email: a@x.test}, {name: ana, email: b@x.test}]",
        'staff[1].name: the staff member "ana" stands here twice, first in line 6',
    ),
    (
        "staff: [{name: Ana, email: a@x.test}, {name: Bo, email: A@x.test}]",
        'staff[1].email: the address "A@x.test" stands here twice',
    ),
    ("staff: [{name: Ana, email: support@example.com}]", "is a mailbox of the desk; staff write from their own"),
    ("categories: [a, b, a]", 'categories[2]: the category "a" stands here twice'),
    # calendars
    ("calendars: {office: {}}", "calendars.office: has no open hours"),
    ('calendars: {office: {hours: {mon: ["18:00-09:00"]}}}', "ends before it starts"),
    ('calendars: {office: {hours: {mon: ["09:00-12:00", "11:00-13:00"]}}}', "overlap"),
    ('calendars: {office: {hours: {tues: ["09:00-12:00"]}}}', 'did you mean "tue"?'),
    ("calendars: {office: {timezone: Asia/Shangai, always: true}}", '"Asia/Shangai" is not a time zone'),
    ("calendars: {office: {always: true, holidays: China}}", '"China" is not a country'),
    ("calendars: {office: {always: true, extra_holidays: [2026-13-01]}}", '"2026-13-01" is not a date'),
    ("digests: [{to: lead, at: 25:00}]", '"25:00" is not a time of day'),
    # priorities
    ("priorities: {levels: [{name: Now}, {name: Later}]}", "the priorities are your own, so a matrix"),
    ("priorities: {levels: [{name: Now}]}", "priority Now needs first_response and resolution under sla.Now"),
    (
        "priorities: {matrix: {big: {now: P1, later: P4}, small: {now: P2}}}",
        "priorities.matrix.small: every impact needs the same urgencies as the first one; look at later",
    ),
    ("priorities: {matrix: {big: {now: P1}}}", "priorities.default_impact: is missing, since the matrix has no medium"),
    # rules
    ("rules: [{name: a, when: business_hours, then: {}}]", "rules[0].then: sets nothing"),
    ("rules: [{name: a, when: attachment_count, then: {urgency: low}}]", "a condition is true or false"),
    ("rules: [{name: a, when: 'true', then: {assign: anna}}]", '"anna" is not a staff member'),
    ("rules: [{name: a, when: 'true', then: {acknowledge: maybe}}]", '"maybe" is not one of yes, no'),
]


@pytest.mark.parametrize(("line", "words"), CASES, ids=[line[:60] for line, _ in CASES])
def test_a_mistake_is_told_in_words_with_its_place(line: str, words: str, tmp_path: Path) -> None:
    told = problems(tmp_path, line + "\n")
    assert [problem for problem in told if words in problem], told
    assert all(problem.startswith("config.yaml:") for problem in told)


MAIL_CASES = [
    ("smtp_in: {listen: 2525}", "2525 is not a listener; write host and port"),
    ('smtp_in: {listen: "127.0.0.1:99999"}', "is not a listener"),
    ('smtp_in: {listen: "127.0.0.1:0", key: key.pem}', "STARTTLS needs both certificate and key"),
    ("smtp_out: {port: 25}", "needs one of host (a relay), socket (a mail store) and maildir (a folder)"),
    ("smtp_out: {host: a, maildir: b}", "needs one of host (a relay), socket (a mail store) and maildir (a folder)"),
    ("smtp_out: {host: a, socket: b}", "needs one of host (a relay), socket (a mail store) and maildir (a folder)"),
    ("smtp_out: {socket: b}", "a socket is spoken to with protocol: lmtp"),
    ("smtp_out: {host: a, username: u}", "a login needs both username and password"),
    ("smtp_out: {host: a, tls: maybe}", "write true (TLS from the first byte), starttls, or false"),
    ("aliases: [SUPPORT@example.com]", 'the address "SUPPORT@example.com" already belongs to mailbox support'),
    ("name: 'a:b'", '"a:b" is not a name of letters'),
    ("aliases: [not an address]", '"not an address" is not a mail address'),
]


@pytest.mark.parametrize(("key", "words"), MAIL_CASES, ids=[key for key, _ in MAIL_CASES])
def test_a_mistake_in_a_mailbox_is_told(key: str, words: str, tmp_path: Path) -> None:
    base = f"desk: {{name: A}}\nchannels:\n  mail:\n    - address: support@example.com\n      {key}\n"
    assert [problem for problem in problems(tmp_path, base=base) if words in problem]


CHANNEL_CASES = [
    ('web: {listen: "0.0.0.0:8080"}', "until sign-in exists"),
    ('web: {listen: "desk.example.com:80"}', "until sign-in exists"),
    ("web: {public_url: desk.example.com}", '"desk.example.com" is not a web address'),
    ('slack: {channel: "#support", bot_token: {env: T}, app_token: {env: T}}', '"#support" is not a channel id'),
    ("slack: {channel: C0123, bot_token: {env: T}}", "mode socket needs an app_token"),
    ("slack: {mode: http, channel: C0123, bot_token: {env: T}}", "mode http needs signing_secret"),
]


@pytest.mark.parametrize(("line", "words"), CHANNEL_CASES)
def test_a_mistake_in_web_or_slack_is_told(line: str, words: str, tmp_path: Path) -> None:
    base = f"desk: {{name: A}}\nchannels:\n  mail: [{{address: a@x.test}}]\n  {line}\n"
    assert [problem for problem in problems(tmp_path, environ={"T": "t"}, base=base) if words in problem]


@pytest.mark.parametrize(
    "lines",
    [
        "staff: [{name: [x], role: [lead], email: {a: b}}]\ndigests: [{to: [[lead]]}]\n",
        "categories: [[a]]\npriorities: {levels: [[P1]], matrix: {high: [P1]}}\n",
        "escalation: {first_response: [P1]}\ncalendars: [office]\nsla: [P1]\nrules: {when: x}\n",
    ],
)
def test_values_of_a_wholly_wrong_shape_are_told_too(lines: str, tmp_path: Path) -> None:
    assert len(problems(tmp_path, lines)) >= 3


def test_a_configuration_may_be_written_as_json(tmp_path: Path) -> None:
    data = {"desk": {"name": "Acme \U0001f514"}, "channels": {"mail": [{"address": "a@x.test"}]}}
    (tmp_path / "config.yaml").write_text(json.dumps(data), encoding="utf-8")
    assert load_config(tmp_path / "config.yaml", {}).policy.desk_name == "Acme \U0001f514"


def test_two_mailboxes_cannot_both_go_without_a_name(tmp_path: Path) -> None:
    base = "desk: {name: A}\nchannels:\n  mail: [{address: a@x.test}, {address: b@x.test}]\n"
    assert problems(tmp_path, base=base) == [
        'config.yaml:3:31: channels.mail[1]: the mailbox "support" stands here twice, first in line 3'
    ]


def test_a_condition_in_a_block_is_told_at_its_own_line_and_column(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        """\
        rules:
          - name: gold
            when: |
              business_hours
                && customer.teir == "gold"
            then: {urgency: high}
        """,
    )
    assert told == [
        'config.yaml:10:20: rules[0].when: there is no fact or function "customer.teir"; did you mean "customer.tier"?'
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"# nothing\n", "the file is empty"),
        (b"- a list\n", "must be sections"),
        (b"just words\n", "must be sections"),
        (b"desk: [1\n", "this is not YAML"),
        (b"desk:\n\tname: x\n", "config.yaml:2:1: this is not YAML"),
        (b"desk: {name: 'x}\n", "this is not YAML"),
        (b"desk: {name: *nobody}\n", "this is not YAML"),
        (b"a: 1\n---\nb: 2\n", "this is not YAML"),
        (b"desk: {name: \xff\xfe}\n", "is not UTF-8"),
        (b"desk: {name: \x01}\n", "this is not YAML"),
        (b"desk: !!python/object:os.system {}\n", "desk: the tag"),
        (b"desk: {name: !secret x}\n", "config.yaml:1:14: desk.name: the tag !secret is not used here"),
        (b"base: &b {name: x}\ndesk: {<<: *b}\n", "no merge keys"),
        (b'desk: {name: "\\ud83d"}\n', "config.yaml:1:14: desk.name: half a character"),
        (b"desk: {? [a] : 1}\n", "keys are plain words here"),
        (b"desk: {name: A}\n", "config.yaml:1:1: channels: is missing"),
        (b"desk: {name: A}\nchannels: {mail: []}\n", "channels.mail: must not be empty"),
        (b"desk: {name: ' '}\nchannels: {mail: [{address: a@x.test}]}\n", "desk.name: must not be empty"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_words(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        load_config(path, {})
    assert words in str(raised.value), str(raised.value)


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "nowhere.yaml", {})


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: " + "[" * 500 + "]" * 500 + "\n"])
def test_a_file_without_bottom_is_refused(text: str, tmp_path: Path) -> None:
    assert problems(tmp_path, base=text)


def test_aliases_that_swell_up_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    told = problems(tmp_path, base="\n".join(lines) + "\n")
    assert [problem for problem in told if "far more" in problem]


def test_text_that_other_yaml_readers_take_for_numbers_stays_text(tmp_path: Path) -> None:
    told = problems(tmp_path, "log: {level: no}\ndigests: [{to: [], at: 08:30}]\n")
    assert len(told) == 2
    assert '"no" is not one of debug' in told[0]
