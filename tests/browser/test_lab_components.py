"""The comparer, the kernel grid and the sliding window, driven as a person drives them."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.screen import eventually, open_page, settle
from tests.browser.stage import Stage, opened_stage
from ui.components.comparer import is_pick
from ui.components.kernel_grid import LONGEST, is_entry
from ui.components.numbers import plain
from ui.components.sliding_window import is_look

APP = Path(__file__).parent / "apps" / "lab_components.py"
HIGH, WIDE = 90, 160
NINTH = "-0.1111"


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A page of the lab's components."""
    with opened_stage(browser, tmp_path_factory.mktemp("lab"), APP) as stage:
        yield stage


@pytest.fixture
def visit(stage: Stage) -> Iterator[Callable[[str], Page]]:
    """Shows a component with these settings, as if for the first time."""

    def go(settings: str) -> Page:
        page = stage.show(settings)
        expect(page.locator(".ll")).to_have_count(1)
        return page

    yield go
    stage.watch.check()


def expect_told(page: Page, *intents: dict[str, object]) -> None:
    """Python was told exactly these, of which the page shows the last."""
    expect(page.get_by_text(f"Python was told {len(intents)} times", exact=True)).to_be_visible()
    expect(page.get_by_text(f"Python was told: {list(intents[-1:])}", exact=True)).to_be_visible()


# --- the comparer ---------------------------------------------------------------------------------


@pytest.fixture
def compare(visit: Callable[[str], Page]) -> Callable[..., Page]:
    """Opens the comparer and waits for its pictures."""

    def go(query: str = "") -> Page:
        page = visit(f"show=comparer&{query}")
        expect(page.locator(".comparer")).to_have_attribute("data-shown", re.compile("."))
        return page

    return go


def canvas(page: Page) -> dict[str, float]:
    box = page.locator(".comparer .stage").bounding_box()
    assert box
    return dict(box)


def pixel(page: Page, x: float, y: float) -> list[int]:
    """The colour that the canvas shows at a part, 0 to 1, of its width and height."""
    found: list[int] = page.locator(".comparer .stage").evaluate(
        """(c, [x, y]) => {
            const { data } = c.getContext("2d").getImageData(x * c.width, y * c.height, 1, 1);
            return [...data];
        }""",
        [x, y],
    )
    return found


def press_at(page: Page, across: float, down: float, *, side: int | None = None) -> None:
    """Clicks a part, 0 to 1, of the picture as it lies when all of it is shown."""
    box = canvas(page)
    width, left = box["width"], box["x"]
    if side is not None:
        width = (width - 2) / 2
        left += side * (width + 2)
    scale = min(width / WIDE, box["height"] / HIGH)
    page.mouse.click(
        left + width / 2 + (across - 0.5) * WIDE * scale,
        box["y"] + box["height"] / 2 + (down - 0.5) * HIGH * scale,
    )


def zoomed(page: Page) -> float:
    return float(page.locator(".comparer .scale").inner_text().removesuffix("×"))


def pull(page: Page, by: tuple[float, float], at: tuple[float, float]) -> None:
    """Drags over the screen by so many pixels."""
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + by[0] / 2, at[1] + by[1] / 2, steps=4)
    page.mouse.move(at[0] + by[0], at[1] + by[1], steps=4)
    page.mouse.up()


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_labels_say_both_sizes(compare: Callable[..., Page]) -> None:
    page = compare()
    expect(page.locator(".label.before")).to_have_text("before 90 × 160")
    page.get_by_text("2", exact=True).click()
    expect(page.locator(".label.after")).to_have_text("after 45 × 80")


@pytest.mark.parametrize("side", [None, 0, 1])
def test_a_click_picks_the_pixel_under_it(compare: Callable[..., Page], side: int | None) -> None:
    page = compare("" if side is None else "view=side")
    told = []
    for stride in (1, 2):
        high, wide = HIGH // stride, WIDE // stride
        page.get_by_text(str(stride), exact=True).click()
        expect(page.locator(".label.after")).to_have_text(f"after {high} × {wide}")
        for row, column in [(0, 0), (high - 1, wide - 1), (7, 11)]:
            press_at(page, (column + 0.5) / wide, (row + 0.5) / high, side=side)
            told.append({"do": "pick", "row": row, "column": column})
            expect_told(page, *told)


