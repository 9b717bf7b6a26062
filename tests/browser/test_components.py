"""The layer list, the palette and the diagram, driven as a person drives them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from streamlit.testing.v1 import AppTest

from tests.browser.screen import eventually, open_page, settle
from tests.browser.stage import Stage, opened_stage
from ui.components.layer_list import is_intent

APP = Path(__file__).parent / "apps" / "components.py"
FIRST = ["conv1", "relu1", "pool1", "flatten", "fc1", "fc2"]


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A page of the components."""
    with opened_stage(browser, tmp_path_factory.mktemp("components"), APP) as stage:
        yield stage


@pytest.fixture
def visit(stage: Stage) -> Iterator[Callable[[str], Page]]:
    """Shows the components with these settings, as if for the first time."""

    def go(settings: str) -> Page:
        page = stage.show(settings)
        expect(page.locator(".layer-list")).to_have_count(1)
        return page

    yield go
    stage.watch.check()


@pytest.fixture
def bench(visit: Callable[[str], Page]) -> Page:
    """The components over the six layers, as if for the first time."""
    page = visit("")
    expect(page.locator(".rows .row")).to_have_count(len(FIRST))
    return page


def row(page: Page, name: str) -> Locator:
    return page.locator(f'.rows .row[data-name="{name}"]')


def shown(page: Page) -> list[str]:
    """The layers in the order in which the browser shows them."""
    names: list[str] = page.locator(".rows .row").evaluate_all(
        "all => all.map(e => e.dataset.name)"
    )
    return names


def python(page: Page, says: str) -> Locator:
    """What the page shows of Python's side; to search 1,000 rows for a text takes seconds."""
    return page.get_by_test_id("stText").get_by_text(f"Python {says}", exact=True)


def expect_order(page: Page, names: list[str]) -> None:
    """Both sides agree: Python's order and the browser's."""
    expect(python(page, f"has: {' '.join(names[:12])}")).to_be_visible()
    settle(page)
    assert shown(page) == names


def focused(page: Page) -> str | None:
    """The name of the row that has the focus."""
    name: str | None = page.evaluate(
        """() => { let active = document.activeElement;
                   while (active?.shadowRoot) active = active.shadowRoot.activeElement;
                   return active?.closest('.row')?.dataset.name ?? null }"""
    )
    return name


def pull(page: Page, name: str, onto: str) -> None:
    """Drags a row by its grip, in steps as a hand does, and lets go when it has got there."""
    row(page, name).locator(".title").hover()
    row(page, name).locator(".grip").hover()
    above = is_above(page, name, onto)
    page.mouse.down()
    box = row(page, onto).bounding_box()
    assert box
    x, y, height = box["x"] + 12, box["y"], box["height"]
    page.mouse.move(x, y + height / 2, steps=12)

    def there() -> bool:
        # The browser tells of a drag some times a second only, and of a hand at rest not at all.
        page.mouse.move(x, y + height * 0.6)
        page.mouse.move(x, y + height * 0.8)
        return is_above(page, name, onto) != above

    eventually(there)
    page.mouse.up()


def is_above(page: Page, name: str, other: str) -> bool:
    """Whether one layer is shown above the other."""
    names = shown(page)
    return names.index(name) < names.index(other)


def scale(page: Page) -> float:
    """How large the diagram is drawn."""
    drawn = page.locator(".stage > g").evaluate("g => getComputedStyle(g).transform")
    found = re.match(r"matrix\(([\d.]+),", drawn)
    assert found, drawn
    return float(found[1])


# --- the list -----------------------------------------------------------------------------------


def test_a_row_shows_its_layer_and_markup_in_it_as_text(bench: Page) -> None:
    conv = row(bench, "conv1")
    expect(conv.locator(".title")).to_have_text("Kind <b>bold</b>")
    expect(conv.locator(".inferred")).to_have_text("3 →")
    expect(conv.locator(".summary")).to_have_text("3 → 8")
    expect(conv.locator(".shape")).to_have_text("(N, 8)")
    expect(conv.locator(".count")).to_have_text("32")
    assert bench.locator(".layer-list b, .diagram b").count() == 0
    expect(bench.locator(".inputs .port")).to_contain_text("float32")
    expect(row(bench, "fc2")).to_have_class(re.compile("unreached"))


