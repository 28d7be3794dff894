"""Which Host and Origin headers a local port accepts, so that a web page in a browser cannot use it.

The daemon's port and the sandbox check this first. A page reaches a port directly (its requests carry an Origin), or
through its own name that resolves to this machine (DNS rebinding: the Host is that name).
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

SAME_SITE = frozenset({"", "same-origin", "none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """The names accepted besides `localhost` and addresses; None: every name."""

    names: frozenset[str] | None = frozenset()
    addresses: frozenset[str] | None = frozenset()
    """The addresses accepted besides loopback; None: every address."""

    def refusal(self, given: Sequence[str]) -> str:
        """Why a request with these Host headers is rejected; "" when it is not."""
        if len(given) > 1:
            return "a request has one Host"
        if not given or self._is_known(host_in(given[0])):
            return ""
        return "this Host is not answered here"

    def _is_known(self, host: str | None) -> bool:
        if host is None:
            return False
        if (address := _address(host)) is not None:
            return address.is_loopback or self.addresses is None or str(address) in self.addresses
        is_local = host == "localhost" or host.endswith(".localhost")
        return is_local or self.names is None or host in self.names


def hosts_of(listen: str, names: Iterable[str] = ()) -> Hosts:
    """What a port listening on `listen` accepts; `names` are those of a proxy in front of it.

    A port open to other machines is reached by address (probes) and by any name (service discovery): without `names`
    it accepts all of them, so it must not offer anything that changes state but to who has a secret (the git hook).
    """
    known = frozenset(name.casefold().rstrip(".") for name in names)
    address = _address(listen)
    if listen == "localhost" or (address is not None and address.is_loopback):
        return Hosts(names=known, addresses=frozenset({str(address)}))
    return Hosts(names=(known | {listen.casefold()}) if known else None, addresses=None)


def names_in(text: str) -> tuple[str, ...]:
    """The host names of a comma-separated list. Raises `ValueError` for an invalid name."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
            raise ValueError(f"{name!r} is no host name; write names separated by commas, such as jobs.example.org")
    return names


def origin_refusal(host: str, origin: str, fetch_site: str) -> str:
    """Why a request that changes state is refused as coming from another web page; "" when it is not.

    Programs send neither Origin nor Sec-Fetch-Site; a page served from this port names it in both.
    """
    if fetch_site.casefold() not in SAME_SITE or (origin and _authority(origin) != host.casefold()):
        return "web pages of another origin may change nothing here"
    return ""


def host_in(authority: str) -> str | None:
    """The host of `host:port` in lowercase, without brackets; None when it is neither a name nor an address."""
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port
    except ValueError:
        return None
    if parts.netloc != authority or "@" in authority or not parts.hostname:
        return None
    return parts.hostname.rstrip(".")


def _authority(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.casefold() or None
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found
