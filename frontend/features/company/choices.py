"""What can be chosen for a business profile: ``(value, words)`` pairs in the order in which to show them."""

from typing import Final, NamedTuple
from zoneinfo import available_timezones

Choices = tuple[tuple[str, str], ...]

SIZES: Final[Choices] = (
    ("1", "Just me"),
    ("2-10", "2 to 10 people"),
    ("11-50", "11 to 50 people"),
    ("51-200", "51 to 200 people"),
    ("201-1000", "201 to 1,000 people"),
    ("1001+", "More than 1,000 people"),
)
STAGES: Final[Choices] = (
    ("idea", "Idea"),
    ("pre_seed", "Pre-seed"),
    ("seed", "Seed"),
    ("series_a", "Series A"),
    ("series_b_plus", "Series B or later"),
    ("profitable", "Profitable"),
    ("public", "Public"),
)
INDUSTRIES: Final = (
    "Agriculture", "Consumer goods", "Construction", "Education", "Energy", "Financial services", "Food and drink",
    "Health care", "Hospitality and travel", "Industrial robotics", "Logistics", "Manufacturing", "Media",
    "Non-profit", "Professional services", "Real estate", "Retail and e-commerce", "Software", "Telecommunications",
)  # fmt: skip
CURRENCIES: Final[Choices] = (
    ("USD", "US dollar (USD)"), ("EUR", "Euro (EUR)"), ("GBP", "British pound (GBP)"), ("AED", "UAE dirham (AED)"),
    ("AUD", "Australian dollar (AUD)"), ("BRL", "Brazilian real (BRL)"), ("CAD", "Canadian dollar (CAD)"),
    ("CHF", "Swiss franc (CHF)"), ("CNY", "Chinese yuan (CNY)"), ("CZK", "Czech koruna (CZK)"),
    ("DKK", "Danish krone (DKK)"), ("HKD", "Hong Kong dollar (HKD)"), ("HUF", "Hungarian forint (HUF)"),
    ("IDR", "Indonesian rupiah (IDR)"), ("ILS", "Israeli shekel (ILS)"), ("INR", "Indian rupee (INR)"),
    ("JPY", "Japanese yen (JPY)"), ("KES", "Kenyan shilling (KES)"), ("KRW", "South Korean won (KRW)"),
    ("MXN", "Mexican peso (MXN)"), ("NGN", "Nigerian naira (NGN)"), ("NOK", "Norwegian krone (NOK)"),
    ("NZD", "New Zealand dollar (NZD)"), ("PLN", "Polish zloty (PLN)"), ("RON", "Romanian leu (RON)"),
    ("SAR", "Saudi riyal (SAR)"), ("SEK", "Swedish krona (SEK)"), ("SGD", "Singapore dollar (SGD)"),
    ("THB", "Thai baht (THB)"), ("TRY", "Turkish lira (TRY)"), ("TWD", "New Taiwan dollar (TWD)"),
    ("UAH", "Ukrainian hryvnia (UAH)"), ("ZAR", "South African rand (ZAR)"),
)  # fmt: skip
GOALS: Final = (
    "Grow revenue",
    "Extend our runway",
    "Raise a funding round",
    "Win our first customers",
    "Reduce churn",
    "Hire key people",
    "Enter a new market",
    "Become profitable",
)
_REGIONS: Final = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def time_zones() -> Choices:
    """The zones of the world by region, UTC first."""
    names = sorted(name for name in available_timezones() if name.partition("/")[0] in _REGIONS)
    return (("UTC", "UTC"), *((name, name.replace("_", " ").replace("/", " / ")) for name in names))


class Place(NamedTuple):
    """Where a company probably is: an IANA time zone, an ISO 3166-1 code (``""``: unknown), an ISO 4217 code."""

    time_zone: str
    country: str
    currency: str


def place_of(zone: str, language: str) -> Place:
    """What a browser's time zone and language (``de-AT``) tell; whatever is not on offer is left at its default."""
    country = language.replace("_", "-").rpartition("-")[2].upper() if "-" in language.replace("_", "-") else ""
    country = country if country in dict(COUNTRIES) else ""
    currency = next((code for code, countries in _USED_IN.items() if country in countries.split()), "USD")
    return Place(zone if zone in dict(time_zones()) else "UTC", country, currency)


#: Currencies on offer by the countries that use them, as ISO 4217 lists them; the dollar is the default anyway.
_USED_IN: Final = {
    "EUR": "AD AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MC ME MT NL PT SI SK SM VA",
    "GBP": "GB GG IM JE", "AED": "AE", "AUD": "AU KI NR TV", "BRL": "BR", "CAD": "CA", "CHF": "CH LI", "CNY": "CN",
    "CZK": "CZ", "DKK": "DK FO GL", "HKD": "HK", "HUF": "HU", "IDR": "ID", "ILS": "IL", "INR": "IN", "JPY": "JP",
    "KES": "KE", "KRW": "KR", "MXN": "MX", "NGN": "NG", "NOK": "NO SJ", "NZD": "NZ CK NU TK", "PLN": "PL", "RON": "RO",
    "SAR": "SA", "SEK": "SE", "SGD": "SG", "THB": "TH", "TRY": "TR", "TWD": "TW", "UAH": "UA", "ZAR": "ZA",
}  # fmt: skip