def test_a_layer_that_is_dragged_stays_where_it_was_dropped(bench: Page) -> None:
    pull(bench, "conv1", onto="pool1")
    expect_order(bench, ["relu1", "pool1", "conv1", "flatten", "fc1", "fc2"])
    pull(bench, "fc2", onto="relu1")
    expect_order(bench, ["fc2", "relu1", "pool1", "conv1", "flatten", "fc1"])


def test_a_dropped_layer_does_not_jump_back_before_the_server_has_answered(
    visit: Callable[[str], Page],
) -> None:
    page = visit("lag=0.8")
    pull(page, "conv1", onto="pool1")
    dropped = ["relu1", "pool1", "conv1", "flatten", "fc1", "fc2"]
    eventually(lambda: shown(page) == dropped)
    for _ in range(12):
        assert shown(page) == dropped
        page.wait_for_timeout(100)
    expect_order(page, dropped)


def test_arrows_walk_and_alt_with_an_arrow_moves_the_layer_that_has_the_focus(bench: Page) -> None:
    row(bench, "conv1").locator(".title").click()
    bench.keyboard.press("ArrowDown")
    bench.keyboard.press("ArrowDown")
    expect(python(bench, "selects: pool1")).to_be_visible()
    assert focused(bench) == "pool1"
    bench.keyboard.press("Alt+ArrowUp")
    expect_order(bench, ["conv1", "pool1", "relu1", "flatten", "fc1", "fc2"])
    assert focused(bench) == "pool1"
    bench.keyboard.press("Alt+ArrowDown")
    expect_order(bench, FIRST)
    bench.keyboard.press("End")
    expect(python(bench, "selects: fc2")).to_be_visible()
    expect(row(bench, "fc2")).to_have_attribute("aria-selected", "true")
    expect(row(bench, "pool1")).to_have_attribute("aria-selected", "false")


def test_a_layer_is_renamed_in_its_row_and_typing_runs_no_shortcut_of_streamlit(
    bench: Page,
) -> None:
    row(bench, "relu1").locator(".title").click()
    bench.keyboard.press("F2")
    bench.keyboard.type("rcr_c")
    expect(bench.get_by_role("dialog")).to_have_count(0)
    bench.keyboard.press("Escape")
    expect(row(bench, "relu1").locator(".name")).to_have_text("relu1")
    assert focused(bench) == "relu1"
    row(bench, "relu1").locator(".name").dblclick()
    bench.keyboard.type("act")
    bench.keyboard.press("Enter")
    expect_order(bench, ["conv1", "act", "pool1", "flatten", "fc1", "fc2"])
    assert focused(bench) == "act"


def test_the_delete_key_takes_a_layer_out_and_the_focus_goes_to_the_next(bench: Page) -> None:
    row(bench, "pool1").locator(".title").click()
    bench.keyboard.press("Delete")
    expect_order(bench, ["conv1", "relu1", "flatten", "fc1", "fc2"])
    assert focused(bench) == "flatten"


def test_the_buttons_of_a_row_duplicate_switch_off_and_delete(bench: Page) -> None:
    row(bench, "relu1").locator(".title").click()
    bench.get_by_role("button", name="Duplicate").click()
    expect_order(bench, ["conv1", "relu1", "copy1", "pool1", "flatten", "fc1", "fc2"])
    bench.get_by_role("button", name="Switch off").click()
    expect(row(bench, "relu1")).to_have_class(re.compile(r"\boff\b"))
    bench.get_by_role("button", name="Switch on").click()
    expect(row(bench, "relu1")).not_to_have_class(re.compile(r"\boff\b"))
    bench.get_by_role("button", name="Delete").click()
    expect_order(bench, ["conv1", "copy1", "pool1", "flatten", "fc1", "fc2"])


def test_a_quick_click_on_a_row_does_not_hit_a_button_that_has_just_come_up(bench: Page) -> None:
    row(bench, "conv1").locator(".title").click()
    button = bench.get_by_role("button", name="Delete")
    expect(button).to_be_visible()
    at = button.bounding_box()
    below = row(bench, "pool1").bounding_box()
    assert at
    assert below
    bench.mouse.move(at["x"] + at["width"] / 2, 5)
    bench.mouse.move(at["x"] + at["width"] / 2, below["y"] + below["height"] / 2)
    bench.mouse.down()
    bench.mouse.up()
    expect(python(bench, "selects: pool1")).to_be_visible()
    expect_order(bench, FIRST)


