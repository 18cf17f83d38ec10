"""A token bucket as values. Who stores the level, and where, is not decided here."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RatePlan:
    """A published usage plan: ``rate_per_s`` tokens flow in each second, at most ``burst`` are kept, a call takes ``cost`` and
    leaves ``spared`` for others. Whoever keeps to the plan hears of a call up to ``late_s`` after its tokens were taken: only then does
    a bucket that was full begin to fill again."""

    rate_per_s: float
    burst: int
    cost: int = 1
    spared: int = 0
    late_s: float = 0.0

    def scaled(self, factor: float) -> "RatePlan":
        """Return the same plan ``factor`` times as fast; the burst stays."""
        return replace(self, rate_per_s=self.rate_per_s * factor)


@dataclass(frozen=True, slots=True)
class Level:
    """Tokens in the bucket at a moment, in seconds of any steadily growing clock."""

    tokens: float
    at_s: float


def take(level: Level, plan: RatePlan, at_s: float) -> tuple[Level, float]:
    """Return the level after taking the cost of a call and 0, or the refilled level and the seconds until they are there.

    A clock that went backwards refills nothing.

    Raises:
        ValueError: the cost is more than the bucket can ever hold.
    """
    needed = plan.cost + plan.spared
    if needed > plan.burst:
        raise ValueError(f"a call that needs {needed} never fits into a burst of {plan.burst}")
    tokens = tokens_at(level, plan, at_s)
    late = 0 < level.at_s - at_s <= plan.late_s
    since_s = at_s + plan.late_s if tokens >= plan.burst else level.at_s if late else at_s
    if tokens >= needed:
        return Level(tokens - plan.cost, since_s), 0.0
    # In this order: beside seconds since 1970 a millionth of a second is lost, and a wait of nothing is a call.
    return Level(tokens, since_s), (since_s - at_s) + (needed - tokens) / plan.rate_per_s


def owe(level: Level, plan: RatePlan, at_s: float) -> Level:
    """Return the level after the cost of a call that is made whatever there is: below nothing, what flows in is owed."""
    return Level(tokens_at(level, plan, at_s) - plan.cost, at_s)


def give_back(level: Level, plan: RatePlan) -> Level:
    """Return the level after the cost of a call that was not made is back in the bucket, never beyond its burst."""
    return Level(min(float(plan.burst), level.tokens + plan.cost), level.at_s)


def tokens_at(level: Level, plan: RatePlan, at_s: float) -> float:
    """Return the tokens that are there at a moment."""
    passed_s = max(0.0, at_s - level.at_s)
    return min(float(plan.burst), level.tokens + passed_s * plan.rate_per_s)
