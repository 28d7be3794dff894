"""shjobs.toml as the user writes it: the strict model of its keys, and its error messages.

`settings_from` checks the table against `Written`; the descriptions of the fields are the user's documentation.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import BaseModel, Field
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from controller.settings.deployments import DeploymentName
from controller.settings.git import WrittenGit
from controller.settings.sinks import WrittenSink
from controller.settings.suggestions import did_you_mean
from controller.settings.values import (
    FROZEN,
    ApiPath,
    BasePath,
    BucketPrefix,
    Currency,
    Duration,
    FilePath,
    HostNames,
    ServiceUrl,
    TimeBetween,
    Warned,
)


class Policy(BaseModel):
    """The settings that are taken as they are written."""

    model_config = FROZEN

    max_running: int = Field(3, ge=1, description="Requests that may run at the service at once.")
    requests_per_minute: int = Field(100, ge=1, description="Calls to the service per minute, submissions and polls.")
    workers: int = Field(4, ge=1, le=64, description="Calls of one kind, or listings of one bucket, under way at once.")
    on_unconfirmed: Literal["hold", "resubmit"] = Field(
        "hold",
        description="What happens to a submission whose outcome stayed unknown past `unconfirmedGrace`: "
        "`hold` waits for an operator, `resubmit` accepts the risk of paying twice.",
    )
    approval_above: float = Field(
        500, ge=0, allow_inf_nan=False, description="Processing units above which a job needs `maxProcessingUnits`."
    )
    hold_on: list[Warned] = Field(
        default_factory=list,
        description="Warnings of `check` that hold a job until a comment silences them with a reason: "
        'their codes, or "warning" for all.',
    )
    monthly_budget: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Processing units that may be reserved in one UTC month."
    )
    price_per_processing_unit: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="What a processing unit costs you, in `currency`: shown as money."
    )
    currency: Currency = Field("EUR", description="Of `pricePerProcessingUnit`.")
    large_change_processing_units: float = Field(
        1000, ge=0, allow_inf_nan=False, description="Processing units newly due in one turn that need approval."
    )
    large_change_jobs: int = Field(50, ge=0, description="Jobs newly due in one turn that need approval.")
    source: Literal["tree", "committed"] = Field(
        "tree",
        description="What counts in a clone: `tree`, the files as they are; `committed`, only what is committed: "
        "an edit is shown by `plan`, and held.",
    )
    watch: bool = Field(True, description="Whether `run` listens to the events of the file system, beside its scans.")
    listen: str = Field(
        "127.0.0.1:9617", description="Where `run` serves health, readiness and metrics; empty: nowhere."
    )
    listen_hosts: HostNames = Field(
        "", description="Host names by which a proxy reaches `listen`, separated by commas."
    )
    page: bool | None = Field(
        None,
        description="Whether `run` serves its page at `listen`; unset: where only this machine, or who has the token, "
        "can read it.",
    )
    base_path: BasePath = Field("", description="Path under which a proxy serves the page, such as /shjobs.")
    pictures: bool = Field(True, description="Whether pictures of results are made for the page.")
    pictures_megabytes: int = Field(
        200, ge=0, le=1_000_000, description="Megabytes of pictures to keep in `state`; the oldest go first."
    )
    log_format: Literal["human", "json"] = Field("human", description="How `run` logs: lines for people, or JSON.")


class WrittenCredential(BaseModel):
    """`[credentials.<name>]` as the user writes it."""

    model_config = FROZEN

    prefixes: list[BucketPrefix] = Field(min_length=1, description="The s3:// URLs this key pair may be used for.")
    endpoint: ServiceUrl | None = Field(None, description="URL of the object store, when it is not the deployment's.")
    region: str | None = Field(None, min_length=1, description="Region of the buckets.")
    default_chain: bool = Field(False, description="Read with what AWS's default chain finds, not with the key pair.")
    folder: FilePath | None = Field(None, description="Sandbox only: bucket `b` is the folder `<folder>/b`.")
    access_key_file: FilePath | None = Field(None, description="File that holds the access key.")
    secret_access_key_file: FilePath | None = Field(None, description="File that holds the secret access key.")


class Written(Policy):
    """shjobs.toml and the SHJOBS_… variables together, before files are read and profiles applied."""

    deployment: DeploymentName = Field("sentinel-hub", description="The installation of the service to work with.")
    jobs: FilePath = Field("jobs.d", description="Folder of the manifests.")
    state: FilePath = Field("state", description="Folder of the database.")
    status_dir: FilePath | None = Field(None, description="Folder for the status files, when `jobs` is read-only.")
    base_url: ServiceUrl | None = Field(None, description="Address of the service, when it is not the deployment's.")
    api_path: ApiPath | None = Field(None, description="Path of the service, when it is not the deployment's.")
    token_url: ServiceUrl | None = Field(None, description="Address of the token endpoint, likewise.")
    client_id: str | None = Field(None, min_length=1, description="OAuth client id.")
    client_id_file: FilePath | None = Field(None, description="File that holds the OAuth client id.")
    client_secret_file: FilePath | None = Field(None, description="File that holds the OAuth client secret.")
    page_token_file: FilePath | None = Field(
        None, description="File that holds the token which the page asks of its readers."
    )
    ca_file: FilePath | None = Field(
        None, description="File of certificates (PEM) that are trusted beside the usual ones, for every connection."
    )
    unconfirmed_grace: Duration = Field("24h", description="How long an unconfirmed submission is searched for.")
    delivery_grace: Duration = Field("10m", description="How long evidence may take after a request is gone.")
    settle: Duration = Field("5s", description="How long the tree must be still before anything is paid for.")
    scan_every: TimeBetween = Field("60s", description="Between two scans of the tree without file events.")
    time_scale: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Sandbox only: factor for every pause, not for network timeouts."
    )
    credentials: dict[str, WrittenCredential] = Field(default_factory=dict, description="Key pairs by name.")
    git: WrittenGit | None = Field(None, description="Where `run` and `sync` fetch the manifests from.")
    notify: dict[str, WrittenSink] = Field(default_factory=dict, description="Who hears of what, by name.")


TABLES: Mapping[str, type[BaseModel]] = {"credentials": WrittenCredential, "git": WrittenGit, "notify": WrittenSink}
"""The keys that are tables, or hold some."""


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys of a model as written in the file: `maxRunning`."""
    return [to_camel(name) for name in model.model_fields]