def test_beside_the_picture_there_is_nothing_to_pick(compare: Callable[..., Page]) -> None:
    page = compare()
    box = canvas(page)
    page.mouse.click(box["x"] + 5, box["y"] + box["height"] / 2)
    press_at(page, 0.5 / WIDE, 0.5 / HIGH)
    expect_told(page, {"do": "pick", "row": 0, "column": 0})


def test_a_pixel_is_picked_exactly_when_zoomed_in(compare: Callable[..., Page]) -> None:
    page = compare()
    box = canvas(page)
    x, y = box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.3
    page.mouse.move(x, y)
    scale = min(box["width"] / WIDE, box["height"] / HIGH)
    column = int((x - box["x"] - (box["width"] - WIDE * scale) / 2) / scale)
    row = int((y - box["y"]) / scale)
    page.mouse.wheel(0, -600)
    eventually(lambda: zoomed(page) > 3 * scale)
    page.mouse.click(x, y)
    expect_told(page, {"do": "pick", "row": row, "column": column})


def test_the_divider_is_dragged_and_moved_by_keys_without_asking_python(
    compare: Callable[..., Page],
) -> None:
    page = compare()
    handle = page.get_by_role("slider", name="Divider")
    expect(handle).to_have_attribute("aria-valuenow", "50")
    assert pixel(page, 0.4, 0.5) != pixel(page, 0.6, 0.5)
    page.get_by_text("Invert").click()
    settle(page)
    inverted = pixel(page, 0.6, 0.5)
    pull(page, (200, 0), middle(handle))
    seen = int(handle.get_attribute("aria-valuenow") or 0)
    box = canvas(page)
    picture = WIDE * min(box["width"] / WIDE, box["height"] / HIGH)
    assert abs(seen - (50 + 100 * 200 / picture)) <= 1
    assert pixel(page, 0.6, 0.5) != inverted
    handle.press("Home")
    expect(handle).to_have_attribute("aria-valuenow", "0")
    handle.press("ArrowRight")
    handle.press("PageUp")
    expect(handle).to_have_attribute("aria-valuenow", "12")
    expect(page.get_by_text("Python was told 0 times")).to_be_visible()