def test_a_fault_stands_in_its_row_and_its_button_mends_it(bench: Page) -> None:
    note = row(bench, "fc1").locator(".note")
    expect(note).to_contain_text("needs 10 features and gets 8")
    row(bench, "fc1").get_by_role("button", name="Take 10").click()
    told = "{'do': 'fix', 'name': 'fc1', 'of': 'fault', 'fix': 1}"
    expect(python(bench, f"was told: [{told}]")).to_be_visible()
    expect(note).to_have_count(0)
    expect(row(bench, "fc1").locator(".shape")).to_have_text("(N, 4)")


def test_a_burst_of_intents_arrives_whole_and_once(visit: Callable[[str], Page]) -> None:
    page = visit("lag=0.15")
    row(page, "conv1").locator(".title").click()
    for _ in range(5):
        page.keyboard.press("Control+d")
    expect_order(page, ["conv1", *(f"copy{i}" for i in range(5, 0, -1)), *FIRST[1:]])


def test_undo_and_redo_are_keys_of_the_list(bench: Page) -> None:
    row(bench, "conv1").locator(".title").click()
    bench.keyboard.press("Control+z")
    expect(python(bench, "was told: [{'do': 'undo'}]")).to_be_visible()
    bench.keyboard.press("Control+Shift+Z")
    expect(python(bench, "was told: [{'do': 'redo'}]")).to_be_visible()


def test_a_place_between_two_layers_is_chosen_and_the_palette_adds_there(bench: Page) -> None:
    box = row(bench, "pool1").bounding_box()
    assert box
    bench.mouse.move(box["x"] + 160, box["y"] + 3)
    bench.get_by_role("button", name="Put the next layer here").click()
    expect(bench.locator(".rows > *").nth(2)).to_have_text("The next layer goes here")
    bench.locator('.entry[data-op="nn.Conv2d"]').click()
    expect_order(bench, ["conv1", "relu1", "new1", "pool1", "flatten", "fc1", "fc2"])
    expect(bench.locator(".marker")).to_have_count(0)


def test_one_changed_row_of_a_thousand_leaves_the_others_the_scroll_and_the_focus_alone(
    visit: Callable[[str], Page],
) -> None:
    page = visit("layers=1000")
    expect(page.locator(".rows .row")).to_have_count(1000)
    row(page, "layer0").locator(".title").click()
    page.keyboard.press("End")
    expect(python(page, "selects: layer999")).to_be_visible()
    page.locator(".rows .row").evaluate_all("all => all.forEach(e => { e.before = true })")
    scroller = page.locator(".layer-list .scroll")
    scrolled = scroller.evaluate("e => e.scrollTop")
    assert scrolled > 10_000
    # A click would move the focus.
    page.get_by_role("button", name="Change one").evaluate("button => button.click()")
    expect(row(page, "layer3").locator(".shape")).to_have_text("(N, 77)")
    assert page.locator(".rows .row").evaluate_all("all => all.every(e => e.before)")
    assert scroller.evaluate("e => e.scrollTop") == scrolled
    assert focused(page) == "layer999"


def test_an_empty_list_says_what_to_do(visit: Callable[[str], Page]) -> None:
    page = visit("layers=1")
    expect(page.locator(".empty")).to_have_count(2)
    row(page, "layer0").locator(".title").click()
    page.keyboard.press("Delete")
    expect(page.get_by_text("No layers yet.")).to_be_visible()
    expect(page.get_by_text("Nothing to draw yet.")).to_be_visible()


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"do": "sing"},
        {"do": ["move"]},
        {"do": "move", "name": "conv1"},
        {"do": "move", "name": "conv1", "to": "2"},
        {"do": "delete", "name": None},
        {"do": "delete", "name": "conv1", "also": "fc1"},
    ],
)
def test_a_message_that_is_no_intent_is_not_handed_on(forged: dict[str, object]) -> None:
    assert not is_intent(forged)
    assert is_intent({"do": "move", "name": "conv1", "to": 2})


