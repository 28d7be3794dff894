"""How a host is reached: directly or through a proxy, and trusting whom, as the environment says.

`exchange` asks for each new line. The rules are those of requests, by its own functions (docs/settings.md, "Network").
"""

import ssl

from requests.adapters import SOCKSProxyManager
from requests.utils import get_auth_from_url, get_environ_proxies, prepend_scheme_if_needed, select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.util import make_headers, parse_url

from controller.wire.trust import bundle, tls_context


def pool_to(url: str, authorities: str | None) -> HTTPConnectionPool:
    """One connection to the host of `url`, not opened yet. Raises `OSError` or `ValueError`.

    `authorities`: additional trusted certificates (PEM).
    """
    place = parse_url(url)
    if place.scheme != "https":  # for this machine only: no proxy may forward it
        return HTTPConnectionPool(place.host or "", place.port, maxsize=1)
    context = tls_context(bundle(), authorities)
    if proxy := select_proxy(url, get_environ_proxies(url)):
        return _proxied(proxy, context).connection_from_host(place.host, place.port, "https")
    return HTTPSConnectionPool(place.host or "", place.port, maxsize=1, ssl_context=context)


def _proxied(proxy: str, context: ssl.SSLContext) -> PoolManager:
    proxy = str(prepend_scheme_if_needed(proxy, "http"))  # type: ignore[no-untyped-call]
    if not parse_url(proxy).host:
        raise ValueError("the address of the proxy has no host")
    user, password = get_auth_from_url(proxy)
    if proxy.lower().startswith("socks"):
        return SOCKSProxyManager(proxy, user, password, num_pools=1, maxsize=1, ssl_context=context)
    return ProxyManager(
        proxy,
        num_pools=1,
        maxsize=1,
        ssl_context=context,
        proxy_ssl_context=context if proxy.lower().startswith("https") else None,
        proxy_headers=make_headers(proxy_basic_auth=f"{user}:{password}") if user else None,
    )
