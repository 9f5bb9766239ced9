"""The HTML report: what it says, that nothing it quotes can act, and how it behaves in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fixpickle.cli.app import app
from fixpickle.model import (
    Carrier,
    Change,
    Evidence,
    Finding,
    Fixed,
    Instance,
    Left,
    Offer,
    Patch,
    Proved,
    Reach,
    Refusal,
    Refuted,
    RunReport,
    Span,
    Suppressed,
    TakenBack,
    Unproved,
)
from fixpickle.report import View
from fixpickle.report.html import render
from fixpickle.report.sides import excerpt, side_by_side

ROOT = Path("/project")
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'{{ 7 * 7 }}\u202e"
OLD = f'key = lambda row: row  # {HOSTILE}\n"""a\nb\n"""\n' + "".join(f"x{n} = {n}\n" for n in range(30))
NEW = OLD.replace("key = lambda row: row", "def key(row):\n    return row")


def finding(name: str, line: int, rule: str) -> Finding:
    reach = Reach(Evidence.BOUNDARY, (f"stored on self.key of `Shop` {HOSTILE}", "passed to pool.map at line 9"))
    return Finding(rule, ROOT / name, Span(6, 21, line, 7), f"a `lambda` {HOSTILE}", reach, fingerprint=f"{line:016x}")


def report() -> RunReport:
    proved = Fixed(Patch(finding("a.py", 1, "lambda-value"), (), notes=(HOSTILE,)), Proved("m.key", f"no {HOSTILE}"))
    unproved = Fixed(Patch(finding("b.py", 2, "bare-lock"), ()), Unproved(HOSTILE), 2)
    change = Change(ROOT / "a.py", OLD, NEW)
    return RunReport(
        root=ROOT / HOSTILE,
        files=4,
        fixed=(proved, unproved),
        taken_back=(TakenBack(Patch(finding("c.py", 3, "bare-lock"), ()), Refuted("it hung", "TypeError")),),
        left=(Left(finding("d.py", 1, "local-function"), HOSTILE),),
        skipped=(Refusal(ROOT / f"{HOSTILE}.py", HOSTILE, 4),),
        suppressed=(Suppressed(finding("e.py", 5, "bare-lock"), HOSTILE),),
        carriers=(Carrier(Instance("m", HOSTILE), (proved.patch.finding,), Refuted(HOSTILE, HOSTILE)),),
        changes=(change, Change(ROOT / "_new.py", None, "N = 1\n" * 100)),
        offers=(Offer(proved, (change, Change(ROOT / "_new.py", None, "N = 1\n" * 100))),),
        python=HOSTILE,
    )


PAGE = render(report(), View(ROOT, command=f"fixpickle {HOSTILE}", texts={ROOT / "d.py": OLD}))


class Tags(HTMLParser):
    """Every tag and attribute of a page, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input", "line", "path", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


# --- what it is made of ---------------------------------------------------------------------------------------------


def test_what_is_quoted_adds_no_tag_and_no_handler_and_every_tag_is_closed() -> None:
    tags = Tags(PAGE)
    assert not tags.wrong and not tags.open
    assert [tag for tag, _ in tags.tags].count("script") == 1
    assert not {"img", "iframe", "object", "embed", "base"} & {tag for tag, _ in tags.tags}
    for tag, attributes in tags.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        assert "src" not in attributes and attributes.get("href", "#").startswith(("#", "data:,")), attributes
    assert "{{ 7 * 7 }}" in PAGE and "\u202e" not in PAGE and "\\u202e" in PAGE


