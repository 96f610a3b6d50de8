"""Names of tags and sources → their ids, which are what records and indexes hold."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chalicelib.model.label import LabelKind, fold
from chalicelib.query import fields
from chalicelib.query.tree import And, Clause, Not, Operator, Or, clauses, conjoin, conjuncts, disjoin, negate
from chalicelib.storage import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.model.label import Label
    from chalicelib.query.fields import Field
    from chalicelib.query.tree import Tree

_VALUES_SHOWN: Final = 5

_LABELS: Final = {
    fields.TAGS: (LabelKind.TAG, fields.TAG_IDS),
    fields.SOURCE: (LabelKind.SOURCE, fields.SOURCE_ID),
}
_MEMBERSHIP: Final = {
    Operator.EQUAL: Operator.IN,
    Operator.IN: Operator.IN,
    Operator.UNEQUAL: Operator.NOT_IN,
    Operator.NOT_IN: Operator.NOT_IN,
}


@dataclass(frozen=True, slots=True)
class Bound:
    asked: "Tree"
    tree: "Tree"
    """The same with ids in the place of names."""
    tags: "Mapping[str, Label]" = field(default_factory=dict)
    """Those that are named, by their ids."""

    def in_words(self, parts: "Iterable[Tree]") -> str | None:
        """How some of the tree's conditions were asked for. None: there are none."""
        words: dict[Tree, Tree] = dict(zip(conjuncts(self.tree), conjuncts(self.asked), strict=True))
        return str(conjoin(_shorten(words[part]) for part in parts)) or None


def bind(lake_id: str, tree: "Tree") -> Bound:
    """The same condition, but where names are compared as a whole, it compares ids. A name that nothing has
    is left out."""
    asked = [clause for clause in clauses(tree) if _is_bound(clause)]
    if not asked:
        return Bound(tree, tree)
    found = {label: _find(lake_id, label, asked) for label in _LABELS}
    tags = {label.id: label for label in found[fields.TAGS].values()}
    return Bound(tree, _replace(tree, found), tags)


def _shorten(tree: "Tree") -> "Tree":
    if isinstance(tree, Clause) and len(tree.values) > _VALUES_SHOWN:
        more = f"{len(tree.values) - _VALUES_SHOWN:,} more"
        return Clause(tree.field, tree.operator, (*tree.values[:_VALUES_SHOWN], more))
    return tree


def _find(lake_id: str, label: "Field", asked: "list[Clause]") -> "Mapping[str, Label]":
    names = {fold(str(name)) for clause in asked if clause.field == label for name in clause.values}
    return labels.find(lake_id, _LABELS[label][0], names) if names else {}


def _is_bound(clause: Clause) -> bool:
    return clause.field in _LABELS and clause.operator in _MEMBERSHIP


def _replace(tree: "Tree", found: "Mapping[Field, Mapping[str, Label]]") -> "Tree":
    match tree:
        case Not(part):
            return negate(_replace(part, found))
        case And(parts):
            return conjoin(_replace(part, found) for part in parts)
        case Or(parts):
            return disjoin(_replace(part, found) for part in parts)
        case Clause():
            return _replace_clause(tree, found[tree.field]) if _is_bound(tree) else tree


def _replace_clause(clause: Clause, known: "Mapping[str, Label]") -> Clause:
    ids = {known[name].id for name in map(fold, map(str, clause.values)) if name in known}
    return Clause(_LABELS[clause.field][1], _MEMBERSHIP[clause.operator], tuple(sorted(ids)))