NUMBERS = {
    to_camel(name)
    for name, field in Written.model_fields.items()
    if {int, float} & {field.annotation, *get_args(field.annotation)}
}
"""The keys whose values are numbers: a variable's text must become one."""
SWITCHES = {to_camel(name) for name, field in Written.model_fields.items() if field.annotation in (bool, bool | None)}
"""The keys whose values are true or false."""
LISTS = {"holdOn"}
"""The keys whose values are lists of words: a variable has them separated by commas."""


_WORDS = {
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "list_type": 'must be a list, such as ["…"]',
    "too_short": "must not be empty",
    "dict_type": "must be a table, such as [credentials.my-bucket]",
    "model_type": "must be a table",
    "missing": "is missing",
}


def settings_message(error: ErrorDetails, overruled: Mapping[str, str]) -> str:
    """One error of the model as a message: where (a key, or the variable that overrode it) and what to write."""
    place, kind, context = error["loc"], error["type"], error.get("ctx", {})
    where = overruled.get(str(place[0])) or ".".join(map(str, place))
    if kind == "extra_forbidden":
        model = Written if len(place) == 1 else TABLES[str(place[0])]
        return f"{where}: unknown key{did_you_mean(str(place[-1]), keys_of(model))}"
    if kind == "literal_error":
        return f"{where}: must be one of {context['expected']}"
    if kind == "value_error":
        return f"{where}: {context['error']}"
    limits = {"ge": "at least", "gt": "more than", "le": "at most"}
    for limit, words in limits.items():
        if limit in context:
            return f"{where}: must be {words} {context[limit]:g}"
    words = _WORDS.get(kind, error["msg"])
    return f"{where}: {words.removesuffix(', without quotes') if where in overruled.values() else words}"