#: ISO 3166-1 codes with the names in use.
COUNTRIES: Final[Choices] = tuple(
    (entry[:2], entry[3:])
    for entry in """
AF Afghanistan
AL Albania
DZ Algeria
AS American Samoa
AD Andorra
AO Angola
AI Anguilla
AQ Antarctica
AG Antigua & Barbuda
AR Argentina
AM Armenia
AW Aruba
AU Australia
AT Austria
AZ Azerbaijan
AX Åland Islands
BS Bahamas
BH Bahrain
BD Bangladesh
BB Barbados
BY Belarus
BE Belgium
BZ Belize
BJ Benin
BM Bermuda
BT Bhutan
BO Bolivia
BA Bosnia & Herzegovina
BW Botswana
BV Bouvet Island
BR Brazil
IO British Indian Ocean Territory
VG British Virgin Islands
BN Brunei
BG Bulgaria
BF Burkina Faso
BI Burundi
KH Cambodia
CM Cameroon
CA Canada
CV Cape Verde
BQ Caribbean Netherlands
KY Cayman Islands
CF Central African Rep.
TD Chad
CL Chile
CN China
CX Christmas Island
CC Cocos (Keeling) Islands
CO Colombia
KM Comoros
CG Congo (Brazzaville)
CD Congo (Kinshasa)
CK Cook Islands
CR Costa Rica
CI Ivory Coast
HR Croatia
CU Cuba
CW Curaçao
CY Cyprus
CZ Czech Republic
DK Denmark
DJ Djibouti
DM Dominica
DO Dominican Republic
TL East Timor
EC Ecuador
EG Egypt
SV El Salvador
GQ Equatorial Guinea
ER Eritrea
EE Estonia
SZ Eswatini (Swaziland)
ET Ethiopia
FK Falkland Islands
FO Faroe Islands
FJ Fiji
FI Finland
FR France
GF French Guiana
PF French Polynesia
TF French Southern Territories
GA Gabon
GM Gambia
GE Georgia
DE Germany
GH Ghana
GI Gibraltar
GR Greece
GL Greenland
GD Grenada
GP Guadeloupe
GU Guam
GT Guatemala
GG Guernsey
GN Guinea
GW Guinea-Bissau
GY Guyana
HT Haiti
HM Heard Island & McDonald Islands
HN Honduras
HK Hong Kong
HU Hungary
IS Iceland
IN India
ID Indonesia
IR Iran
IQ Iraq
IE Ireland
IM Isle of Man
IL Israel
IT Italy
JM Jamaica
JP Japan
JE Jersey
JO Jordan
KZ Kazakhstan
KE Kenya
KI Kiribati
KW Kuwait
KG Kyrgyzstan
LA Laos
LV Latvia
LB Lebanon
LS Lesotho
LR Liberia
LY Libya
LI Liechtenstein
LT Lithuania
LU Luxembourg
MO Macau
MG Madagascar
MW Malawi
MY Malaysia
MV Maldives
ML Mali
MT Malta
MH Marshall Islands
MQ Martinique
MR Mauritania
MU Mauritius
YT Mayotte
MX Mexico
FM Micronesia
MD Moldova
MC Monaco
MN Mongolia
ME Montenegro
MS Montserrat
MA Morocco
MZ Mozambique
MM Myanmar
NA Namibia
NR Nauru
NP Nepal
NL Netherlands
NC New Caledonia
NZ New Zealand
NI Nicaragua
NE Niger
NG Nigeria
NU Niue
NF Norfolk Island
KP North Korea
MK North Macedonia
MP Northern Mariana Islands
NO Norway
OM Oman
PK Pakistan
PW Palau
PS Palestine
PA Panama
PG Papua New Guinea
PY Paraguay
PE Peru
PH Philippines
PN Pitcairn
PL Poland
PT Portugal
PR Puerto Rico
QA Qatar
RE Réunion
RO Romania
RU Russia
RW Rwanda
MF Saint Martin (French part)
WS Samoa
SM San Marino
ST Sao Tome & Principe
SA Saudi Arabia
SN Senegal
RS Serbia
SC Seychelles
SL Sierra Leone
SG Singapore
SX Sint Maarten (Dutch part)
SK Slovakia
SI Slovenia
SB Solomon Islands
SO Somalia
ZA South Africa
GS South Georgia & the South Sandwich Islands
KR South Korea
SS South Sudan
ES Spain
LK Sri Lanka
BL St Barthelemy
SH St Helena
KN St Kitts & Nevis
LC St Lucia
PM St Pierre & Miquelon
VC St Vincent
SD Sudan
SR Suriname
SJ Svalbard & Jan Mayen
SE Sweden
CH Switzerland
SY Syria
TW Taiwan
TJ Tajikistan
TZ Tanzania
TH Thailand
TG Togo
TK Tokelau
TO Tonga
TT Trinidad & Tobago
TN Tunisia
TR Turkey
TM Turkmenistan
TC Turks & Caicos Is
TV Tuvalu
UM U.S. Outlying Islands
VI U.S. Virgin Islands
UG Uganda
UA Ukraine
AE United Arab Emirates
GB United Kingdom
US United States
UY Uruguay
UZ Uzbekistan
VU Vanuatu
VA Vatican City
VE Venezuela
VN Vietnam
WF Wallis & Futuna
EH Western Sahara
YE Yemen
ZM Zambia
ZW Zimbabwe
""".strip().splitlines()
)