def test_the_policy_names_the_only_style_and_script_and_nothing_may_be_fetched() -> None:
    policy = next(str(a["content"]) for _, a in Tags(PAGE).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "http" not in policy
    assert not re.search(r"(https?:)?//[\w.]+\.\w", PAGE.replace("http-equiv", ""))


def test_a_fix_is_shown_side_by_side_with_its_code_and_its_new_file() -> None:
    card = PAGE.partition('id="finding-1"')[2].partition('</details>\n<details class="card')[0]
    assert '<li class="object"><code>lambda row: row</code></li>' in card
    assert "stored on self.key of <code>Shop</code>" in card
    assert 'data-n="2"' in card and "_new.py" in card and "new file, 100 lines" in card


def test_an_empty_report_is_a_page_too() -> None:
    page = render(RunReport(ROOT, 0), View(ROOT))
    tags = Tags(page)
    assert not tags.wrong and not tags.open and "Nothing was found" in page


def test_sides_hold_every_changed_line_and_mark_the_words_that_differ() -> None:
    old = "a = 1\r\nb = call(one)\r\n" + "same = 0\r\n" * 20 + "end = 1"
    new = old.replace("one", "two").replace("end = 1", "end = 1\r\nmore = '''\r\nx\r\n'''\r\n")
    blocks = side_by_side(old, new)
    said = ["".join(p.text for p in line.pieces) for block in blocks for line in block.new if block.kind == "changed"]
    assert said == ["b = call(two)", "more = '''", "x", "'''"]
    marked = [p.text for block in blocks for line in (*block.old, *block.new) for p in line.pieces if p.marked]
    assert marked == ["one", "two"]
    assert [block.skipped for block in blocks if block.skipped] == [15]
    inside = [line for block in blocks for line in block.new if line.number == 25]
    assert [p.kind for line in inside for p in line.pieces] == ["string"]
    assert side_by_side(old, old) == ()


def test_lines_are_counted_as_editors_count_them() -> None:
    text = "a = 1\n\x0cb = 2\u2028\nc = 3"
    assert [line.number for line in excerpt(text, 3, 3, 0)] == [3]
    assert "".join(p.text for p in excerpt(text, 3, 3, 0)[0].pieces) == "c = 3"
    assert "".join(p.text for p in excerpt(text, 2, 2, 0)[0].pieces) == "\\x0cb = 2\\u2028"


def test_the_command_line_shows_what_each_fix_changes_and_code_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fixpickle.toml").write_text("")
    lost = "from multiprocessing import Pool\n\n\ndef f(rows):\n    n = 0\n    g = lambda r: r + n\n    n = 1\n"
    (tmp_path / "m.py").write_text(f"KEY = lambda x: x\n\n\n{lost}    return Pool(2).map(g, rows)\n")
    asked = ["apply", ".", "--dry-run", "--no-verify", "--output", "html=out.html"]
    assert CliRunner().invoke(app, asked).exit_code == 1
    page = (tmp_path / "out.html").read_text()
    assert '<h2 id="files-title">' in page
    assert "fixpickle apply --no-verify ." in page
    assert page.count('<details class="card') == 2 and 'class="code sides"' in page
    left = page.partition('class="card left"')[2].partition("</details>")[0]
    assert 'class="code whole"' in left and '<i class="keyword">lambda</i>' in left
    assert CliRunner().invoke(app, ["check", ".", "--output", "html=found.html"]).exit_code == 1
    assert 'data-state="found"' in (tmp_path / "found.html").read_text()


def test_a_report_that_cannot_be_written_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.py").write_text("x = 1\n")
    result = CliRunner().invoke(app, ["check", ".", "--output", "json=no/such/out.json"])
    assert result.exit_code == 2 and "out.json: the report cannot be written: " in result.output


# --- in a browser ---------------------------------------------------------------------------------------------------

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
in_a_browser = pytest.mark.skipif(not (BROWSER and DRIVER), reason="no chromium with its chromedriver on PATH")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    # As root, and in containers, there is no sandbox to be had and little shared memory.
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The report opened from a file at a desktop's width; after the test, nothing may have been complained of."""
    path = tmp_path / "report.html"
    path.write_text(PAGE, encoding="utf-8")
    sized(browser, 1280)
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(path.as_uri())
    yield browser
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert asked and all(url.startswith(("file://", "data:,")) for url in asked), asked
    assert browser.title != "owned"


def sized(browser: Any, width: int) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500},
    )


def shown(page: Any) -> list[str]:
    script = "return [...document.querySelectorAll('.card')].filter(c => c.checkVisibility()).map(c => c.id)"
    return [str(name).removeprefix("finding-") for name in page.execute_script(script)]


