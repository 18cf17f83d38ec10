"""Settlements: the list, the proof, the rows behind a figure, and what a person decides."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from amazon.models import Report, Settlement
from amazon.upload import import_file
from bookkeeping.accounts import AccountKey
from flows import outcomes, planning, progress, proving, rules
from flows.models import Delivery, Flow, MappingRule, Plan, ReadBack
from flows.rows import DIFFERENT, VOID
from kit.clock import now
from kit.scope import scope
from ledgers.models import ListEntry
from ledgers.port import Binding, Posted
from tenants.models import Connection
from tests import factories
from tests.amazon.settlements import SALE, v2
from tests.web.small_books import STRANGE, answer_all, flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db
SAMPLE = Path(__file__).parents[3] / "shared/samples/settlement_v1_ca_cad_2025-08.txt"
QUERIES = 40


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def flow(acme):
    return flow_of(acme)


@pytest.fixture
def settlement(acme, flow):
    return settle(acme)


@pytest.fixture
def viewer(acme):
    return factories.member(acme, "vera@acme.test", "viewer")


# The list


def test_the_list_says_what_is_in_the_books_and_what_is_held(signed_in, alice, acme, flow):
    post(plan_of(settle(acme)))
    post(plan_of(settle(acme, "15000000002", (*SALE, STRANGE), start="2026-01-15")))

    shown = text_of(signed_in(alice).get(reverse("flows:settlements")))

    assert "Ties" in shown
    assert "1 document held" in shown
    assert "Greenlight Credit" in shown


@pytest.mark.parametrize(
    ("total", "words"),
    [("-3.00", "None: you owe Amazon"), ("0.00", "None: it came out at zero"), ("20.00", "Paid out on 17 Jan 2026")],
)
def test_the_list_says_what_became_of_the_payout(signed_in, alice, acme, flow, total, words):
    settle(acme, rows=(("Order", "ItemFees", "Commission", total),))

    assert words in text_of(signed_in(alice).get(reverse("flows:settlements")))


def test_a_payout_that_is_still_to_come_is_due(signed_in, alice, settlement, time_machine):
    time_machine.move_to(f"{settlement.deposit_on - timedelta(days=1)}T12:00:00Z")

    assert "Due on 17 Jan 2026" in text_of(signed_in(alice).get(reverse("flows:settlements")))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("currency=USD", True),
        ("currency=EUR", False),
        ("state=planned", True),
        ("state=posted", False),
        ("state=held", False),
        ("state=none", False),
        ("year=2026", True),
        ("year=2025", False),
        ("year=nonsense", True),
    ],
)
def test_the_list_is_filtered(signed_in, alice, acme, settlement, query, found):
    settle(acme, "15000000009", start="2025-03-01", currency="EUR")

    shown = signed_in(alice).get(f"{reverse('flows:settlements')}?{query}").context["page"].object_list

    assert (settlement in shown) is found


def test_a_settlement_that_no_flow_takes_says_why(signed_in, alice, acme, flow):
    settlement = settle(acme, currency="EUR")

    shown = text_of(signed_in(alice).get(reverse("flows:settlement", args=[settlement.pk])))

    assert "No flow takes settlements in EUR" in shown


def test_the_list_asks_as_much_for_many_settlements_as_for_one(
    signed_in, alice, acme, flow, django_assert_max_num_queries
):
    for number in range(6):
        settle(acme, f"1500000001{number}", start=f"2026-0{number + 1}-01")

    browser = signed_in(alice)
    with django_assert_max_num_queries(QUERIES):
        browser.get(reverse("flows:settlements"))


def test_htmx_gets_the_list_alone(signed_in, alice, settlement):
    response = signed_in(alice).get(reverse("flows:settlements"), headers={"HX-Request": "true"})

    assert b"<html" not in response.content
    assert settlement.settlement_id.encode() in response.content


# Who may see and do what


@pytest.mark.parametrize("name", ["settlement", "rows"])
def test_a_settlement_of_another_tenant_is_not_there(signed_in, charlie, settlement, name):
    assert signed_in(charlie).get(reverse(f"flows:{name}", args=[settlement.pk])).status_code == 404


@pytest.mark.parametrize("name", ["approve", "undo", "post_again", "check_books", "labels"])
def test_a_plan_of_another_tenant_is_not_there(signed_in, charlie, settlement, name):
    assert signed_in(charlie).post(reverse(f"flows:{name}", args=[plan_of(settlement).pk])).status_code == 404


@pytest.mark.parametrize("name", ["settlements", "files", "upload"])
def test_a_stranger_signs_in_first(client, name):
    assert client.get(reverse(f"flows:{name}")).url.startswith(reverse("account_login"))


@pytest.mark.parametrize("name", ["approve", "undo", "post_again", "check_books", "labels"])
def test_a_viewer_decides_nothing(signed_in, viewer, settlement, name):
    plan = plan_of(settlement)

    response = signed_in(viewer).post(reverse(f"flows:{name}", args=[plan.pk]))

    assert response.status_code == 403
    assert plan_of(settlement).state == "planned"


def test_a_viewer_sees_everything_and_no_button(signed_in, viewer, settlement):
    page = signed_in(viewer).get(reverse("flows:settlement", args=[settlement.pk]))

    assert page.status_code == 200
    assert reverse("flows:approve", args=[plan_of(settlement).pk]) not in page.content.decode()


# The page of one


def test_green_names_every_figure_that_was_compared(signed_in, alice, settlement):
    post(plan_of(settlement))

    page = signed_in(alice).get(reverse("flows:settlement", args=[settlement.pk]))

    banner = page.context["banner"]
    assert (banner.state, banner.title) == ("proved", "Ties to the cent")
    assert [(one.what, one.left, one.right) for one in banner.shown] == [
        ("Rows and header", 1250, 1250),
        ("Documents and header", 1250, 1250),
        ("Entry AMZ-15000000001-1", 2000, 2000),
        ("Transfer AMZ-15000000001-P", 1250, 1250),
        ("Payout", 1250, 1250),
    ]
    assert "Whether the bank received the money is not compared" in text_of(page)


def test_a_ledger_that_booked_another_total_is_red_with_both_figures(signed_in, alice, settlement):
    post(plan_of(settlement), off_by=1)

    page = signed_in(alice).get(reverse("flows:settlement", args=[settlement.pk]))

    banner = page.context["banner"]
    assert banner.state == "off"
    assert (banner.shown[0].left, banner.shown[0].right, banner.shown[0].difference) == (2000, 2001, -1)


def test_what_waits_is_amber_although_nothing_disagrees(signed_in, alice, acme, flow):
    settlement = settle(acme, rows=(*SALE, STRANGE))
    post(plan_of(settlement))

    page = signed_in(alice).get(reverse("flows:settlement", args=[settlement.pk]))

    assert page.context["banner"].state == "held"


@pytest.mark.parametrize(
    ("verdict", "state"),
    [("proved", "proved"), ("uncompared", "pending"), ("waiting", "pending"), ("", "pending"), ("differs", "off")],
)
def test_nothing_is_green_but_a_proof(signed_in, alice, settlement, verdict, state):
    plan = post(plan_of(settlement))
    with scope(plan.tenant_id):
        Plan.objects.update(verdict={**plan.verdict, "verdict": verdict})

    page = signed_in(alice).get(reverse("flows:settlement", args=[settlement.pk]))

    assert page.context["banner"].state == state
    assert ("Ties to the cent" in text_of(page)) is (verdict == "proved")


def test_a_payout_whose_day_has_not_come_is_no_fault(signed_in, alice, settlement, time_machine):
    time_machine.move_to("2026-01-16T12:00:00Z")
    plan = plan_of(settlement)
    with scope(plan.tenant_id):
        planning.approve(plan, "user:1")
        [entry] = Delivery.objects.filter(plan=plan, kind="entry").select_related("flow__target", "plan")
        outcomes.apply_answers([entry], {entry.key: Posted("1", total=2000)})

    page = signed_in(alice).get(reverse("flows:settlement", args=[settlement.pk]))

    banner = page.context["banner"]
    assert (banner.state, banner.title) == ("waiting", "Waits for the payout")
    assert [one.standing.label for one in page.context["entered"]] == ["Payout on 17 Jan 2026"]


def test_the_waterfall_is_a_drawing_and_the_same_figures_as_a_table(signed_in, alice, settlement):
    page = signed_in(alice).get(reverse("flows:settlement", args=[settlement.pk]))

    bars = page.context["chart"].bars
    assert [(bar.name, bar.amount, bar.running) for bar in bars] == [
        ("Product sales", 2000, 2000),
        ("Selling fees", -300, 1700),
        ("Fulfilment fees", -450, 1250),
        ("What the settlement comes to", 1250, 1250),
    ]
    assert [(bar.x, bar.width) for bar in bars[1:3]] == [("85.00", "15.00"), ("62.50", "22.50")]
    assert b"<title" in page.content
    assert b"<desc" in page.content
    assert "style=" not in page.content.decode()


def test_entries_are_opened_to_lines_with_the_accounts_of_the_company(signed_in, alice, settlement):
    page = signed_in(alice).get(reverse("flows:settlement", args=[settlement.pk]))

    [(entry, _), _] = page.context["entries"]
    assert [(line.account, line.debit, line.credit) for line in entry.lines] == [
        ("My Amazon Clearing", 1250, 0),
        ("My Amazon Selling Fees", 300, 0),
        ("My Amazon FBA Fulfilment Fees", 450, 0),
        ("My Amazon Sales", 0, 2000),
    ]


def test_the_page_asks_a_bounded_number_of_questions(signed_in, alice, acme, django_assert_max_num_queries):
    flow_of(acme, mode="orders")
    rows = [("Order", "ItemPrice", "Principal", "20.00")] * 30
    settlement = settle(acme, rows=rows)

    browser = signed_in(alice)
    with django_assert_max_num_queries(QUERIES):
        browser.get(reverse("flows:settlement", args=[settlement.pk]))


# What somebody changed in the ledger


def void_by_hand(plan):
    """What reading the books back does with a document that somebody voided."""
    row = Delivery.objects.filter(plan=plan, kind="entry").select_related("flow__target", "plan__settlement").get()
    outcomes.changed_by_hand(row, VOID, "Somebody voided it.", "Put it back.", 0)
    progress.after_outcome([row])
    proving.catch_up(row.remote_key)
    return row


def test_what_somebody_changed_in_the_ledger_is_shown_beside_what_was_posted(signed_in, bob, acme, settlement):
    with scope(acme.pk):
        row = void_by_hand(post(plan_of(settlement)))
    browser = signed_in(bob)

    page = browser.get(reverse("flows:settlement", args=[settlement.pk]))
    listed = text_of(browser.get(reverse("flows:settlements")))
    dashboard = text_of(browser.get(reverse("flows:dashboard")))
    held = text_of(browser.get(reverse("flows:settlements"), {"state": "held"}))
    record = text_of(browser.get(reverse("audit:record", args=[row.pk])))

    banner = page.context["banner"]
    assert (banner.state, banner.title) == ("off", "Does not tie")
    assert (banner.shown[0].what, banner.shown[0].left, banner.shown[0].right) == ("Entry AMZ-15000000001-1", 2000, 0)
    assert banner.shown[0].right_from == "As QuickBooks Online has it now"
    assert "Changed in QuickBooks Online since posting" in text_of(page)
    assert "Somebody voided it. What to do: Put it back." in text_of(page)
    assert page.context["waits"] == []
    assert "Does not tie" in listed
    assert settlement.settlement_id in held
    assert "Voided or deleted in the ledger" in dashboard
    assert "Changed in the ledger" in record
    assert "Posted: 20.00 USD; there now: 0.00 USD." in record


def test_the_page_says_when_the_books_were_compared_and_lets_a_bookkeeper_have_it_done(
    signed_in, bob, acme, settlement
):
    plan = post(plan_of(settlement))
    browser, address = signed_in(bob), reverse("flows:settlement", args=[settlement.pk])
    before = text_of(browser.get(address))

    said = text_of(browser.post(reverse("flows:check_books", args=[plan.pk]), follow=True))

    with scope(acme.pk):
        asked = ReadBack.objects.get(connection=plan.flow.target)
        assert asked.next_at <= now()
        Delivery.objects.filter(plan=plan).update(posted_at=now() - timedelta(hours=4))
        ReadBack.objects.update(checked_at=now() - timedelta(hours=3))
    assert "The books were not read again for changes since." in before
    assert "is being asked what was changed there" in said
    assert "The books in QuickBooks Online were last read again for changes 3 hours ago" in text_of(
        browser.get(address)
    )


def test_a_comparison_before_the_posting_is_none_of_this_settlement(signed_in, bob, acme, settlement):
    plan = post(plan_of(settlement))
    browser, address = signed_in(bob), reverse("flows:settlement", args=[settlement.pk])
    browser.post(reverse("flows:check_books", args=[plan.pk]))

    with scope(acme.pk):
        ReadBack.objects.update(checked_at=now() - timedelta(hours=3))

    assert "The books were not read again for changes since." in text_of(browser.get(address))


def test_a_document_that_cannot_be_compared_is_named_with_the_reason(signed_in, bob, acme, settlement):
    plan = post(plan_of(settlement))
    with scope(acme.pk):
        one = Delivery.objects.filter(plan=plan, state="posted").earliest("pk")
        Delivery.objects.filter(pk=one.pk).update(not_compared="its currency is not known.")

    said = text_of(signed_in(bob).get(reverse("flows:settlement", args=[settlement.pk])))

    assert f"{one.number}: its currency is not known." in said


def test_a_company_that_has_to_be_connected_again_is_not_asked(signed_in, bob, acme, settlement):
    plan = post(plan_of(settlement))
    with scope(acme.pk):
        Connection.objects.update(state="needs_reconnect")
    browser = signed_in(bob)

    said = text_of(browser.post(reverse("flows:check_books", args=[plan.pk]), follow=True))

    assert "has to be connected again first" in said
    assert "Check the books now" not in said
    assert "has to be connected again before its books can be compared. Reconnect it" in said
    with scope(acme.pk):
        assert not ReadBack.objects.filter(next_at__lte=now()).exists()


# Rows of Amazon


def rows_at(client, settlement, **query):
    return client.get(reverse("flows:rows", args=[settlement.pk]), query)


def test_the_rows_behind_a_line_are_shown_with_their_line_numbers(signed_in, alice, settlement):
    plan = plan_of(settlement)

    page = rows_at(signed_in(alice), settlement, plan=plan.pk, part=1, key="FEE_FBA")

    found = page.context["found"]
    assert [(row.line, row.amount) for row in found.rows] == [(5, -450)]
    assert (found.count, found.total) == (1, -450)


def test_rows_behind_a_posted_line_are_read_as_it_was_mapped_then(signed_in, alice, acme, flow, settlement):
    plan = post(plan_of(settlement))
    with scope(acme.pk):
        rules.save_split(flow, AccountKey.SALES, Binding(account="40"), "user:1", sku="LAMP-1")

    page = rows_at(signed_in(alice), settlement, plan=plan.pk, part=1, key="SALES")

    assert [row.amount for row in page.context["found"].rows] == [2000]


def test_every_row_is_shown_in_pages(signed_in, alice, acme, flow):
    settlement = settle(acme, rows=[("Order", "ItemPrice", "Principal", "1.00")] * 130)

    second = rows_at(signed_in(alice), settlement, page=2).context["found"]

    assert (len(second.rows), second.rows[0].line, second.more) == (30, 103, False)


@pytest.mark.parametrize(
    "query", [{"part": 9, "key": "SALES"}, {"part": 1, "key": "NONSENSE"}, {"part": 1, "key": "<b>"}]
)
def test_rows_of_what_is_not_there_are_not_found(signed_in, alice, settlement, query):
    assert rows_at(signed_in(alice), settlement, plan=plan_of(settlement).pk, **query).status_code == 404


def test_rows_of_an_unknown_label_are_shown(signed_in, alice, acme, flow):
    settlement = settle(acme, rows=(*SALE, STRANGE))
    kind, amount_type, description, _ = STRANGE

    page = rows_at(
        signed_in(alice),
        settlement,
        plan=plan_of(settlement).pk,
        type=kind,
        amount=amount_type,
        description=description,
    )

    assert [row.amount for row in page.context["found"].rows] == [725]


# Approving


def test_the_dry_run_lists_what_will_be_made_with_accounts_by_name(signed_in, alice, settlement):
    page = signed_in(alice).get(reverse("flows:approve", args=[plan_of(settlement).pk]))

    shown = text_of(page)
    assert page.context["totals"] == [("Journal entry", 1, 2000), ("Transfer", 1, 1250)]
    assert "My Payout Bank Account" in shown
    assert "Not before 17 Jan 2026" in shown


def test_approving_lets_the_documents_go(signed_in, bob, settlement):
    plan = plan_of(settlement)

    signed_in(bob).post(reverse("flows:approve", args=[plan.pk]))

    plan = plan_of(settlement)
    assert (plan.state, plan.approved_by) == ("posting", bob.actor)


def test_nothing_is_approved_while_the_flow_is_not_live(signed_in, bob, acme):
    flow_of(acme, state="paused")
    plan = plan_of(settle(acme))

    page = signed_in(bob)
    assert "The flow is not live" in text_of(page.get(reverse("flows:approve", args=[plan.pk])))
    page.post(reverse("flows:approve", args=[plan.pk]))

    assert plan_of(plan.settlement).state == "planned"


# Labels


def test_a_label_gets_its_category_on_the_page_and_its_entry_goes_on(signed_in, bob, acme, flow):
    settlement = settle(acme, rows=(*SALE, STRANGE))
    plan = plan_of(settlement)
    post(plan)
    browser = signed_in(bob)
    page = browser.get(reverse("flows:settlement", args=[settlement.pk]))
    [unknown] = page.context["unknown"]
    assert "Greenlight Credit" in text_of(page)

    browser.post(reverse("flows:labels", args=[plan.pk]), {f"label-{unknown.line}": "fee_adjustment"})

    with scope(acme.pk):
        assert MappingRule.objects.get(subject="label").amount_description == "Greenlight Credit"
        answer_all(plan)
    page = browser.get(reverse("flows:settlement", args=[settlement.pk]))
    assert (page.context["unknown"], page.context["banner"].state) == ([], "proved")


@pytest.mark.parametrize("category", ["", "unknown", "nonsense"])
def test_a_label_without_a_real_category_stays_unknown(signed_in, bob, acme, flow, category):
    plan = plan_of(settle(acme, rows=(*SALE, STRANGE)))

    signed_in(bob).post(reverse("flows:labels", args=[plan.pk]), {"label-6": category})

    with scope(acme.pk):
        assert not MappingRule.objects.filter(subject="label").exists()


def test_every_category_is_explained():
    from bookkeeping.accounts import Category
    from flows.categories import GROUPS

    explained = [choice.category for group in GROUPS for choice in group.choices]

    assert sorted(explained) == sorted(set(Category) - {Category.UNKNOWN})


# Taking back and posting again


def test_the_page_before_undoing_says_what_happens_to_what(signed_in, bob, settlement):
    plan = post(plan_of(settlement))

    shown = text_of(signed_in(bob).get(reverse("flows:undo", args=[plan.pk])))

    assert "1 × journal entry: deleted" in shown
    assert "1 × transfer: deleted" in shown


def test_a_settlement_is_taken_back_and_posted_again(signed_in, bob, acme, settlement):
    plan = post(plan_of(settlement))
    browser = signed_in(bob)

    browser.post(reverse("flows:undo", args=[plan.pk]))
    with scope(acme.pk):
        answer_all(plan)
    assert plan_of(settlement).state == "undone"
    browser.post(reverse("flows:post_again", args=[plan.pk]))

    again = post(plan_of(settlement))
    assert (again.revision, again.state, again.verdict["verdict"]) == (2, "posted", "proved")


def test_what_somebody_changed_in_the_ledger_is_said_before_undoing_and_nothing_is_taken_out(
    signed_in, bob, acme, settlement
):
    plan = post(plan_of(settlement))
    with scope(acme.pk):
        entry = Delivery.objects.get(plan=plan, kind="entry")
        outcomes.changed_by_hand(
            entry, DIFFERENT, "Somebody changed it: the date differs.", "Put it back.", entry.amount
        )
    browser = signed_in(bob)

    undoing = text_of(browser.get(reverse("flows:undo", args=[plan.pk])))
    anew = text_of(browser.get(reverse("flows:repost", args=[plan.pk])))
    refused = text_of(browser.post(reverse("flows:undo", args=[plan.pk]), follow=True))

    for shown in (undoing, anew):
        assert f"Entry {entry.number} : Somebody changed it: the date differs." in shown
        assert "nothing is taken out while it stands" in shown
    assert f"Nothing was taken out: somebody changed {entry.number} in QuickBooks Online" in refused
    with scope(acme.pk):
        assert not Delivery.objects.filter(plan=plan, kind="undo").exists()


def test_what_cannot_be_taken_back_says_why(signed_in, bob, settlement):
    plan = plan_of(settlement)

    page = signed_in(bob).post(reverse("flows:undo", args=[plan.pk]), follow=True)

    assert "Nothing of this settlement is in the books" in text_of(page)


# Uploading


def send(client, text, name="settlement.txt", **more):
    file = SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text)
    return client.post(reverse("flows:upload"), {"file": file, **more}, follow=True)


def test_an_uploaded_file_is_planned_at_once(signed_in, bob, flow):
    page = send(signed_in(bob), v2())

    assert "was read: 3 rows that add up to its total" in text_of(page)
    assert page.context["plan"].state == "planned"


def test_the_same_file_twice_says_so(signed_in, bob, flow):
    browser = signed_in(bob)
    send(browser, v2())

    assert "is already here with exactly these rows" in text_of(send(browser, v2()))


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("a,b,c\n1,2,3\n", "Line 1", "This is no settlement"),
        (v2(total="99.00"), "Line 2", "add up"),
        (v2()[:-40], "Line 5", ""),
    ],
    ids=["foreign", "sum", "cut"],
)
def test_a_refused_file_says_what_is_wrong_where_and_what_to_do(signed_in, bob, acme, flow, content, line, what):
    page = send(signed_in(bob), content)

    shown = text_of(page)
    assert page.status_code == 422
    assert "was refused" in shown
    assert line in shown
    assert what in shown
    assert "What to do" in shown
    with scope(acme.pk):
        assert not Settlement.objects.exists()
        assert not Delivery.objects.exists()


def test_refused_files_are_listed_with_line_and_action(signed_in, bob, flow):
    browser = signed_in(bob)
    send(browser, "a,b,c\n1,2,3\n", "orders.csv")

    shown = text_of(browser.get(reverse("flows:files")))

    assert "orders.csv" in shown
    assert "This is no settlement" in shown


def test_with_several_sellers_a_person_says_whose_file_it_is(signed_in, bob, acme):
    one, _ = (factories.ConnectionFactory(tenant=acme, provider="amazon", grant__provider="amazon") for _ in range(2))
    browser = signed_in(bob)

    assert send(browser, v2()).status_code == 422
    send(browser, v2(), connection=one.pk)

    with scope(acme.pk):
        assert Settlement.objects.get().connection == one


def test_a_viewer_uploads_nothing(signed_in, viewer):
    assert send(signed_in(viewer), v2()).status_code == 403


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real settlement is not beside this checkout")
def test_a_real_settlement_ties_once_a_person_has_named_its_strange_labels(signed_in, bob, acme):
    flow = flow_of(acme, currency="CAD")
    with scope(acme.pk):
        Flow.objects.filter(pk=flow.pk).update(opening_clearing=-6231)  # the debt the settlement before it left
    browser = signed_in(bob)

    page = send(browser, SAMPLE.read_bytes())

    plan, unknown = page.context["plan"], page.context["unknown"]
    assert plan.settlement.total == 101608
    chosen = {f"label-{one.line}": "fee_adjustment" for one in unknown}
    assert not browser.post(reverse("flows:labels", args=[plan.pk]), chosen, follow=True).context["unknown"]
    post(plan_of(plan.settlement))
    page = browser.get(reverse("flows:settlement", args=[plan.settlement_id]))
    assert page.context["banner"].state == "proved"


# A settlement that came again


@pytest.fixture
def other_version(acme, settlement):
    rows = (*SALE, ("Order", "ItemFees", "Commission", "-1.00"))
    return import_file(acme.pk, [v2(rows=rows).encode()], "again.txt", "user:1").report


def test_two_versions_are_shown_side_by_side(signed_in, bob, other_version):
    page = signed_in(bob).get(reverse("flows:revision", args=[other_version.pk]))

    [different] = page.context["comparison"].labels
    assert (different.rows_before, different.rows_now, different.before, different.now) == (1, 2, -300, -400)


def test_an_accepted_version_is_planned_in_place_of_the_first(signed_in, bob, settlement, other_version):
    signed_in(bob).post(reverse("flows:revision", args=[other_version.pk]), {"decision": "accept"})

    plan = plan_of(settlement)
    assert (plan.settlement.total, plan.statement["header"]["total"]) == (1150, 1150)


def test_an_accepted_version_shows_what_would_come_out_otherwise(signed_in, bob, settlement, other_version):
    post(plan_of(settlement))
    browser = signed_in(bob)

    browser.post(reverse("flows:revision", args=[other_version.pk]), {"decision": "accept"})

    page = browser.get(reverse("flows:settlement", args=[settlement.pk]))
    assert page.context["banner"].state != "proved"
    assert {row.kind for row in page.context["changed"]} == {"entry", "transfer"}


def test_a_rejected_version_changes_nothing(signed_in, bob, acme, settlement, other_version):
    signed_in(bob).post(reverse("flows:revision", args=[other_version.pk]), {"decision": "reject"})

    with scope(acme.pk):
        assert Report.objects.get(pk=other_version.pk).state == "refused"
        assert Plan.objects.get().statement["header"]["total"] == 1250


def test_a_viewer_decides_on_no_version(signed_in, viewer, other_version):
    address = reverse("flows:revision", args=[other_version.pk])

    assert signed_in(viewer).get(address).status_code == 200
    assert signed_in(viewer).post(address, {"decision": "accept"}).status_code == 403


# What would come out otherwise now


def test_a_changed_mapping_is_shown_beside_what_is_in_the_books(signed_in, bob, acme, flow, settlement):
    plan = post(plan_of(settlement))
    with scope(acme.pk):
        other = ListEntry.objects.create(
            tenant=acme,
            connection=flow.target,
            list="account",
            external_id="900",
            name="Marketplace fees",
            account_class="expense",
        )
        rules.save_accounts(flow, {AccountKey.FEE_SELLING: Binding(account=other.external_id)}, "user:1", {})
    browser = signed_in(bob)

    assert "The mapping has changed since" in text_of(browser.get(reverse("flows:settlement", args=[settlement.pk])))
    page = browser.get(reverse("flows:difference", args=[plan.pk]))

    moved = {one.account: one.difference for one in page.context["found"].accounts if one.difference}
    assert moved == {"My Amazon Selling Fees": -300, "Marketplace fees": 300}
    assert [before.delivery.kind for before, _ in page.context["documents"]] == ["entry"]


def test_the_same_mapping_would_post_the_same(signed_in, bob, settlement):
    plan = post(plan_of(settlement))

    page = signed_in(bob).get(reverse("flows:difference", args=[plan.pk]))

    assert not page.context["found"]


def test_the_difference_of_another_tenant_is_not_there(signed_in, charlie, settlement):
    assert signed_in(charlie).get(reverse("flows:difference", args=[plan_of(settlement).pk])).status_code == 404


# What waits, and where it is mended


def test_what_waits_leads_to_where_it_is_mended(signed_in, bob, acme, flow):
    settlement = settle(acme, rows=(("other-transaction", "other-transaction", "Payable to Amazon", "-5.00"), *SALE))

    page = signed_in(bob).get(reverse("flows:settlement", args=[settlement.pk]))

    [(wait, address)] = page.context["waits"]
    assert (wait.code, address) == ("continuity", reverse("flows:flow_edit", args=[flow.pk]))


# A payout that never came


def test_a_person_says_that_the_payout_never_came_and_it_is_held(signed_in, bob, settlement):
    browser = signed_in(bob)

    page = browser.post(reverse("flows:payout", args=[settlement.pk]), {"came": "no"}, follow=True)

    assert "Failed, as you said" in text_of(page)
    with scope(settlement.tenant_id):
        assert Delivery.objects.get(kind="transfer").code == "payout_failed"
    browser.post(reverse("flows:payout", args=[settlement.pk]), {"came": "yes"})
    with scope(settlement.tenant_id):
        assert Delivery.objects.get(kind="transfer").state == "planned"


def test_a_viewer_says_nothing_of_a_payout(signed_in, viewer, settlement):
    assert signed_in(viewer).post(reverse("flows:payout", args=[settlement.pk]), {"came": "no"}).status_code == 403


def test_the_payout_of_another_tenant_is_not_there(signed_in, charlie, settlement):
    assert signed_in(charlie).get(reverse("flows:payout", args=[settlement.pk])).status_code == 404


def test_what_takes_a_document_back_has_its_number(signed_in, bob, acme, settlement):
    plan = post(plan_of(settlement))
    browser = signed_in(bob)
    browser.post(reverse("flows:undo", args=[plan.pk]))

    page = browser.get(reverse("flows:settlement", args=[settlement.pk]), {"plan": plan.pk})

    undos = [row.number for row, kind, *_ in page.context["documents"] if kind == "Taking back"]
    assert undos == ["AMZ-15000000001-P", "AMZ-15000000001-1"]


def test_a_settlement_in_many_flows_says_each_standing_once_and_offers_a_list(signed_in, alice, acme):
    flows = [flow_of(acme, name=f"Client {number}") for number in range(5)]
    settlement = settle(acme)
    post(plan_of(settlement, flows[0]))
    browser = signed_in(alice)

    listed = text_of(browser.get(reverse("flows:settlements")))
    page = browser.get(reverse("flows:settlement", args=[settlement.pk])).content.decode()

    assert "Client 0 Ties" in listed
    assert "Client 1 , Client 2 , Client 3 and 1 more Waits for approval" in listed
    assert page.count("<option") == 5
    assert f'<option value="{plan_of(settlement, flows[4]).pk}">Client 4: Waits for approval</option>' in page


def test_months_of_many_flows_are_chosen_from_a_list(signed_in, alice, acme):
    flows = [flow_of(acme, name=f"Client {number}") for number in range(5)]

    page = signed_in(alice).get(reverse("flows:months"), {"flow": flows[3].pk}).content.decode()

    assert f'<option value="{flows[3].pk}" selected>Client 3</option>' in page
    assert page.count("<option") == 5


# What is said of money and of numbers


def test_a_reserve_is_money_that_amazon_holds_and_no_negative_of_it(signed_in, alice, acme, flow):
    reserve = ("other-transaction", "other-transaction", "Current Reserve Amount", "-2.50")
    held = settle(acme, rows=(*SALE, reserve))

    shown = text_of(signed_in(alice).get(reverse("flows:settlement", args=[held.pk]))).replace("\xa0", " ")

    assert "Held back by Amazon 2.50 USD" in shown


def test_that_a_payout_never_came_can_be_said_once_it_is_due(signed_in, alice, acme, flow, settlement):
    later = settle(acme, "15000000002", start=now().date().isoformat())
    browser = signed_in(alice)

    due, to_come = (browser.get(reverse("flows:settlement", args=[one.pk])) for one in (settlement, later))

    assert "Say that it never came" in text_of(due)
    assert "Due on" in text_of(to_come)
    assert "never came" not in text_of(to_come)


@pytest.mark.parametrize(("ledger", "shown"), [("quickbooks", True), ("wave", False)])
def test_a_documents_number_is_shown_where_the_ledger_shows_it(signed_in, alice, acme, flow, settlement, ledger, shown):
    post(plan_of(settlement))
    with scope(acme.pk):
        Delivery.objects.update(external_id="QnVzaW5lc3M6NDI", url="", remote_key=f"{ledger}:sandbox:1")
        row = Delivery.objects.first()
    browser = signed_in(alice)

    pages = [("flows:settlement", settlement.pk), ("audit:record", row.pk)]

    assert {"QnVzaW5lc3M6NDI" in text_of(browser.get(reverse(name, args=[pk]))) for name, pk in pages} == {shown}


def test_of_more_than_two_flows_one_is_chosen_from_a_list(signed_in, alice, acme):
    for number in range(3):
        flow_of(acme, name=f"Flow {number}", currency="USD")
    settlement = settle(acme)
    address = reverse("flows:settlement", args=[settlement.pk])

    page = signed_in(alice).get(address)

    assert [one["label"].partition(":")[0] for one in page.context["options"]] == ["Flow 0", "Flow 1", "Flow 2"]
    assert 'aria-label="Flows"' not in page.content.decode()
