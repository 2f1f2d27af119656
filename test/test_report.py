# SPDX-License-Identifier: Apache-2.0
"""The page of `mica cost --report`, opened in a real browser: its figures are those it was given,
its console is silent, and it fits a desk, a phone and paper. Pictures go to build/report/."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Callable

import pytest

from browser import DARK, Element, browse, parse, screenshot
from report_figures import NAMES, OPERATORS, figures
from support import REPOSITORY, inspect, mica, need, reference_model

PAGE = REPOSITORY / "src" / "report" / "page"
PICTURES = REPOSITORY / "build" / "report"
PAGE_BYTES_MAX = 80_000
DESK, PHONE = (1280, 1600), (390, 844)


def compose(data: str, script: str = "") -> str:
    """The page around figures, as src/cli/report.c puts it together; a script runs after it."""
    text = re.sub(
        "@@([a-z.]+)@@",
        lambda mark: data if mark[1] == "data" else (PAGE / mark[1]).read_text(encoding="utf-8"),
        (PAGE / "index.html").read_text(encoding="utf-8"),
    )
    return text.replace("</body>", f"<script>{script}</script></body>") if script else text


def escaped(data: dict[str, Any]) -> str:
    """Figures as JSON inside a script element."""
    return json.dumps(data).replace("<", "\\u003c")


@pytest.fixture(scope="module", name="shown")
def shown_fixture(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Element]:
    """The page as it is for a core and objective, each opened once."""
    return cache(lambda part: opened(tmp_path_factory.mktemp("page"), part=part))


def opened(folder: Path, script: str = "", part: str = "", *flags: str) -> Element:
    """The page with the made-up figures, after its scripts ran without a word on the console."""
    page = folder / "page.html"
    page.write_text(compose(escaped(figures()), script), encoding="utf-8")
    html, console = browse(page, "--dump-dom", *flags, part=part)
    assert console == []
    return parse(html)


def number(text: str) -> float | None:
    """A number with commas between thousands and perhaps a unit; a dash is what is not known."""
    found = re.match(r"[\d,]+(\.\d+)?", text)
    return float(found[0].replace(",", "")) if found else None


def flash_of(cost: dict[str, Any]) -> int:
    """Bytes of flash."""
    total = cost["total"]
    return total["code_bytes"] + total["weight_bytes"] + total["table_bytes"]


def ram_of(cost: dict[str, Any]) -> int:
    """Bytes of RAM without the caller's input and output."""
    total = cost["total"]
    return sum(total[f"{part}_bytes"] for part in ("static", "scratch", "state", "stack"))


def check_layers(root: Element, cost: dict[str, Any], mhz: float) -> None:
    """The rows and bars of `Time by layer`."""
    rows = root.one("layers-table").all("tr", kind="row")
    is_time = cost["cycles_are"] == "time"
    key = "nanoseconds" if is_time else "cycles"
    most = max(layer[key] for layer in cost["layers"])
    assert len(rows) == len(cost["layers"])
    for row, layer in zip(rows, cost["layers"]):
        index, what, bar, share, milliseconds, effort, per_mac = row.all("td")
        assert index.text() == str(layer["step"])
        assert what.all("button")[0].text() == layer["operator"]
        assert what.all("span", kind="name")[0].text() == layer["name"]
        assert what.all("span", kind="name")[0].attributes["title"] == layer["name"]
        width = float(re.search(r"width:\s*([\d.]+)%", bar.all("i")[0].attributes["style"])[1])
        assert width == pytest.approx(100 * layer[key] / most, abs=0.01)
        assert number(effort.text()) == layer[key]
        assert number(share.text()) == pytest.approx(
            100 * layer[key] / cost["total"][key], abs=0.051
        )
        ms = layer[key] / 1e6 if is_time else layer[key] / mhz / 1000
        assert number(milliseconds.text()) == pytest.approx(ms, abs=0.005)
        wanted = layer[key] / layer["macs"] if layer["macs"] else None
        assert number(per_mac.text()) == (wanted and pytest.approx(wanted, abs=0.005))
    assert number(root.one("layers-total").text()) == cost["total"][key]