# --- the palette ----------------------------------------------------------------------------------


def test_a_search_looks_at_titles_groups_and_help_and_enter_adds_the_best_hit(
    bench: Page,
) -> None:
    search = bench.get_by_role("searchbox")
    entries = bench.locator(".entry:visible .title")
    search.fill("pooling")
    expect(entries).to_have_text(["MaxPool2d", "AvgPool2d"])
    search.fill("largest")
    expect(entries).to_have_text(["MaxPool2d"])
    search.fill("conv")
    expect(entries).to_have_text(["Conv2d"])
    search.press("Enter")
    expect_order(bench, [*FIRST, "new1"])
    expect(row(bench, "new1").locator(".title")).to_have_text("Conv2d")
    search.fill("nothing like it")
    expect(bench.get_by_text("No layer is called “nothing like it”.")).to_be_visible()


def test_groups_fold_and_show_their_counts_and_an_entry_shows_its_whole_help(bench: Page) -> None:
    pooling = bench.locator(".group-header", has_text="Pooling")
    expect(pooling).to_have_attribute("aria-expanded", "false")
    expect(pooling.locator(".count")).to_have_text("2")
    pooling.click()
    expect(bench.locator('.entry[data-op="nn.AvgPool2d"]')).to_be_visible()
    bench.locator('.entry[data-op="nn.AvgPool2d"]').hover()
    expect(bench.get_by_role("tooltip")).to_contain_text("Keeps the mean of each window.")
    pooling.click()
    expect(bench.locator('.entry[data-op="nn.AvgPool2d"]')).to_be_hidden()


def test_an_entry_can_be_dragged_between_two_layers(bench: Page) -> None:
    entry = bench.locator('.entry[data-op="nn.Linear"]')
    entry.drag_to(row(bench, "relu1"), target_position={"x": 60, "y": 6})
    expect_order(bench, ["conv1", "new1", *FIRST[1:]])


def test_the_keyboard_alone_reaches_and_adds_an_entry(bench: Page) -> None:
    bench.get_by_role("searchbox").focus()
    for _ in range(4):
        bench.keyboard.press("ArrowDown")
    bench.keyboard.press("Enter")
    expect_order(bench, [*FIRST, "new1"])
    expect(row(bench, "new1").locator(".title")).to_have_text("Conv2d")


# --- the diagram ----------------------------------------------------------------------------------


def test_buttons_keys_and_the_wheel_zoom_the_diagram_and_fit_undoes_them(bench: Page) -> None:
    fitted = scale(bench)
    bench.get_by_role("button", name="Zoom in").click()
    eventually(lambda: scale(bench) > fitted * 1.2)
    bench.locator(".stage").focus()
    bench.keyboard.press("-")
    bench.keyboard.press("-")
    eventually(lambda: scale(bench) < fitted * 0.9)
    box = bench.locator(".stage").bounding_box()
    assert box
    bench.mouse.move(box["x"] + 100, box["y"] + 100)
    before = scale(bench)
    bench.mouse.wheel(0, -300)
    eventually(lambda: scale(bench) > before)
    bench.get_by_role("button", name="Show everything").click()
    eventually(lambda: scale(bench) == pytest.approx(fitted, rel=0.01))


def test_a_box_that_is_picked_selects_its_layer_and_the_other_way_round(bench: Page) -> None:
    bench.locator('.box[data-id="flatten"]').click()
    expect(python(bench, "selects: flatten")).to_be_visible()
    expect(row(bench, "flatten")).to_have_attribute("aria-selected", "true")
    row(bench, "relu1").locator(".title").click()
    expect(bench.locator(".box.chosen")).to_have_attribute("data-id", "relu1")


def test_dragging_pans_the_diagram_and_picks_nothing(bench: Page) -> None:
    box = bench.locator('.box[data-id="pool1"]')
    before = box.bounding_box()
    assert before
    bench.mouse.move(before["x"] + 20, before["y"] + 20)
    bench.mouse.down()
    bench.mouse.move(before["x"] + 70, before["y"] + 50, steps=5)
    bench.mouse.up()

    def moved() -> float:
        after = box.bounding_box()
        assert after
        return after["x"] - before["x"]

    eventually(lambda: moved() == pytest.approx(50, abs=2))
    expect(python(bench, "selects: None")).to_be_visible()


