"""A browser, and a server of the page's files without a node behind it."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from node.dashboard import packaged_site
from node.health import Health
from node.rpc.app import RpcApp
from node.rpc.dispatch import Dispatcher
from node.rpc.server import RpcServer
from tests.browser.chromium import launch
from tests.limits import WAIT_SECONDS_MAX


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def bare_site() -> Iterator[str]:
    """The URL of a server that knows the page and answers no call."""
    app = RpcApp(
        Dispatcher({}),
        describe=lambda: {"name": "bare"},
        health=lambda: Health(),
        site=packaged_site(),
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="bare-site")
    thread.start()
    server = RpcServer(app, "127.0.0.1", 0)
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(WAIT_SECONDS_MAX)
    yield server.url
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(WAIT_SECONDS_MAX)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def page(browser: Browser, bare_site: str) -> Iterator[Page]:
    """A tab of the page, in which its modules can be imported."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(bare_site + "/")
    yield page
    context.close()
