"""What the lines of an all-orders report say of orders."""

import pytest

from amazon.all_orders import AllOrders, BadReport, status_of
from tests.amazon.bulk_reports import COLUMNS, line, report


def read(*lines, charset="utf-8", legacy="cp1252", **values):
    with AllOrders([report(*lines, **values)], charset, legacy) as found:
        return [one.parsed for one in found.orders()]


def one(**cells):
    [order] = read(line(**cells))
    return order


def test_a_line_becomes_an_order_with_its_item():
    order = one(quantity="2", item_tax="1.98", shipping_price="5.00", item_promotion_discount="3.00")

    [item] = order.items
    assert (order.status, order.channel, order.fulfilled_by, order.currency) == ("SHIPPED", "AMAZON", "AMAZON", "USD")
    assert (order.marketplace, order.marketplace_id) == ("Amazon.com", "ATVPDKIKX0DER")
    assert (item.sku, item.quantity, item.fulfilled, item.tax_basis) == ("LAMP-1", 2, 2, "added")
    assert item.subtotals == {"ITEM": 2400, "SHIPPING": 500, "TAX": 198, "DISCOUNT": -300}
    assert (item.taxes, item.discounts) == ({"ITEM": 198}, {"ITEM": -300})
    assert order.total == item.total == 2400 + 500 + 198 - 300


def test_lines_of_an_order_belong_together_however_far_apart():
    a, b = "701-0000000-0000001", "702-0000000-0000002"

    orders = read(line(amazon_order_id=a), line(amazon_order_id=b), line(amazon_order_id=a, sku="LAMP-2"))

    assert [(order.order_id, [item.sku for item in order.items]) for order in orders] == [
        (a, ["LAMP-1", "LAMP-2"]),
        (b, ["LAMP-1"]),
    ]
    assert orders[0].total == 4800


@pytest.mark.parametrize(("net", "basis"), [("16.66", "included"), ("19.99", "added"), ("17.00", "unclear")])
def test_the_columns_without_vat_tell_whether_tax_is_inside(net, basis):
    cells = line(sales_channel="Amazon.co.uk", currency="GBP", item_price="19.99", item_tax="3.33")
    columns = (*COLUMNS, "vat-exclusive-item-price")

    [order] = read(cells | {"vat-exclusive-item-price": net}, columns=columns)

    assert order.items[0].tax_basis == basis


def test_without_these_columns_the_country_tells():
    uk = one(sales_channel="Amazon.co.uk", currency="GBP", item_price="19.99", item_tax="3.33")
    nowhere = one(sales_channel="", item_tax="1.00")

    assert (uk.items[0].tax_basis, uk.total) == ("included", 1999)
    assert nowhere.items[0].tax_basis == "unclear"


def test_a_pending_order_has_no_amounts():
    order = one(order_status="Pending", item_status="Unshipped", currency="", item_price="")

    assert (order.status, order.currency, order.total) == ("PENDING", "", None)
    assert order.items[0].fulfilled == 0


def test_a_cancelled_line_counts_for_nothing():
    shipped, cancelled = line(), line(sku="LAMP-2", item_status="Cancelled", quantity="0", currency="", item_price="")

    [order] = read(shipped, cancelled)

    assert order.total == 2400
    assert [item.quantity for item in order.items] == [1, 0]


def test_what_is_not_sent_yet_is_not_fulfilled():
    [order] = read(
        line(order_status="PartiallyShipped"), line(order_status="PartiallyShipped", sku="B", item_status="Unshipped")
    )

    assert order.status == "PARTIALLY_SHIPPED"
    assert [item.fulfilled for item in order.items] == [1, 0]


def test_an_order_from_elsewhere_is_none_of_amazon():
    order = one(sales_channel="Non-Amazon CA", currency="CAD")

    assert (order.channel, order.marketplace, order.marketplace_id) == ("NON_AMAZON", "Non-Amazon CA", "")


def test_a_replacement_costs_nothing():
    order = one(item_price="0.00", is_replacement_order="true")

    assert order.total == 0


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Canceled", "CANCELLED"),
        ("Cancelled", "CANCELLED"),
        ("PendingAvailability", "PENDING_AVAILABILITY"),
        ("Shipped - Delivered to Buyer", "SHIPPED"),
        ("InvoiceUnconfirmed", "INVOICE_UNCONFIRMED"),
        ("Something new", "SOMETHING_NEW"),
        ("", ""),
    ],
)
def test_words_of_the_older_interface_become_those_of_the_present_one(word, status):
    assert status_of(word) == status


def test_a_decimal_comma_is_told_from_the_file():
    orders = read(
        line(currency="EUR", sales_channel="Amazon.de", item_price="1.234"),
        line(amazon_order_id="702-0000000-0000002", currency="EUR", sales_channel="Amazon.de", item_price="95,00"),
    )

    assert [order.total for order in orders] == [123400, 9500]


def test_yen_have_no_decimals():
    assert one(currency="JPY", sales_channel="Amazon.co.jp", item_price="1980").total == 1980


@pytest.mark.parametrize(
    ("encoding", "charset", "legacy"),
    [("utf-8", "", "cp1252"), ("cp1252", "", "cp1252"), ("cp1252", "Cp1252", "cp932"), ("utf-8-sig", "", "cp1252")],
)
def test_a_file_says_or_shows_in_which_letters_it_is(encoding, charset, legacy):
    [order] = read(line(product_name="Stehlampe für draußen"), encoding=encoding, charset=charset, legacy=legacy)

    assert order.items[0].title == "Stehlampe für draußen"


def test_japanese_letters_are_read_where_nothing_states_them():
    [order] = read(line(product_name="ランプ"), encoding="cp932", charset="", legacy="cp932")

    assert order.items[0].title == "ランプ"


@pytest.mark.parametrize(
    ("lines", "values", "said"),
    [
        ([line()], {"columns": [name for name in COLUMNS if name != "item-price"]}, "lacks columns: item-price"),
        ([line(amazon_order_id="")], {}, "no order number"),
        ([line(item_price="abc")], {}, "no amount of USD"),
        ([line(currency="US$")], {}, "not an ISO 4217"),
        ([line(purchase_date="05/06/2026")], {}, "no date"),
        ([line(purchase_date="0001-01-01T00:00:00+23:00")], {}, "no date"),
        ([line(last_updated_date="0001-01-01T00:00:00+23:00")], {}, "no date"),
        ([line(quantity="1.5")], {}, "no number of units"),
        ([line(product_name="für")], {"encoding": "cp1252", "charset": "utf-8"}, "no character in utf-8"),
        ([line(item_price="1,50"), line(item_price="1.50")], {}, "no amount of USD"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(lines, values, said):
    with pytest.raises(BadReport, match=said):
        read(*lines, **values)


def test_unknown_columns_change_nothing():
    assert read(line(), columns=("brand-new", *COLUMNS)) == read(line())


def test_nothing_personal_comes_out_of_the_file_and_into_the_spool():
    with AllOrders([report(line())], "utf-8") as found:
        spooled = " ".join(row[0] for row in found._spool.execute("SELECT cells FROM line"))

    assert "LAMP-1" in spooled
    assert not any(word in spooled for word in ("Springfield", "00001 ", "Ann Buyer"))
