"""The language of ``where``: comparisons of columns, joined by and, or, not.  No code is executed.

Python's :mod:`ast` parses the text, and every node must be one of those below.  Everything that is not arithmetic of
columns (a call, an attribute, an index, a text) is refused before anything is computed.  Each part is either a number
or a truth value; using one for the other is refused, too.

An unknown value is NaN.  A comparison with NaN is false, also ``!=``, and so is a comparison with a division by 0.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from hpcvox.errors import ConfigError, did_you_mean

LONGEST: Final = 10_000
"""Most characters of an expression."""
DEEPEST: Final = 100
"""Most levels of an expression; in a chain of ``+`` each one is a level."""

Row = Mapping[str, float]
Number = Callable[[Row], float]
Truth = Callable[[Row], bool]

_ALLOWED: Final = "columns, numbers, ( ), + - * /, < <= > >= == !=, and, or, not"


class Clause(NamedTuple):
    """One of the conditions that ``and`` joins at the top of an expression."""

    text: str
    holds: Truth


class Expression(NamedTuple):
    """Conditions, all of which a crystal must fulfil."""

    clauses: tuple[Clause, ...]

    def __call__(self, row: Row) -> bool:
        """Whether the values of ``row`` fulfil all conditions; ``row`` must have every column that was valid."""
        return all(clause.holds(row) for clause in self.clauses)


def parse(text: str, columns: Sequence[str], setting: str = "where") -> Expression:
    """Parse an expression with names from ``columns``.

    Raises:
        ConfigError: the text is no valid expression; the message begins with ``setting`` and quotes the wrong part.
    """
    # YAML folds long texts into lines in several ways
    return _Reader(" ".join(text.split()), columns, setting).read()


class _Reader:
    def __init__(self, text: str, columns: Sequence[str], setting: str) -> None:
        self.text, self.columns, self.setting = text, frozenset(columns), setting
        self.listed = ", ".join(columns)

    def read(self) -> Expression:
        if not self.text:
            raise self.refused("it is empty; null takes every crystal")
        if len(self.text) > LONGEST:
            raise self.refused(f"it has {len(self.text):,} characters, at most {LONGEST:,} are taken")
        if "#" in self.text:
            raise self.refused(
                "a comment (#) would hide what follows it; write comments in the YAML around it"
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's warnings for programmers: `1 is 1`
                tree = ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            raise self.refused(
                f"{error.msg} (at character {error.offset or 1} of {_shortened(self.text)!r})"
            ) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise self.refused(f"it cannot be read: {str(error) or type(error).__name__}") from None
        joined = isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And)
        parts = tree.values if isinstance(tree, ast.BoolOp) and joined else [tree]
        return Expression(tuple(Clause(self.source(part), self.truth(part, 1)) for part in parts))

    def truth(self, node: ast.expr, depth: int) -> Truth:
        """Read a part that is true or false."""
        depth = self.deeper(depth)
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = [self.truth(value, depth) for value in values]
                holds = all if isinstance(op, ast.And) else any
                return lambda row: holds(part(row) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.truth(operand, depth)
                return lambda row: not inner(row)
            case ast.Compare():
                return self.comparison(node, depth)
            case ast.Name() | ast.Constant() | ast.BinOp() | ast.UnaryOp():
                self.number(node, depth)  # errors inside it are reported first
                raise self.refused(
                    f"{self.quoted(node)} is a number; compare it, as in {self.source(node)} > 0"
                )
        raise self.foreign(node)

    def comparison(self, node: ast.Compare, depth: int) -> Truth:
        compare: list[Callable[[float, float], bool]] = []
        for op in node.ops:
            if type(op) not in _COMPARE:
                raise self.foreign(node)
            compare.append(_COMPARE[type(op)])
        numbers = [self.number(side, depth) for side in (node.left, *node.comparators)]

        def holds(row: Row) -> bool:
            values = [number(row) for number in numbers]
            return all(c(a, b) for c, a, b in zip(compare, values, values[1:], strict=False))

        return holds

    def number(self, node: ast.expr, depth: int) -> Number:
        """Read a part that has a value."""
        depth = self.deeper(depth)
        match node:
            case ast.Name(id=name):
                if name not in self.columns:
                    near = did_you_mean(name, self.columns)
                    raise self.refused(f"there is no column {name}: {near}valid: {self.listed}")
                return lambda row: row[name]
            case ast.Constant(value=bool() | str() | bytes() | complex() | None):
                raise self.refused(f"{self.quoted(node)} is no number")
            case ast.Constant(value=int() | float() as given):
                value = _finite(given)
                if value is None:
                    raise self.refused(f"{self.quoted(node)} is too large a number")
                return lambda row: value
            case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=operand):
                inner = self.number(operand, depth)
                return inner if isinstance(sign, ast.UAdd) else lambda row: -inner(row)
            case ast.BinOp(left=left, op=op, right=right):
                if type(op) not in _COMPUTE:
                    raise self.foreign(node)
                compute = _COMPUTE[type(op)]
                a, b = self.number(left, depth), self.number(right, depth)
                return lambda row: compute(a(row), b(row))
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                raise self.refused(f"{self.quoted(node)} is true or false, where a number is needed")
        raise self.foreign(node)

    def deeper(self, depth: int) -> int:
        if depth > DEEPEST:
            raise self.refused(f"it has more than {DEEPEST} levels of operations in operations")
        return depth + 1

    def source(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.text, node) or self.text

    def quoted(self, node: ast.expr) -> str:
        return repr(_shortened(self.source(node)))

    def foreign(self, node: ast.expr) -> ConfigError:
        hint = ""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            hint = f"; write {'and' if isinstance(node.op, ast.BitAnd) else 'or'}"
        return self.refused(f"{self.quoted(node)} is none of what may be written here: {_ALLOWED}{hint}")

    def refused(self, reason: str) -> ConfigError:
        return ConfigError(f"{self.setting}: {reason}")


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _quotient(a: float, b: float) -> float:
    return a / b if b else math.nan


def _differ(a: float, b: float) -> bool:
    return a < b or a > b


_COMPUTE: Final[dict[type, Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _quotient,
}
_COMPARE: Final[dict[type, Callable[[float, float], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: _differ,
}
