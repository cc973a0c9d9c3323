"""Decide whether a request comes from a page of another site that may not use the server.

A browser sends requests on behalf of any page that it shows, with the cookies of the server and
from within the user's network. No CORS policy keeps such a page from opening a WebSocket, or from
posting an offer whose answer it does not need. No I/O.
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
"""Where 0.0.0.0 is the machine itself (Linux, macOS), and 100.64.0.0/10 is a VPN such as Tailscale
or the network of a provider (RFC 6598). Not the ranges for documentation."""

PRIVATE_DOMAINS = frozenset(
    ("local", "internal", "lan", "home", "corp", "intranet", "private", "localdomain", "arpa")
)
"""Last labels of names that mean something within a network only."""

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
"""Domains below which each name belongs to someone else; the best known of the public suffix
list. It is consulted for requests without ``Sec-Fetch-Site`` only: Chromium sends none with
WebSockets."""


@dataclass(frozen=True)
class SitePolicy:
    """Which pages may use a server, and under which names it can be reached.

    Attributes:
        origins: Origins of pages such as ``"https://app.example.org"``, beside the server's own;
            ``"*"`` is all. None is the default rule.
        hosts: Names that ``Host`` may have, without a port; ``"*.example.org"`` is all below
            that, ``"*"`` all. None does not look at it.
        local: Whether the names of this machine are allowed, too, and others are not.
        machine: The names that this machine has in its network.
    """

    origins: Collection[str] | None = None
    hosts: Collection[str] | None = None
    local: bool = False
    machine: Collection[str] = ()


@dataclass(frozen=True)
class CorsGrant:
    """What the ``CORSMiddleware`` of the program lets the origin of a request do.

    Attributes:
        credentials: Whether with cookies and HTTP authentication.
        authorization: Whether with an ``Authorization`` header that the page sets itself.
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
    """Decide whether a request is refused for the page, or the host name, that it came by.

    A request of a page of another site is refused where it would give the page what its owner
    could not have without the user's browser: on a loopback or private host, or with cookies or
    an ``Authorization`` header.

    Args:
        headers: Those of the request, with names in any case.
        policy: What the program says.
        cors: What its ``CORSMiddleware`` lets this origin do; None is nothing.

    Returns:
        The code and the reason of the refusal; None if there is none.
    """
    if not is_own_host(headers, policy):
        name = _name(headers.get("host") or "")
        return "unknown_host", f"This server is not called {name[:100]!r} (see allowed_hosts)"
    if not _may_come_from(headers, policy, cors):
        origin = headers.get("origin") or "another site"
        return "cross_site", f"Pages of {origin[:100]!r} may not do this (see allowed_origins)"
    return None


def is_own_host(headers: Mapping[str, str], policy: SitePolicy) -> bool:
    """Tell whether ``Host`` is a name of the server: not so after DNS rebinding.

    Of the names that are only allowed because the server runs on this machine, one is not
    needed: a page that came over https passed a proxy with a certificate for its name, which
    whoever rebinds a name cannot have.
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
    """Tell whether a string is an origin as browsers send it, ``"null"``, or ``"*"``."""
    return value in (ANY, "null") or _parse(value) is not None


def _may_come_from(headers: Mapping[str, str], policy: SitePolicy, cors: CorsGrant | None) -> bool:
    told, site = headers.get("origin"), headers.get("sec-fetch-site")
    if told is None and site is None:  # no browser: curl, a telephone service, an app
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
            return False  # no site: an extension, or the page within an app
    if site == "cross-site":
        return True
    if told is None:
        return False
    return origin is None or _site(origin.host) not in map(_site, hosts)


def _own_names(headers: Mapping[str, str]) -> list[str]:
    """Give the names under which the server was asked; a proxy may have replaced ``Host``."""
    return [_name(host) for host in (headers.get("host"), public_host(headers)) if host]


def _is_same_origin(origin: _Origin, headers: Mapping[str, str]) -> bool:
    """Compare host and port; the scheme is not known for sure behind a proxy."""
    for host in (headers.get("host"), public_host(headers)):
        own = _parse(f"{origin.scheme}://{host}")
        if own is not None and (own.host, own.port) == (origin.host, origin.port):
            return True
    return False


def _came_over_https(headers: Mapping[str, str], name: str) -> bool:
    told = headers.get("origin")
    if told is None:  # sent over https, and to loopback addresses, only; no script can set it
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
    """Give a host without its port, in lower case."""
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
    """Tell whether a host can be reached from within a network only, as far as its name says."""
    address = _address(name)
    if address is not None:
        return any(address in network for network in PRIVATE_NETWORKS)
    last = name.rpartition(".")[2]
    return "." not in name or last in PRIVATE_DOMAINS or _is_loopback(name)


def _site(name: str) -> str:
    """Give the part of a host that names its site: what one owner has."""
    labels = name.split(".")
    if _address(name) is not None or _is_private(name) or name.endswith(_SHARED):
        return name
    of_country = len(labels[-1]) == 2 and len(labels) > 2 and labels[-2] in SECOND_LEVEL
    return ".".join(labels[-3:] if of_country else labels[-2:])


_SHARED = tuple(f".{domain}" for domain in SHARED_DOMAINS)
