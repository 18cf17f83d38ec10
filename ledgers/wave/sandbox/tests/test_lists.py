"""Accounts, customers, products, sales taxes, and what people do to them in the browser."""

import pytest

from ledgers.wave.sandbox.charts import CHARTS

from .conftest import Api, business


def names(api, arguments=""):
    found = api.of(f"accounts{arguments} {{ edges {{ node {{ name }} }} }}")["accounts"]["edges"]
    return [each["node"]["name"] for each in found]


# Accounts


def test_account_is_created_with_its_type_and_side(api):
    shown = """account { name displayId description sequence isArchived currency { code } normalBalanceType
        type { value normalBalanceType } subtype { value name systemCreated type { value } } }"""
    made = api.do("accountCreate", shown, businessId=api.id, name="Ads", subtype="EXPENSE", displayId="6100",
                  description="Sponsored")  # fmt: skip

    assert made == {
        "name": "Ads", "displayId": "6100", "description": "Sponsored", "sequence": 1, "isArchived": False,
        "currency": {"code": "USD"}, "normalBalanceType": "DEBIT",
        "type": {"value": "EXPENSE", "normalBalanceType": "DEBIT"},
        "subtype": {"value": "EXPENSE", "name": "Operating Expense", "systemCreated": False, "type": {"value": "EXPENSE"}},
    }  # fmt: skip


def test_account_names_may_have_to_differ(api):
    given = {"businessId": api.id, "name": "Goods", "subtype": "INCOME"}

    assert api.do("accountCreate", "account { name }", **given) == {"name": "Goods"}
    api.remote.switches["duplicate_account_name"] = "reject"
    assert api.refused("accountCreate", **given) == ["input.name"]
    assert api.refused("accountCreate", **{**given, "name": " "}) == ["input.name"]


def test_only_assets_and_debts_have_a_currency_of_their_own(api):
    given = {"businessId": api.id, "name": "x", "currency": "GBP"}

    assert api.refused("accountCreate", **given, subtype="INCOME") == ["input.currency"]
    made = api.do("accountCreate", "account { currency { code } balance }", **given, subtype="CASH_AND_BANK")
    assert made == {"currency": {"code": "GBP"}, "balance": "0.00"}


def test_system_subtypes_cannot_be_created(api):
    document = "mutation($i: AccountCreateInput!) { accountCreate(input: $i) { didSucceed } }"

    assert api.errors(document, {"i": {"businessId": api.id, "name": "x", "subtype": "SALES_TAX"}}) == [
        ("BAD_USER_INPUT", None)
    ]


def test_patch_needs_the_sequence_of_now(api):
    id_ = api.account("Goods")
    patched = api.do("accountPatch", "account { name sequence }", id=id_, sequence=1, name="Sales")
    stale = api.refused("accountPatch", id=id_, sequence=1, name="Revenue")
    api.remote.control("touch", {"business": api.id, "kind": "Account", "id": id_})
    touched = api.refused("accountPatch", id=id_, sequence=2, name="Revenue")
    api.remote.control("rename_account", {"business": api.id, "account": "Sales", "name": "By hand"})

    assert patched == {"name": "Sales", "sequence": 2}
    assert (stale, touched) == (["input.sequence"], ["input.sequence"])
    assert "By hand" in names(api)


def test_archived_accounts_leave_the_list(api):
    api.do("accountArchive", id=api.account("Goods"))

    assert "Goods" not in names(api)
    assert names(api, "(isArchived: true)") == ["Goods"]
    assert {"Goods", "Fees"} <= set(names(api, "(isArchived: null)"))
    receivable = api.account("Accounts Receivable")
    assert api.refused("accountArchive", id=receivable) == ["input.id"]


def test_accounts_are_filtered_by_type_and_subtype(api):
    assert names(api, "(subtypes: [CREDIT_CARD, MONEY_IN_TRANSIT])") == ["Card", "Transit"]
    assert names(api, "(types: [INCOME], excludedSubtypes: [UNCATEGORIZED_INCOME, GAIN_ON_FOREIGN_EXCHANGE])") == [
        "Goods",
        "Promo",
    ]


# Customers, products, taxes