def test_no_line_of_the_diagram_runs_through_a_box_that_it_does_not_join(bench: Page) -> None:
    crossings = bench.locator(".stage").evaluate(
        """stage => {
          const boxes = [...stage.querySelectorAll('.box')].map(box => {
            const { e: x, f: y } = box.transform.baseVal.consolidate().matrix;
            const { width, height } = box.querySelector('.frame').getBBox();
            return { id: box.dataset.id, x, y, width, height };
          });
          const found = [];
          for (const line of stage.querySelectorAll('.line')) {
            const length = line.getTotalLength();
            for (let at = 0; at <= length; at += 3) {
              const point = line.getPointAtLength(at);
              for (const box of boxes) {
                if (line.dataset.line.split('→').includes(box.id)) continue;
                const inside = point.x > box.x + 1 && point.x < box.x + box.width - 1
                  && point.y > box.y + 1 && point.y < box.y + box.height - 1;
                if (inside) found.push(`${line.dataset.line} over ${box.id}`);
              }
            }
          }
          return [found.length, stage.querySelectorAll('.line').length];
        }"""
    )
    assert crossings[0] == 0
    assert crossings[1] >= len(FIRST)


@pytest.mark.parametrize("layers", [50, 1000])
def test_the_first_view_of_a_long_chain_is_legible(
    visit: Callable[[str], Page], layers: int
) -> None:
    page = visit(f"layers={layers}")
    title, stage = page.locator('.box[data-id="layer0"] .title'), page.locator(".diagram .stage")
    expect(title).to_be_visible()

    def legible() -> bool:
        text, place = title.bounding_box(), stage.bounding_box()
        assert text
        assert place
        across = place["x"] <= text["x"] <= place["x"] + place["width"]
        down = place["y"] <= text["y"] <= place["y"] + place["height"]
        return text["height"] >= 8 and across and down

    eventually(legible)


def test_the_downloaded_picture_is_an_svg_of_all_layers_in_the_colours_of_the_page(
    bench: Page, tmp_path: Path
) -> None:
    with bench.expect_download() as download:
        bench.get_by_role("button", name="Download as SVG").click()
    assert download.value.suggested_filename == "model.svg"
    path = tmp_path / "model.svg"
    download.value.save_as(path)
    tree = ElementTree.parse(path).getroot()
    texts = [text.text for text in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("(N, 8)") == 4
    assert texts.count("Linear") == 2
    assert "var(" not in path.read_text(encoding="utf-8")
    fills = {node.get("fill") for node in tree.iter("{http://www.w3.org/2000/svg}rect")}
    assert len(fills) > 2


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_components_follow_the_theme_and_fit_their_place(
    new_page: Callable[..., Page], stage: Stage, scheme: str
) -> None:
    page = new_page(color_scheme=scheme)
    open_page(page, stage.url)
    for width in (1440, 800):
        page.set_viewport_size({"width": width, "height": 900})
        app = page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).backgroundColor")
        for part in (".layer-list .scroll", ".palette", ".diagram"):
            place = page.locator(part)
            assert place.evaluate("e => getComputedStyle(e).backgroundColor") == app
            assert place.evaluate("e => e.scrollWidth <= e.clientWidth + 1"), part
        for name in FIRST:
            shape = row(page, name).locator(".shape")
            assert shape.evaluate("e => e.scrollWidth <= e.clientWidth + 1"), name


def test_a_page_of_components_runs_in_app_test() -> None:
    app = AppTest.from_file(str(APP), default_timeout=120).run()
    assert not app.exception
    assert app.text[0].value == f"Python has: {' '.join(FIRST)}"


def test_a_second_visitor_has_components_of_their_own(
    bench: Page, new_page: Callable[..., Page], stage: Stage
) -> None:
    row(bench, "conv1").locator(".title").click()
    bench.keyboard.press("Delete")
    expect_order(bench, FIRST[1:])
    other = new_page()
    open_page(other, stage.url)
    expect_order(other, FIRST)
