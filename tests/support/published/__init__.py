"""Small logs in the formats of their publishers: the documented columns, in order, with made-up rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.published.criteo import criteo_attribution, criteo_conversion, criteo_display, criteo_search
from support.published.screens import avazu, globo, globo_hours, kuairand, movielens, movielens_dat
from support.published.shops import (
    ali_ccp,
    amazon_reviews,
    amazon_reviews_2023,
    online_retail,
    taobao_ad,
    taobao_behavior,
    tmall_repeat,
)

PUBLISHED: dict[str, Callable[[Path], Path]] = {
    writer.__name__: writer
    for writer in (
        criteo_display,
        criteo_attribution,
        criteo_conversion,
        criteo_search,
        ali_ccp,
        taobao_behavior,
        taobao_ad,
        tmall_repeat,
        online_retail,
        amazon_reviews,
        amazon_reviews_2023,
        avazu,
        kuairand,
        movielens,
        movielens_dat,
        globo,
        globo_hours,
    )
}
"""Name of a ready schema -> writes a log for it into a folder."""
