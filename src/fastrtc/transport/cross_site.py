"""Refuse requests of pages of other sites that may not use the server. No I/O.

A browser sends requests on behalf of any page that it shows, with the cookies of the server and
from within the user's network. No CORS policy keeps such a page from opening a WebSocket, or from
posting an offer whose answer it does not need.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .telephony.address import public_host

__all__ = ["CorsGrant", "SitePolicy", "is_origin", "is_own_host", "refuse_request"]

ANY = "*"

ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?")
DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}

LOOPBACK = ("127.0.0.0/8", "0.0.0.0/32", "::1/128", "::/128")
PRIVATE = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
    *("0.0.0.0/8", "fc00::/7", "fe80::/10"),
)
LOOPBACK_NETWORKS = tuple(map(ipaddress.ip_network, LOOPBACK))
PRIVATE_NETWORKS = LOOPBACK_NETWORKS + tuple(map(ipaddress.ip_network, PRIVATE))
"""Networks that are not reachable from the internet. 0.0.0.0 is the machine itself (Linux, macOS),
and 100.64.0.0/10 is a VPN such as Tailscale or the network of a provider (RFC 6598). Ranges for
documentation are not included."""

PRIVATE_DOMAINS = frozenset(
    ("local", "internal", "lan", "home", "corp", "intranet", "private", "localdomain", "arpa")
)
"""Last labels of names that resolve within a network only."""

SECOND_LEVEL = frozenset(
    "ac co com edu go gob gov ltd me mil ne net nom or org plc sch".split()  # as in co.uk
)
SHARED_DOMAINS = (
    *("hf.space", "gradio.live", "gradio.app", "github.io", "github.dev", "gitlab.io"),
    *("ngrok.io", "ngrok.app", "ngrok.dev", "ngrok-free.app", "ngrok-free.dev", "loca.lt"),
    *("trycloudflare.com", "pages.dev", "workers.dev", "vercel.app", "netlify.app", "web.app"),
    *("firebaseapp.com", "run.app", "appspot.com", "googleusercontent.com", "herokuapp.com"),
    *("onrender.com", "fly.dev", "railway.app", "replit.app", "repl.co", "replit.dev"),
    *("modal.run", "runpod.net", "streamlit.app", "glitch.me", "azurewebsites.net"),
    *("azurecontainerapps.io", "cloudapp.azure.com", "amazonaws.com", "cloudfront.net"),
)
"""Domains whose subdomains belong to different owners: the best known of the public suffix list.
Only used for requests without ``Sec-Fetch-Site``, which Chromium does not send with WebSockets."""


@dataclass(frozen=True)
class SitePolicy:
    """The pages that may use a server, and the names under which it can be reached.

    Attributes:
        origins: Allowed origins of pages, such as ``"https://app.example.org"``, in addition to the
            server's own; ``"*"`` allows all. None for the default rule.
        hosts: Allowed values of ``Host``, without a port; ``"*.example.org"`` allows all names
            below that domain, ``"*"`` all names. None does not check it.
        local: Whether to allow the names of this machine, too, and no other names.
        machine: The names of this machine in its network.
    """

    origins: Collection[str] | None = None
    hosts: Collection[str] | None = None
    local: bool = False
    machine: Collection[str] = ()


@dataclass(frozen=True)
class CorsGrant:
    """The permissions that the program's ``CORSMiddleware`` grants to the origin of a request.

    Attributes:
        credentials: Whether cookies and HTTP authentication are allowed.
        authorization: Whether an ``Authorization`` header set by the page is allowed.
    """

    credentials: bool
    authorization: bool


@dataclass(frozen=True)
class _Origin:
    scheme: str
    host: str
    port: str

    @property
    def text(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")


def refuse_request(
    headers: Mapping[str, str], policy: SitePolicy, cors: CorsGrant | None = None
) -> tuple[str, str] | None:
    """Decide whether to refuse a request because of its page or its host name.

    A request of a page of another site is refused if it would let the page do what its owner could
    not do without the user's browser: on a loopback or private host, or with cookies or an
    ``Authorization`` header.

    Args:
        headers: The headers of the request; lookups must ignore case.
        policy: The policy of the program.
        cors: What the program's ``CORSMiddleware`` grants to this origin; None for nothing.

    Returns:
        The code and the reason of the refusal; None to allow the request.
    """
    if not is_own_host(headers, policy):
        name = _name(headers.get("host") or "")
        return "unknown_host", f"This server is not called {name[:100]!r} (see allowed_hosts)"
    if not _may_come_from(headers, policy, cors):
        origin = headers.get("origin") or "another site"
        return "cross_site", f"Pages of {origin[:100]!r} may not do this (see allowed_origins)"
    return None


def is_own_host(headers: Mapping[str, str], policy: SitePolicy) -> bool:
    """Return whether ``Host`` is a name of the server, which it is not after DNS rebinding.

    If names are only restricted because the server runs on this machine, any name is accepted from
    a page that came over https: it passed a proxy with a certificate for that name, which an
    attacker who rebinds a name cannot have.
    """
    if policy.hosts is None and not policy.local:
        return True
    name = _name(headers.get("host") or "")
    if any(_matches(name, pattern.lower().strip()) for pattern in policy.hosts or ()):
        return True
    if not policy.local:
        return False
    if _address(name) is not None or _is_loopback(name):  # an address cannot be rebound
        return True
    return name in policy.machine or _came_over_https(headers, name)


def is_origin(value: str) -> bool:
    """Return whether a string is an origin as browsers send it, ``"null"``, or ``"*"``."""
    return value in (ANY, "null") or _parse(value) is not None


def _may_come_from(headers: Mapping[str, str], policy: SitePolicy, cors: CorsGrant | None) -> bool:
    told, site = headers.get("origin"), headers.get("sec-fetch-site")
    if told is None and site is None:  # not a browser: curl, a telephone provider, an app
        return True
    origin = _parse(told or "")
    if policy.origins is not None:
        allowed = {_normal(one) for one in policy.origins}
        if ANY in allowed or (told is not None and _normal(told) in allowed):
            return True
        if site in ("same-origin", "none"):
            return True
        return origin is not None and _is_same_origin(origin, headers)
    if not _is_cross_site(origin, told, site, headers):
        return True
    credentials = bool(headers.get("cookie"))
    authorization = headers.get("authorization")
    if cors is not None and (cors.credentials or not credentials):
        scheme = (authorization or "").partition(" ")[0].lower()
        sent_by_browser = scheme in ("basic", "digest", "negotiate", "ntlm")
        if not authorization or cors.credentials or (cors.authorization and not sent_by_browser):
            return True
    if credentials or authorization:
        return False
    host = _name(public_host(headers) or "")
    return not _is_private(host) or (origin is not None and _is_loopback(origin.host))


def _is_cross_site(
    origin: _Origin | None, told: str | None, site: str | None, headers: Mapping[str, str]
) -> bool:
    if site in ("same-origin", "same-site", "none"):
        return False
    hosts = _own_names(headers)
    if origin is not None:
        if _is_loopback(origin.host) and any(map(_is_loopback, hosts)):
            return False  # a development server: localhost and 127.0.0.1 are different sites
        if origin.scheme not in ("http", "https"):
            return False  # not a site: an extension, or a page in an app
    if site == "cross-site":
        return True
    if told is None:
        return False
    return origin is None or _site(origin.host) not in map(_site, hosts)


def _own_names(headers: Mapping[str, str]) -> list[str]:
    """Return the names that the request was sent to; a proxy may have replaced ``Host``."""
    return [_name(host) for host in (headers.get("host"), public_host(headers)) if host]


def _is_same_origin(origin: _Origin, headers: Mapping[str, str]) -> bool:
    """Compare host and port; behind a proxy, the scheme is not certain."""
    for host in (headers.get("host"), public_host(headers)):
        own = _parse(f"{origin.scheme}://{host}")
        if own is not None and (own.host, own.port) == (origin.host, origin.port):
            return True
    return False


def _came_over_https(headers: Mapping[str, str], name: str) -> bool:
    told = headers.get("origin")
    if told is None:  # browsers send it over https and to loopback only; no script can set it
        return "sec-fetch-site" in headers
    origin = _parse(told)
    return origin is not None and origin.scheme == "https" and origin.host == name


def _parse(text: str) -> _Origin | None:
    found = ORIGIN.fullmatch(text.strip().lower())
    if found is None or int(found[3] or 0) > 65535:
        return None
    scheme, host, port = found[1], found[2].rstrip("."), found[3] or ""
    return _Origin(scheme, host, "" if port == DEFAULT_PORTS.get(scheme) else port)


def _normal(text: str) -> str:
    origin = _parse(text)
    return text.strip().lower() if origin is None else origin.text


def _name(host: str) -> str:
    """Return a host without its port, in lower case."""
    name, _, port = host.strip().lower().rpartition(":")
    return (name if name and (port.isdecimal() or not port) else host.strip().lower()).rstrip(".")


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and len(name) >= len(pattern)
    return pattern == ANY or (bool(name) and name == _name(pattern))


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_loopback(name: str) -> bool:
    address = _address(name)
    if address is not None:
        return any(address in network for network in LOOPBACK_NETWORKS)
    return name == "localhost" or name.endswith((".localhost", "localhost.localdomain"))


def _is_private(name: str) -> bool:
    """Return whether a name shows that a host is reachable from within a network only."""
    address = _address(name)
    if address is not None:
        return any(address in network for network in PRIVATE_NETWORKS)
    last = name.rpartition(".")[2]
    return "." not in name or last in PRIVATE_DOMAINS or _is_loopback(name)


def _site(name: str) -> str:
    """Return the part of a host name that identifies its site: what one owner controls."""
    labels = name.split(".")
    if _address(name) is not None or _is_private(name) or name.endswith(_SHARED):
        return name
    of_country = len(labels[-1]) == 2 and len(labels) > 2 and labels[-2] in SECOND_LEVEL
    return ".".join(labels[-3:] if of_country else labels[-2:])


_SHARED = tuple(f".{domain}" for domain in SHARED_DOMAINS)
