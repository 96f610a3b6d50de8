"""Random trees, as the language can have them."""

from hypothesis import strategies as st

from chalicelib.query import fields
from chalicelib.query.fields import Content
from chalicelib.query.tree import Clause, Operator, conjoin, disjoin, negate

WORDS = st.sampled_from(["a", "b", "ab", "A", "é", "e\u0301", "É", "😀", "", 'q"', "\\", "\n", "a/b"])
NUMBERS = (
    st.sampled_from([0, 1, 2, -1, 1.5, 1.0, -0.0])
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
TIMES = st.sampled_from(
    [
        *("2025-01-01", "2025-01-01T00:02:00Z", "2025-01-01T01:02:00+01:00", "2025-01-01 00:03:00"),
        *("2025-01-01T00:02:00.0005Z", "2024-12-31T23:59:59.999Z", "1970-01-01T00:00Z", "9999-12-31"),
    ]
)
VALUES = {
    Content.TEXT: WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    Content.NUMBER: NUMBERS,
    Content.BOOLEAN: st.booleans(),
    Content.TIME: TIMES,
    Content.LABEL: WORDS,
    Content.ANY: WORDS | NUMBERS | st.booleans(),
}
KEYS = (WORDS | st.sampled_from(["lot", "and", "a-b", "1", "x.y"])).filter(bool)
FIELDS = (
    st.sampled_from(sorted(fields.FIELDS.values(), key=str))
    | st.sampled_from([fields.find("metadata", name) for name in sorted(fields.METADATA)])
    | KEYS.map(lambda key: fields.find("custom_metadata", key))
)
ORDERING = {Operator.BELOW, Operator.AT_MOST, Operator.ABOVE, Operator.AT_LEAST}
SEARCHING = {Operator.CONTAINS, Operator.STARTS_WITH}
LISTS = {Operator.IN, Operator.NOT_IN}
SENSIBLE = {
    Content.TEXT: set(Operator),
    Content.NUMBER: set(Operator) - SEARCHING,
    Content.BOOLEAN: set(Operator) - SEARCHING - ORDERING,
    Content.TIME: set(Operator) - SEARCHING,
    Content.LABEL: set(Operator) - ORDERING,
    Content.ANY: set(Operator),
}


@st.composite
def clauses(draw, of=FIELDS):
    field = draw(of)
    operator = draw(st.sampled_from(sorted(SENSIBLE[field.content])))
    values = VALUES[field.content]
    if operator in SEARCHING:
        values = WORDS
    elif field.choices:
        values = st.sampled_from(sorted(map(str, field.choices)))
    if operator is Operator.EXISTS:
        return Clause(field, operator)
    if operator in LISTS:
        return Clause(field, operator, tuple(draw(st.lists(values, max_size=3))))
    return Clause(field, operator, (draw(values),))


def trees(of=FIELDS):
    return st.recursive(
        clauses(of),
        lambda parts: (
            parts.map(negate)
            | st.lists(parts, min_size=2, max_size=3).map(conjoin)
            | st.lists(parts, min_size=2, max_size=3).map(disjoin)
        ),
        max_leaves=8,
    )
