"""What to do is said for every reason that there is."""

from __future__ import annotations

import ast
from pathlib import Path

from target_klaviyo_segments.report.advice import ADVICE, advice_on

PACKAGE = Path(__file__).parent.parent.parent / "target_klaviyo_segments"


def codes():
    """First arguments of all rejections in the package, names looked up in their module and in those imported."""
    trees = {path: ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py") if "sandbox" not in path.parts}
    constants = {
        (target.id, node.value.value, path)
        for path, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejection":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield first.value
                    continue
                here = {value for name, value, where in constants if name == first.id and where == path}
                anywhere = {value for name, value, _ in constants if name == first.id}
                yield from here or anywhere


def test_every_code_has_advice_and_no_other():
    """A new reason without a word on what to do fails here; one that is gone is taken out."""
    found = set(codes())
    assert found
    assert found == set(ADVICE)


def test_each_advice_is_whole():
    """A title, what it means and what to do, as sentences."""
    for advice in ADVICE.values():
        assert advice.title[0].isupper()
        assert advice.meaning.endswith(".")
        assert advice.remedy.endswith(".")


def test_an_unknown_code_is_shown_as_it_is():
    """A report of another release may have others."""
    assert advice_on("brand_new").title == "brand new"