def check_tiles(root: Element, cost: dict[str, Any]) -> None:
    """The summary: every whole number in it."""
    total = cost["total"]
    said = [number(line.text()) for line in root.one("tiles").all("dd", kind="more")]
    for value in (total["instructions"], total["cycles"], flash_of(cost), ram_of(cost)):
        assert value is None or value in said


def check_flash(root: Element, cost: dict[str, Any]) -> None:
    """The split in all and by layer."""
    key = root.one("flash-key").text()
    for part in ("weight", "table", "code"):
        assert f"{cost['total'][part + '_bytes']:,} B" in key
    for row, layer in zip(root.one("flash-table").rows(), cost["layers"], strict=True):
        assert [number(text) for text in row[2:4]] == [layer["weight_bytes"], layer["table_bytes"]]


@pytest.mark.parametrize("place", range(3))
def test_figures(place: int, shown: Callable[[str], Element]) -> None:
    data = figures()
    cost = data["costs"][place]
    root = shown(f"{cost['target']},{cost['optimize']}")
    assert root.one("model").text() == "small <net>"
    assert root.one("summary-title").text() == f"{cost['target']}, for {cost['optimize']}"
    assert cost["target"] in root.all("title")[0].text()
    check_layers(root, cost, data["mhz"])
    check_tiles(root, cost)
    check_flash(root, cost)


def test_cores_side_by_side(shown: Callable[[str], Element]) -> None:
    root = shown("cortex-m4,speed")
    rows = root.one("compare-table").rows()
    for row, cost in zip(rows, figures()["costs"], strict=True):
        total = cost["total"]
        assert row[0] == f"{cost['target']} {cost['optimize']}"
        assert [number(text) for text in (*row[2:4], *row[5:])] == [
            total["instructions"],
            total["cycles"],
            flash_of(cost),
            ram_of(cost),
            total["stack_bytes"],
        ]
    side = root.one("side-table").rows()
    assert [row[0].split()[1] for row in side] == list(OPERATORS)
    assert number(side[0][2]) == pytest.approx(410000 / 64 / 1000, abs=0.005)


def test_memory_by_steps(shown: Callable[[str], Element]) -> None:
    root = shown("cortex-m4,speed")
    plan = figures()["plans"][0]
    boxes = root.one("memory-map").all("rect", kind="box")
    places = {
        tuple(int(box.attributes[f"data-{key}"]) for key in ("offset", "bytes", "first", "last"))
        for box in boxes
    }
    # Two tensors in one place are one box; what the caller reads lives on after the last step.
    assert places == {(256, 1024, 0, 1), (0, 256, 1, 3), (256, 100, 3, 3)}
    assert len(boxes) == 3
    live = [int(bar.attributes["data-live"]) for bar in root.one("memory-map").all("rect")[:4]]
    assert live == [layer["live_bytes"] for layer in plan["layers"]]
    assert [number(row[1]) for row in root.one("memory-live").rows()] == live
    assert "peak 1,280 B, step 1" in root.one("memory-map").text()
    names = [row[0] for row in root.one("memory-boxes").rows()]
    assert names == [NAMES[0], f"{NAMES[1]} = {NAMES[2]}", "temporary"]


def test_memory_by_turns(shown: Callable[[str], Element]) -> None:
    root = shown("rv32imc,ram")
    live = [int(row[1]) for row in root.one("memory-live").rows()]
    assert live == [128, 256, *[384] * 6, 256, 128]
    assert len(root.one("memory-map").all("rect", kind="box")) == 8
    assert "peak 384 B, turn 2" in root.one("memory-map").text()
    assert "8 B of counters" in root.one("memory-sub").text()


