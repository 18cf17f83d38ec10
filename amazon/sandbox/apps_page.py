"""*Manage your apps* of the pretend Seller Central."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from werkzeug.wrappers import Response

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Manage your apps</title></head>
<body><main>
<h1>Manage your apps</h1>
<table>
<thead><tr><th>Application</th><th>Selling partner account</th><th>Authorized until</th><th></th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</main></body></html>
"""
_ROW = """<tr><td>{name}{draft}</td><td>{store} ({seller_id})</td><td>{until}</td><td>
<form method="post" action="{action}">
<input type="hidden" name="application_id" value="{application_id}">
<input type="hidden" name="seller_id" value="{seller_id}">
<button type="submit" name="action" value="open">{verb}</button>
{revoke}
</form></td></tr>"""
_REVOKE = '<button type="submit" name="action" value="revoke">Revoke</button>'


def apps_page(
    action: str, rows: Iterable[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any] | None]]
) -> Response:
    """``rows`` are (application, seller, authorisation or None). The forms post ``application_id``, ``seller_id`` and
    ``action``, ``open`` or ``revoke``."""
    written = "\n".join(
        _ROW.format(
            name=escape(application["name"]),
            draft=" (Draft)" if application["draft"] else "",
            store=escape(seller["store_name"]),
            seller_id=escape(seller["seller_id"]),
            application_id=escape(application["application_id"]),
            until=escape(authorisation["until"][:10]) if authorisation else "not authorized",
            action=escape(action),
            verb="Re-authorize" if authorisation else "Authorize",
            revoke=_REVOKE if authorisation else "",
        )
        for application, seller, authorisation in rows
    )
    return Response(
        _PAGE.format(rows=written), content_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"}
    )
