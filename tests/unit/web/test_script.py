import pytest

from chalicelib.web import script


@pytest.fixture
def joined(tmp_path):
    def join(**modules):
        for name, text in modules.items():
            path = tmp_path / f"{name.replace('__', '/')}.js"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return script.join(tmp_path, "app.js")

    return join


def test_a_module_runs_after_those_that_it_imports_and_each_runs_once(joined):
    text = joined(
        app='import { b } from "./b.js";\nimport { c } from "./c.js";\nrun(b, c);\n',
        b='import { c } from "./c.js";\nexport const b = c + 1;\n',
        c="export const c = 1;\n",
    )
    assert text == (
        "const $c_js = (() => {\nconst c = 1;\n\nreturn { c };\n})();\n"
        "const $b_js = (() => {\nconst { c: c } = $c_js;\nconst b = c + 1;\n\nreturn { b };\n})();\n"
        "const $app_js = (() => {\nconst { b: b } = $b_js;\nconst { c: c } = $c_js;\nrun(b, c);\n\n"
        "return {  };\n})();\n"
    )


@pytest.mark.parametrize(
    ("exported", "told"),
    [
        ("export function f() {}", "{ f }"),
        ("export async function f() {}", "{ f }"),
        ("export default function f() {}", "{ default: f }"),
        ("export class F {}", "{ F }"),
        ("const x=1;export{x as y,x};", "{ y: x, x: x }"),
        ("var n=1;export default function(s){return n}", "{ default: $default }"),
    ],
)
def test_what_is_exported_is_returned(joined, exported, told):
    text = joined(app=exported)
    assert f"return {told};" in text
    assert "export" not in text


@pytest.mark.parametrize(
    ("imported", "told"),
    [
        ('import { a } from "./b.js";', "{ a: a }"),
        ('import {\n  a,\n  b as c,\n} from "./b.js";', "{ a: a, b: c }"),
        ('import B from "./b.js";', "{ default: B }"),
        ('import B, { a } from "./b.js";', "{ default: B, a: a }"),
        ('import{options as n}from"./b.js";', "{ options: n }"),
    ],
)
def test_what_is_imported_is_taken_from_what_was_returned(joined, imported, told):
    text = joined(app=imported, b="export const a = 1;\n")
    assert f"const {told} = $b_js;" in text
    assert "import" not in text


def test_modules_are_found_beside_the_one_that_imports_them(joined):
    text = joined(
        app='import { b } from "./vendor/b.js";',
        vendor__b='import{c}from"./c.js";export{c as b};',
        vendor__c="",
    )
    assert text.index("$vendor_c_js = ") < text.index("$vendor_b_js = ")


@pytest.mark.parametrize(
    "text",
    [
        'import * as b from "./b.js";',
        'import "./b.js";',
        'import { b } from "b";',
        "export let b = 1;",
        'export * from "./b.js";',
        'export { c } from "./b.js";',
    ],
)
def test_what_would_not_be_the_same_is_refused(joined, text):
    with pytest.raises(ValueError, match="cannot be joined"):
        joined(app=text, b="export const c = 1;\n")


def test_circles_are_refused(joined):
    with pytest.raises(ValueError, match=r"b\.js → c\.js → b\.js"):
        joined(
            app='import { b } from "./b.js";',
            b='import { c } from "./c.js";',
            c='import { b } from "./b.js";',
        )
