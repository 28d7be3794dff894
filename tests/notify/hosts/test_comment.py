"""The comment on a pull request, at a stand-in of the three hosts; and which pull request a CI run is for."""

import json
from contextlib import closing
from typing import Any

import pytest
from pydantic import SecretStr

from controller.model.errors import UsageError
from controller.notify.hosts.comment import mark_of, write_comment
from controller.notify.hosts.hosts import KINDS, Host
from controller.notify.hosts.pull_request import ci_kind, pull_request_of
from controller.settings.sinks import SinkKind
from tests.support.git_hosts import OTHER, PROJECT, REPOSITORY, TOKEN, StatusHost

MARK = mark_of("jobs.d")
EACH = pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])


def host_at(stand_in: StatusHost, token: str = TOKEN) -> Host:
    return KINDS[SinkKind(stand_in.kind)](stand_in.url, SecretStr(token), REPOSITORY)


def write(stand_in: StatusHost, text: str, folder: str = "jobs.d", token: str = TOKEN) -> str:
    with closing(host_at(stand_in, token)) as host:
        return write_comment(host, 12, folder, text)


def bodies(stand_in: StatusHost) -> list[str]:
    return [each["body"] for each in stand_in.comments]


@EACH
def test_there_is_one_comment_which_is_replaced(kind: str) -> None:
    with StatusHost(kind=kind) as stand_in:
        said = [write(stand_in, text) for text in ("the first plan", "the second plan", "the third plan")]
    assert (said, bodies(stand_in)) == (["", "", ""], [f"{MARK}\nthe third plan"])


@EACH
def test_it_is_found_on_a_later_page_among_those_of_others(kind: str) -> None:
    others = [{"id": number, "body": f"remark {number}", "user": {"login": "ann"}} for number in range(1, 8)]
    with StatusHost(kind=kind, most_per_page=2, comments=list(others)) as stand_in:
        write(stand_in, "the first plan")
        stand_in.comments += [{"id": 99, "body": "thanks", "user": {"login": "ann"}}]
        write(stand_in, "the second plan")
    assert bodies(stand_in)[7:] == [f"{MARK}\nthe second plan", "thanks"]


@EACH
def test_a_comment_of_another_user_is_left_alone(kind: str) -> None:
    with StatusHost(kind=kind) as stand_in:
        write(stand_in, "a plan", token=OTHER)
        said = [write(stand_in, text) for text in ("our plan", "our second plan")]
    assert (said, bodies(stand_in)) == (["", ""], [f"{MARK}\na plan", f"{MARK}\nour second plan"])


def test_a_remark_that_quotes_the_mark_is_no_plan() -> None:
    quoting = {"id": 1, "body": f"> {MARK}", "user": {"login": "shjobs"}}
    with StatusHost(kind="github", comments=[quoting]) as stand_in:
        write(stand_in, "a plan")
    assert bodies(stand_in) == [f"> {MARK}", f"{MARK}\na plan"]


def test_two_folders_have_a_comment_each() -> None:
    with StatusHost(kind="github") as stand_in:
        for text in ("a", "b"):
            write(stand_in, text, "jobs.d")
            write(stand_in, text, "other -->/jobs")
    assert bodies(stand_in) == [f"{MARK}\nb", "<!-- shjobs plan other%20-%2D%3E/jobs -->\nb"]


def test_an_equal_plan_is_not_written_again() -> None:
    with StatusHost(kind="github") as stand_in:
        write(stand_in, "a plan\nof two lines")
        stand_in.comments[0]["body"] = stand_in.comments[0]["body"].replace("\n", "\r\n")
        write(stand_in, "a plan\nof two lines")
    assert [each.method for each in stand_in.requests] == ["GET", "POST", "GET"]


@EACH
def test_a_plan_that_is_too_long_is_cut_before_a_section(kind: str) -> None:
    section = f"\n<details><summary>{'x' * 5000}</summary>\n\n```text\nlines\n```\n\n</details>\n"
    with StatusHost(kind=kind) as stand_in:
        assert write(stand_in, "headline\n" + section * 300) == ""
    [body] = bodies(stand_in)
    assert body.startswith(f"{MARK}\nheadline\n")
    assert "cut here: the plan is longer" in body[-120:]
    assert body.count("<details>") == body.count("</details>") > 10