def test_keyboard_and_clicks(tmp_path: Path) -> None:
    script = """
      const key = name => new KeyboardEvent('keydown', {key: name, bubbles: true});
      document.querySelectorAll('.op')[1].click();
      at('memory-map').dispatchEvent(key('ArrowRight'));
      const first = at('tip').textContent;
      at('memory-map').dispatchEvent(key('ArrowLeft'));
      const last = at('tip').textContent;
      at('memory-map').dispatchEvent(key('Escape'));
      const gone = at('tip').hidden, open = document.querySelectorAll('.detail:not([hidden])');
      const detail = [open.length, open[0].textContent];
      at('mhz').value = '128';
      at('mhz').dispatchEvent(new Event('input'));
      const kept = document.querySelectorAll('.detail:not([hidden])').length;
      document.querySelector('#compare-table [data-entry="1"] .pick').click();
      document.body.append(el('pre', {id: 'probe'}, JSON.stringify({first, last, gone, detail, kept,
        shown: at('summary-title').textContent, address: location.hash})));
    """
    root = opened(tmp_path, script)
    probe = json.loads(root.one("probe").text())
    assert probe["first"].startswith("0 conv2d1,024 B at 256")
    assert "temporary" in probe["last"]
    assert probe["gone"] is True
    assert probe["detail"][0] == 1 and NAMES[1] in probe["detail"][1]
    assert probe["kept"] == 1
    assert probe["shown"] == "rv32imc, for ram" and probe["address"] == "#rv32imc,ram"
    milliseconds = root.one("compare-table").rows()[0][1]
    assert number(milliseconds) == pytest.approx(414600 / 128 / 1000, abs=0.005)


def test_console_is_heard(tmp_path: Path) -> None:
    """The check for a silent console can fail."""
    page = tmp_path / "page.html"
    page.write_text(compose(escaped(figures()), "undefined_function()"), encoding="utf-8")
    assert any("undefined_function" in line for line in browse(page, "--dump-dom")[1])


def test_page_is_small_and_alone() -> None:
    text = compose("")
    assert len(text.encode()) < PAGE_BYTES_MAX
    links = set(re.findall(r"https?://[^\s'\"]+", text))
    assert links <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text


@pytest.mark.parametrize("part", ["", "rv32imc,ram", "host,speed"])
def test_phone_does_not_scroll_sideways(part: str, tmp_path: Path) -> None:
    script = """
      document.querySelectorAll('details').forEach(fold => { fold.open = true; });
      document.querySelectorAll('.op').forEach(button => button.click());
      parent.postMessage(JSON.stringify([innerWidth, document.documentElement.scrollWidth]), '*');
    """
    page, desk = tmp_path / "page.html", tmp_path / "desk.html"
    page.write_text(compose(escaped(figures()), script), encoding="utf-8")
    # A window has a least width, a frame has none.
    desk.write_text(
        f"""<!doctype html><pre id="probe"></pre><script>addEventListener('message',
        event => {{ document.getElementById('probe').textContent = event.data; }});</script>
        <iframe src="page.html#{part}" width="{PHONE[0]}" height="{PHONE[1]}"
        style="border: 0"></iframe>"""
    )
    html, console = browse(desk, "--dump-dom")
    assert console == []
    assert json.loads(parse(html).one("probe").text()) == [PHONE[0], PHONE[0]]


def colours(text: str) -> dict[str, tuple[int, int, int]]:
    """The colours that a rule of the style sheet names."""
    return {
        name: tuple(int(value[i : i + 2], 16) for i in (0, 2, 4))
        for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{6})", text)
    }


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(colour: tuple[int, int, int]) -> float:
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (value / 255 for value in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme: str) -> None:
    style = (PAGE / "style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    named = colours(light) | (colours(dark) if scheme == "dark" else {})
    for text in ("ink", "muted", "accent"):
        for ground in ("ground", "surface", "faint"):
            assert contrast(named[text], named[ground]) >= 4.5, (text, ground)
    for shape in ("accent", "accent-3", "conv", "depthwise", "dense", "pool", "element", "move"):
        assert contrast(named[shape], named["surface"]) >= 3, shape


@pytest.mark.parametrize(
    ("name", "size", "flags"),
    [("light", DESK, ()), ("dark", DESK, (DARK,)), ("phone", PHONE, ())],
)
def test_pictures(name: str, size: tuple[int, int], flags: tuple[str, ...], tmp_path: Path) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page, picture = tmp_path / "page.html", PICTURES / f"{name}.png"
    page.write_text(compose(escaped(figures())), encoding="utf-8")
    picture.unlink(missing_ok=True)
    assert screenshot(page, picture, *size, *flags) == []
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert tuple(int.from_bytes(head[i : i + 4], "big") for i in (16, 20)) == size


def test_paper(tmp_path: Path) -> None:
    """What is folded on a screen is open on paper, and takes room there."""
    pages = []
    folded = "<style>.detail { display: none !important }</style>"
    for name, more in (("all", ""), ("folded", folded)):
        page, paper = tmp_path / f"{name}.html", tmp_path / f"{name}.pdf"
        page.write_text(compose(escaped(figures())) + more, encoding="utf-8")
        assert browse(page, f"--print-to-pdf={paper}", DARK)[1] == []
        pages.append(len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())))
    assert pages[0] > pages[1] >= 1
    script = """
      const folded = () => document.querySelectorAll('details:not([open])').length;
      const before = folded();
      dispatchEvent(new Event('beforeprint'));
      const printed = folded();
      dispatchEvent(new Event('afterprint'));
      document.body.append(el('pre', {id: 'probe'}, JSON.stringify([before, printed, folded()])));
    """
    assert json.loads(opened(tmp_path, script).one("probe").text()) == [2, 0, 2]


