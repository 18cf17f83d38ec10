"""How many deliveries a second go through the outbox, as a ratio to the bare client posting the same documents?

A seller of some hundred orders is planned in orders mode. The outbox posts the plan into one company: claims, frozen bytes,
attempts, outcomes, trail, proof, all on the embedded database. Then the bare client renders and sends the same documents,
call by call, to a second company of the same chart; the bytes must be the same, and so must be the books. Both talk over
HTTP to the stand-in, which is a process of its own and answers at once: what a real ledger takes to think would only help
the ratio. ``ratio_of_work`` compares the processor time of both processes, which other work on the machine does not
change. Asked: a ratio of at least 0.5.

    python -m benchmarks.deliveries                  # a minute or two; writes results/deliveries.json
    python -m benchmarks.deliveries --profile        # says instead where the outbox spends its time
"""

import argparse
import cProfile
import pstats
import statistics
import sys
import time
from typing import Any

from benchmarks import rig

ASKED = 0.5
ROUNDS, ORDERS = 7, 400
SHAPE = {"settlements": 1, "orders": ORDERS, "negative": 0, "zero": 0, "failed": 0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    profile = cProfile.Profile(time.process_time) if chosen.profile else None
    with rig.opened() as place:
        place.connect_seller("seller", {"shape": SHAPE, "seed": 5})
        realms = [place.connect_company(f"Outbox {number}") for number in range(ROUNDS)]
        place.close_site()
        rounds = [_round(place, realm, profile) for realm in realms]
    if profile is not None:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return 0  # the profiler's own time would be in the figures
    ratio, of_work = (round(statistics.median(one[name] for one in rounds), 2) for name in ("ratio", "ratio_of_work"))
    rig.write("deliveries", {"asked": ASKED, "ratio": ratio, "ratio_of_work": of_work, "rounds": rounds})
    return 0 if ratio >= ASKED else 1


def _round(place: rig.Rig, realm: str, profile: cProfile.Profile | None) -> dict[str, Any]:
    from connector.demo.job import tenant_of
    from flows import outbox, wire
    from flows.models import Attempt, Delivery
    from kit.scope import scope

    tenant = tenant_of(rig.EMAIL)
    with scope(tenant.pk):
        flow = _ready(place, realm)
        rows = Delivery.objects.filter(remote_key=flow.target.remote_key)
        there = rows.filter(state=Delivery.State.POSTED).count()
        sent = Attempt.objects.filter(remote_key=flow.target.remote_key).count()
    watch = Watch(place, profile)
    with watch:
        while outbox.take_turn():
            pass
    with scope(tenant.pk):
        left = rows.exclude(state=Delivery.State.POSTED)
        assert not left.exists(), list(left.values_list("kind", "state", "reason")[:5])
        posts = {post.key: post for post in wire.posts_for(list(rows.order_by("pk")))}
        frozen = [wire.thaw(one) for one in Attempt.objects.filter(remote_key=flow.target.remote_key).order_by("pk")]
        deadline_s = outbox.open_ledger(flow.target).capabilities.deadline_s
    bare, copy = _bare_client(place)
    for call in frozen[:sent]:
        bare.send(call, deadline_s)
    bare.reference()  # it has to know the accounts that were just made
    rendered = []
    alone = Watch(place)
    with alone:
        for call in frozen[sent:]:
            [ours] = bare.render([posts[key] for key in call.keys])
            rendered.append(ours)
            bare.send(ours, deadline_s)
    assert [call.body for call in rendered] == [call.body for call in frozen[sent:]], "not the same documents"
    assert _books(place, realm) == _books(place, copy), "the two companies differ"
    count = len(posts) - there
    return {
        "deliveries": count,
        "calls": len(rendered),
        "outbox_per_s": round(count / watch.seconds),
        "bare_per_s": round(count / alone.seconds),
        "outbox_cpu_s": round(watch.own_s, 2),
        "bare_cpu_s": round(alone.own_s, 2),
        "stand_in_cpu_s": [round(watch.others_s, 2), round(alone.others_s, 2)],
        "ratio": round(alone.seconds / watch.seconds, 3),
        "ratio_of_work": round((alone.own_s + alone.others_s) / (watch.own_s + watch.others_s), 3),
    }


class Watch:
    """Takes the time of a block: on the wall, and the processor's for this process (``own_s``) and the stand-ins."""

    def __init__(self, place: rig.Rig, profile: cProfile.Profile | None = None) -> None:
        self._pid, self._profile = place.children[0].pid, profile
        self.seconds = self.own_s = self.others_s = 0.0

    def __enter__(self) -> None:
        self.seconds, self.own_s, self.others_s = self._now()
        if self._profile:
            self._profile.enable()

    def __exit__(self, *_: object) -> None:
        if self._profile:
            self._profile.disable()
        ended = self._now()
        self.seconds, self.own_s, self.others_s = (
            after - before for after, before in zip(ended, (self.seconds, self.own_s, self.others_s), strict=True)
        )

    def _now(self) -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), rig.processor_s(self._pid)


def _ready(place: rig.Rig, realm: str) -> Any:
    """Return a live flow whose plan is ready to go out; what it needs first is in the books already."""
    from flows import outbox, schedule, setup

    flow = place.new_flow(realm, "orders")
    schedule.begin(flow.pk)
    schedule.run_flow(flow.pk)
    setup.accept_suggestions(flow, rig.EMAIL, create_missing=True)
    while outbox.take_turn():
        pass
    setup.go_live(flow, rig.EMAIL)
    return flow


def _bare_client(place: rig.Rig) -> tuple[Any, str]:
    """Return the client of a fresh company, without anything of ours around it, and the company's realm."""
    from kit.http import Http
    from ledgers.quickbooks.client import QuickBooks

    realm = place.new_company("Bare")
    token = place.token(realm)
    client = QuickBooks(
        Http("Tieout/1.0 (Language=Python)"),
        place.stage.ledgers["quickbooks"],
        realm,
        lambda rejected="": token,
        lambda endpoint: None,
    )
    client.reference()
    return client, realm


def _books(place: rig.Rig, realm: str) -> dict[str, Any]:
    from tests.independent import auditor, quickbooks

    books = quickbooks.read(place.stage.ledgers["quickbooks"], realm, place.token(realm))
    found = auditor.company_findings(books, {name: id_ for id_, name in books.names.items()})
    assert found["documents"]["Invoice"] > 0
    return found


if __name__ == "__main__":
    sys.exit(main())
