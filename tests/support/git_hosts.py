"""A stand-in on loopback for GitHub, GitLab and Gitea, as far as statuses and comments go, by their references.

It has its own validation and error shapes. Each host has one repository and some tokens with a user each.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

REPOSITORY = "acme/imagery"
PROJECT = "17"
TOKEN = "canary-host-token-3b1f"
OTHER = "canary-host-token-of-another-user"
BASES = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1"}
Reply = tuple[int, Any]
MOST_STATUSES = 1_000


@dataclass(kw_only=True)
class Given:
    """One request, as received."""

    method: str
    path: str
    query: Mapping[str, str]
    fields: Mapping[str, Any]
    user: str


@dataclass(kw_only=True)
class StatusHost:
    """A server of one kind. `fails` may answer first; `statuses` are those created, oldest first."""

    kind: str
    commits: set[str] = field(default_factory=set)
    read_only: bool = False
    most_per_page: int = 100
    fails: Callable[[Given], tuple[int, Any, dict[str, str]] | None] = lambda _given: None
    statuses: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Given] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=lambda: {TOKEN: "shjobs", OTHER: "ann"})

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._serving = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._serving.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._serving.join()

    @property
    def url(self) -> str:
        """The base of its API."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{BASES[self.kind]}"

    def shown(self, commit: str) -> list[tuple[str, str, str]]:
        """Context, state and description of each status of a commit as the host shows them."""
        newest = {each["name"]: each for each in self.statuses if each["sha"] == commit}
        return [(each["name"], each["state"], each["description"]) for each in newest.values()]

    def sent(self, commit: str) -> list[tuple[str, str]]:
        """State and description of every status that was asked for, in order."""
        found = [each.fields for each in self.requests if each.path.endswith(f"/statuses/{commit}")]
        return [(str(each["state"]), str(each["description"])) for each in found]

    def answer(self, given: Given) -> tuple[int, Any, dict[str, str]]:
        if failure := self.fails(given):
            return failure
        if not given.user:
            return *self._unauthorized(), {}
        own = {"github": self._github, "gitlab": self._gitlab, "gitea": self._gitea}[self.kind]
        found = own(given)
        return (found[0], found[1], self.links(given)) if found[0] == 200 else (*found, {})

    def _unauthorized(self) -> Reply:
        words = {"github": "Bad credentials", "gitlab": "401 Unauthorized", "gitea": "invalid username or token"}
        return 401, {"message": words[self.kind]}

    # GitHub, and what Gitea has in common with it

    def _github(self, given: Given) -> Reply:
        match = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", given.path)
        if not match or match[1] != REPOSITORY:
            return 404, {"message": "Not Found" if self.kind == "github" else "The target couldn't be found."}
        below = match[2] or ""
        if not below:
            return 200, {"full_name": REPOSITORY}
        if self.read_only and given.method != "GET":
            return 403, {"message": "Resource not accessible by integration"}
        if found := re.fullmatch(r"/statuses/([0-9a-f]+)", below):
            return self._github_status(found[1], given.fields)
        if re.fullmatch(r"/issues/\d+/comments", below):
            return self._thread(given)
        if found := re.fullmatch(r"/issues/comments/(\d+)", below):
            return self._edited(int(found[1]), given, "PATCH")
        return 404, {"message": "Not Found"}

    def _github_status(self, sha: str, fields: Mapping[str, Any]) -> Reply:
        if sha not in self.commits:
            return 422, {"message": f"No commit found for SHA: {sha}"}
        if fields.get("state") not in ("error", "failure", "pending", "success"):
            return _invalid("state is not included in the list")
        if self.kind == "github" and len(fields.get("description", "")) > 140:
            return _invalid("description is too long (maximum is 140 characters)")
        same = [each for each in self.statuses if (each["sha"], each["name"]) == (sha, fields["context"])]
        if self.kind == "github" and len(same) >= MOST_STATUSES:
            return _invalid("This SHA and context has reached the maximum number of statuses.")
        return self._created(sha, fields["context"], fields)

    def _gitea(self, given: Given) -> Reply:
        found = re.fullmatch(r"/repos/[^/]+/[^/]+/statuses/([0-9a-f]+)", given.path)
        if found and found[1] not in self.commits and given.path.startswith(f"/repos/{REPOSITORY}/"):
            return 500, {"message": f"object does not exist [id: {found[1]}, rel_path: ]", "url": "/api/swagger"}
        return self._github(given)

    # GitLab

    def _gitlab(self, given: Given) -> Reply:
        match = re.fullmatch(r"/projects/([^/]+)(/.*)?", given.path)
        if not match or unquote(match[1]) not in (REPOSITORY, PROJECT):
            return 404, {"message": "404 Project Not Found"}
        below = match[2] or ""
        if not below:
            return 200, {"path_with_namespace": REPOSITORY}
        if self.read_only and given.method != "GET":
            return 403, {"message": "403 Forbidden"}
        if found := re.fullmatch(r"/statuses/([0-9a-f]+)", below):
            return self._gitlab_status(found[1], given.fields)
        if re.fullmatch(r"/merge_requests/\d+/notes", below):
            return self._thread(given)
        if found := re.fullmatch(r"/merge_requests/\d+/notes/(\d+)", below):
            return self._edited(int(found[1]), given, "PUT")
        return 404, {"error": "404 Not Found"}

    def _gitlab_status(self, sha: str, fields: Mapping[str, Any]) -> Reply:
        if sha not in self.commits:
            return 404, {"message": "404 Commit Not Found"}
        state = fields.get("state")
        if state not in ("pending", "running", "success", "failed", "canceled"):
            return 400, {"error": "state does not have a valid value"}
        for key in ("description", "target_url"):
            if len(fields.get(key, "")) > 255:
                return 400, {"message": {key: ["is too long (maximum is 255 characters)"]}}
        same = [each for each in self.statuses if (each["sha"], each["name"]) == (sha, fields["name"])]
        current = same[-1]["state"] if same else ""
        event = {"pending": "enqueue", "running": "run", "success": "success", "failed": "drop"}.get(state, "cancel")
        if (current, state) in (("pending", "pending"), ("running", "pending"), ("running", "running")):
            reason = f'(Reason(s): Status cannot transition via "{event}")'
            return 400, {"message": f"Cannot transition status via :{event} from :{current} {reason}"}
        if current in ("pending", "running"):
            same[-1].update(state=state, description=fields.get("description", ""))
            return 201, dict(same[-1])
        return self._created(sha, fields["name"], fields)

    # both

    def _created(self, sha: str, name: str, fields: Mapping[str, Any]) -> Reply:
        made = {"sha": sha, "name": name, "state": fields["state"], "description": fields.get("description", "")}
        made["target_url"] = fields.get("target_url", "")
        self.statuses.append(made)
        return 201, made

    def _thread(self, given: Given) -> Reply:
        if given.method == "GET":
            size = self._size(given)
            first = (int(given.query.get("page", "1")) - 1) * size
            return 200, self.comments[first : first + size]
        body = given.fields.get("body", "")
        longest = 1_000_000 if self.kind == "gitlab" else 65_536
        if not body or len(body) > longest:
            return _invalid(f"body is too long (maximum is {longest} characters)")
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": {"login": given.user}})
        return 201, self.comments[-1]

    def _edited(self, number: int, given: Given, method: str) -> Reply:
        if given.method != method:
            return 405, {"message": "Method Not Allowed"}
        found = next((each for each in self.comments if each["id"] == number), None)
        if found is None:
            return 404, {"message": "Not Found"}
        if found["user"]["login"] != given.user:
            return 403, {"message": "403 Forbidden" if self.kind == "gitlab" else "Must have admin rights."}
        found["body"] = given.fields["body"]
        return 200, found

    def links(self, given: Given) -> dict[str, str]:
        """The Link header of a page that another follows."""
        page, size = int(given.query.get("page", "1")), self._size(given)
        if given.method != "GET" or page * size >= len(self.comments):
            return {}
        return {"Link": f'<{self.url}{given.path}?page={page + 1}>; rel="next", <{self.url}>; rel="last"'}

    def _size(self, given: Given) -> int:
        asked = given.query.get("limit" if self.kind == "gitea" else "per_page", "30")
        return min(int(asked), self.most_per_page)


def _invalid(words: str) -> Reply:
    return 422, {"message": "Validation Failed", "errors": [{"message": words}]}


def _handler(host: StatusHost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            address = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            host.raw.append(f"{self.requestline}\n{content.decode()}")
            given = Given(
                method=self.command,
                path=address.path.removeprefix(BASES[host.kind]),
                query={key: values[0] for key, values in parse_qs(address.query).items()},
                fields=json.loads(content) if content else {},
                user=self._user(),
            )
            host.requests.append(given)
            status, answer, headers = host.answer(given)
            text = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(text)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def _user(self) -> str:
            if host.kind == "gitlab":
                return host.users.get(self.headers.get("PRIVATE-TOKEN") or "", "")
            scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
            expected = "Bearer" if host.kind == "github" else "token"
            return host.users.get(token, "") if scheme == expected else ""

        do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    return Handler