def test_command_writes_the_page(tmp_path: Path) -> None:
    """The command's page is the one above around the figures of --json, and twice the same."""
    need("arm-none-eabi-gcc", "qemu-system-arm")
    model = REPOSITORY / "examples" / "digits" / "digits.tflite"
    words = ["cost", model, "--target", "cortex-m4,cortex-m0plus", "--mhz", "48", "--json"]
    page = tmp_path / "cost.html"
    costs = json.loads(mica(*words, "--report", page).stdout)
    written = page.read_text(encoding="utf-8")
    (carried,) = re.findall(r'id="data">(.*?)</script>', written, re.DOTALL)
    data = json.loads(carried)
    assert data["costs"] == costs
    assert data["mhz"] == 48
    assert written == compose(carried)
    assert len(data["plan_of"]) == 2 and max(data["plan_of"]) == len(data["plans"]) - 1
    mica(*words, "--report", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()
    root, console = browse(page, "--dump-dom")
    assert console == []
    check_layers(parse(root), costs[0], 48)
    check_tiles(parse(root), costs[0])
    check_flash(parse(root), costs[0])
    live = [number(row[1]) for row in parse(root).one("memory-live").rows()]
    assert live == [layer["live_bytes"] for layer in data["plans"][0]["layers"]]


def test_rows_of_the_command() -> None:
    """Rows pushed one by one: where they lie adds up to what the plan says of them."""
    plan = inspect(REPOSITORY / "examples" / "digits" / "digits.tflite", "--optimize", "ram")
    rows = [row for entry in plan["memory"] for row in entry["rows"]]
    turns = len(plan["schedule"]["turns"]) + 1
    live = [sum(b for _, b, first, last in rows if first <= t <= last) for t in range(turns)]
    assert max(live) == plan["total"]["scratch_lower_bound"]
    assert live.index(max(live)) == plan["schedule"]["peak_turn"]
    assert max(offset + b for offset, b, _, _ in rows) == plan["total"]["scratch_bytes"]


def test_command_cannot_write(tmp_path: Path) -> None:
    need("arm-none-eabi-gcc", "qemu-system-arm")
    model = REPOSITORY / "examples" / "digits" / "digits.tflite"
    done = mica("cost", model, "--report", tmp_path / "no" / "folder.html", status=1)
    assert "folder.html" in done.stderr


def test_picture_of_a_reference_model(tmp_path: Path) -> None:
    need("arm-none-eabi-gcc", "qemu-system-arm")
    model = reference_model("kws_dscnn_int8")
    page = tmp_path / "cost.html"
    words = ("--target", "cortex-m4,cortex-m0plus", "--optimize", "speed,ram", "--mhz", "80")
    mica("cost", model, *words, "--report", page)
    PICTURES.mkdir(parents=True, exist_ok=True)
    assert screenshot(page, PICTURES / "keywords.png", 1280, 3000) == []
    assert screenshot(page, PICTURES / "keywords_dark.png", *DESK, DARK) == []
    assert screenshot(page, PICTURES / "keywords_phone.png", *PHONE) == []
