"""The page at /docs, in a real Chromium: the document of an app, shown and tried."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from backroom.rest.reference import CONTENT_SECURITY_POLICY, pages
from tests.chromium import chromium_path
from tests.rest.test_openapi import backend_at, document_of

ORIGIN = "http://localhost:8000"


class Served:
    """The page and a document, without a server: what it asks for is answered here, and noted."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.asked: list[tuple[str, str, dict[str, str], str | None]] = []
        self.noise: list[str] = []

    def answer(self, route: Route) -> None:
        request = route.request
        path = request.url.removeprefix(ORIGIN).partition("?")[0]
        if path in pages():
            kind, body = pages()[path]
            route.fulfill(body=body, headers={"content-type": kind, "content-security-policy": CONTENT_SECURITY_POLICY})
        elif path == "/openapi.json":
            route.fulfill(json=self.document)
        elif path == "/api/session":
            route.fulfill(status=401, json={"detail": "Sign in first."})
        else:
            self.asked.append((request.method, request.url.removeprefix(ORIGIN), request.headers, request.post_data))
            route.fulfill(
                json=[{"id": 1, "title": "<img src=x onerror=alert(1)>"}], headers={"server-timing": "http;dur=0.1, auth;dur=0.3, sql;dur=0.6"}
            )


@pytest.fixture
def page() -> Generator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def opened(page: Page, folder: Path, **changes: Any) -> Served:
    served = Served(json.loads(json.dumps(document_of(backend_at(folder)) | changes)))
    page.on("console", lambda message: served.noise.append(message.text) if "401" not in message.text else None)
    page.on("pageerror", lambda error: served.noise.append(str(error)))
    page.route("**/*", served.answer)
    page.goto(f"{ORIGIN}/docs")
    page.wait_for_selector("#who button")
    return served


def test_the_page_is_small_and_loads_nothing_from_elsewhere() -> None:
    sizes = {path: len(body) for path, (_, body) in pages().items()}
    assert sum(sizes.values()) < 40_000, sizes
    for path, (_, body) in pages().items():
        addresses = set(re.findall(r"https?://[\w.-]+", body.decode()))
        assert addresses <= {"http://www.w3.org", "https://example.com"}, path
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", body.decode())
    html = pages()["/docs"][1].decode()
    assert not re.search(r"<style|style=|<script>|\son\w+=", html)


def test_every_operation_opens_with_its_schemas_and_lines_to_copy(page: Page, tmp_path: Path) -> None:
    served = opened(page, tmp_path)
    count = sum(method != "parameters" for item in served.document["paths"].values() for method in item)
    assert page.locator("details.operation").count() == count
    for _ in range(6):  # each opening brings new ones to open
        page.evaluate("document.querySelectorAll('main details').forEach((each) => (each.open = true))")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    lines = page.locator("details.operation .try [aria-label=fetch]").all_inner_texts()
    assert len(lines) == count
    assert all(line.startswith("const response = await fetch(") for line in lines)
    assert served.noise == []


def test_a_request_is_sent_as_its_lines_say_and_its_reply_is_shown(page: Page, tmp_path: Path) -> None:
    served = opened(page, tmp_path)
    box = page.locator("#listTodos")
    box.locator("summary").first.click()
    box.locator(".try summary", has_text="Filters").click()
    box.locator(".try [name=done]").fill("is.false")
    box.locator(".try [name=Prefer]").fill("count=exact")
    assert 'fetch("/api/todos?done=is.false", {' in box.locator("[aria-label=fetch]").inner_text()
    assert f"curl -i '{ORIGIN}/api/todos?done=is.false'" in box.locator("[aria-label=curl]").inner_text()
    box.get_by_role("button", name="Send GET").click()
    box.locator(".status", has_text="200").wait_for()
    method, url, headers, _ = served.asked[-1]
    assert (method, url, headers["prefer"]) == ("GET", "/api/todos?done=is.false", "count=exact")
    assert box.locator(".timing th").all_inner_texts() == ["http", "auth", "sql"]
    assert "<img src=x" in box.locator(".reply pre").inner_text()
    assert page.locator("img").count() == 0
    assert served.noise == []


def test_a_pasted_token_goes_with_every_request_that_needs_somebody(page: Page, tmp_path: Path) -> None:
    served = opened(page, tmp_path)
    page.locator("#who summary").click()
    page.locator("#who [type=password]").last.fill("Bearer abc.def.ghi")
    box = page.locator("#createTodo")
    box.locator("summary").first.click()
    assert '"title": "Buy milk"' in box.locator("textarea").input_value()
    box.get_by_role("button", name="Send POST").click()
    box.locator(".status").wait_for()
    method, url, headers, body = served.asked[-1]
    assert (method, url, headers["authorization"]) == ("POST", "/api/todos", "Bearer abc.def.ghi")
    assert json.loads(body or "")["title"] == "Buy milk"


def test_search_leaves_the_operations_that_name_the_words(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path)
    page.keyboard.press("/")
    page.keyboard.type("due patch")
    visible = page.locator("details.operation:visible")
    assert [box.get_attribute("id") for box in visible.all()] == ["updateManyTodos", "updateTodo"]
    page.locator("#search").fill("no such words")
    assert "Nothing found" in page.locator("#found").inner_text()


def test_the_page_fits_a_phone_and_runs_nothing_of_the_document(page: Page, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    evil = {"title": "<script>alert(1)</script>", "version": "1", "description": "<b onclick=alert(1)>x</b> `<i>`"}
    served = opened(page, tmp_path, info=evil)
    page.locator("#listThings summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#about b, #about i, #about script").count() == 0
    assert page.locator("h1").inner_text() == evil["title"]
    assert served.noise == []