def press(page: Any, keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(page).send_keys(keys).perform()


def choose(page: Any, name: str, value: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(page.find_element("id", name)).select_by_visible_text(value)


@in_a_browser
def test_findings_are_filtered_by_rule_file_verdict_and_text(page: Any) -> None:
    assert shown(page) == ["1", "2", "3", "4"]
    choose(page, "rule", "bare-lock")
    assert shown(page) == ["2", "3"]
    choose(page, "state", "taken back")
    assert shown(page) == ["3"] and page.find_element("id", "shown").text == "1 of 4"
    choose(page, "file", "a.py")
    assert shown(page) == [] and page.find_element("id", "none").is_displayed()
    page.find_element("id", "reset").click()
    assert shown(page) == ["1", "2", "3", "4"]
    page.find_element("id", "search").send_keys("HUNG typeerror")
    assert shown(page) == ["3"]
    page.find_element("id", "search").send_keys(" no-such-word")
    assert shown(page) == []


@in_a_browser
def test_a_tile_takes_its_verdict_away_and_brings_it_back(page: Any) -> None:
    tile = page.find_element("css selector", ".tile.proved")
    tile.click()
    assert shown(page) == ["2", "3", "4"] and tile.get_attribute("aria-pressed") == "false"
    tile.click()
    assert shown(page) == ["1", "2", "3", "4"]


@in_a_browser
def test_what_is_shown_is_in_the_address_and_a_link_to_a_finding_shows_it(page: Any) -> None:
    choose(page, "rule", "local-function")
    address = page.current_url
    assert address.endswith("#rule=local-function")
    page.get("about:blank")
    page.get(address)
    assert shown(page) == ["4"]
    page.execute_script("location.hash = 'finding-1'")
    page.execute_async_script("setTimeout(arguments[0], 50)")
    assert "1" in shown(page)


@in_a_browser
def test_it_is_worked_by_keys(page: Any) -> None:
    focus = "return document.activeElement.closest('.card')?.id"
    press(page, "jj")
    assert page.execute_script(focus) == "finding-2"
    press(page, "k")
    assert page.execute_script(focus) == "finding-1"
    is_open = "return document.getElementById('finding-1').open"
    press(page, "o")
    assert page.execute_script(is_open) is False
    press(page, "e")
    assert page.execute_script("return document.querySelectorAll('.card[open]').length") == 0
    press(page, "1")
    assert shown(page) == ["2", "3", "4"]
    press(page, "r")
    press(page, "/hung")
    assert shown(page) == ["3"]
    press(page, "\ue00c?")  # Escape leaves the field
    assert page.find_element("id", "help").is_displayed()
    press(page, "\ue00c")
    assert not page.find_element("id", "help").is_displayed()


@in_a_browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_width_and_can_be_read_in_both_schemes(page: Any, width: int, scheme: str) -> None:
    sized(page, width)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    page.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    poor = page.execute_script(_CONTRAST)
    assert poor == []
    sides = page.execute_script(
        "return [...document.querySelectorAll('.changed > div')].slice(0, 2).map(d => d.getBoundingClientRect().x)"
    )
    assert (sides[0] < sides[1]) is (width > 500)


@in_a_browser
def test_the_theme_can_be_turned(page: Any) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    back = "return getComputedStyle(document.body).backgroundColor"
    before = page.execute_script(back)
    press(page, "t")
    assert page.execute_script(back) != before
    page.find_element("id", "theme").click()
    assert page.execute_script(back) == before


# Text whose contrast with what is behind it is below 4.5, as WCAG 2 wants it of small text.
_CONTRAST = """
const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (color) => {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
};
const behind = (element) => {
  if (!element) return [255, 255, 255];
  const [r, g, b, a] = rgba(getComputedStyle(element).backgroundColor);
  if (a === 255) return [r, g, b];
  const under = behind(element.parentElement);
  return [r, g, b].map((v, i) => v * a / 255 + under[i] * (1 - a / 255));
};
const poor = new Set();
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!own || element.closest("svg, script, dialog, [hidden]")) continue;
  const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
}
return [...poor];
"""