def test_customer_is_created_changed_found_and_deleted(api):
    shown = (
        "customer { id name email currency { code } isArchived address { city country { code } province { code } } }"
    )
    made = api.do("customerCreate", shown, businessId=api.id, name="Bob", email="bob@example.com", currency="USD",
                  address={"city": "Town", "countryCode": "US", "provinceCode": "US-WA"})  # fmt: skip
    api.remote.clock.advance(1)
    api.do("customerPatch", "customer { id }", id=made["id"], name="Robert", internalNotes="n", address=None)
    found = api.of('customers(email: "BOB@example.com") { edges { node { name internalNotes address { city } } } }')
    order = api.of("customers(sort: [NAME_DESC]) { edges { node { name modifiedAt } } }")["customers"]["edges"]
    api.do("customerDelete", id=made["id"])

    assert made["address"] == {"city": "Town", "country": {"code": "US"}, "province": {"code": "US-WA"}}
    assert found["customers"]["edges"] == [{"node": {"name": "Robert", "internalNotes": "n", "address": None}}]
    assert [each["node"]["name"] for each in order] == ["Robert", "Amazon"]
    assert order[0]["node"]["modifiedAt"] == "2026-11-20T18:00:01.000Z"
    assert len(api.of("customers { edges { node { id } } }")["customers"]["edges"]) == 1
    assert api.refused("customerCreate", businessId=api.id, name="") == ["input.name"]


def test_product_sells_into_income_and_buys_from_expense(api):
    def product(**given):
        return api.do("productCreate", "product { id incomeAccount { name } expenseAccount { name } }",
                      businessId=api.id, name="Mug", unitPrice="1", **given)  # fmt: skip

    for account, allowed in {"Goods": True, "Promo": True, "Fees": False, "Clearing": False}.items():
        answer = product(incomeAccountId=api.account(account))
        assert ("id" in answer) is allowed, account
    assert answer["inputErrors"][0]["path"] == ["input", "incomeAccountId"]
    assert product(expenseAccountId=api.account("Goods"))["inputErrors"][0]["path"] == ["input", "expenseAccountId"]
    assert product()["inputErrors"][0]["path"] == ["input", "incomeAccountId"]
    bought = product(expenseAccountId=api.account("Fees"))
    assert bought["expenseAccount"] == {"name": "Fees"}
    listed = api.of("products(isBought: true, sort: [NAME_ASC]) { edges { node { id } } }")["products"]["edges"]
    assert [each["node"]["id"] for each in listed] == [bought["id"]]


def test_archived_product_leaves_the_list(api):
    api.remote.control("archive_product", {"business": api.id, "id": api.made["products"]["Goods"]})
    shown = "edges { node { name isArchived isSold } }"

    assert api.of(f"products {{ {shown} }}")["products"]["edges"] == [
        {"node": {"name": "Promo", "isArchived": False, "isSold": True}}
    ]
    assert len(api.of(f"products(isArchived: null) {{ {shown} }}")["products"]["edges"]) == 2


def test_sales_tax_has_a_short_name_of_its_own_and_a_rounded_rate(api):
    given = {"businessId": api.id, "name": "Tax", "rate": "0.12345678"}
    shown = "salesTax { id abbreviation rate(for: null) rates { rate effective } isCompound isRecoverable isArchived }"
    made = api.do("salesTaxCreate", shown, **given, abbreviation="TX")

    assert (made["rate"], made["rates"]) == ("0.123457", [{"rate": "0.123457", "effective": "2026-11-20"}])
    for abbreviation in ("TX", "", "elevenchars"):
        assert api.refused("salesTaxCreate", **given, abbreviation=abbreviation) == ["input.abbreviation"]
    archived = api.do("salesTaxArchive", "salesTax { isArchived }", id=made["id"])
    assert archived == {"isArchived": True}
    assert api.of("salesTaxes { edges { node { id } } }")["salesTaxes"]["edges"] == []


# What the API says of the world


def test_types_subtypes_and_currencies_are_listed(api):
    found = api.ask("{ accountTypes { value } currencies { code } currency(code: JPY) { exponent symbol name } }")

    assert {each["value"] for each in found["accountTypes"]} == {"ASSET", "EQUITY", "EXPENSE", "INCOME", "LIABILITY"}
    assert len(found["currencies"]) > 150
    assert found["currency"] == {"exponent": 0, "symbol": "¥", "name": "Japanese yen"}


# Charts


