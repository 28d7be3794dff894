"""What git and hosts say, as sentences that name the setting to look at; the whole table, without secrets."""

import base64
from dataclasses import replace

import pytest
from pydantic import SecretStr

from controller.settings.git import GitSource
from controller.source.messages import failure, scrub

HTTPS = GitSource(url="https://host/path", token=SecretStr("canary-token"))
PAIR = base64.b64encode(b"git:canary-token").decode()

SAID = [
    pytest.param(
        "fatal: could not read Username for 'https://host': terminal prompts disabled",
        "the host refused the token of git.tokenFile: it may be expired, or need another git.username",
        id="a token that is refused",
    ),
    pytest.param(
        "fatal: unable to access 'https://host/path/': The requested URL returned error: 403",
        "the host forbids it: the token may not read this repository",
        id="a token without the right",
    ),
    pytest.param(
        "fatal: unable to access 'https://host/path/': Could not resolve host: host",
        "unable to access 'https://host/path/': Could not resolve host: host",
        id="a host that has no address, in git's own words",
    ),
    pytest.param(
        "fatal: unable to access 'https://host/path/': server certificate verification failed. CAfile: none",
        "the host's certificate is not trusted: name its authority in caFile "
        "(unable to access 'https://host/path/': server certificate verification failed. CAfile: none)",
        id="a certificate",
    ),
    pytest.param(
        "remote: fatal: pay us\nremote: \x1b[31mred\nfatal: write error: No space left on device",
        "the disk is full",
        id="the disk, whatever the host says",
    ),
    pytest.param(
        "remote: only the host says something", "remote: only the host says something", id="the host's words alone"
    ),
    pytest.param("No user exists for uid 12345\nfatal: Could not read from remote repository.",
        "ssh needs the user that runs shjobs to be in /etc/passwd", id="a user without a name"),
    pytest.param("", "git failed without a word", id="nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "reason"), SAID)
def test_the_sentence_for(said: str, reason: str) -> None:
    assert failure(HTTPS, said) == f"https://host/path could not be fetched: {reason}"


def test_without_a_token_the_setting_is_named() -> None:
    said = "fatal: could not read Username for 'https://host': terminal prompts disabled"
    assert failure(replace(HTTPS, token=None), said) == (
        "https://host/path could not be fetched: the host asks for a token: name its file in git.tokenFile"
    )


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("fatal: canary-token is wrong", id="the token itself"),
        pytest.param(f"fatal: Authorization: Basic {PAIR}", id="the header"),
        pytest.param("fatal: https://git:canary-token@host/path", id="an address with a password"),
        pytest.param("fatal: proxy http://user:canary-proxy@proxy:3128 refused", id="a proxy with a password"),
        pytest.param("fatal: https://canary-key@host", id="an address with a user that may be a token"),
        pytest.param("fatal: ssh://git:canary-pass@host", id="ssh with a password"),
        pytest.param("fatal: " + "canary-token" * 100, id="the token many times, at the end that is cut"),
    ],
)
def test_no_secret_is_in_a_message(said: str) -> None:
    message = failure(HTTPS, said)
    assert "canary" not in message and PAIR not in message


def test_the_user_of_an_ssh_address_is_no_secret() -> None:
    assert scrub(HTTPS, "ssh://git@host/path: no") == "ssh://git@host/path: no"


def test_what_is_said_is_one_line_cut_short() -> None:
    message = failure(HTTPS, "fatal: " + "\x1b[31m\r\n".join(["word" * 100] * 50))
    assert message.isprintable() and len(message) < 400
