"""One `caFile` for every connection, what a failed TLS handshake is called, and no proxy for this machine."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.bucket.client import Bucket
from controller.cli.settings import load_settings
from controller.model.answers import Listing, Refused
from controller.model.errors import SettingsError
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from controller.service.client import Service
from controller.service.oauth import Session, TokenUnavailable
from controller.settings.deployments import DEPLOYMENTS, Deployment
from tests.bucket.test_lies import mine
from tests.cli.test_sync_s3 import moved
from tests.conftest import SETTINGS, Workspace, ndvi
from tests.operations.test_doctor import diagnoses, doctor
from tests.support.certificates import DAY, Authority, Served
from tests.support.patience import PATIENT
from tests.support.stores import FalseStore, Query, Reply, false_store, listing


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> Served:
    return authority.serves()


def store(_path: str, query: Query) -> Reply:
    """A store with one object, that may be listed, read and written."""
    if "list-type" in query:
        return Reply(body=listing(query["prefix"], f"{query['prefix']}a.json"))
    return Reply(body=b"{}", headers={"ETag": '"abc"', "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"})


def deployment(url: str, authorities: str | None) -> Deployment:
    changed = {"base_url": url, "token_url": f"{url}/oauth/token", "authorities": authorities}
    return DEPLOYMENTS["sandbox"].model_copy(update=changed)


def bucket(url: str, authorities: str | None) -> Bucket:
    return Bucket(deployment(url, authorities), mine(url), timing=PATIENT)


def listed(url: str, authorities: str | None) -> str:
    answer = bucket(url, authorities).read("s3://results/job", "mine")
    return "" if isinstance(answer, Listing) else answer.message


def written(url: str, authorities: str | None) -> str:
    refused = bucket(url, authorities).write("s3://results/job/x", "mine", b"x")
    return refused.message if refused else ""


def token(url: str, authorities: str | None) -> str:
    with Session(deployment(url, authorities), "me", SecretStr("secret"), PATIENT) as session:
        try:
            session.token()
        except TokenUnavailable as error:
            return "" if "without a token" in str(error) else str(error)
    return ""


class Token:
    """An OAuth session that needs no network."""

    user_agent = "test"

    def __init__(self) -> None:
        self._session = Session(DEPLOYMENTS["sandbox"], "me", SecretStr("secret"), PATIENT)

    def token(self) -> str:
        return "a-token"

    def renew(self, stale: str) -> None:
        """It lasts."""

    def in_words(self, error: BaseException) -> str:
        return self._session.in_words(error)


def posted(url: str, authorities: str | None) -> str:
    with Service(deployment(url, authorities), Token(), PATIENT) as service:
        answer = service.submit({})
    return answer.message if isinstance(answer, Refused) else ""


PARTS: dict[str, Callable[[str, str | None], str]] = {
    "a listing": listed,
    "a write to the bucket": written,
    "a token": token,
    "a submission": posted,
}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_private_authority_is_trusted_by_every_part_once_it_is_named(
    part: str, authority: Authority, own: Served
) -> None:
    with false_store(store, own.context()) as server:
        assert PARTS[part](server.url, authority.file.read_text()) == ""
        refused = PARTS[part](server.url, None)
    assert "its certificate is not trusted" in refused
    assert "with caFile in the settings" in refused
    assert [method for method, _ in server.asked if method] != []


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("host", "until", "words"),
    [
        pytest.param("elsewhere.example", DAY, "its certificate is for another host name", id="another name"),
        pytest.param("127.0.0.1", -DAY, "its certificate has expired", id="expired"),
    ],
)
def test_a_certificate_that_is_refused_is_told_with_its_cause(
    part: str, host: str, until: timedelta, words: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    with false_store(store, authority.serves(host, until=until).context()) as server:
        reported = [PARTS[part](server.url, authority.file.read_text()) for _ in range(2)]
    assert words in reported[0]
    assert reported[0] == reported[1]


@pytest.mark.slow
def test_a_job_runs_over_https_with_a_private_authority(
    authority: Authority, own: Served, workspace: Workspace, tmp_path: Path
) -> None:
    options = SandboxOptions(
        folder=workspace.root / "secure",
        port=0,
        requests_per_minute=0,
        time_scale=0.005,
        tls_certificate=own.certificate,
        tls_key=own.key,
    )
    workspace.write("ndvi.yaml", ndvi())
    (options.folder / "my-bucket").mkdir(parents=True)
    (workspace.root / "shjobs.toml").write_text(SETTINGS.format(folder=options.folder), encoding="utf-8")
    with Sandbox(options) as sandbox:
        there = moved(workspace, sandbox)
        untrusted = diagnoses(doctor(there)[1])
        trusted = diagnoses(doctor(there, SHJOBS_CA_FILE=str(authority.file))[1])
        found = there.sync(there.settings(SHJOBS_CA_FILE=str(authority.file)))["ndvi"]
    assert found["phase"] == "Succeeded"
    assert [trusted[name][0] for name in ("clock", "token", "endpoint")] == ["ok"] * 3
    assert all("caFile" in untrusted[name][1] for name in ("clock", "token"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "the file cannot be read: No such file or directory", id="there is no file"),
        pytest.param(
            b"", "the file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", id="nothing in it"
        ),
        pytest.param(
            b"certificate",
            "the file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
            id="something else",
        ),
        pytest.param(b"\x30\x82\xff\xfe", "the file is not text; write certificates in PEM form", id="DER"),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "the file holds a certificate that is damaged",
            id="a damaged certificate",
        ),
    ],
)
def test_a_ca_file_that_cannot_be_used_is_an_error_at_once(tmp_path: Path, content: bytes | None, words: str) -> None:
    settings = tmp_path / "shjobs.toml"
    settings.write_text('caFile = "ca.pem"', encoding="utf-8")
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(settings, {})
    assert str(caught.value) == f"{settings}: caFile: {words}"


def test_several_certificates_count_whatever_stands_around_them(tmp_path: Path, authority: Authority) -> None:
    other = Authority(tmp_path, "other")
    text = f"# eine Behörde\n{authority.file.read_text()}\nand\n{other.file.read_text()}"
    (tmp_path / "ca.pem").write_text(text, encoding="utf-8")
    found = load_settings(None, {"SHJOBS_CA_FILE": str(tmp_path / "ca.pem")}).deployment.authorities
    assert found is not None
    assert found.count("BEGIN CERTIFICATE") == 2
    assert found.isascii()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[FalseStore]:
    """A proxy that every variable names, and that notes what reaches it."""
    with false_store(lambda _path, _query: Reply(status=502)) as found:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, found.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield found


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("part", PARTS)
def test_plain_http_to_this_machine_never_goes_through_a_proxy(part: str, host: str, proxy: FalseStore) -> None:
    with false_store(store) as server:
        assert PARTS[part](server.url.replace("127.0.0.1", host), None) == ""
        assert server.asked != []
    assert proxy.asked == []


@pytest.mark.slow
def test_doctor_and_a_whole_job_use_no_proxy_for_this_machine(workspace: Workspace, proxy: FalseStore) -> None:
    workspace.write("ndvi.yaml", ndvi())
    variables = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), proxy.url)
    code, _ = doctor(workspace, **variables)
    assert (code, workspace.sync()["ndvi"]["phase"], proxy.asked) == (0, "Succeeded", [])


VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
OF_THE_LIBRARY = ("a write to the bucket",)


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("part", PARTS)
def test_https_goes_through_the_proxy_that_a_variable_names(
    part: str, variable: str, own: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with false_store(lambda _path, _query: Reply(status=502)) as proxy, false_store(store, own.context()) as server:
        monkeypatch.setenv(variable, proxy.url)
        assert PARTS[part](server.url, None) != ""
        assert {method for method, _ in proxy.asked} == {"CONNECT"}
        tunnels = len(proxy.asked)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        PARTS[part](server.url, None)
        assert len(proxy.asked) == tunnels


@pytest.mark.slow
@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("part", PARTS)
def test_a_variable_for_certificates_is_obeyed_by_the_parts_that_the_page_names(
    part: str, variable: str, authority: Authority, own: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for each in VARIABLES:
        monkeypatch.delenv(each, raising=False)
    obeys = (part in OF_THE_LIBRARY) == (variable == "SSL_CERT_FILE")
    monkeypatch.setenv(variable, str(authority.file))
    with false_store(store, own.context()) as server:
        assert (PARTS[part](server.url, None) == "") is obeys
        monkeypatch.setenv(variable, str(Authority(tmp_path, "other").file))
        assert PARTS[part](server.url, authority.file.read_text()) == ""
