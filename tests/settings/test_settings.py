"""Settings: every mistake at once and in plain words, the environment wins, and no secret is ever shown."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.model.errors import SettingsError, mask
from controller.model.timing import Timing, seconds_of
from controller.settings.deployments import DEPLOYMENTS, NEW_PATH, OLD_PATH, Credential
from controller.settings.settings import Settings, settings_from

BASE = Path("/project")
FILES = {"/project/id": "from-file\n", "/project/secret": " CANARY-file \n", "/project/empty": "\n", "/keys/a": "key\n"}
WRONG_PATH = f'apiPath: must be the path of the service, such as "{NEW_PATH}" or "{OLD_PATH}"'
CREDENTIAL = '[credentials.my-bucket]\nprefixes = ["s3://my-bucket/ndvi/"]\n'


def read(path: Path) -> str:
    if str(path) == "/project/locked":
        raise PermissionError(13, "Permission denied")
    if str(path) not in FILES:
        raise FileNotFoundError(2, "No such file or directory")
    return FILES[str(path)]


def settings(text: str = "", **environment: str) -> Settings:
    return settings_from(text, source="shjobs.toml", environment=environment, base=BASE, read=read)


def reasons(text: str = "", **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(text, **environment)
    assert "CANARY" not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None
    assert all(line.startswith("shjobs.toml: ") for line in str(caught.value).splitlines())
    return list(caught.value.reasons)


def test_an_empty_file_means_the_documented_defaults() -> None:
    made = settings()
    assert made == Settings(
        file="shjobs.toml",
        deployment=DEPLOYMENTS["sentinel-hub"],
        jobs=BASE / "jobs.d",
        state=BASE / "state",
        credentials={},
        timing=Timing(),
        max_running=3,
        requests_per_minute=100,
        workers=4,
        on_unconfirmed="hold",
        approval_above=500,
        monthly_budget=None,
        large_change_processing_units=1000,
        large_change_jobs=50,
    )


def test_the_environment_wins_over_the_file() -> None:
    text = 'maxRunning = 5\nworkers = 2\nclientId = "in-file"\nsettle = "1m"'
    made = settings(text, SHJOBS_MAX_RUNNING="7", SHJOBS_CLIENT_ID="mine", SHJOBS_MONTHLY_BUDGET="1500.5")
    assert (made.max_running, made.workers, made.client_id) == (7, 2, "mine")
    assert (made.monthly_budget, made.timing.settle) == (1500.5, 60)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert settings("maxRunning = 5", SHJOBS_MAX_RUNNING="").max_running == 5


def mistake(id: str, text: str, expected: str, **environment: str) -> Any:
    return pytest.param(text, environment, expected, id=id)


def test_what_holds_a_job_is_a_list_in_the_file_and_words_with_commas_in_a_variable() -> None:
    assert settings('holdOn = ["warning"]').hold_on == ["warning"]
    assert settings('holdOn = ["warning"]', SHJOBS_HOLD_ON="W004, W012").hold_on == ["W004", "W012"]


WRONG_WARNING = 'must list warnings of `check` by code, such as "W004", or "warning" for all'

MISTAKES = [
    mistake("holds without a list", 'holdOn = "W004"', 'holdOn: must be a list, such as ["…"]'),
    mistake("holds on an error", 'holdOn = ["E300"]', f"holdOn.0: {WRONG_WARNING}"),
    mistake("holds on a misspelt word", 'holdOn = ["warnings"]', f"holdOn.0: {WRONG_WARNING}; did you mean warning?"),
    mistake("holds on a secret", 'holdOn = ["CANARY"]', f"holdOn.0: {WRONG_WARNING}"),
    mistake("holds on no code", "", f"SHJOBS_HOLD_ON: {WRONG_WARNING}", SHJOBS_HOLD_ON="W999"),
    mistake("a misspelt key", "maxRuning = 1", "maxRuning: unknown key; did you mean maxRunning?"),
    mistake("another spelling", "max_running = 1", "max_running: unknown key; did you mean maxRunning?"),
    mistake("a number in quotes", 'workers = "3"', "workers: must be a whole number, without quotes"),
    mistake("a truth", "workers = true", "workers: must be a whole number, without quotes"),
    mistake("too few", "workers = 0", "workers: must be at least 1"),
    mistake("text without quotes", "jobs = 3", "jobs: must be text in quotes"),
    mistake("an empty path", 'jobs = " "', "jobs: must be the name of a file or folder, not empty"),
    mistake(
        "a currency that is no code", 'currency = "Euro"', "currency: must be a code of three letters, such as EUR"
    ),
    mistake("a price below nothing", "pricePerProcessingUnit = -1", "pricePerProcessingUnit: must be at least 0"),
    mistake("a budget that is no number", "monthlyBudget = nan", "monthlyBudget: must be a finite number"),
    mistake(
        "an unknown deployment",
        'deployment = "aws"',
        "deployment: must be one of 'sentinel-hub', 'us-west-2', 'cdse' or 'sandbox'",
    ),
    mistake(
        "a duration without a unit",
        'settle = "5"',
        'settle: must be a number with a unit, such as "5s", "10m", "24h" or "2d"',
    ),
    mistake("no time between", 'scanEvery = "0s"', "scanEvery: must be more than 0s"),
    mistake("a duration beyond reason", 'settle = "9999d"', "settle: must be at most 366d"),
    mistake(
        "plain http elsewhere",
        'baseUrl = "http://example.com"',
        "baseUrl: plain http is only allowed to this machine (127.0.0.1, localhost); write https://",
    ),
    mistake(
        "a password in an address",
        'tokenUrl = "https://me:CANARY@example.com"',
        "tokenUrl: must hold no user, password, '?' or '#'; write it like https://host/path",
    ),
    mistake("no URL", 'baseUrl = "example"', "baseUrl: is not a URL; write it like https://host/path"),
    mistake("no path", 'apiPath = "async"', WRONG_PATH),
    mistake("a path with a space", 'apiPath = "/async v1"', WRONG_PATH),
    mistake(
        "a secret in the file",
        'clientSecret = "CANARY"',
        'clientSecret: no secret belongs in this file; write clientSecretFile = "<file>" or set SHJOBS_CLIENT_SECRET',
    ),
    mistake(
        "a key in the file",
        CREDENTIAL + 'secretAccessKey = "CANARY"',
        "credentials.my-bucket.secretAccessKey: no secret belongs in this file; write "
        'secretAccessKeyFile = "<file>" or set SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY',
    ),
    mistake("a credential that says not what for", "[credentials.b]", "credentials.b.prefixes: is missing"),
    mistake("an empty list", "[credentials.b]\nprefixes = []", "credentials.b.prefixes: must not be empty"),
    mistake(
        "a prefix that is none",
        '[credentials.b]\nprefixes = ["b/x"]',
        "credentials.b.prefixes.0: must be a bucket, or a folder in it, such as s3://my-bucket/ndvi",
    ),
    mistake("no table", "credentials = 3", "credentials: must be a table, such as [credentials.my-bucket]"),
    mistake(
        "a name with capitals",
        '[credentials.My]\nprefixes = ["s3://b"]',
        "credentials.My: a name is made of lowercase letters, digits and '-', at most 63",
    ),
    mistake(
        "a folder outside the sandbox",
        CREDENTIAL + 'folder = "store"',
        'credentials.my-bucket.folder: is only for the sandbox; remove it, or write deployment = "sandbox"',
    ),
    mistake(
        "a sandbox credential that would reach the real store",
        'deployment = "sandbox"\n' + CREDENTIAL,
        "credentials.my-bucket: in the sandbox, write either folder (a local folder that stands in for the "
        "object store) or endpoint",
    ),
    mistake(
        "a truth in quotes",
        CREDENTIAL + 'defaultChain = "yes"',
        "credentials.my-bucket.defaultChain: must be true or false",
    ),
    mistake(
        "a chain for a folder",
        'deployment = "sandbox"\n' + CREDENTIAL + 'folder = "store"\ndefaultChain = true',
        "credentials.my-bucket.defaultChain: a folder needs no credentials; remove it",
    ),
    mistake(
        "scaled time outside the sandbox",
        "timeScale = 0.1",
        'timeScale: is only for the sandbox; remove it, or write deployment = "sandbox"',
    ),
    mistake(
        "a sandbox that is elsewhere",
        'deployment = "sandbox"\nbaseUrl = "https://services.sentinel-hub.com"',
        "baseUrl: the sandbox is on this machine; write http://127.0.0.1:<port>, or another deployment",
    ),
    mistake(
        "one value from two places",
        'clientId = "a"\nclientIdFile = "id"',
        "clientId: is set together with clientIdFile; write only one of them",
    ),
    mistake(
        "a secret that may not be read",
        'clientSecretFile = "locked"',
        "clientSecretFile: the file cannot be read: Permission denied",
    ),
    mistake(
        "two secrets with one variable",
        '[credentials.a]\nprefixes = ["s3://b"]\n[credentials.a-secret]\nprefixes = ["s3://b"]',
        "credentials.a-secret.accessKey: shares the variable SHJOBS_CREDENTIALS_A_SECRET_ACCESS_KEY with "
        "credentials.a.secretAccessKey; rename one of the credentials",
    ),
    mistake(
        "a variable of the wrong type is called by its name",
        "",
        "SHJOBS_MAX_RUNNING: must be a whole number",
        SHJOBS_MAX_RUNNING="many",
    ),
    mistake(
        "a misspelt variable",
        "",
        "SHJOBS_MONTHLY_BUGDET: unknown variable; did you mean SHJOBS_MONTHLY_BUDGET?",
        SHJOBS_MONTHLY_BUGDET="100",
    ),
    mistake("no TOML", "x = [", "is not TOML: Invalid value (at end of document)"),
]


@pytest.mark.parametrize(("text", "environment", "expected"), MISTAKES)
def test_what_is_wrong_is_told_in_plain_words(text: str, environment: dict[str, str], expected: str) -> None:
    assert reasons(text, **environment) == [expected]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    reported = reasons(
        'a = 1\nworkers = "x"\nclientSecret = "CANARY"\ntimeScale = 2', SHJOBS_NONSENSE="CANARY", SHJOBS_SETTLE="1"
    )
    places = ["clientSecret", "SHJOBS_NONSENSE", "timeScale", "workers", "SHJOBS_SETTLE", "a"]
    assert [each.split(":")[0] for each in reported] == places


def test_variables_that_kubernetes_makes_for_a_service_are_no_settings() -> None:
    settings("", SHJOBS_PORT="tcp://10.0.0.1:80", SHJOBS_SERVICE_HOST="10.0.0.1", SHJOBS_PORT_80_TCP_ADDR="10.0.0.1")


def test_secrets_come_from_files_or_variables_and_are_never_shown() -> None:
    text = f'clientIdFile = "id"\nclientSecretFile = "secret"\n{CREDENTIAL}accessKeyFile = "/keys/a"\n'
    made = settings(text, SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY="CANARY-key")
    held = made.credentials["my-bucket"]
    assert made.client_id == "from-file"
    assert made.client_secret is not None
    assert made.client_secret.get_secret_value() == "CANARY-file"
    assert held.access_key is not None
    assert held.secret_access_key is not None
    assert (held.access_key.get_secret_value(), held.secret_access_key.get_secret_value()) == ("key", "CANARY-key")
    assert "CANARY" not in repr(made) + str(made) + made.model_dump_json()


@pytest.mark.parametrize("file", ["missing", "empty"])
def test_a_secret_that_is_not_there_is_no_error_yet(file: str) -> None:
    made = settings(f'clientSecretFile = "{file}"')
    assert made.client_secret is None
    assert made.absent == (
        "clientSecret: the file named by clientSecretFile is missing or empty; write it or set SHJOBS_CLIENT_SECRET",
    )


def test_the_old_path_belongs_to_cdse_and_the_other_one_can_be_set() -> None:
    cdse = settings('deployment = "cdse"').deployment
    assert (cdse.process_url, cdse.other_path) == ("https://sh.dataspace.copernicus.eu" + OLD_PATH, NEW_PATH)
    assert settings(f'apiPath = "{OLD_PATH}"').deployment.process_url == "https://services.sentinel-hub.com" + OLD_PATH


def test_the_tokens_of_the_sandbox_move_with_it() -> None:
    moved = settings('deployment = "sandbox"', SHJOBS_BASE_URL="http://127.0.0.1:9999/").deployment
    assert (moved.base_url, moved.token_url) == ("http://127.0.0.1:9999", "http://127.0.0.1:9999/oauth/token")


def test_graces_are_set_and_the_sandbox_scales_every_pause() -> None:
    made = settings('deployment = "sandbox"\ntimeScale = 0.1\ndeliveryGrace = "2m"\nscanEvery = "10s"').timing
    assert (made.delivery_grace, made.scan_every, made.poll_growth) == (12, 1, Timing().poll_growth)
    assert made.late_looks == pytest.approx((360, 2160, 8640))


def test_scaled_time_leaves_an_answer_as_long_as_ever() -> None:
    made, usual = settings('deployment = "sandbox"\ntimeScale = 0.1').timing, Timing()
    assert (made.connect_timeout, made.answer_timeout, made.read_timeout) == (
        usual.connect_timeout,
        usual.answer_timeout,
        usual.read_timeout,
    )


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("10m", 600), ("24h", 86400), ("2d", 172800), ("1.5h", 5400), ("0s", 0)]
)
def test_durations_are_written_with_a_unit(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 s", "5S", "1h30m", "infs"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="with a unit"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        pytest.param("s3://b/a", True, id="the prefix itself"),
        pytest.param("s3://b/a/", True, id="with a slash at its end"),
        pytest.param("s3://b/a/x/y", True, id="below it"),
        pytest.param("s3://b/ab", False, id="a longer name is another folder"),
        pytest.param("s3://b", False, id="above it"),
        pytest.param("s3://c/a/x", False, id="another bucket"),
        pytest.param("s3://b/a/../c", False, id="a way out"),
        pytest.param("gs://b/a", False, id="another store"),
        pytest.param("s3://", False, id="no bucket at all"),
    ],
)
def test_a_credential_may_be_used_at_and_below_its_prefixes(url: str, allowed: bool) -> None:
    assert Credential(name="n", prefixes=("s3://b/a",)).may_use(url) is allowed


@pytest.mark.parametrize("form", ["a/b+c", "a%2Fb%2Bc", "a\\/b+c"])
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    assert mask(f"<{form}>", ["a/b+c", ""]) == "<***>"


def test_the_file_in_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}).workers == 4
    (tmp_path / "shjobs.toml").write_text("\ufeffworkers = 2\n", encoding="utf-8")
    assert (load_settings(None, {}).workers, load_settings(None, {}).jobs) == (2, Path("jobs.d"))


def test_paths_and_secrets_count_from_the_named_file(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('clientSecretFile = "secret"\n')
    (tmp_path / "secret").write_text("s\n")
    made = load_settings(tmp_path / "other.toml", {})
    assert (made.jobs, made.client_secret is not None) == (tmp_path / "jobs.d", True)


def _missing(path: Path) -> None:
    path.unlink(missing_ok=True)


def _folder(path: Path) -> None:
    path.mkdir()


def _binary(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    ("make", "words"),
    [(_missing, "no such settings file"), (_folder, "cannot be read"), (_binary, "is not UTF-8 text")],
)
def test_a_named_file_that_cannot_be_read_is_an_error(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    make(tmp_path / "x.toml")
    with pytest.raises(SettingsError, match=words):
        load_settings(tmp_path / "x.toml", {})


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        pytest.param(b"CANARY\n", "CANARY", id="with the line end of an editor"),
        pytest.param(b"\xef\xbb\xbfCANARY\r\n", "CANARY", id="with the marks of another system"),
        pytest.param(b"  CANARY  \n\n", "CANARY", id="with spaces around"),
        pytest.param(b"two words", "two words", id="with a space inside"),
        pytest.param(b"\n", None, id="empty, which is no error yet"),
    ],
)
def test_a_secret_file_of_kubernetes_is_read_as_its_one_line(
    tmp_path: Path, content: bytes, secret: str | None
) -> None:
    """There a secret is a link into a folder that is swapped as a whole."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "client-secret").write_bytes(content)
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "client-secret").symlink_to("..data/client-secret")
    (tmp_path / "shjobs.toml").write_text('clientSecretFile = "client-secret"')
    made = load_settings(tmp_path / "shjobs.toml", {})
    assert (made.client_secret.get_secret_value() if made.client_secret else None) == secret
    assert len(made.absent) == (secret is None)


