// Lamps and time left go on by themselves; they stand still while a clock is stopped, and those of working time outside it.
//   [data-lamp], [data-left]   data-due, data-yellow: instants; data-paused: stopped
//   [data-until]               counts in working time: where the deadline lies in data-calendar, a day of data-day seconds
//   [data-work]                calendars as JSON, for a page without a queue (cases.clocks.work_spans)
// A lamp that turns red before somebody's eyes tells "clock:late" on the body.
import { left as working } from "./work_time.js";

const text = {
  zh: {
    left: (t) => `余${t}`, late: (t) => `超${t}`,
    minutes: (m) => `${m}分钟`, hours: (h, m) => `${h}小时${m}分`, days: (d, h) => `${d}天${h}小时`, workdays: (d, h) => `${d}个工作日${h}小时`,
  },
  en: {
    left: (t) => `${t} left`, late: (t) => `${t} late`,
    minutes: (m) => `${m} min`, hours: (h, m) => `${h} h ${m} min`, days: (d, h) => `${d} d ${h} h`, workdays: (d, h) => `${d} working d ${h} h`,
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

function workingSpan(seconds, day) {
  const minutes = Math.floor(seconds / 60), days = Math.floor(seconds / day);
  return days < 1 ? span(minutes * 60_000) : words.workdays(days, Math.floor((seconds % day) / 3600));
}

let calendars = {};
export function spans(known) { calendars = { ...calendars, ...known }; }

// Time left in words, of a limit that counts in working time or always.
function said(element, now) {
  const { until, calendar, day, due } = element.dataset, counted = until && calendars[calendar];
  if (until && !counted) return element.textContent; // a page that does not know the calendar leaves what the server wrote
  const rest = counted ? working(counted, Number(until), Math.floor(now / 1000)) : (Date.parse(due) - now) / 1000;
  const length = counted ? workingSpan(Math.abs(rest), Number(day)) : span(Math.abs(rest) * 1000);
  return now > Date.parse(due) ? words.late(length) : words.left(length);
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
    const turned = name === "red" && prefix === "lamp" && !element.matches(".lamp-red, .lamp-none");
    write(element, "className", `${prefix} ${prefix}-${name}`);
    if (turned) document.body.dispatchEvent(new CustomEvent("clock:late", { detail: { id: element.closest("tr")?.dataset.case } }));
    write(element, "textContent", prefix === "lamp" ? signs[name] : said(element, now));
    if (prefix === "lamp") for (const title of ["title", "ariaLabel"]) write(element, title, labels[name]);
  }
}

// What stays as it is is not drawn again.
function write(element, name, value) { if (element[name] !== value) element[name] = value; }

// What counts is the server's clock: the page says what it showed when it was made. A page taken from the browser's own
// store is an old one, and says nothing.
const [visit] = performance.getEntriesByType("navigation");
const off = visit?.type === "back_forward" ? 0 : Number(document.body.dataset.now) * 1000 - (Date.now() - performance.now());
const skew = Math.abs(off) > 5000 ? off : 0;

setInterval(() => tick(document), 10_000);
export function clocks(root) {
  for (const one of root.querySelectorAll("[data-work]")) spans(JSON.parse(one.dataset.work));
  tick(root);
}
