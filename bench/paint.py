"""How soon a person sees something: a queue painted, a case opened beside it, in Chromium over a large city.

A warm site of its own (nginx, gunicorn) and one browser. A queue counts until its first contentful paint, a case from
the click on its row until its facts stand in the middle and are painted. The last line is one JSON object.
"""

import argparse
import asyncio
import json
import os
import shutil
import tempfile
from pathlib import Path

from bench import city
from bench.browser import percentile

QUEUES = (
    ("shouli", "/desk/"),
    ("shouli", "/desk/?tab=departments"),
    ("shouli", "/desk/?tab=done"),
    ("zhibanzhang", "/desk/?tab=file&lamp=red"),
    ("paiqian", "/dispatch/?tab=working"),
    ("huanwei", "/department/?tab=in_hand"),
)
PAINTED = """() => new Promise((resolve) => {
  const said = () => performance.getEntriesByName("first-contentful-paint")[0];
  if (said()) return resolve(said().startTime);
  new PerformanceObserver(() => said() && resolve(said().startTime)).observe({ type: "paint", buffered: true });
})"""
# From the click until the frame in which the other case stands there.
OPENED = """(place) => new Promise((resolve) => {
  const row = document.querySelectorAll("#rows > tr[data-case]")[place], began = performance.now();
  const look = () => {
    if (!document.querySelector(`#case [data-shown="${row.dataset.case}"]`)) return requestAnimationFrame(look);
    requestAnimationFrame(() => resolve(performance.now() - began));
  };
  row.click();
  look();
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--closed", type=int, default=1_000_000)
    parser.add_argument("--lean", action="store_true", help="closed cases without stints and clocks")
    parser.add_argument("--database", default=city.DATABASE)
    parser.add_argument("--times", type=int, default=12)
    said = parser.parse_args()
    city.use(open=said.open, closed=said.closed, lean=said.lean, database=said.database)

    from accounts.models import User
    from bench.browser import Seat
    from bench.live import Site

    cookies = {name: Seat(User.objects.get(username=name)).cookies for name, _path in QUEUES}
    folder = Path(tempfile.mkdtemp(prefix="city-paint-"))
    try:
        with Site(folder) as site:
            painted, opened = asyncio.run(look(site.port, cookies, said.times))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for (_who, path), paint, case in zip(QUEUES, painted, opened, strict=True):
        print(f"  {path:32} painted {percentile(paint, 0.5):5.0f} ms, 95 % {percentile(paint, 0.95):5.0f} ms; "
              f"a case {percentile(case, 0.5):5.0f} ms, 95 % {percentile(case, 0.95):5.0f} ms")  # fmt: skip
    paints, cases = [one for each in painted for one in each], [one for each in opened for one in each]
    print(json.dumps({
        "paint_p50_ms": percentile(paints, 0.5), "paint_p95_ms": percentile(paints, 0.95),
        "open_p50_ms": percentile(cases, 0.5), "open_p95_ms": percentile(cases, 0.95),
    }))  # fmt: skip


async def look(port: int, cookies: dict[str, str], times: int) -> tuple[list, list]:
    from playwright.async_api import async_playwright

    painted, opened = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or "/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for who, path in QUEUES:
            context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            await context.add_cookies([
                {"name": name, "value": value, "url": f"http://localhost:{port}"}
                for name, _, value in (one.partition("=") for one in cookies[who].split("; "))
            ])  # fmt: skip
            page = await context.new_page()
            paints, cases = [], []
            for turn in range(times + 2):
                await page.goto(f"http://localhost:{port}{path}", wait_until="load")
                paint = await page.evaluate(PAINTED)
                await page.wait_for_timeout(300)
                case = await page.evaluate(OPENED, 1 + turn)
                await page.wait_for_timeout(300)
                if turn > 1:  # the first two fill the browser's and the server's stores
                    paints.append(paint)
                    cases.append(case)
            painted.append(paints)
            opened.append(cases)
            await context.close()
        await browser.close()
    return painted, opened


if __name__ == "__main__":
    main()