@pytest.mark.parametrize(
    ("stand_in", "words"),
    [
        pytest.param(StatusHost(kind="github", users={}), "it answered 401: Bad credentials", id="an unknown token"),
        pytest.param(
            StatusHost(kind="github", read_only=True), "it answered 403: Resource not accessible by integration",
            id="a token that may only read, as in the run of a fork",
        ),
        pytest.param(
            StatusHost(kind="gitlab", read_only=True), "it answered 403: 403 Forbidden", id="the same at GitLab"
        ),
        pytest.param(
            StatusHost(kind="github", fails=lambda _given: (200, {"no": "list"}, {})), "it answered 200", id="no list"
        ),
        pytest.param(
            StatusHost(kind="github", fails=lambda given: (500, {"message": "oops"}, {}) if given.query else None),
            "it answered 500: oops", id="comments that cannot be listed: it might be the second",
        ),
        pytest.param(
            StatusHost(kind="github", fails=lambda _given: (302, {}, {"Location": "http://127.0.0.1:1/"})),
            "it answered 302", id="a redirect, which is not followed",
        ),
        pytest.param(
            StatusHost(kind="github", fails=lambda given: (200, [], {"Link": '<http://127.0.0.1:1/x>; rel="next"'})),
            "more than 100 pages of comments", id="a list without an end",
        ),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said_and_adds_nothing(stand_in: StatusHost, words: str) -> None:
    with stand_in:
        assert words in write(stand_in, "a plan")
    assert stand_in.comments == []


def test_a_host_that_is_not_there_is_a_sentence_without_the_token() -> None:
    with closing(KINDS[SinkKind.GITHUB]("http://127.0.0.1:1", SecretStr(TOKEN), REPOSITORY)) as host:
        assert write_comment(host, 1, "jobs.d", "a plan") == "http://127.0.0.1:1: nothing listens there"


ACTIONS = {
    "GITHUB_ACTIONS": "true", "GITHUB_API_URL": "https://api.github.com", "GITHUB_REPOSITORY": REPOSITORY,
    "GITHUB_REF": "refs/pull/12/merge", "GITHUB_TOKEN": TOKEN,
}  # fmt: skip
MERGE = {
    "GITLAB_CI": "true", "CI_API_V4_URL": "https://gitlab.com/api/v4", "CI_PROJECT_ID": PROJECT,
    "CI_MERGE_REQUEST_IID": "12", "GITLAB_TOKEN": TOKEN,
}  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "event", "expected"),
    [
        pytest.param(
            ACTIONS, None, ("github", "https://api.github.com", REPOSITORY, 12, TOKEN),
            id="GitHub, by the ref of the run",
        ),
        pytest.param(
            {**ACTIONS, "GITHUB_REF": "refs/heads/main"}, {"pull_request": {"number": 7}},
            ("github", "https://api.github.com", REPOSITORY, 7, TOKEN), id="GitHub, by the event",
        ),
        pytest.param(
            {**ACTIONS, "GITHUB_API_URL": "https://git.example/api/v3", "SHJOBS_COMMENT_TOKEN": OTHER}, None,
            ("github", "https://git.example/api/v3", REPOSITORY, 12, OTHER), id="a server of one's own, and our token",
        ),
        pytest.param(
            {**ACTIONS, "GITEA_ACTIONS": "true", "GITHUB_API_URL": "", "GITHUB_SERVER_URL": "https://gitea.example/"},
            None, ("gitea", "https://gitea.example/api/v1", REPOSITORY, 12, TOKEN), id="Gitea",
        ),
        pytest.param(MERGE, None, ("gitlab", "https://gitlab.com/api/v4", PROJECT, 12, TOKEN), id="GitLab"),
        pytest.param(
            {**MERGE, "CI_MERGE_REQUEST_PROJECT_ID": "5"}, None,
            ("gitlab", "https://gitlab.com/api/v4", "5", 12, TOKEN), id="GitLab, from a fork",
        ),
    ],
)  # fmt: skip
def test_the_pull_request_of_a_run(
    variables: dict[str, str], event: Any, expected: tuple[str, str, str, int, str]
) -> None:  # fmt: skip
    found = pull_request_of(ci_kind("", variables), variables, json.dumps(event) if event else "")
    shown = (found.kind.value, found.api, found.repository, found.number, found.token.get_secret_value())
    assert shown == expected


@pytest.mark.parametrize(
    ("variables", "event", "words"),
    [
        pytest.param({**ACTIONS, "GITHUB_REF": "refs/heads/main"}, "", "for no pull request", id="a push"),
        pytest.param({**ACTIONS, "GITHUB_REF": ""}, "[", "for no pull request", id="an event that is damaged"),
        pytest.param(
            {**ACTIONS, "GITHUB_REF": ""}, '{"pull_request": {"number": "1/../2"}}', "for no pull request",
            id="a number that is none",
        ),
        pytest.param(
            {**ACTIONS, "GITHUB_TOKEN": ""}, "", "hand it over in SHJOBS_COMMENT_TOKEN or GITHUB_TOKEN", id="no token",
        ),
        pytest.param({**ACTIONS, "GITHUB_TOKEN": "a\nb"}, "", "there is no token", id="a token that fits in no header"),
        pytest.param({**ACTIONS, "GITHUB_REPOSITORY": "a/../../b?"}, "", "do not say where", id="a strange repository"),
        pytest.param({**ACTIONS, "GITHUB_API_URL": "http://git.example"}, "", "with https", id="without TLS"),
        pytest.param({**MERGE, "CI_MERGE_REQUEST_IID": ""}, "", "for no pull request", id="a branch at GitLab"),
        pytest.param({**MERGE, "CI_PROJECT_ID": "../1"}, "", "do not say where", id="a strange project"),
    ],
)  # fmt: skip
def test_a_run_without_one_says_why(variables: dict[str, str], event: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as error:
        pull_request_of(ci_kind("", variables), variables, event)
    assert TOKEN not in str(error.value)


def test_outside_of_ci_it_says_where_to_use_it() -> None:
    with pytest.raises(UsageError, match="no run of GitHub Actions, GitLab CI or Gitea Actions"):
        ci_kind("", {"PATH": "/usr/bin"})
    assert ci_kind("gitea", {}) is SinkKind.GITEA