@pytest.mark.parametrize("chart", sorted(CHARTS))
def test_every_chart_makes_a_business_that_takes_a_posting(remote, chart):
    made = remote.control("create_business", {"chart": chart, "accounts": {"C": "CASH_AND_BANK", "S": "INCOME"}})
    api = Api(remote, made)
    line = {"accountId": made["accounts"]["S"], "amount": "1", "balance": "CREDIT"}
    anchor = {"accountId": made["accounts"]["C"], "amount": "1", "direction": "DEPOSIT"}

    given = {"externalId": "c", "date": "2026-11-01", "description": "d", "anchor": anchor, "lineItems": [line]}
    api.do("moneyTransactionCreate", "transaction { id }", businessId=api.id, **given)
    assert api.balances() == {"C": "1.00", "S": "-1.00"}
    assert set(made["expected"].values()) <= set(made["accounts"].values())
    assert remote.control("charts")[chart]["expected"] == dict(CHARTS[chart].expected)


def test_an_unknown_wish_for_a_business_is_refused(remote):
    with pytest.raises(ValueError, match="colour"):
        remote.control("create_business", {"colour": "red"})


# By hand


def test_person_books_what_the_api_may_not_and_takes_it_back(api):
    hand = {"business": api.id, "date": "2026-11-04"}
    api.remote.control("categorise", {**hand, "bank": "Bank", "account": "Payouts", "amount": "109.36"})
    made = api.remote.control("add_transaction", {**hand, "sides": {"Clearing": "-7", "Bank": "7"}})
    both = api.balances()
    sides = {"Clearing": "-9", "Bank": "9"}
    api.remote.control("edit_transaction", {**hand, "id": made["id"], "date": "2026-11-05", "sides": sides})
    edited = api.balances()
    [fed, moved] = api.remote.control("transactions", {"business": api.id})
    api.remote.control("delete_transaction", {"business": api.id, "id": made["id"]})

    assert both == {"Bank": "116.36", "Payouts": "-109.36", "Clearing": "-7.00"}
    assert (fed["by"], fed["description"], moved["sides"][0]["amount"]) == ("person", "Bank feed", "-9")
    assert edited == {"Bank": "118.36", "Payouts": "-109.36", "Clearing": "-9.00"}
    assert api.balances() == {"Bank": "109.36", "Payouts": "-109.36"}
    for sides in ({"Bank": "1"}, {"Bank": "1.001", "Clearing": "-1.001"}, {}):
        with pytest.raises(ValueError):  # noqa: PT011 - any refusal
            api.remote.control("add_transaction", {**hand, "sides": sides})


def test_person_writes_pays_views_and_deletes_invoices(api):
    names = {"business": api.id, "customer": api.made["customers"]["Amazon"], "product": api.made["products"]["Goods"]}
    taken = api.remote.control("take_number", {**names, "number": "114-1"})
    viewed = api.remote.control("view_invoice", {"business": api.id, "id": taken["id"]})
    paid = {"invoice": taken["id"], "amount": "0.40", "account": "Bank", "date": "2026-11-02"}
    payment = api.remote.control("add_payment", {"business": api.id, **paid})
    partly = api.balances()
    api.remote.control("edit_payment", {"business": api.id, "id": payment["id"], "changes": {"amount": "1"}})
    fully = api.read(taken, "status")["status"]
    api.remote.control("delete_payment", {"business": api.id, "id": payment["id"]})
    api.remote.control("delete_invoice", {"business": api.id, "id": taken["id"]})

    assert (viewed["status"], fully) == ("VIEWED", "PAID")
    assert partly == {"Bank": "0.40", "Accounts Receivable": "0.60", "Goods": "-1.00"}
    assert api.balances() == {}
    with pytest.raises(ValueError, match="could not be found"):
        api.remote.control("delete_invoice", {"business": api.id, "id": taken["id"]})


def test_books_are_read_without_the_api(api):
    api.post("5", ("Goods", "5"), date="2026-10-31")
    goods = api.account("Goods")

    assert api.remote.books(api.id).balance("Goods") == api.remote.books(api.id).balance(goods) == -500
    assert api.remote.control("trial_balance", {"business": api.id, "end": "2026-10-30"}) == {}
    assert api.remote.control("trial_balance", {"business": api.id})[goods] == -500
    [entry] = api.remote.control("entries", {"business": api.id, "account": "Goods"})
    assert [line["amount"] for line in entry["postings"]] == [500, -500]
    other = business(api.remote, name="Second")
    assert [each["name"] for each in api.remote.control("businesses")][1] == "Second"
    with pytest.raises(KeyError):
        api.remote.books(other["business"]).balance("No such account")
    with pytest.raises(KeyError):
        api.remote.books("nonsense")
    with pytest.raises(ValueError, match="pro or free"):
        api.remote.control("set_plan", {"business": api.id, "plan": "gold"})
