"""Which Host and which Origin a port answers, as tables."""

import pytest

from controller.model.hosts import host_in, hosts_of, names_in, origin_refusal

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"


@pytest.mark.parametrize(
    ("listen", "names", "host", "is_answered"),
    [
        pytest.param(LOOPBACK, "", "127.0.0.1:9617", True, id="the address itself"),
        pytest.param(LOOPBACK, "", "localhost:9617", True, id="localhost"),
        pytest.param(LOOPBACK, "", "LOCALHOST.", True, id="localhost, written oddly"),
        pytest.param(LOOPBACK, "", "[::1]:9617", True, id="the other loopback address"),
        pytest.param(LOOPBACK, "", "[::ffff:127.0.0.1]", True, id="a mapped loopback address"),
        pytest.param(LOOPBACK, "", "shjobs.localhost", True, id="a name below localhost"),
        pytest.param(LOOPBACK, "", "evil.example:9617", False, id="a name that leads here"),
        pytest.param(LOOPBACK, "", "127.0.0.1.nip.io", False, id="a name that looks like the address"),
        pytest.param(LOOPBACK, "", "localhost.evil.example", False, id="a name that begins with localhost"),
        pytest.param(LOOPBACK, "", "10.0.0.7", False, id="an address of another interface"),
        pytest.param(LOOPBACK, "", "", False, id="an empty host"),
        pytest.param(LOOPBACK, "", "localhost@evil.example", False, id="a user in front"),
        pytest.param(LOOPBACK, "", "localhost/evil", False, id="a path behind"),
        pytest.param(LOOPBACK, "", "localhost:port", False, id="a port that is none"),
        pytest.param(LOOPBACK, "", "[::1", False, id="half a bracket"),
        pytest.param(LOOPBACK, "jobs.example.org", "jobs.example.org", True, id="the name of a proxy"),
        pytest.param(LOOPBACK, "jobs.example.org", "Jobs.Example.org:443", True, id="the name of a proxy, and a port"),
        pytest.param(LOOPBACK, "jobs.example.org", "evil.example", False, id="another name beside a proxy"),
        pytest.param(EVERYWHERE, "", "10.42.0.7:9617", True, id="a probe by the address of the pod"),
        pytest.param(EVERYWHERE, "", "shjobs.jobs.svc:9617", True, id="a service discovered by name"),
        pytest.param(EVERYWHERE, "jobs.example.org", "10.42.0.7:9617", True, id="a probe beside a proxy"),
        pytest.param(EVERYWHERE, "jobs.example.org", "evil.example", False, id="any other name beside a proxy"),
        pytest.param("10.0.0.7", "jobs.example.org", "10.0.0.7:9617", True, id="one address, asked by it"),
    ],
)
def test_a_host_is_answered_when_it_is_ours(listen: str, names: str, host: str, is_answered: bool) -> None:
    assert (hosts_of(listen, names_in(names)).refusal([host]) == "") == is_answered


def test_a_client_without_a_host_is_answered_and_one_with_two_is_not() -> None:
    hosts = hosts_of(LOOPBACK)
    assert hosts.refusal([]) == ""
    assert hosts.refusal(["localhost", "localhost"]) != ""


@pytest.mark.parametrize(
    ("origin", "site", "is_taken"),
    [
        pytest.param("", "", True, id="a program"),
        pytest.param("http://127.0.0.1:8087", "same-origin", True, id="a page of this port"),
        pytest.param("", "none", True, id="an address that the user typed"),
        pytest.param("http://evil.example", "", False, id="a page of another host"),
        pytest.param("http://127.0.0.1:3000", "same-site", False, id="a page of another port"),
        pytest.param("null", "", False, id="a page in a frame without an origin"),
        pytest.param("", "cross-site", False, id="a form of another site"),
        pytest.param("http://[", "", False, id="an origin that is none"),
    ],
)
def test_a_change_is_taken_from_programs_and_from_pages_of_this_port(origin: str, site: str, is_taken: bool) -> None:
    assert (origin_refusal("127.0.0.1:8087", origin, site) == "") == is_taken


@pytest.mark.parametrize("text", ["evil example", "a\0b", "a/b", "*", "a:80"])
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no host name"):
        names_in(text)


def test_no_text_is_too_odd_for_a_host() -> None:
    for text in ("\0", "[", "]", "[]", "::", "a" * 70_000, "\ud800", "\uff11\uff12\uff17.0.0.1", "@", "//", "?", "#"):
        host_in(text)
        assert hosts_of(LOOPBACK).refusal([text]) != "", text