def _two_lines(path: Path) -> None:
    path.write_bytes(b"CANARY\nCANARY\n")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(_folder, "clientSecretFile: the file cannot be read: Is a directory", id="made by Docker"),
        pytest.param(_binary, "clientSecretFile: the file is not text", id="not text"),
        pytest.param(_two_lines, "clientSecret: must be one line of plain text", id="two lines"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_told(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    make(tmp_path / "secret")
    (tmp_path / "shjobs.toml").write_text('clientSecretFile = "secret"')
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "shjobs.toml", {})
    assert caught.value.reasons == (words,)


def test_a_credential_can_read_with_the_chain_but_only_its_keys_let_the_service_write() -> None:
    made = settings(CREDENTIAL + "defaultChain = true").credentials["my-bucket"]
    assert (made.default_chain, made.can_read, made.has_keys) == (True, True, False)
    keys = {f"SHJOBS_CREDENTIALS_MY_BUCKET_{key}ACCESS_KEY": "CANARY" for key in ("", "SECRET_")}
    made = settings(CREDENTIAL, **keys).credentials["my-bucket"]
    assert (made.default_chain, made.can_read, made.has_keys) == (False, True, True)
    assert not settings(CREDENTIAL).credentials["my-bucket"].can_read


def test_a_clock_never_goes_back() -> None:
    seconds, wall = (
        iter((100.0, 105.0, 105.0)),
        iter((datetime(2026, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))),
    )
    clock = Clock(wall=lambda: next(wall), monotonic=lambda: next(seconds))
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=5)
    assert clock.monotonic() == 105


def test_the_real_clock_knows_its_zone() -> None:
    assert Clock().now().tzinfo is UTC


def _profiles() -> Mapping[str, tuple[str, bool]]:
    return {name: (each.prices, each.roles) for name, each in DEPLOYMENTS.items()}


def test_roles_exist_on_aws_only() -> None:
    assert _profiles() == {
        "sentinel-hub": ("planet", True),
        "us-west-2": ("planet", True),
        "cdse": ("cdse", False),
        "sandbox": ("cdse", False),
    }
