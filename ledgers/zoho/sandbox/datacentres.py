"""Data centres and their hosts (sheet §1)."""

from dataclasses import dataclass

from werkzeug.wrappers import Request


@dataclass(frozen=True, slots=True)
class DataCentre:
    location: str
    accounts: str
    api: str


DATA_CENTRES = {
    each.location: each
    for each in (
        DataCentre("us", "https://accounts.zoho.com", "https://www.zohoapis.com"),
        DataCentre("eu", "https://accounts.zoho.eu", "https://www.zohoapis.eu"),
        DataCentre("in", "https://accounts.zoho.in", "https://www.zohoapis.in"),
        DataCentre("au", "https://accounts.zoho.com.au", "https://www.zohoapis.com.au"),
        DataCentre("jp", "https://accounts.zoho.jp", "https://www.zohoapis.jp"),
        DataCentre("ca", "https://accounts.zohocloud.ca", "https://www.zohoapis.ca"),
        DataCentre("sa", "https://accounts.zoho.sa", "https://www.zohoapis.sa"),
        DataCentre("cn", "https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn"),
    )
}
_BY_HOST = {url.removeprefix("https://"): dc.location for dc in DATA_CENTRES.values() for url in (dc.accounts, dc.api)}


def located(path: str, host: str) -> str:
    """The path with the location it belongs to in front."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return path if first in DATA_CENTRES else f"/{_BY_HOST.get(host.partition(':')[0], 'us')}{path}"


def accounts_server(request: Request, location: str) -> str:
    """Where the tokens of a location are fetched, as the caller reaches it."""
    return DATA_CENTRES[location].accounts if _official(request) else _here(request, location)


def api_domain(request: Request, location: str) -> str:
    return DATA_CENTRES[location].api if _official(request) else _here(request, location)


def _official(request: Request) -> bool:
    return request.host.partition(":")[0] in _BY_HOST


def _here(request: Request, location: str) -> str:
    return f"{request.host_url.rstrip('/')}/{location}"
