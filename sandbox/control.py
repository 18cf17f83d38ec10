"""The tester's side door of a stand-in: switches, faults, time, log. JSON in, JSON out, under ``/_control/``.

``GET  /_control/``          slug, time, operations, boundaries, switches with their settings, faults, own actions
``GET  /_control/switches``  {name: value};  ``POST`` the same shape sets them (all or none)
``GET  /_control/faults``    [rule with id, seen, fired];  ``POST`` one rule or a list → {"ids": [...]};
                             ``POST /_control/faults/clear`` → {}
``GET  /_control/log``       ?operation=glob&limit=n → [{seq, at, method, path, query, operation, status, note}]
``POST /_control/log/clear`` → {}
``GET  /_control/counters``  {operation: {status: count}}
``POST /_control/time``      {"offset_s": n} | {"advance_s": n} | {"now": ISO time with offset} → {"now", "offset_s"}
``POST /_control/late``      {} store every pending late effect now → {"done": n}
``POST /_control/reset``     {} forget everything
``POST /_control/do/<name>`` the stand-in's own actions

A wrong request is 400 with {"error": text}; the actions' own errors (``ValueError``, ``KeyError``) likewise.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from sandbox.wsgi import json_response, posted_json

if TYPE_CHECKING:
    from sandbox.wsgi import StandIn


def answer_control(stand_in: "StandIn", request: Request) -> Response:
    path = request.path.removeprefix("/_control").strip("/")
    try:
        if request.method == "GET":
            return json_response(_read(stand_in, path, request))
        if request.method == "POST":
            return json_response(_write(stand_in, path, posted_json(request) if request.get_data() else {}))
    except (ValueError, KeyError, TypeError) as error:
        return json_response({"error": f"{type(error).__name__}: {error}"}, 400)
    return json_response({"error": "GET or POST"}, 405)


def _read(stand_in: "StandIn", path: str, request: Request) -> Any:
    readers: dict[str, Callable[[], Any]] = {
        "": lambda: _overview(stand_in),
        "switches": lambda: dict(stand_in.switches),
        "faults": stand_in.faults.rules,
        "log": lambda: stand_in.log(request.args.get("operation", "*"), int(request.args.get("limit", "1000"))),
        "counters": stand_in.counters,
        "time": lambda: _time(stand_in),
    }
    return readers[path]()


def _overview(stand_in: "StandIn") -> dict[str, Any]:
    return {
        "slug": stand_in.slug,
        **_time(stand_in),
        "operations": stand_in.operations(),
        "boundaries": stand_in.boundaries(),
        "switches": {
            name: {"value": stand_in.switches[name], "settings": list(switch.settings), "meaning": switch.meaning}
            for name, switch in stand_in.switches.known.items()
        },
        "faults": stand_in.faults.rules(),
        "late": len(stand_in.late_requests()),
        "actions": sorted([*stand_in.controls(), *stand_in.errands()]),
    }


def _write(stand_in: "StandIn", path: str, posted: Any) -> Any:
    if path.startswith("do/"):
        if errand := stand_in.errands().get(path.removeprefix("do/")):
            return errand(posted)
        with stand_in.store.transaction():
            return stand_in.controls()[path.removeprefix("do/")](posted)
    writers: dict[str, Callable[[Any], Any]] = {
        "switches": lambda values: _switch(stand_in, values),
        "faults": lambda rules: _add_faults(stand_in, rules),
        "faults/clear": lambda _: _just(stand_in.faults.clear),
        "log/clear": lambda _: _just(stand_in.forget_requests),
        "time": lambda values: _move(stand_in, values),
        "late": lambda _: {"done": stand_in.run_late(everything=True)},
        "reset": lambda _: _just(stand_in.store.wipe),
    }
    return writers[path](posted)


def _just(act: Callable[[], None]) -> dict[str, Any]:
    act()
    return {}


def _switch(stand_in: "StandIn", values: dict[str, Any]) -> dict[str, Any]:
    with stand_in.store.transaction():
        for name, value in values.items():
            stand_in.switches[name] = value
    return dict(stand_in.switches)


def _add_faults(stand_in: "StandIn", rules: Any) -> dict[str, Any]:
    with stand_in.store.transaction():
        return {"ids": [stand_in.faults.add(rule) for rule in (rules if isinstance(rules, list) else [rules])]}


def _move(stand_in: "StandIn", values: dict[str, Any]) -> dict[str, Any]:
    clock = stand_in.clock
    if "now" in values:
        clock.move_to(datetime.fromisoformat(values["now"]))
    elif "advance_s" in values:
        clock.advance(float(values["advance_s"]))
    elif "offset_s" in values:
        clock.advance(float(values["offset_s"]) - clock.offset.total_seconds())
    else:
        raise ValueError("one of now, advance_s, offset_s")
    stand_in.store.put("clock", "offset", {"seconds": round(clock.offset.total_seconds())})
    return _time(stand_in)


def _time(stand_in: "StandIn") -> dict[str, Any]:
    clock = stand_in.clock
    return {"now": clock.now().isoformat(), "offset_s": round(clock.offset.total_seconds())}
