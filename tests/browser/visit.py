"""A visit to the page that notices what must not be: errors, breaches of policy, other hosts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

ANSWER_SECONDS_MAX: Final = 120
"""Until something is seen on the page, on a machine that does much else."""

DESKTOP: Final = (1280, 900)
PHONE: Final = (360, 740)

_LOST: Final = re.compile(r"ERR_CONNECTION|ERR_EMPTY|ERR_SOCKET|WebSocket connection to .* failed")
"""What a browser says of a node that is down."""

_VIOLATIONS: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""

_OVERFLOW: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Visit:
    """One tab, and what went wrong in it."""

    page: Page
    base: str
    errors: list[str] = field(default_factory=list)
    may_lose_node: bool = False
    """While the node is stopped on purpose, that it doesn't answer is no error."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(1000 * ANSWER_SECONDS_MAX)
        self.page.add_init_script(_VIOLATIONS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        self.page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if not (self.may_lose_node and _LOST.search(message.text)):
            self.errors.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(self.base + "/"):
            self.errors.append(f"asked another host: {request.url}")

    def open(self, place: str) -> None:
        """Go to a view and wait until it is drawn."""
        self.page.goto(f"{self.base}/#/{place}")
        self.page.wait_for_selector("main h1")

    def text(self) -> str:
        """All that is to be read."""
        return self.page.inner_text("main")

    def wait_for_text(self, text: str) -> None:
        """Wait until a view says something."""
        self.page.wait_for_function(
            "text => document.querySelector('main').innerText.includes(text)", arg=text
        )

    def check(self) -> None:
        """Nothing went wrong so far."""
        violations = self.page.evaluate("window.violations")
        assert not violations, violations
        assert not self.errors, self.errors

    def overflow(self) -> int:
        """Pixels that the page is wider than its window."""
        return int(self.page.evaluate(_OVERFLOW))


@contextmanager
def visiting(
    browser: Browser, base: str, size: tuple[int, int] = DESKTOP, *, is_dark: bool = False
) -> Iterator[Visit]:
    """A fresh tab of its own profile; what went wrong fails the test in the end."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if is_dark else "light",
    )
    try:
        visit = Visit(context.new_page(), base)
        yield visit
        visit.check()
    finally:
        context.close()
