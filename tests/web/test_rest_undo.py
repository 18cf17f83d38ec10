"""Taking a settlement out of the books and posting it again, over REST. It changes the stand-in's books, so it has its own."""

from flows.models import Plan
from tests import world as worlds
from tests.web.rest.conftest import caller, make_demo


def test_a_settlement_is_undone_and_posted_again(db):
    with worlds.world() as world:
        demo = make_demo(world)
        rest = caller(demo.tenant, demo.user)
        with demo.inside:
            plan = Plan.objects.filter(state="posted").order_by("-settlement__ends_at").first()
        refused = rest.post(f"plans/{plan.pk}/plan-again")

        undone = rest.post(f"plans/{plan.pk}/undo")
        with demo.inside:
            world.deliver()
        state = rest.get(f"plans/{plan.pk}").json()
        again = rest.post(f"plans/{plan.pk}/plan-again")

        assert refused.status_code == 409
        assert undone.json()["documents"] > 0
        assert (state["state"], state["proof"]) == ("undone", None)
        assert (again.status_code, again.json()["revision"], again.json()["settlement"]) == (201, 2, plan.settlement_id)
        assert rest.post(f"plans/{plan.pk}/plan-again").status_code == 409
        approved = rest.post(f"plans/{again.json()['id']}/approve")
        with demo.inside:
            world.deliver()
        assert approved.status_code == 200
        assert rest.get(f"plans/{again.json()['id']}").json()["proof"]["verdict"] == "proved"
