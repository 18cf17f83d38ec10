"""Money as integer minor units of an ISO 4217 currency.

Text becomes money once, here, and never passes through a float.
"""

import re
from decimal import Decimal
from typing import Final

# ISO 4217, column "minor unit", where it is not 2.
_EXPONENTS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
# ISO 4217, the active codes of money that is paid with: no funds, metals or test codes.
_ACTIVE: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE
CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY
KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES: Final = frozenset(_ACTIVE.split())
_CODE: Final = re.compile(r"[A-Z]{3}")
SOUND: Final = 10**15  # minor units; no balance of a seller comes near it


class BadAmount(ValueError):
    """Text that cannot be read as an exact amount of its currency."""


def exponent(currency: str) -> int:
    """Return how many decimals the currency has (USD 2, JPY 0, KWD 3)."""
    if not _CODE.fullmatch(currency):
        raise BadAmount(f"{currency!r} is not an ISO 4217 currency code")
    return _EXPONENTS.get(currency, 2)


def from_decimal(amount: Decimal, currency: str) -> int:
    """Return the amount in minor units; refuses a fraction of the minor unit."""
    scaled = amount.scaleb(exponent(currency))
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise BadAmount(f"{amount} is not an exact amount of {currency}")
    return int(scaled)


def to_decimal(amount: int, currency: str) -> Decimal:
    """Return minor units as a Decimal with the currency's own number of decimals."""
    return Decimal(amount).scaleb(-exponent(currency))


def to_text(amount: int, currency: str) -> str:
    """Return minor units as plain decimal text: ``-5`` of USD is ``-0.05``, of JPY ``-5``."""
    return format(to_decimal(amount, currency), "f")


def shown(amount: int, currency: str) -> str:
    """Return minor units for a sentence: ``-123456`` of USD is ``−1,234.56 USD``, with a real minus."""
    whole, point, decimals = to_text(abs(amount), currency).partition(".")
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    return f"{sign}{int(whole):,}{point}{decimals} {currency}"
