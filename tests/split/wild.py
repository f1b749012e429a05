"""Small markets with everything on at once: several orders a listing, orders that cost, caps, uncertain depth."""

import random
from dataclasses import replace
from decimal import Decimal

from router.split.plan import Cap, Landing, SplitRequest
from tests.split.test_oracle import any_request


def wild_request(seed: int) -> SplitRequest:
    rng = random.Random(seed)
    made = any_request(rng)
    ids = [one.listing.id for one in made.view.listings]
    options = made.options
    if rng.random() < 0.4:
        options = replace(options, order_costs={one: Decimal(rng.randint(0, 8)) for one in ids})
    if rng.random() < 0.3:
        options = replace(options, orders_each_max=rng.randint(2, 4))
        largest = {one: Decimal(rng.randint(5, 30)) / 10 for one in ids}
        listings = tuple(
            replace(one, listing=replace(one.listing, max_quantity=largest[one.listing.id]))
            for one in made.view.listings
        )
        made = replace(made, view=replace(made.view, listings=listings))
    return replace(
        made,
        options=options,
        caps=_caps(rng, frozenset(ids[:2])),
        landing=_landing(rng, made),
        all_in_limit_price=rng.choice([None, None, Decimal(1000 + rng.randint(-5, 40))]),
    )


def _caps(rng: random.Random, together: frozenset) -> tuple[Cap, ...]:
    if rng.random() < 0.6:
        return ()
    quantity = Decimal(rng.randint(2, 40)) / 10 if rng.random() < 0.5 else None
    notional = Decimal(rng.randint(500, 5000)) if rng.random() < 0.5 else None
    return (Cap(name="both", listings=together, quantity=quantity, notional=notional),)


def _landing(rng: random.Random, made: SplitRequest) -> Landing | None:
    if rng.random() < 0.7:
        return None
    survival = {
        one.listing.id: tuple(sorted((Decimal(rng.randint(50, 100)) / 100 for _ in range(2)), reverse=True))
        for one in made.view.listings
    }
    return Landing(survival=survival, fallback_price=Decimal(1000) + made.side.sign * rng.randint(0, 60))