def test_divider_and_zoom_outlive_new_pictures_and_the_old_ones_stand_until_then(
    compare: Callable[..., Page],
) -> None:
    page = compare()
    page.get_by_role("slider", name="Divider").press("PageDown")
    page.get_by_role("button", name="Zoom in").click()
    before, scale = pixel(page, 0.9, 0.5), zoomed(page)
    page.locator(".comparer").evaluate(
        """root => {
            const canvas = root.querySelector(".stage");
            root.blank = 0;
            const look = () => {
                const { data } = canvas.getContext("2d").getImageData(canvas.width / 2, 9, 1, 1);
                if (data[3] === 0) root.blank += 1;
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    first = page.locator(".comparer").get_attribute("data-shown")
    page.get_by_text("Invert").click()
    expect(page.locator(".comparer")).not_to_have_attribute("data-shown", str(first))
    settle(page)
    assert pixel(page, 0.9, 0.5) == [255 - value for value in before[:3]] + [255]
    assert page.locator(".comparer").evaluate("root => root.blank") == 0
    assert zoomed(page) == scale
    expect(page.get_by_role("slider", name="Divider")).to_have_attribute("aria-valuenow", "40")


def test_pictures_that_the_browser_has_let_go_of_come_again(compare: Callable[..., Page]) -> None:
    page = compare()
    before = pixel(page, 0.6, 0.5)
    for _ in range(2):
        page.get_by_text("Away").click()
        settle(page)
    expect(page.locator(".comparer")).to_have_attribute("data-shown", re.compile("."))
    assert pixel(page, 0.6, 0.5) == before
    # What was asked for again is no pick.
    expect(page.get_by_text("Python was told 0 times")).to_be_visible()


def test_both_views_zoom_and_pan_in_step_and_fit_undoes_it(compare: Callable[..., Page]) -> None:
    page = compare("view=side")
    fitted = zoomed(page)
    focus = page.locator(".comparer .stage")
    focus.focus()
    for _ in range(6):
        focus.press("+")
    eventually(lambda: zoomed(page) > 4 * fitted)
    left, right = pixel(page, 0.25, 0.5), pixel(page, 0.75, 0.5)
    pull(page, (150, 60), (canvas(page)["x"] + 200, canvas(page)["y"] + 200))
    eventually(lambda: pixel(page, 0.25, 0.5) != left)
    eventually(lambda: pixel(page, 0.75, 0.5) != right)
    focus.press("0")
    eventually(lambda: zoomed(page) == fitted)
    # Dragging picked nothing.
    expect(page.get_by_text("Python was told 0 times")).to_be_visible()
    page.get_by_role("button", name="One over the other").click()
    expect(page.get_by_role("slider", name="Divider")).to_be_visible()


def test_arrow_keys_pick_the_neighbouring_pixel(compare: Callable[..., Page]) -> None:
    page = compare()
    press_at(page, 20.5 / WIDE, 10.5 / HIGH)
    expect_told(page, {"do": "pick", "row": 10, "column": 20})
    for _ in range(3):
        page.keyboard.press("ArrowRight", delay=10)
    page.keyboard.press("ArrowUp")
    expect(page.get_by_text("{'do': 'pick', 'row': 9, 'column': 23}")).to_be_visible()


def test_a_mark_stands_on_both_pictures(compare: Callable[..., Page]) -> None:
    page = compare("view=side")
    plain_left, plain_right = pixel(page, 0.25, 0.5), pixel(page, 0.75, 0.5)
    press_at(page, 0.5, 0.5, side=0)
    settle(page)
    box = canvas(page)
    scale = min((box["width"] - 2) / 2 / WIDE, box["height"] / HIGH)
    # The rim of the 5 x 5 patch on the one, of the pixel on the other.
    eventually(lambda: pixel(page, 0.25 + 3 * scale / box["width"], 0.5) != plain_left)
    assert plain_right
    count = """c => { const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
                  const at = [0, 0];
                  for (let i = 0; i < data.length; i += 4)
                    if (data[i] === 0xc2 && data[i + 1] === 0x41 && data[i + 2] === 0x0c)
                      at[(i / 4) % c.width < c.width / 2 ? 0 : 1] += 1;
                  return at }"""

    def marked() -> bool:
        before, after = page.locator(".comparer .stage").evaluate(count)
        return bool(before > after > 20)

    eventually(marked)


# --- the kernel grid ------------------------------------------------------------------------------


@pytest.fixture
def grid(visit: Callable[[str], Page]) -> Page:
    """The page with the seed's sharpening kernel."""
    return visit("show=kernel")


def cell(page: Page, row: int, column: int) -> Locator:
    return page.locator(f'.kernel-grid .cell[aria-label="Row {row}, column {column}"]')


def paste(page: Page, text: str) -> None:
    """Pastes into whatever has the focus, as the system would."""
    page.evaluate(
        """text => { let node = document.activeElement;
                     while (node.shadowRoot) node = node.shadowRoot.activeElement;
                     const clipboardData = new DataTransfer();
                     clipboardData.setData("text/plain", text);
                     const ways = { bubbles: true, cancelable: true, composed: true };
                     const event = new ClipboardEvent("paste", { clipboardData, ...ways });
                     node.dispatchEvent(event) }""",
        text,
    )


def test_a_cell_is_short_until_it_is_looked_at(grid: Page) -> None:
    corner = cell(grid, 1, 1)
    expect(corner).to_have_value("-0.111")
    expect(corner).to_have_attribute("title", "-0.1111111111111111")
    corner.click()
    expect(corner).to_have_value("-0.1111111111111111")
    cell(grid, 2, 2).click()
    expect(corner).to_have_value("-0.111")
    expect(grid.get_by_text("Python was told 0 times")).to_be_visible()


def test_colour_says_sign_and_size(grid: Page) -> None:
    def colour(row: int, column: int) -> list[int]:
        found = cell(grid, row, column).evaluate("e => getComputedStyle(e).backgroundColor")
        return [int(part) for part in re.findall(r"\d+", found)]

    red, _, blue = colour(2, 2)
    assert red > blue + 50
    pale_red, _, pale_blue = colour(1, 1)
    assert pale_blue > pale_red
    assert pale_red > 200


def test_what_is_typed_is_sent_as_it_stands(grid: Page) -> None:
    told = []
    for typed, sent, held in [
        ("1/9", "1/9", 0.1111),
        (" 2e-1 ", "2e-1", 0.2),
        ("−3", "-3", -3.0),
        ("", "0", 0.0),
    ]:
        cell(grid, 1, 2).click()
        grid.keyboard.press("Delete")
        grid.keyboard.type(typed)
        grid.keyboard.press("Enter")
        told.append({"do": "set", "row": 0, "column": 1, "text": sent})
        expect_told(grid, *told)
        expect(grid.get_by_text(f"Python has: [[{NINTH}, {held}, {NINTH}]")).to_be_visible()
        expect(cell(grid, 2, 2)).to_be_focused()


def test_text_that_means_nothing_is_marked_and_not_sent(grid: Page) -> None:
    alert = grid.locator(".kernel-grid .message")
    for wrong in ("abc", "1/0", "1e999", "1/2/3", "<b>1</b>"):
        cell(grid, 3, 1).click()
        grid.keyboard.type(wrong)
        grid.keyboard.press("Tab")
        expect(cell(grid, 3, 1)).to_have_attribute("aria-invalid", "true")
        expect(alert).to_contain_text(f"Row 3, column 1: “{wrong}” is no number.")
    # The rest of the grid goes on working, and the fault stays in sight.
    cell(grid, 1, 1).click()
    grid.keyboard.type("7")
    grid.keyboard.press("Enter")
    expect_told(grid, {"do": "set", "row": 0, "column": 0, "text": "7"})
    expect(cell(grid, 3, 1)).to_have_value(wrong)
    cell(grid, 3, 1).click()
    grid.keyboard.press("Escape")
    expect(alert).to_be_hidden()
    expect(cell(grid, 3, 1)).not_to_have_attribute("aria-invalid", "true")
    expect_told(grid, {"do": "set", "row": 0, "column": 0, "text": "7"})


def test_a_number_that_python_refuses_goes_back(grid: Page) -> None:
    cell(grid, 1, 1).click()
    grid.keyboard.type("13")
    grid.keyboard.press("Enter")
    expect_told(grid, {"do": "set", "row": 0, "column": 0, "text": "13"})
    expect(cell(grid, 1, 1)).to_have_value("-0.111")


def test_arrows_enter_and_tab_move_and_within_a_number_the_caret_moves(grid: Page) -> None:
    cell(grid, 1, 1).click()
    grid.keyboard.press("ArrowRight")
    expect(cell(grid, 1, 2)).to_be_focused()
    grid.keyboard.press("ArrowDown")
    expect(cell(grid, 2, 2)).to_be_focused()
    grid.keyboard.press("Enter")
    expect(cell(grid, 3, 2)).to_be_focused()
    grid.keyboard.press("Shift+Enter")
    grid.keyboard.press("Tab")
    expect(cell(grid, 2, 3)).to_be_focused()
    grid.keyboard.type("15")
    grid.keyboard.press("ArrowLeft")
    grid.keyboard.type("2")
    grid.keyboard.press("ArrowUp")
    expect_told(grid, {"do": "set", "row": 1, "column": 2, "text": "125"})
    expect(cell(grid, 1, 3)).to_be_focused()


def test_a_pasted_block_goes_to_python_whole(grid: Page) -> None:
    cell(grid, 2, 2).click()
    block = "1\t2\n3\t1/4\n"
    paste(grid, block)
    expect_told(grid, {"do": "fill", "row": 1, "column": 1, "text": block})
    expect(
        grid.get_by_text(f"{NINTH}], [{NINTH}, 1.0, 2.0], [{NINTH}, 3.0, 0.25]]")
    ).to_be_visible()
    expect(cell(grid, 3, 3)).to_have_value("0.25")


def test_another_kernel_replaces_every_cell(grid: Page) -> None:
    cell(grid, 1, 1).click()
    grid.keyboard.type("nothing")
    grid.get_by_role("button", name="Identity").click()
    expect(cell(grid, 1, 1)).to_have_value("0")
    expect(cell(grid, 2, 2)).to_have_value("1")
    expect(grid.locator(".kernel-grid .message")).to_be_hidden()


def test_a_large_kernel_is_small_and_is_edited_in_the_box_above(
    visit: Callable[[str], Page],
) -> None:
    page = visit("show=kernel&size=31")
    expect(page.locator(".kernel-grid .cell")).to_have_count(961)
    box = page.locator(".kernel-grid .cells").bounding_box()
    assert box
    assert box["width"] < 520
    assert box["height"] < 520
    cell(page, 5, 7).click()
    expect(page.locator(".kernel-grid .place")).to_have_text("Row 5, column 7")
    page.keyboard.type("0.5")
    expect(page.locator(".kernel-grid .edit")).to_have_value("0.5")
    page.keyboard.press("Enter")
    first = {"do": "set", "row": 4, "column": 6, "text": "0.5"}
    expect_told(page, first)
    expect(cell(page, 6, 7)).to_be_focused()
    edit = page.locator(".kernel-grid .edit")
    edit.fill("1/4")
    edit.press("Enter")
    expect_told(page, first, {"do": "set", "row": 5, "column": 6, "text": "1/4"})
    # The grid is one stop of the Tab key.
    cell(page, 6, 7).focus()
    page.keyboard.press("Tab")
    assert page.locator(".kernel-grid .cell:focus").count() == 0


def test_a_kernel_that_is_only_to_be_read_takes_no_text(visit: Callable[[str], Page]) -> None:
    page = visit("show=kernel&locked=1")
    cell(page, 1, 1).click()
    page.keyboard.type("5")
    paste(page, "1\t2")
    page.keyboard.press("Enter")
    settle(page)
    expect(page.get_by_text("Python was told 0 times")).to_be_visible()
    expect(cell(page, 1, 1)).to_have_value("-0.111")


# --- the sliding window ---------------------------------------------------------------------------


@pytest.fixture
def window(visit: Callable[[str], Page]) -> Page:
    """A sharpening window over a 6 x 6 ramp, padded by one."""
    return visit("show=window")


def expect_position(page: Page, position: int) -> None:
    expect(page.locator(".sliding-window")).to_have_attribute("data-position", str(position))


def filled(page: Page) -> int:
    return page.locator(".sliding-window .output .cell:not(.waiting)").count()


def test_it_begins_paused_at_the_first_position(window: Page) -> None:
    window.wait_for_timeout(600)
    expect_position(window, 0)
    assert filled(window) == 1
    expect(window.get_by_role("button", name="Play")).to_be_visible()
    expect(window.locator(".sliding-window .input .cell")).to_have_count(0)
    expect(window.locator(".sliding-window .tap")).to_have_count(9)
    expect(window.locator(".sliding-window .padding")).to_have_count(28)


def test_it_plays_pauses_and_ends(window: Page) -> None:
    window.get_by_role("button", name="Play").click()
    expect(window.get_by_role("button", name="Pause")).to_be_visible()
    window.get_by_label("Speed").fill("100")
    expect_position(window, 35)
    expect(window.get_by_role("button", name="Play")).to_be_visible()
    assert filled(window) == 36
    scene = window.locator(".sliding-window .scene")
    scene.focus()
    scene.press("Home")
    scene.press(" ")
    expect(window.locator(".sliding-window")).not_to_have_attribute("data-position", "0")
    scene.press(" ")
    stopped = window.locator(".sliding-window").get_attribute("data-position")
    window.wait_for_timeout(300)
    expect_position(window, int(stopped or -1))
    expect(window.get_by_text("Python was told 0 times")).to_be_visible()


def test_buttons_and_arrow_keys_step(window: Page) -> None:
    window.get_by_role("button", name="Step forward").click()
    window.get_by_role("button", name="Step forward").click()
    window.get_by_role("button", name="Step back").click()
    expect_position(window, 1)
    scene = window.locator(".sliding-window .scene")
    scene.focus()
    scene.press("ArrowDown")
    expect_position(window, 7)
    scene.press("ArrowLeft")
    expect_position(window, 6)
    assert filled(window) == 7
    window.get_by_role("button", name="Go to the start").click()
    expect_position(window, 0)
    assert filled(window) == 1


def test_a_cell_of_the_output_is_jumped_to_and_told(window: Page) -> None:
    window.locator('.output .cell[data-row="2"][data-column="3"]').click()
    expect_position(window, 15)
    first = {"do": "look", "row": 2, "column": 3}
    expect_told(window, first)
    scene = window.locator(".sliding-window .scene")
    scene.press("ArrowRight")
    scene.press("Enter")
    expect_told(window, first, {"do": "look", "row": 2, "column": 4})


def test_the_sum_is_written_out(window: Page) -> None:
    window.locator('.output .cell[data-row="0"][data-column="0"]').click()
    expect(window.locator(".sliding-window .sum")).to_have_text(
        "0 × 0 + 0 × −1 + 0 × 0 + 0 × −1 + 0 × 5 + 0.029 × −1 + 0 × 0 + 0.171 × −1 + 0.2 × 0 = −0.2"
    )
    expect(window.locator(".sliding-window .term.padded")).to_have_count(5)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("max", "max( 0, 0, 0, 0, 0, 0.029, 0, 0.171, 0.2 ) = 0.2"),
        ("mean", "( 0 + 0 + 0 + 0 + 0 + 0.029 + 0 + 0.171 + 0.2 ) ÷ 9 = 0.044"),
    ],
)
def test_a_pool_says_what_it_does(visit: Callable[[str], Page], rule: str, says: str) -> None:
    page = visit(f"show=window&rule={rule}")
    expect(page.locator(".sliding-window .sum")).to_have_text(says)


