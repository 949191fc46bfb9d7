// Lamps and time left go on by themselves and stand still while a clock is stopped.
const text = {
  zh: {
    left: (t) => `余${t}`, late: (t) => `超${t}`,
    minutes: (m) => `${m}分钟`, hours: (h, m) => `${h}小时${m}分`, days: (d, h) => `${d}天${h}小时`,
  },
  en: {
    left: (t) => `${t} left`, late: (t) => `${t} late`,
    minutes: (m) => `${m} min`, hours: (h, m) => `${h} h ${m} min`, days: (d, h) => `${d} d ${h} h`,
  },
};
const words = text[document.documentElement.lang.startsWith("en") ? "en" : "zh"];
const signs = { green: "●", yellow: "◐", red: "▲" };
const labels = words === text.en ? { green: "On time", yellow: "Nearly due", red: "Overdue" } : { green: "正常", yellow: "将到期", red: "超期" };

function span(milliseconds) {
  const minutes = Math.floor(milliseconds / 60000), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (hours < 1) return words.minutes(minutes);
  if (days < 1) return words.hours(hours, minutes % 60);
  return words.days(days, hours % 24);
}

function state(element, now) {
  const due = Date.parse(element.dataset.due), yellow = Date.parse(element.dataset.yellow); // NaN: never yellow
  if (now > due) return "red";
  return now >= yellow ? "yellow" : "green";
}

function tick(root) {
  const now = Date.now() + skew;
  for (const element of root.querySelectorAll("[data-left]:not([data-paused]), [data-lamp]:not([data-paused])")) {
    if (!element.dataset.due) continue;
    const name = state(element, now), prefix = "left" in element.dataset ? "left" : "lamp";
    element.className = `${prefix} ${prefix}-${name}`;
    if (prefix === "lamp") { element.textContent = signs[name]; element.title = labels[name]; element.ariaLabel = labels[name]; continue; }
    const rest = Date.parse(element.dataset.due) - now;
    element.textContent = rest < 0 ? words.late(span(-rest)) : words.left(span(rest));
  }
}

// What counts is the server's clock: the page says what it showed when it was made. A page taken from the browser's own
// store is an old one, and says nothing.
const [visit] = performance.getEntriesByType("navigation");
const off = visit?.type === "back_forward" ? 0 : Number(document.body.dataset.now) * 1000 - (Date.now() - performance.now());
const skew = Math.abs(off) > 5000 ? off : 0;

setInterval(() => tick(document), 10_000);
export function clocks(root) { tick(root); }
