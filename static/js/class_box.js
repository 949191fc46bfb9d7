// The class box: a search field before the plain list. Code, name, pinyin initials and other names find a class.
const plain = (text) => text.toLowerCase().normalize("NFKC").replace(/[\s-]/g, "");

export default function boxes(root) {
  for (const select of root.querySelectorAll("select[data-class-box]")) if (!select.dataset.boxed) box(select);
}

function box(select) {
  select.dataset.boxed = "1";
  const english = document.documentElement.lang.startsWith("en");
  const all = [...select.querySelectorAll("option")].filter((option) => option.value).map((option) => ({
    option, group: option.parentElement, text: plain(`${option.textContent} ${option.dataset.find || ""}`),
  }));
  const search = Object.assign(document.createElement("input"), {
    type: "search", className: "class-search", autocomplete: "off",
    placeholder: english ? "Search: name, code, pinyin initials" : "搜索：名称、编码、拼音首字母",
  });
  search.setAttribute("aria-label", search.placeholder);
  search.setAttribute("aria-controls", select.id);
  select.before(search);
  search.addEventListener("input", () => narrow(select, all, plain(search.value)));
  search.addEventListener("keydown", (event) => {
    if (event.isComposing || event.key !== "Enter") return;
    event.preventDefault();
    select.focus();
  });
}

// Options are taken out and put back, not hidden: phones show hidden ones all the same.
function narrow(select, all, wanted) {
  const before = select.value;
  const found = all.filter((one) => !wanted || one.text.includes(wanted));
  for (const { option } of all) option.remove();
  for (const { option, group } of found) group.append(option);
  for (const group of new Set(all.map((one) => one.group))) group.hidden = group.tagName === "OPTGROUP" && !group.children.length;
  const kept = found.some((one) => one.option.value === before);
  const next = kept ? before : wanted && found.length ? found[0].option.value : "";
  select.value = next;
  if (next !== before) select.dispatchEvent(new Event("change", { bubbles: true }));
}