def test_stride_and_dilation_move_the_window_and_spread_its_taps(
    visit: Callable[[str], Page],
) -> None:
    page = visit("show=window&size=8&stride=3&dilation=2")
    expect(page.locator(".output .cell")).to_have_count(4)

    def taps() -> list[tuple[float, float]]:
        boxes = page.locator(".sliding-window .tap").evaluate_all(
            "all => all.map(e => { const b = e.getBoundingClientRect(); return [b.x, b.y] })"
        )
        return [(x, y) for x, y in boxes]

    first = taps()
    across = first[1][0] - first[0][0]
    page.get_by_role("button", name="Step forward").click()
    expect_position(page, 1)
    # Taps two cells apart, positions three.
    eventually(lambda: (taps()[0][0] - first[0][0]) / across == pytest.approx(1.5, abs=0.02))


def test_a_window_that_does_not_fit_says_so(visit: Callable[[str], Page]) -> None:
    page = visit("show=window&size=1&dilation=3")
    expect(page.get_by_text("The window does not fit into the input.")).to_be_visible()
    expect(page.locator(".sliding-window .scene")).to_be_hidden()


def test_without_motion_it_steps_all_the_same(new_page: Callable[..., Page], stage: Stage) -> None:
    page = new_page(reduced_motion="reduce", viewport={"width": 400, "height": 800})
    open_page(page, f"{stage.url}/?scene=show%3Dwindow%26size%3D22")
    expect_position(page, 0)
    page.get_by_role("button", name="Step forward").click()
    expect_position(page, 1)
    scene = page.locator(".sliding-window .scene").bounding_box()
    assert scene
    assert scene["x"] + scene["width"] <= 400


