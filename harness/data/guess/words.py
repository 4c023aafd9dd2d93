"""What names of columns tell: words, after which rules look."""

from __future__ import annotations


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


LABELS = _set(
    "label target y outcome response click clicked clk conversion converted convert conv cvr ctr purchase "
    "purchased buy bought order ordered sale sold checkout cart add_to_cart fav favorite favourite like liked "
    "dislike follow followed comment forward share shared hate skip skipped subscribe subscribed install "
    "installed download downloaded signup register registered churn churned default attribution attributed rebuy "
    "repeat returned read watched finished completed complete long_view profile_enter play played apply applied "
    "engage engaged engagement sign_up signed_up save saved closeup hide hidden"
)
"""Whole names, without a beginning as `is_` and an end as `_90d`."""
OUTCOMES = _set(
    "click clicked clk conversion converted convert conv purchase purchased buy bought checkout signup install "
    "installed churn churned"
)
"""Words of what may be an outcome, if there are two values and no word of BEFORE."""
BEFORE = _set(
    "before past previous prev prior last ever hist history historical recent count counts num rate ratio first able "
    "allowed enabled user"
)
ACTIONS = _set(
    "view pv page_view pageview impression show click clk buy purchase order transaction cart addtocart "
    "add_to_cart fav favorite collect like share comment follow forward checkout pay download install play skip "
    "remove_from_cart"
)
"""Values of a column that says what a user did."""
ACTION_NAMES = _set("behavior behaviour action event activity interaction btag")
RATINGS = _set("rating ratings overall stars star score grade")
TIMES = _set("time timestamp timestamps ts date datetime dt day hour at when created updated epoch stamp")
MADE = _set(
    "created creation updated modified published publish signup registered registration joined enrolled birth born "
    "birthdate birthday dob released release"
)
"""Of when a user, an item or a record was made or changed, beside other times."""
SMALL = _set("ms msec millis millisec milliseconds us usec micros microseconds ns nanos nanoseconds")
"""Units of a time, as of `session_start_ms`, or of how long something took."""
CLOCK = _set("hour hourmin minute weekday dayofweek month quarter season dow")
"""Times of the day, the week or the year, that come again."""
AFTER = _set("play stay dwell watch watched watching spent payout vote votes helpful helpfulness refund refunded")
"""Of what is measured or done after the event."""
SINCE = _set("since duration length delay elapsed age days hours minutes seconds recency")
NUMBERS = SINCE | _set(
    "price amount cost cpo cpc cpm bid value quantity qty count counts cnt num nb total sum avg mean median std "
    "ratio rate score income salary balance size len width height weight distance percent pct nth revenue spend "
    "latency ms msec millis milliseconds secs"
)
CODES = _set("id ids code type level class category cat group segment bin bucket zone flag index idx status is has key")
"""These make a code of a number, as `age_level`."""
NUMBERED = r"(?:i|int|num|numeric|dense|n)_?\d+"
"""Names of anonymous numbers."""
USERS = _set(
    "user uid userid customer customerid client reviewer member visitor buyer account shopper cookie person "
    "player viewer subscriber"
)
ITEMS = _set(
    "item items itemid product productid sku asin stock article goods movie film video song track book news ad listing "
    "offer content merchant"
)
IDS = _set("id ids code no")
"""What follows the word of a thing, as in `stock_code`."""
SESSIONS = _set("session sessionid visit basket invoice")
ROWS = _set("row rows record sample instance line unnamed impression request event log example index uuid guid")
PAST = _set("hist history histories seq sequence recent past last previous prev trajectory behaviors behaviours")
"""Of lists whose order counts."""
SPLITS = _set("split fold set part partition subset usage")
PARTS = {
    "train": ("train", "training", "tr"),
    "valid": ("valid", "val", "validation", "dev"),
    "test": ("test", "testing", "te", "eval"),
}
"""Split -> what a column may call it."""
YES_AND_NO = (
    ("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("negative", "positive"), ("neg", "pos"), ("0", "1"),
    ("0.0", "1.0"), ("-1", "+1"), ("off", "on"),
)  # fmt: skip
