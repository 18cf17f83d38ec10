"""The consent page every provider shows: who asks, for what, for which company, and two buttons."""

from collections.abc import Iterable, Mapping
from html import escape

from werkzeug.wrappers import Response

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><main>
<h1>{title}</h1>
<p><strong>{app}</strong> asks for: {scopes}</p>
<form method="post" action="{action}">
{hidden}
<fieldset><legend>{legend}</legend>
{choices}
</fieldset>
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button>
</form>
</main></body></html>
"""


def consent_page(
    *,
    title: str,
    app: str,
    scopes: Iterable[str],
    legend: str,
    choices: Iterable[tuple[str, str]],
    hidden: Mapping[str, str],
    action: str,
) -> Response:
    """A real HTML form, posted to ``action`` with the ``hidden`` fields, ``choice`` (the value of the chosen radio
    button, the first one preset) and ``decision`` (``allow`` or ``deny``). ``choices`` are (value, label)."""
    radios = "\n".join(
        f'<label><input type="radio" name="choice" value="{escape(value)}"{" checked" if not at else ""}> '
        f"{escape(label)}</label>"
        for at, (value, label) in enumerate(choices)
    )
    fields = "\n".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in hidden.items())
    body = _PAGE.format(
        title=escape(title),
        app=escape(app),
        scopes=escape(", ".join(scopes)),
        action=escape(action),
        hidden=fields,
        legend=escape(legend),
        choices=radios,
    )
    return Response(body, content_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"})


def refusal_page(text: str, status: int = 400) -> Response:
    """What a person sees when the request itself is wrong, so that nobody is sent back."""
    body = (
        f'<!doctype html><html lang="en"><title>Something went wrong</title><main><p>{escape(text)}</p></main></html>'
    )
    return Response(body, status=status, content_type="text/html; charset=utf-8")