# --- what is no intent ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"do": "sing", "row": 0, "column": 0},
        {"do": ["pick"], "row": 0, "column": 0},
        {"do": "pick", "row": 0},
        {"do": "pick", "row": 3, "column": 0},
        {"do": "pick", "row": 0, "column": -1},
        {"do": "pick", "row": 0.0, "column": 0},
        {"do": "pick", "row": True, "column": 0},
        {"do": "pick", "row": 0, "column": 0, "also": 1},
    ],
)
def test_a_message_that_is_no_pick_is_not_handed_on(forged: dict[str, object]) -> None:
    assert not is_pick(forged, (3, 4))
    assert not is_look(forged | {"do": "look"} if forged.get("do") == "pick" else forged, (3, 4))
    assert is_pick({"do": "pick", "row": 2, "column": 3}, (3, 4))
    assert is_look({"do": "look", "row": 2, "column": 3}, (3, 4))


@pytest.mark.parametrize("text", [None, 1.0, "0" * (LONGEST + 1)])
def test_a_cell_takes_only_text_of_some_length(text: object) -> None:
    assert not is_entry({"do": "set", "row": 0, "column": 0, "text": text}, (3, 3))
    assert is_entry({"do": "fill", "row": 2, "column": 2, "text": "1\t2"}, (3, 3))


def test_numbers_that_json_does_not_know_are_carried_as_words() -> None:
    numbers = [[0.5, float("inf")], [float("-inf"), float("nan")]]
    assert json.dumps(plain(numbers), allow_nan=False) == (
        '[[0.5, "Infinity"], ["-Infinity", "NaN"]]'
    )
