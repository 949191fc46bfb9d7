// Time left in working time. Pure: no page, no clock of its own.
//   a calendar is { base, spans }: the working seconds before its first span, and spans [from, to] in seconds since 1970
export function position(calendar, second) {
  let total = calendar.base;
  for (const [from, to] of calendar.spans) {
    if (second <= from) break;
    total += Math.min(second, to) - from;
  }
  return total;
}

// Working seconds until a deadline that lies at `mark`; below 0 it is late. Still outside the spans.
export const left = (calendar, mark, second) => mark - position(calendar, second);
